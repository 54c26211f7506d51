"""Hands a conversation on, to a colleague or a team, with the reason for all to see."""

from dataclasses import dataclass, field

from sqlmodel import Session

from bot.core.errors import NotAllowed, NotFound
from bot.core.events import ConversationTransferred, HandoffRequested, emit
from bot.core.messages import State
from bot.delivery import outbox
from bot.escalation import agents
from bot.escalation.routing import tell
from bot.escalation.teams import Teams
from bot.words.phrases import Voice
from storage.models.agents import Agent, all_agents
from storage.models.audit import record
from storage.models.conversations import Conversation, Note

TRANSFERRED = "transferred"
"""`handoff_reason` of what waits for a team to which it was transferred."""
MAX_REASON = 500
"""Longest reason, in characters."""
_PROGRAM = "key:"


@dataclass(frozen=True, slots=True)
class Transfers:
    """What can be transferred where. The note is in the shop's language."""

    voice: Voice
    teams: Teams = field(default_factory=Teams)

    def to_agent(
        self, session: Session, conversation_id: int, agent_id: int, login: str, reason: str = ""
    ) -> Conversation:
        """Put the colleague with this login in charge.

        Raises `NotFound`, `NotAllowed` when it is resolved, theirs already or their account is
        disabled, and `AtCapacity`.
        """
        to = agents.named(session, login)
        before = agents.held(session, conversation_id)
        if before.state == State.OPEN and before.agent_id == to.id:
            raise NotAllowed(f"{to.name} 已经在处理。", f"{to.name} has it already.")
        conversation = agents.assign(session, conversation_id, agent_id, to)
        self._note(session, conversation, agent_id, to.name, reason)
        return conversation

    def to_team(
        self, session: Session, conversation_id: int, agent_id: int, team: str, reason: str = ""
    ) -> Conversation:
        """Put the conversation into a team's queue, by how long the customer has waited already.

        Raises `NotFound` for an unknown team, `NotAllowed` when it is resolved or waits there.
        """
        if not self.teams.knows(team):
            raise NotFound(f"没有名为 {team} 的团队。", f"There is no team {team}.")
        conversation = agents.held(session, conversation_id)
        if conversation.state == State.RESOLVED:
            raise NotAllowed("这个会话已经结束。", "This conversation is already resolved.")
        if conversation.state == State.WAITING and conversation.team == team:
            raise NotAllowed("已经在这个团队的队列里。", "It waits for this team already.")
        was_served = conversation.state == State.OPEN
        agents.to_queue(conversation, TRANSFERRED)
        conversation.team, conversation.skill = team, ""
        conversation.at_head, conversation.left_by = False, None
        conversation.prompt = None
        record(session, f"agent:{agent_id}", "transfer", f"conversation:{conversation_id}")
        if was_served:
            tell(session, conversation, self.voice, "replies.transferred")
        to = self.teams.called(team)
        self._note(session, conversation, agent_id, to.label if to else team, reason)
        emit(session, HandoffRequested(conversation_id, TRANSFERRED))
        return conversation

    def colleagues(self, session: Session, agent_id: int) -> list[Agent]:
        """To whom the agent can transfer."""
        return [one for one in all_agents(session) if one.active and one.id != agent_id]

    def _note(
        self, session: Session, conversation: Conversation, agent_id: int, to: str, reason: str
    ) -> None:
        voice = self.voice
        sender = session.get_one(Agent, agent_id)
        name = sender.name.removeprefix(_PROGRAM)
        key = "desk.note_transfer"
        words = voice.say(
            key, voice.default_language, name=name, to=to, reason=reason.strip()[:MAX_REASON]
        )
        assert conversation.id is not None
        session.add(Note(conversation_id=conversation.id, agent_id=agent_id, text=words.strip()))
        outbox.touch(session, conversation)
        emit(session, ConversationTransferred(conversation.id, agent_id))
