"""The desk's front door: the login form, the cookie it gives, and the way out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from bot.config import Shop
from bot.core.clock import now
from bot.core.errors import Unavailable
from bot.desk.accounts import Door, log_out
from bot.desk.passes import COOKIE, FORM_COOKIE, LIFETIME, Passes
from bot.desk.texts import LANGUAGE_COOKIE, Texts, choose_language
from bot.words.phrases import Voice
from storage.db import Database

HOME = "/desk/"
_CSP = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_YEAR = 365 * 24 * 3600


def safe_target(wanted: str) -> str:
    """`wanted` when it is a page of the desk, else the desk itself: no way out to other sites."""
    parts = urlsplit(wanted)
    is_ours = not parts.scheme and not parts.netloc and parts.path == HOME
    return f"{HOME}?{parts.query}" if is_ours and parts.query and wanted.isprintable() else HOME


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
        """The login form, with the text `desk.<error>` when a try has failed."""
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
            error=texts(error, **values) if error else "",
            token=self.passes.form_token(nonce),
            target=target,
            login=values.get("login", ""),
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

    async def log_in(
        self, request: Request, login: str, password: str, token: str, target: str
    ) -> Response:
        """Check the posted form; on success the browser gets the cookie and goes to `target`."""
        if not self.passes.is_ours(token, request.cookies.get(FORM_COOKIE)):
            return self.form(request, target, 403, "login_stale", login=login)
        try:
            attempt = await self.door.log_in(login, password, now())
        except Unavailable:
            return self.form(request, target, 503, "login_unavailable", login=login)
        if attempt.locked_until is not None:
            minutes = max(1, round((attempt.locked_until - now()).total_seconds() / 60))
            return self.form(request, target, 429, "login_locked", login=login, minutes=minutes)
        if attempt.agent is None:
            return self.form(request, target, 401, "login_wrong", login=login)
        response = RedirectResponse(safe_target(target), 303, headers=_headers())
        cookie = self.passes.issue(attempt.token)
        self._set(response, COOKIE, cookie, LIFETIME.total_seconds())
        response.delete_cookie(FORM_COOKIE, path="/desk")
        return response

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
        response.set_cookie(
            name,
            value,
            max_age=int(seconds),
            path="/desk",
            httponly=True,
            samesite="lax",
            secure=self.secure,
        )


def entrance(
    db: Database, voice: Voice, passes: Passes, templates: Path, *, secure: bool
) -> APIRouter:
    """`/desk`, `/desk/login` and `/desk/logout`."""
    router = APIRouter(include_in_schema=False)
    front = Entrance(db, voice, passes, Door(db), templates, secure)

    @router.get("/desk")
    def desk(request: Request) -> Response:
        query = "&".join(f"c={one}" for one in request.query_params.getlist("c") if one.isdecimal())
        target = f"{HOME}?{query}" if query else HOME
        inside = passes.read(request.cookies.get(COOKIE)) is not None
        response = RedirectResponse(target if inside else "/desk/login", 303, headers=_headers())
        front.keep_language(request, response)
        return response

    @router.get("/desk/login")
    def form(request: Request, next: str = HOME) -> Response:
        return front.form(request, safe_target(next))

    @router.post("/desk/login")
    async def log_in(
        request: Request,
        login: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        token: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = HOME,
    ) -> Response:
        return await front.log_in(request, login, password, token, safe_target(next))

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
