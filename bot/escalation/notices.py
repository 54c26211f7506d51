"""Tells agents where they look anyway, in WeCom, that a customer waits for one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from bot.core.events import Bus, HandoffRequested
from bot.core.messages import Address, State
from bot.delivery import errands
from bot.words.phrases import Voice
from storage.models.agents import wecom_ids
from storage.models.conversations import Conversation
from storage.models.customers import Identity
from storage.models.desk import count_in

USEFUL = timedelta(minutes=30)
"""How long a notice is news."""
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Notices:
    """Sent by one WeCom app (`channel`, `account`) to every agent who is linked to WeCom."""

    channel: str
    account: str
    voice: Voice
    public_url: str

    def register(self, bus: Bus) -> None:
        """Follow who is handed over."""
        bus.on(HandoffRequested, self.waits)

    def waits(self, session: Session, event: HandoffRequested) -> None:
        """A conversation began to wait: say who, why, and how many there are.

        An agent who has not been told of the one before is told of both at once.
        """
        people = wecom_ids(session)
        if people:
            text = self._words(session, event)
            self._send(session, people, text)

    def _send(self, session: Session, people: Sequence[str], text: str) -> None:
        for person in people:
            place = Address(self.channel, self.account, person)
            merge = f"queue {person}"
            errands.order(session, place, "notify", {"text": text}, merge=merge, useful=USEFUL)

    def _words(self, session: Session, event: HandoffRequested) -> str:
        conversation = session.get_one(Conversation, event.conversation_id)
        identity = session.get_one(Identity, conversation.identity_id)
        name = identity.name or identity.customer(session).name
        why = f"why_{event.reason.partition(':')[0]}"
        language = self.voice.default_language
        return self.voice.say(
            "notices.waiting",
            language,
            name=name[:_LONGEST],
            why=self.voice.say(f"desk.{why}", language) if why in self.voice.names("desk") else "",
            waiting=count_in(session, State.WAITING),
            link=f"{self.public_url}/desk" if self.public_url else "",
        ).strip()
