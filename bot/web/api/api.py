"""What the parts of the agents' API share: who calls, and that it is written down who it was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from fastapi import APIRouter, Depends
from sqlmodel import Session

from bot.config import ApiKey, Scope
from bot.core.errors import NotFound
from bot.escalation.sent_files import SentFiles
from bot.escalation.transfers import Transfers
from bot.web import problems
from bot.web.keys import Bearer, key_for
from bot.web.problem_route import ProblemRoute
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.agents import PROGRAM, Agent, agent_by_login
from storage.models.audit import Look, Origin, acting
from storage.models.conversations import Conversation
from storage.models.upsert import insert_or_ignore
from storage.trail import Trail

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Api:
    """What the routes need. `trail` is told who looked at what."""

    db: Database
    keys: Sequence[ApiKey]
    files: SentFiles
    transfers: Transfers
    trail: Trail

    @property
    def voice(self) -> Voice:
        """The shop's words."""
        return self.transfers.voice

    def caller(self, scope: Scope) -> Any:
        """The type of a route's parameter that gets the name of the caller's key, which has to
        have the scope."""
        check = key_for(self.keys, scope)

        def caller(bearer: Bearer) -> str:
            return check(bearer).name

        return Annotated[str, Depends(caller)]

    def looked(self, caller: str, action: str, subject: str) -> None:
        """The caller saw something."""
        self.trail.looked(Look(f"key:{caller}", action, subject, Origin.API))

    def saw(self, caller: str, conversation_id: int) -> None:
        """The caller saw what is in a conversation, or whose it is."""
        self.looked(caller, "look", f"conversation:{conversation_id}")


def router_of(path: str) -> APIRouter:
    """A router below `/api/v1/` that answers every expected error as documented."""
    return APIRouter(
        prefix=f"/api/v1/{path}",
        tags=["agents"],
        route_class=ProblemRoute,
        responses=problems.documented(
            _401="No key, or an unknown one.",
            _403="The key lacks the scope that the call needs; `detail` names it.",
            _404="There is no such thing.",
            _409="Not now: somebody else has it, it is resolved or not linked, or one is busy.",
            _422="Not as documented; `errors` names each field.",
            _503="The database cannot serve just now: try again after `Retry-After`.",
        ),
    )


def agent_for_key(session: Session, name: str) -> Agent:
    """Who acts when the API key `name` does; made on first use, and never able to log in."""
    insert_or_ignore(session, _unknown(name))
    agent = agent_by_login(session, _login(name))
    assert agent is not None
    return agent


def agent_seen_as(session: Session, name: str) -> Agent:
    """Who acts when the API key `name` does, where nothing may be written."""
    return agent_by_login(session, _login(name)) or _unknown(name)


def as_key(session: Session, key: str) -> int:
    """The agent who acts for the key; that it was the key is written down with what it does."""
    agent = agent_for_key(session, key)
    assert agent.id is not None
    acting(session, Origin.API, f"key:{key}")
    return agent.id


def do(
    session: Session,
    key: str,
    deed: Callable[Concatenate[Session, int, int, P], T],
    conversation_id: int,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Let the key's agent do something to a conversation."""
    return deed(session, conversation_id, as_key(session, key), *args, **kwargs)


def known(session: Session, conversation_id: int) -> Conversation:
    """The conversation. Raises `NotFound`."""
    found = session.get(Conversation, conversation_id)
    if found is None:
        raise NotFound("没有这个会话。", "There is no such conversation.")
    return found


def _login(name: str) -> str:
    return PROGRAM + name


def _unknown(name: str) -> Agent:
    # "!" is no password's hash.
    return Agent(login=_login(name), name=name, password_hash="!", active=False, capacity=None)  # noqa: S106
