"""The agents' API: internal notes."""

from typing import Any

from fastapi import APIRouter
from sqlmodel import Session

from bot.escalation import agents
from bot.web.api.api import Api, do, known, router_of
from bot.web.api.kinds import Id, Words
from bot.web.api.views import Notes, NoteView, note_view
from storage.models.conversations import notes_of
from storage.models.desk import agent_names


def routes(api: Api, read: Any, write: Any) -> APIRouter:
    """`/api/v1/conversations/{id}/notes`"""
    router = router_of("conversations/{conversation_id}/notes")

    @router.get("", summary="Read internal notes")
    async def list_notes(caller: read, conversation_id: Id) -> Notes:
        found = await api.db.read(_notes, conversation_id)
        api.saw(caller, conversation_id)
        return found

    @router.post("", status_code=201, summary="Write an internal note")
    async def note(caller: write, conversation_id: Id, words: Words) -> NoteView:
        """Colleagues see it at the desk; the customer never does."""
        return await api.db.transact(_note, caller, conversation_id, words.text)

    return router


def _notes(session: Session, conversation_id: int) -> Notes:
    known(session, conversation_id)
    names = agent_names(session)
    return Notes(notes=[note_view(names, one) for one in notes_of(session, conversation_id)])


def _note(session: Session, key: str, conversation_id: int, text: str) -> NoteView:
    note = do(session, key, agents.note, conversation_id, text)
    return note_view(agent_names(session), note)
