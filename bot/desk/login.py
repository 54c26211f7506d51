"""The desk's front door: the login form, the cookie it gives, and the way out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape
from pydantic import BaseModel

from bot.config import Shop
from bot.core.clock import now
from bot.core.errors import NotAllowed, Unavailable
from bot.desk import second
from bot.desk.accounts import log_out
from bot.desk.door import Attempt, Door
from bot.desk.passes import COOKIE, FORM_COOKIE, LIFETIME, Passes, Ticket
from bot.desk.steps import Step, fingerprint
from bot.desk.texts import LANGUAGE_COOKIE, Texts, choose_language
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.agents import Agent

HOME = "/desk/"
_CSP = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_PAGE = re.compile(r"/desk/(?!log)[a-z]*")
_YEAR = 365 * 24 * 3600
_MAX_DEVICE = 300


def safe_target(wanted: str) -> str:
    """`wanted` when it is a page of the desk, else the desk itself: no way out to other sites."""
    parts = urlsplit(wanted)
    is_ours = not parts.scheme and not parts.netloc and _PAGE.fullmatch(parts.path)
    if not is_ours or not wanted.isprintable():
        return HOME
    return parts.path + (f"?{parts.query}" if parts.query else "")


def language_of(request: Request, shop: Shop) -> str:
    """The language for this browser: the one just chosen, the one kept, or its own."""
    return choose_language(
        shop,
        request.query_params.get("lang"),
        request.cookies.get(LANGUAGE_COOKIE),
        request.headers.get("accept-language"),
    )


@dataclass(frozen=True, slots=True)
class Entrance:
    """The login form and what it needs. `secure` is true where the site is on https."""

    db: Database
    voice: Voice
    passes: Passes
    door: Door
    templates: Path
    secure: bool

    def form(
        self, request: Request, target: str, status: int = 200, error: str = "", **values: Any
    ) -> HTMLResponse:
        """The login form, with the text `desk.<error>` when a try has failed.

        `values` are the template's; with a `step` and a `ticket` it is the form of that step.
        """
        shop = self.voice.words.shop
        language = language_of(request, shop)
        texts = Texts(self.voice, language)
        nonce = request.cookies.get(FORM_COOKIE) or self.passes.nonce()
        environment = Environment(
            loader=FileSystemLoader(self.templates), autoescape=select_autoescape()
        )
        html = environment.get_template("login.html").render(
            texts=texts,
            language=language,
            languages=shop.languages,
            shop_name=shop.values(language)["name"],
            error=texts.known(error, error, minutes=values.get("minutes", 0)) if error else "",
            token=self.passes.form_token(nonce),
            target=target,
            **{"login": "", "step": "", **values},
        )
        response = HTMLResponse(html, status, headers=_headers())
        self._set(response, FORM_COOKIE, nonce, LIFETIME.total_seconds())
        self.keep_language(request, response)
        return response

    def keep_language(self, request: Request, response: Response) -> None:
        """Remember a language that was chosen by `?lang=`."""
        chosen = request.query_params.get("lang", "")
        if chosen in self.voice.words.shop.languages:
            self._set(response, LANGUAGE_COOKIE, chosen, _YEAR)

    async def log_in(self, request: Request, typed: "Typed") -> Response:
        """Check the posted form; after the last step the browser gets the cookie and goes on."""
        nonce = request.cookies.get(FORM_COOKIE)
        ticket = self.passes.read_ticket(typed.ticket, nonce) if typed.ticket else None
        target = safe_target(typed.next)
        if not self.passes.is_ours(typed.token, nonce) or (typed.ticket and ticket is None):
            return self.form(request, target, 403, "login_stale", login=typed.login)
        device = device_of(request)
        try:
            if ticket is None:
                attempt = await self.door.log_in(typed.login, typed.password, now(), device)
            else:
                attempt = await self.door.go_on(ticket, typed.answer, now(), device)
        except Unavailable:
            return self.form(request, target, 503, "login_unavailable", login=typed.login)
        except NotAllowed as error:  # the password that was chosen
            language = language_of(request, self.voice.words.shop)
            return await self._again(request, typed, ticket, 422, error.text(language))
        if attempt.locked_until is not None:
            minutes = max(1, round((attempt.locked_until - now()).total_seconds() / 60))
            return self.form(
                request, target, 429, "login_locked", login=typed.login, minutes=minutes
            )
        if attempt.agent is not None:
            return await self._let_in(request, attempt, target)
        if ticket is not None:
            return await self._again(request, typed, ticket, 401, "code_wrong")
        return self.form(request, target, 401, "login_wrong", login=typed.login)

    async def _let_in(self, request: Request, attempt: Attempt, target: str) -> Response:
        """In, or the next step; new recovery codes are shown on the way."""
        agent = attempt.agent
        assert agent is not None
        if not attempt.token:
            nonce = request.cookies.get(FORM_COOKIE, "")
            known = fingerprint(agent.password_hash)
            ticket = Ticket(agent.id or 0, known, attempt.step or "", attempt.passed)
            picture = await self._picture(attempt.step, agent.id or 0, again=False)
            return self.form(
                request,
                target,
                step=attempt.step,
                ticket=self.passes.ticket(ticket, nonce),
                codes=attempt.codes,
                **picture,
            )
        response: Response = RedirectResponse(target, 303, headers=_headers())
        if attempt.codes:
            response = self.form(request, target, step="codes", codes=attempt.codes)
        self._set(response, COOKIE, self.passes.issue(attempt.token), LIFETIME.total_seconds())
        response.delete_cookie(FORM_COOKIE, path="/desk")
        return response

    async def _again(
        self, request: Request, typed: "Typed", ticket: Ticket | None, status: int, error: str
    ) -> HTMLResponse:
        """The same step once more."""
        assert ticket is not None
        picture = await self._picture(ticket.step, ticket.agent, again=True)
        target = safe_target(typed.next)
        return self.form(
            request, target, status, error, step=ticket.step, ticket=typed.ticket, **picture
        )

    async def _picture(self, step: str | None, agent_id: int, *, again: bool) -> dict[str, Any]:
        """What the phone has to know, where codes are set up."""
        if step != Step.ENROL:
            return {}
        work = second.pending if again else second.begin
        shared = await self.db.transact(work, agent_id)
        shop = self.voice.words.shop
        agent = await self.db.read(lambda session: session.get_one(Agent, agent_id))
        name = str(shop.values(shop.default_language)["name"])
        return {"shared": shared, "qr": second.qr(shared, agent.login, name)}

    async def log_out(self, request: Request, token: str) -> Response:
        """End the login, when the form was ours; otherwise change nothing."""
        cookie = request.cookies.get(COOKIE)
        login = self.passes.read(cookie)
        if login is None or not self.passes.is_ours(token, cookie):
            return RedirectResponse(HOME, 303, headers=_headers())
        try:
            await self.db.transact(log_out, login.token)
        except Unavailable:  # still logged in: better seen than believed otherwise
            return RedirectResponse(HOME, 303, headers=_headers())
        response = RedirectResponse("/desk/login", 303, headers=_headers())
        response.delete_cookie(COOKIE, path="/desk")
        return response

    def _set(self, response: Response, name: str, value: str, seconds: float) -> None:
        set_cookie(response, name, value, seconds, secure=self.secure)


def set_cookie(response: Response, name: str, value: str, seconds: float, *, secure: bool) -> None:
    """Give the browser one of the desk's cookies: for the desk alone, and out of scripts' reach."""
    response.set_cookie(
        name,
        value,
        max_age=int(seconds),
        path="/desk",
        httponly=True,
        samesite="lax",
        secure=secure,
    )


def device_of(request: Request) -> str:
    """What the browser calls itself."""
    return request.headers.get("user-agent", "")[:_MAX_DEVICE]


class Typed(BaseModel):
    """What the login form sends: a login and a password, or the answer to a further step."""

    login: str = ""
    password: str = ""
    token: str = ""
    next: str = HOME
    ticket: str = ""
    answer: str = ""


def entrance(
    db: Database,
    voice: Voice,
    passes: Passes,
    templates: Path,
    *,
    secure: bool,
    door: Door | None = None,
) -> APIRouter:
    """`/desk`, `/desk/login` and `/desk/logout`."""
    router = APIRouter(include_in_schema=False)
    front = Entrance(db, voice, passes, door or Door(db), templates, secure)

    @router.get("/desk")
    def desk(request: Request) -> Response:
        query = "&".join(f"c={one}" for one in request.query_params.getlist("c") if one.isdecimal())
        target = safe_target(request.query_params.get("to") or f"{HOME}?{query}")
        inside = passes.read(request.cookies.get(COOKIE)) is not None
        response = RedirectResponse(target if inside else "/desk/login", 303, headers=_headers())
        front.keep_language(request, response)
        return response

    @router.get("/desk/login")
    def form(request: Request, next: str = HOME) -> Response:
        return front.form(request, safe_target(next))

    @router.post("/desk/login")
    async def log_in(request: Request, typed: Annotated[Typed, Form()]) -> Response:
        return await front.log_in(request, typed)

    @router.post("/desk/logout")
    async def log_out(request: Request, token: Annotated[str, Form()] = "") -> Response:
        return await front.log_out(request, token)

    return router


def _headers() -> Mapping[str, str]:
    return {
        "Content-Security-Policy": _CSP,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Language, Cookie",
    }
