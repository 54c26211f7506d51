"""What helps an agent to answer: ready answers, and what the FAQ says to the question."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from sqlmodel import Session

from bot.answering.answerer import Answerer
from bot.core.messages import Author
from bot.core.roles import Right
from bot.desk.passes import Pass, Passes
from bot.desk.rights import BareRoute, login_of, require, seen
from bot.escalation import canned
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.desk import newest_messages
from storage.models.gaps import whole_text

SHOWN = 3
"""How many entries are suggested."""
LIKELY = 0.25
"""Least score (0–1) of an entry that is suggested after the first."""
_LOOK_BACK = 20
_FRESH = {"Cache-Control": "no-store"}

Number = Annotated[int, Query(alias="c", ge=0, lt=1 << 62)]


def hints(
    db: Database,
    voice: Voice,
    answerer: Answerer,
    passes: Passes,
    *,
    own_teams_only: bool = False,
) -> APIRouter:
    """`GET /desk/canned?c=` and `GET /desk/suggest?c=`, for agents who may answer there."""
    router = APIRouter(include_in_schema=False, route_class=BareRoute)

    def replies(session: Session, login: Pass, number: int) -> list[dict[str, Any]]:
        agent = require(session, login, Right.SERVE)
        conversation = seen(session, agent, number, own_only=own_teams_only)
        return [asdict(one) for one in canned.ready(session, voice, conversation, agent)]

    def question(session: Session, login: Pass, number: int) -> tuple[str, str]:
        agent = require(session, login, Right.SERVE)
        conversation = seen(session, agent, number, own_only=own_teams_only)
        return _asked(session, number), conversation.language or voice.default_language

    @router.get("/desk/canned")
    async def list_replies(request: Request, number: Number = 0) -> JSONResponse:
        found = await db.read(replies, login_of(request, passes), number)
        return JSONResponse({"replies": found}, headers=_FRESH)

    @router.get("/desk/suggest")
    async def suggest(request: Request, number: Number = 0) -> JSONResponse:
        text, language = await db.read(question, login_of(request, passes), number)
        found = await _suggested(answerer, voice, text, language) if text else []
        return JSONResponse({"suggestions": found}, headers=_FRESH)

    return router


def _asked(session: Session, number: int) -> str:
    """What the customer asked last; empty when a person has answered since."""
    for message in reversed(newest_messages(session, number, _LOOK_BACK)):
        if message.author == Author.AGENT:
            return ""
        is_question = (message.verdict or {}).get("skill") not in ("person", "survey")
        if message.author == Author.CUSTOMER and is_question:
            return whole_text(session, message)
    return ""


async def _suggested(
    answerer: Answerer, voice: Voice, text: str, language: str
) -> list[dict[str, str]]:
    """The entries that may answer, the likeliest first; none where the engine has no idea."""
    understanding = await answerer.understand(text)
    if understanding.decision == "human":
        return []
    found = []
    for place, candidate in enumerate(understanding.candidates[:SHOWN]):
        entry = answerer.entry(candidate.entry_id, language)
        if entry is None or entry.needs or entry.is_smalltalk or entry.person == "bring":
            continue
        if place == 0 or candidate.score >= LIKELY:
            words = voice.words.render(entry.answer, entry.language)
            found.append({"entry": entry.id, "title": entry.title, "text": words})
    return found
