"""Gives waiting customers to agents, and takes them back from agents who do not answer."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.core.clock import now
from bot.core.events import (
    Bus,
    CustomerAsked,
    HandoffRequested,
    SlaBreached,
    emit,
)
from bot.core.messages import Author, Purpose, State
from bot.core.text import to_traditional
from bot.delivery import outbox
from bot.escalation import agents
from bot.escalation.choosing import Hand, Wish, choose, plan
from bot.escalation.handoff import ELSEWHERE
from bot.escalation.sla import ANSWERS
from bot.escalation.teams import Teams
from bot.words.phrases import Voice
from storage.models.agents import GONE_AFTER, Agent
from storage.models.audit import record
from storage.models.conversations import (
    Conversation,
    Note,
    conversations_in,
    locked_conversation,
)
from storage.models.customers import Customer, Identity
from storage.models.routing import (
    Owed,
    last_agents,
    open_counts,
    owed_answers,
    present_agents,
    teams_by_agent,
)

LOOK = 500
"""How many of the longest waiting are looked at."""
AT_ONCE = 5
"""How many open conversations somebody without a capacity of their own is given at most."""
_ROUTER = "router"

Entry = tuple[Conversation, Identity, Customer]


@dataclass(frozen=True, slots=True)
class Routing:
    """The shop's way of giving customers to agents.

    `automatic` gives whoever waits to an agent at work; else agents take by hand. Who owes an
    answer for `patience` minutes of the team's working time, or owes one and leaves, loses the
    customer to a colleague; never where it is None. With `breach_moves` so does who breaks a
    promised time.
    `memory` is how long a customer is given to who served them.
    """

    voice: Voice
    teams: Teams = field(default_factory=Teams)
    automatic: bool = False
    patience: int | None = None
    breach_moves: bool = False
    memory: timedelta = timedelta(days=30)

    def register(self, bus: Bus) -> None:
        """Follow who owes an answer, and which promises are broken."""
        bus.on(CustomerAsked, self.asked)
        if self.breach_moves:
            bus.on(SlaBreached, self.broken)

    def asked(self, session: Session, event: CustomerAsked) -> None:
        """From the first message that is not answered on, whoever is in charge owes an answer."""
        conversation = session.get_one(Conversation, event.conversation_id)
        is_ours = conversation.agent_id is not None and conversation.handoff_reason != ELSEWHERE
        if conversation.state == State.OPEN and is_ours and conversation.owed_since is None:
            conversation.owed_since = now()
            session.add(conversation)

    def broken(self, session: Session, event: SlaBreached) -> None:
        """A promised answer is overdue: somebody else is to give it."""
        if event.kind in ANSWERS:
            self.give_back(session, event.conversation_id, "late")

    # -- each the work of one transaction

    def wanted(self, session: Session, at: datetime) -> list[int]:
        """The waiting conversations that somebody at work can be given, in the queue's order."""
        if not self.automatic:
            return []
        hands = _hands(session, present_agents(session, at - GONE_AFTER))
        if not any(one.has_room for one in hands):
            return []
        entries = conversations_in(session, [State.WAITING], LOOK)
        return [one for one, _ in plan(self._wishes(session, entries, at), hands)]

    def give(self, session: Session, conversation_id: int, at: datetime) -> bool:
        """Give a waiting conversation to whoever suits best, if anybody can take it now.

        The chat is held first, then the agents at work by id, as everywhere.
        """
        conversation = locked_conversation(session, conversation_id)
        if conversation is None or conversation.state != State.WAITING:
            return False
        hands = _hands(session, present_agents(session, at - GONE_AFTER, lock=True))
        identity = session.get_one(Identity, conversation.identity_id)
        entry = (conversation, identity, identity.customer(session))
        chosen = choose(self._wishes(session, [entry], at)[0], hands)
        if chosen is not None:
            agents.put_in_charge(session, conversation, chosen.id, "assigned")
        return chosen is not None

    def silent(self, session: Session, at: datetime) -> list[tuple[int, str]]:
        """The conversations whose agents lose them, and why: `silent` or `left`."""
        if self.patience is None:
            return []
        found = []
        for one in owed_answers(session, at - GONE_AFTER):
            if one.has_left:
                found.append((one.id, "left"))
            elif self._is_over(one, at):
                found.append((one.id, "silent"))
        return found

    def give_back(self, session: Session, conversation_id: int, why: str) -> bool:
        """Put a customer to whom an answer is owed at the head of the queue, for somebody else.

        `why` is `silent`, `left` or `late`. The customer is told the first time, and agents see a
        note. False where nobody owes an answer any more.
        """
        conversation = locked_conversation(session, conversation_id)
        if conversation is None or not _is_owed(conversation):
            return False
        owner = session.get_one(Agent, conversation.agent_id)
        agents.to_queue(conversation, "released")
        conversation.at_head, conversation.left_by = True, owner.id
        conversation.returns += 1
        self._note(session, conversation, why, owner)
        if conversation.returns == 1:
            self._tell(session, conversation)
        outbox.touch(session, conversation)
        record(session, _ROUTER, why, f"conversation:{conversation_id}")
        emit(session, HandoffRequested(conversation_id, conversation.handoff_reason))
        return True

    # -- parts

    def _wishes(self, session: Session, entries: list[Entry], at: datetime) -> list[Wish]:
        customers = {identity.customer_id for _, identity, _ in entries}
        known = last_agents(session, customers, at - self.memory)
        return [
            Wish(
                one.id or 0,
                one.team,
                one.language,
                one.skill,
                known.get(identity.customer_id),
                one.left_by,
            )
            for one, identity, _ in entries
        ]

    def _is_over(self, owed: Owed, at: datetime) -> bool:
        team = self.teams.called(owed.team)
        span = team.hours.working_time_between(owed.since, at) if team else at - owed.since
        return self.patience is not None and span >= timedelta(minutes=self.patience)

    def _note(self, session: Session, conversation: Conversation, why: str, owner: Agent) -> None:
        voice = self.voice
        words = voice.say(
            f"desk.note_{why}", voice.default_language, name=owner.name, minutes=self.patience or 0
        )
        assert conversation.id is not None
        session.add(Note(conversation_id=conversation.id, text=words.strip()))

    def _tell(self, session: Session, conversation: Conversation) -> None:
        tell(session, conversation, self.voice, "replies.reassigned")


def tell(session: Session, conversation: Conversation, voice: Voice, key: str) -> None:
    """Say to the customer who is with whom; `key` names the phrase."""
    words = voice.say(key, conversation.language or voice.default_language)
    identity = session.get_one(Identity, conversation.identity_id)
    outbox.post(
        session,
        conversation,
        to_traditional(words) if identity.traditional else words,
        author=Author.SYSTEM,
        purpose=Purpose.AGENT,
    )


def _is_owed(conversation: Conversation) -> bool:
    has_owner = conversation.state == State.OPEN and conversation.agent_id is not None
    return has_owner and conversation.owed_since is not None


def _hands(session: Session, people: list[Agent]) -> list[Hand]:
    """The agents with what they have to do, as values."""
    teams = teams_by_agent(session)
    loads = open_counts(session, [one.id for one in people if one.id is not None])
    return [
        Hand(
            one.id,
            loads[one.id],
            one.capacity or AT_ONCE,
            teams.get(one.id, frozenset()),
            frozenset(one.languages),
            frozenset(one.skills),
            one.assigned_at,
        )
        for one in people
        if one.id is not None
    ]
