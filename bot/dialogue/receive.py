"""A customer's message takes effect: stored, answered by a skill, all in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlmodel import Session

from bot.answering.understanding import Understanding
from bot.channels.base import Policy
from bot.core.clock import now
from bot.core.events import CustomerAsked, emit
from bot.core.messages import Address, Author, Choice, Inbound, Purpose, State, numbers
from bot.core.text import is_simplified, normalise
from bot.delivery import outbox, quota
from bot.dialogue import arrivals
from bot.dialogue.alarms import alarm_in
from bot.dialogue.calling import asks_for_person
from bot.dialogue.nods import needs_no_answer
from bot.dialogue.pieces import PATIENCE
from bot.dialogue.places import chosen
from bot.dialogue.quarantine import quarantine
from bot.dialogue.skills import Skill
from bot.dialogue.skills.more import MORE
from bot.dialogue.tongue import tells_no_language
from bot.dialogue.turn import House, Turn
from bot.dialogue.wanting import CONSENT
from bot.feedback import survey
from storage import live
from storage.models.conversations import (
    Conversation,
    Written,
    fragments_of,
    judge,
    last_offered,
    latest_conversation,
    write,
    written,
)
from storage.models.customers import Customer, find_identity
from storage.models.inbound import Found, find, keep_receipt


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an inbound message: its `seq`, and whether it was a repetition.

    `outcome` names the skill that answered. `waiting` is the text that seemed unfinished and
    waits for the rest, empty when there is none. `is_stale`: a button of no, or no more, effect.
    """

    seq: int
    repeated: bool
    outcome: str = ""
    waiting: str = ""
    is_stale: bool = False


_FREE = Policy()
"""Of accounts that may send as they like."""


@dataclass(frozen=True, slots=True)
class Reception:
    """`receive` with the house and the skills it works with, and what each account may send."""

    house: House
    skills: tuple[Skill, ...]
    policies: Mapping[tuple[str, str], Policy] = field(default_factory=dict)

    def receive(
        self,
        session: Session,
        inbound: Inbound,
        understanding: Understanding,
        joined: Understanding | None = None,
        failed: str = "",
    ) -> Received:
        """Store `inbound` and let the first skill that has something to say answer it.

        `joined` understands the fragments that wait together with this message; it counts
        unless the message is clear by itself. A delivery that was taken before (same channel
        account and external id) has no second effect and returns the first one's seq.
        `failed` names the error that the skills keep making here: then they are not asked.
        """
        found = find(session, inbound)
        if found.first:
            return Received(found.first, repeated=True)
        self._open_window(session, inbound)
        early = arrivals.settled(session, inbound, found)
        if early is not None:
            waiting = _waiting(session, found.conversation)
            return Received(early.message_id, False, early.outcome, waiting, early.is_stale)
        inbound = arrivals.pressed(session, inbound, found)
        failed = failed or understanding.failed
        if failed and found.conversation and found.conversation.state == State.RESOLVED:
            found = replace(found, conversation=None)
        turn = self._open(session, inbound, understanding, found)
        keep_receipt(session, inbound, turn.message.id)
        if inbound.likes is None:  # a sign leaves alone what waits for its rest
            _join(turn, joined)
        outcome = quarantine(turn, failed) if failed else self._answer(turn)
        waiting = _text(fragments_of(session, turn.conversation))
        news = written(session, turn.conversation.identity_id, found.newest)
        live.tell(session, live.chat(inbound.address), news)
        return Received(turn.message.id, repeated=False, outcome=outcome, waiting=waiting)

    def settle(
        self, session: Session, address: Address, understanding: Understanding, failed: str = ""
    ) -> bool:
        """Answer the fragments that waited long enough; `understanding` is of all of them.

        `failed` as in `receive`. Returns whether a later fragment prolonged the waiting: then
        ask again.
        """
        identity = find_identity(session, address, lock=True)
        assert identity is not None
        assert identity.id is not None
        conversation = latest_conversation(session, identity.id)
        if conversation is None or conversation.fragments_due is None:
            return False
        left = conversation.fragments_due - now()
        if timedelta(0) < left <= PATIENCE:  # more than that is left when the clock was set back
            return True
        messages = fragments_of(session, conversation)
        customer = session.get(Customer, identity.customer_id)
        assert customer is not None
        inbound = Inbound(address, "", text=_text(messages))
        turn = Turn(
            session,
            self.house,
            inbound,
            understanding,
            identity,
            customer,
            conversation,
            messages[-1],
            joined=tuple(conversation.fragments[:-1]),
            is_complete=True,
            replies_only=self._policy(address).replies_only,
        )
        _no_fragments(conversation)
        failed = failed or understanding.failed
        if failed:
            quarantine(turn, failed)
        else:
            self._answer(turn)
        return False

    def _open_window(self, session: Session, inbound: Inbound) -> None:
        opens, policy = inbound.opens, self._policy(inbound.address)
        if opens is not None and opens.window in policy.windows:
            quota.open_window(session, inbound.address, policy, opens.window, opens.at)

    def _policy(self, address: Address) -> Policy:
        return self.policies.get((address.channel, address.account), _FREE)

    def _open(
        self, session: Session, inbound: Inbound, understanding: Understanding, found: Found
    ) -> Turn:
        identity, customer = found.identity, found.customer
        conversation = self._conversation(session, found, inbound, understanding)
        assert conversation.id is not None
        inbound = _pressed(session, conversation, inbound)
        is_known = bool(conversation.language)
        if tells_no_language(understanding.normalised, is_known=is_known):
            understanding = replace(understanding, language=None)
        message = Written(
            conversation_id=conversation.id,
            identity_id=conversation.identity_id,
            author=Author.CUSTOMER,
            purpose=Purpose.ANSWER,
            text=_shown_text(session, conversation, inbound),
            created_at=inbound.at,
            origin=inbound.origin,
            **arrivals.context(session, inbound, identity, conversation),
        )
        write(session, message)
        arrivals.keep_attachments(session, inbound, message)
        turn = Turn(
            session, self.house, inbound, understanding, identity, customer, conversation, message,
            replies_only=self._policy(inbound.address).replies_only,
        )  # fmt: skip
        conversation.language = identity.language = turn.language
        if understanding.traditional or is_simplified(inbound.text):
            identity.traditional = understanding.traditional
        outbox.touch(session, conversation)
        _tell_people(turn)
        return turn

    def _conversation(
        self, session: Session, found: Found, inbound: Inbound, understanding: Understanding
    ) -> Conversation:
        """The conversation that the message belongs to.

        After a resolve only an answer to the rating question still belongs to the old one, the
        wish for the rest of what was said there, and whether offers are wanted.
        """
        latest = found.conversation
        if latest is not None and (latest.state != State.RESOLVED or _goes_on(inbound)):
            return latest
        prompt = (latest.prompt if latest else None) or {}
        if (
            latest is not None
            and prompt.get("skill") == survey.PROMPT
            and survey.expects(prompt, inbound, is_question=self._is_question(understanding))
        ):
            return latest
        return outbox.conversation_for(session, found.identity, fresh=True)

    def _is_question(self, understanding: Understanding) -> bool:
        """Whether the message clearly asks for something, small talk aside."""
        words = understanding.normalised
        if asks_for_person(words) or alarm_in(words):
            return True
        if understanding.decision != "answer":
            return False
        entry = self.house.entries.entry(understanding.candidates[0].entry_id, "zh")
        return entry is not None and not entry.is_smalltalk

    def _answer(self, turn: Turn) -> str:
        was_bots = turn.conversation.state == State.BOT
        for skill in self.skills:
            verdict = skill.reply(turn)
            if verdict is not None:
                joined = {"joined": list(turn.joined)} if turn.joined else {}
                is_brought = was_bots and turn.conversation.state == State.WAITING
                brought = {"brought": turn.conversation.handoff_reason} if is_brought else {}
                told = {"skill": skill.name, "outcome": verdict.outcome, **verdict.details}
                judge(turn.session, turn.message, told | joined | brought)
                return skill.name
        return ""


