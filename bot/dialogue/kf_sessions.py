"""微信客服's sessions: who has a chat, the welcome, what did not arrive or was said elsewhere."""

from datetime import timedelta
from functools import singledispatchmethod

from sqlmodel import Session

from bot.channels.wechat.kf import (
    NEW,
    OURS,
    OVER,
    PERSON,
    QUEUE,
    Entered,
    KfEvent,
    Moved,
    NotArrived,
    Said,
)
from bot.channels.wechat.kf_sending import key_of
from bot.core.clock import now
from bot.core.events import Bus, ConversationEnded, TakenElsewhere, emit
from bot.core.messages import Address, Author, Choice, Inbound, State
from bot.delivery import errands, outbox, outcomes
from bot.delivery.errands import ErrandDone
from bot.escalation.handoff import ELSEWHERE
from bot.words.phrases import Voice
from storage.db import Database
from storage.models import kf
from storage.models.agents import agent_by_wecom
from storage.models.conversations import Conversation, latest_conversation
from storage.models.customers import Identity, find_identity, note_block, seen
from storage.models.inbound import source_of, take

SESSION_LASTS = timedelta(hours=48)


class KfSessions:
    """What Reader hands over takes effect here, each thing in one transaction, once."""

    def __init__(self, db: Database, voice: Voice) -> None:
        self._db = db
        self._voice = voice
        self.prefix = ""
        """What the ids of our messages begin with."""

    def register(self, bus: Bus) -> None:
        """Follow what becomes of the errands ordered here."""
        bus.on(ErrandDone, self.learnt)

    async def happened(self, event: KfEvent) -> None:
        """Let it take effect, once. Returns after the commit; raises `Unavailable`."""
        await self._db.transact(self._once, event)

    async def wrote(self, address: Address) -> bool:
        """The customer wrote: the session is to be ours. Returns whether we may write."""
        return await self._db.transact(self._opened, address)

    def learnt(self, session: Session, event: ErrandDone) -> None:
        """The platform said in which state a chat's session is."""
        if event.kind == "session":
            state, who = int(event.result["state"]), str(event.result["servicer"])
            if state in (QUEUE, PERSON):  # their first words may still be on their way to us
                seen(session, Inbound(event.place, ""))
            self._moved(session, Moved(event.place, "", state, who))

    # -- each in a transaction

    def _opened(self, session: Session, address: Address) -> bool:
        known = kf.find_session(session, address.account, address.chat)
        is_new = known is None or known.state == OVER or now() - known.begun_at > SESSION_LASTS
        if is_new:
            kf.note_session(session, address.account, address.chat, OVER)
            kf.note_session(session, address.account, address.chat, NEW)
            merge = f"session {address.chat}"
            errands.order(
                session, address, "session", {}, line="session", repeatable=True, merge=merge
            )
        return is_new or known is None or known.state not in (QUEUE, PERSON)

    def _once(self, session: Session, event: KfEvent) -> None:
        if take(session, source_of(event.address), event.external_id) is not None:
            self._apply(event, session)

    @singledispatchmethod
    def _apply(self, event: KfEvent, session: Session) -> None:
        raise NotImplementedError(type(event).__name__)

    @_apply.register
    def _(self, event: Entered, session: Session) -> None:
        """Welcome them, while that is still allowed."""
        left = event.until - now()
        if left <= timedelta(0):
            return
        identity = find_identity(session, event.address)
        language = (identity.language if identity else "") or self._voice.default_language
        choices = [Choice(self._say(f"{one}_button", language), one) for one in ("order", "person")]
        details = {
            "code": event.code,
            "text": self._say("welcome", language).strip(),
            "choices": [one.as_dict() for one in choices],
        }
        errands.order(
            session, event.address, "welcome", details, rank=0, line="welcome", useful=left
        )

    @_apply.register
    def _(self, event: NotArrived, session: Session) -> None:
        """A message that the platform had taken did not arrive."""
        key = key_of(event.sent_as, self.prefix)
        if key is not None:
            outcomes.bounced(session, int(key), event.address, event.reason)
        if event.is_blocked:
            note_block(session, event.address, is_blocked=True)

    @_apply.register
    def _(self, event: Said, session: Session) -> None:
        """A colleague's words in the company's client are part of the conversation."""
        conversation = self._conversation(session, event.address)
        if conversation is None:
            return
        agent = agent_by_wecom(session, event.servicer)
        outbox.keep(session, conversation, Author.AGENT, event.text, agent.id if agent else None)
        if conversation.first_response_at is None:
            conversation.first_response_at = now()
        outbox.touch(session, conversation)

    @_apply.register
    def _(self, event: Moved, session: Session) -> None:
        self._moved(session, event)

    def _moved(self, session: Session, event: Moved) -> None:
        """Somebody has the session elsewhere, and the bot falls silent; or nobody any more."""
        where = event.address
        before = kf.note_session(session, where.account, where.chat, event.state, event.servicer)
        conversation = self._conversation(session, where, fresh=event.state in (QUEUE, PERSON))
        if conversation is None:
            return
        if event.state in (QUEUE, PERSON):
            self._taken_elsewhere(session, conversation, event.servicer)
        elif before in (QUEUE, PERSON) or event.state == OURS:
            self._ended_elsewhere(session, conversation)

    def _taken_elsewhere(self, session: Session, conversation: Conversation, who: str) -> None:
        agent = agent_by_wecom(session, who) if who else None
        conversation.state = State.OPEN
        conversation.agent_id = agent.id if agent else None
        conversation.handoff_reason = ELSEWHERE
        conversation.owed_since = None
        conversation.prompt = None
        language = self._voice.default_language
        name = agent.name if agent else who
        text = self._voice.say("kf.taken_elsewhere", language, name=name)
        outbox.keep(session, conversation, Author.SYSTEM, text)
        outbox.touch(session, conversation)
        emit(session, TakenElsewhere(conversation.id or 0))

    def _ended_elsewhere(self, session: Session, conversation: Conversation) -> None:
        """What waited to be said meanwhile was for the person who had it."""
        if conversation.state != State.OPEN or conversation.handoff_reason != ELSEWHERE:
            return
        identity = session.get_one(Identity, conversation.identity_id)
        outcomes.give_up_held(session, identity.address, "answered in WeCom")
        text = self._voice.say("kf.ended_elsewhere", self._voice.default_language)
        outbox.keep(session, conversation, Author.SYSTEM, text)
        conversation.state = State.RESOLVED
        conversation.resolved_at = now()
        outbox.touch(session, conversation)
        emit(session, ConversationEnded(conversation.id or 0))

    def _conversation(
        self, session: Session, address: Address, *, fresh: bool = False
    ) -> Conversation | None:
        """The chat's conversation; with `fresh` a new one where the last is resolved."""
        identity = find_identity(session, address, lock=True)
        if identity is None or identity.id is None:
            return None
        if fresh:
            return outbox.conversation_for(session, identity)
        return latest_conversation(session, identity.id)

    def _say(self, key: str, language: str) -> str:
        return self._voice.say(f"replies.{key}", language)
