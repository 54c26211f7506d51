"""Takes an agent's new password; the browser gets a new login with it, and all others end."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from bot.core.clock import now
from bot.core.errors import NotAllowed, Unavailable
from bot.core.roles import Right
from bot.desk.door import Door
from bot.desk.login import device_of, set_cookie
from bot.desk.passes import COOKIE, LIFETIME, Passes
from bot.desk.rights import LoggedOut, require
from storage.db import Database

PAGE = "/desk/me"


class Change(BaseModel):
    """What the form sends. `token` is the page's."""

    token: str = ""
    old: str = ""
    fresh: str = ""


def own_password(passes: Passes, door: Door, db: Database, *, secure: bool) -> APIRouter:
    """`POST /desk/me/password`, which leads back to the page; there `said` tells what became of
    it."""
    router = APIRouter(include_in_schema=False)

    @router.post("/desk/me/password")
    async def change(request: Request, typed: Annotated[Change, Form()]) -> Response:
        cookie = request.cookies.get(COOKIE)
        login = passes.read(cookie)
        if login is None or not passes.is_ours(typed.token, cookie):
            return _back("stale")
        try:
            agent = await db.read(require, login, Right.LOOK)
            attempt = await door.change(agent, typed.old, typed.fresh, now(), device_of(request))
        except LoggedOut:
            return RedirectResponse("/desk/login", 303)
        except NotAllowed:
            return _back("password_bad")
        except Unavailable:
            return _back("later")
        if attempt.locked_until is not None:
            return _back("password_locked")
        if not attempt.token:
            return _back("password_wrong")
        response = _back("password_changed")
        seconds = LIFETIME.total_seconds()
        set_cookie(response, COOKIE, passes.issue(attempt.token), seconds, secure=secure)
        return response

    return router


def _back(said: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    return RedirectResponse(f"{PAGE}?said={said}", 303, headers=headers)