def _goes_on(inbound: Inbound) -> bool:
    """Whether a button was pressed that belongs to the conversation in which it was shown."""
    choice = inbound.choice or ""
    return choice == MORE or choice.startswith(CONSENT)


def waiting_text(session: Session, address: Address) -> str:
    """The fragments that wait in a chat, as one text; empty when none wait."""
    identity = find_identity(session, address)
    if identity is None or identity.id is None:
        return ""
    return _waiting(session, latest_conversation(session, identity.id))


def _waiting(session: Session, conversation: Conversation | None) -> str:
    return _text(fragments_of(session, conversation)) if conversation else ""


def _join(turn: Turn, joined: Understanding | None) -> None:
    """Understand the message together with the fragments before it, unless it is clear alone."""
    fragments = tuple(turn.conversation.fragments)
    messages = fragments_of(turn.session, turn.conversation)
    _no_fragments(turn.conversation)
    if not fragments or joined is None or turn.choice is not None:
        return
    turn.joined = fragments
    if turn.understanding.decision != "answer":
        turn.understanding = joined
        turn.inbound = replace(turn.inbound, text=_text([*messages, turn.message]))


def _tell_people(turn: Turn) -> None:
    """Whoever is to answer in the bot's stead hears that there is something to answer."""
    conversation = turn.conversation
    is_theirs = conversation.state in (State.WAITING, State.OPEN) and not turn.customer.blocked
    if is_theirs and not needs_no_answer(turn.understanding.normalised):
        assert conversation.id is not None
        emit(turn.session, CustomerAsked(conversation.id))


def _no_fragments(conversation: Conversation) -> None:
    conversation.fragments = []
    conversation.fragments_due = None


def _text(messages: Sequence[Written]) -> str:
    return " ".join(message.text for message in messages)


def _pressed(session: Session, conversation: Conversation, inbound: Inbound) -> Inbound:
    """`inbound` with the choice that its text names: by its label or, after a question, its place.

    Not every channel has buttons, and not everybody who has them presses them.
    """
    if inbound.choice is not None or conversation.id is None:
        return inbound
    typed = normalise(inbound.text)
    offered = [Choice(**one) for one in last_offered(session, conversation.id)]
    labels = {normalise(one.label): one.value for one in offered if not one.is_key}
    by_place = chosen(typed, (conversation.prompt or {}).get("values", []))
    by_number = numbers(list(labels.values())).get(typed) if inbound.numbered else None
    return replace(inbound, choice=by_place or labels.get(typed) or by_number)


def _shown_text(session: Session, conversation: Conversation, inbound: Inbound) -> str:
    """A pressed button shows as its label."""
    if inbound.text or inbound.choice is None or conversation.id is None:
        return inbound.text
    offered = last_offered(session, conversation.id)
    label = next((one["label"] for one in offered if one["value"] == inbound.choice), None)
    return label or inbound.choice
