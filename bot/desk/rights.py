"""Asks at every look and every deed who it is, and whether they may."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlmodel import Session

from bot.core.errors import NotAllowed, NotFound, Unavailable, XiaoerError
from bot.core.roles import Right, may
from bot.desk.accounts import current_agent
from bot.desk.gate import cookie_of
from bot.desk.passes import Pass, Passes
from storage.models.agents import Agent
from storage.models.conversations import Conversation, Teams
from storage.models.routing import teams_of


class LoggedOut(NotAllowed):
    """The login has ended: logged out, disabled, or too old."""

    def __init__(self) -> None:
        super().__init__("登录已失效，请重新登录。", "Your login has ended. Please log in again.")


class Forbidden(NotAllowed):
    """The agent's role does not include this."""

    def __init__(self) -> None:
        super().__init__(
            "您的角色没有这项权限，请联系店主或管理员。",
            "Your role does not include this. Ask the owner or an admin.",
        )


def require(session: Session, login: Pass, right: Right) -> Agent:
    """The agent of a running login who has `right`. Raises `LoggedOut` or `Forbidden`."""
    agent = current_agent(session, login.token)
    if agent is None:
        raise LoggedOut
    if not may(agent.role, right):
        raise Forbidden
    return agent


def seen_teams(session: Session, agent: Agent, *, own_teams_only: bool) -> Teams:
    """The teams whose conversations the agent sees; None for all, as those do who set teams."""
    mine = teams_of(session, agent.id or 0) if own_teams_only else frozenset()
    return {"", *mine} if mine and not may(agent.role, Right.SETTINGS) else None


def may_see(agent_id: int | None, teams: Teams, conversation: Conversation) -> bool:
    """Whether an agent sees this conversation: one of `teams`, or in their own hands."""
    return teams is None or conversation.team in teams or conversation.agent_id == agent_id


def seen(session: Session, agent: Agent, conversation_id: int, *, own_only: bool) -> Conversation:
    """The conversation. Raises `NotFound`, and `Forbidden` for one that the agent does not see."""
    conversation = session.get(Conversation, conversation_id)
    if conversation is None:
        raise NotFound("没有这个会话。", "There is no such conversation.")
    if not may_see(agent.id, seen_teams(session, agent, own_teams_only=own_only), conversation):
        raise Forbidden
    return conversation


def login_of(request: Request, passes: Passes) -> Pass:
    """The login whose cookie a request carries. Raises `LoggedOut` without a genuine one."""
    login = passes.read(cookie_of(request.headers))
    if login is None:
        raise LoggedOut
    return login


class BareRoute(APIRoute):
    """Answers what is refused by a status alone, for what no person reads: files, and scripts."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with expected errors turned into statuses."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except (LoggedOut, Forbidden, NotFound, Unavailable) as error:
                return Response(status_code=_STATUS[type(error)])

        return handler


_STATUS: dict[type[XiaoerError], int] = {
    LoggedOut: 401,
    Forbidden: 403,
    NotFound: 404,
    Unavailable: 503,
}
