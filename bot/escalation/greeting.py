"""Tells the customer once who has joined when a person takes charge."""

from sqlmodel import Session

from bot.core.events import Bus, ConversationTaken
from bot.core.messages import Author, Purpose
from bot.core.text import to_traditional
from bot.delivery import outbox
from bot.words.phrases import Voice
from storage.models.agents import Agent
from storage.models.conversations import Conversation, last_greeting
from storage.models.customers import Identity


def register(bus: Bus, voice: Voice) -> None:
    """Say who has come whenever an agent takes a conversation, unless they came before."""

    def greet(session: Session, event: ConversationTaken) -> None:
        last = last_greeting(session, event.conversation_id)
        if last is not None and last.agent_id == event.agent_id:
            return
        conversation = session.get_one(Conversation, event.conversation_id)
        outbox.post(
            session,
            conversation,
            _words(session, conversation, session.get_one(Agent, event.agent_id), voice),
            author=Author.SYSTEM,
            purpose=Purpose.AGENT,
            agent_id=event.agent_id,
        )

    bus.on(ConversationTaken, greet)


def _words(session: Session, conversation: Conversation, agent: Agent, voice: Voice) -> str:
    name = "" if agent.is_program else agent.name  # a key's name means nothing to customers
    language = conversation.language or voice.default_language
    words = voice.say("replies.joined", language, name=name)
    identity = session.get_one(Identity, conversation.identity_id)
    return to_traditional(words) if identity.traditional else words
