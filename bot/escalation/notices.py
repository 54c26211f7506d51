"""Tells agents where they look anyway, in WeCom, who waits for them and which promise is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from bot.core.events import Bus, HandoffRequested, SlaBreached, SlaWarning
from bot.core.messages import Address, State
from bot.delivery import errands
from bot.words.dates import moment_text
from bot.words.phrases import Voice
from storage.models.agents import Agent, wecom_ids
from storage.models.conversations import Conversation
from storage.models.customers import Identity
from storage.models.desk import count_in
from storage.models.sla import running

USEFUL = timedelta(minutes=30)
"""How long a notice is news."""
GATHERED = timedelta(seconds=3)
"""How long a notice of what is due waits for others: many become due in the same minute."""
NAMED = 10
"""How many conversations one notice names at most: so it stays short of what WeCom cuts off."""
_LONGEST = 40

Alert = tuple[int, str, str]
"""A conversation, the kind of its promise, and the line that tells how far it is."""


@dataclass(frozen=True, slots=True)
class Notices:
    """Sent by one WeCom app (`channel`, `account`) to agents who are linked to WeCom."""

    channel: str
    account: str
    voice: Voice
    public_url: str

    def register(self, bus: Bus) -> None:
        """Follow who is handed over, and what was promised."""
        bus.on(HandoffRequested, self.waits)
        bus.on(SlaWarning, self.due)
        bus.on(SlaBreached, self.due)

    def waits(self, session: Session, event: HandoffRequested) -> None:
        """A conversation began to wait: say to all who, why, and how many there are.

        An agent who has not been told of the one before is told of both at once.
        """
        people = wecom_ids(session)
        if people:
            text = self._words(session, event)
            for person in people:
                self._send(session, person, "queue", {"text": text})

    def due(self, session: Session, event: SlaWarning | SlaBreached) -> None:
        """A promised time is nearly up, or is: tell who is in charge, or everybody.

        What an agent has not been told yet becomes one notice with this. What was answered in the
        moment in which it was found to be late needs nobody.
        """
        if any(one.kind == event.kind for one in running(session, event.conversation_id)):
            alert = (event.conversation_id, event.kind, self._line(session, event))
            for person in _in_charge(session, event.conversation_id):
                self._add(session, person, alert)

    def _add(self, session: Session, person: str, alert: Alert) -> None:
        found = errands.waiting(session, self._place(person), _merge("due", person)) or {}
        alerts = [*_without(found.get("alerts", ()), alert), alert]
        details = {"alerts": alerts, "text": self._summary(alerts)}
        self._send(session, person, "due", details, GATHERED)

    def _send(
        self,
        session: Session,
        person: str,
        about: str,
        details: Mapping[str, Any],
        delay: timedelta = timedelta(0),
    ) -> None:
        place, merge = self._place(person), _merge(about, person)
        errands.order(session, place, "notify", details, merge=merge, useful=USEFUL, delay=delay)

    def _place(self, person: str) -> Address:
        return Address(self.channel, self.account, person)

    def _summary(self, alerts: Sequence[Alert]) -> str:
        only = alerts[0][0] if len({number for number, _, _ in alerts}) == 1 else 0
        return self._say(
            "due_all",
            lines="\n".join(line for _, _, line in alerts[:NAMED]),
            more=max(0, len(alerts) - NAMED),
            link=self._link(f"?c={only}" if only else ""),
        )

    def _line(self, session: Session, event: SlaWarning | SlaBreached) -> str:
        zone, language = self.voice.words.shop.zone, self.voice.default_language
        return self._say(
            "late" if isinstance(event, SlaBreached) else "due",
            name=_name(session, event.conversation_id),
            what=self._say(f"promise_{event.kind}"),
            until=moment_text(event.due_at, zone, language),
        )

    def _words(self, session: Session, event: HandoffRequested) -> str:
        why = f"why_{event.reason.partition(':')[0]}"
        is_known = why in self.voice.names("desk")
        return self._say(
            "waiting",
            name=_name(session, event.conversation_id),
            why=self.voice.say(f"desk.{why}", self.voice.default_language) if is_known else "",
            waiting=count_in(session, State.WAITING),
            link=self._link(),
        )

    def _say(self, key: str, **values: Any) -> str:
        return self.voice.say(f"notices.{key}", self.voice.default_language, **values).strip()

    def _link(self, where: str = "") -> str:
        return f"{self.public_url}/desk{where}" if self.public_url else ""


def _in_charge(session: Session, conversation_id: int) -> list[str]:
    """The agent's WeCom id whose conversation it is; everybody's where it is nobody's, or of
    somebody who cannot be told."""
    people = wecom_ids(session)
    conversation = session.get_one(Conversation, conversation_id)
    agent = session.get(Agent, conversation.agent_id) if conversation.agent_id else None
    is_told = agent is not None and agent.wecom_id in people
    return [agent.wecom_id] if is_told and agent and agent.wecom_id else people


def _without(alerts: Sequence[Sequence[Any]], newer: Alert) -> list[Alert]:
    """What `newer` does not take the place of: a breach says all that its warning said."""
    kept = [(int(number), str(kind), str(line)) for number, kind, line in alerts]
    return [one for one in kept if one[:2] != newer[:2]]


def _merge(about: str, person: str) -> str:
    return f"{about} {person}"


def _name(session: Session, conversation_id: int) -> str:
    conversation = session.get_one(Conversation, conversation_id)
    identity = session.get_one(Identity, conversation.identity_id)
    return (identity.name or identity.customer(session).name)[:_LONGEST]
