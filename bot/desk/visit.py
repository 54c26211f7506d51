"""One browser tab at the desk, whatever its page: who looks, the bar above, and the way out."""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from nicegui import ui
from nicegui.client import Client
from nicegui.element import Element
from sqlmodel import Session

from bot.answering.answerer import Answerer
from bot.care.house import House
from bot.core.errors import XiaoerError
from bot.core.roles import Right, may
from bot.desk.elements import box, button, text
from bot.desk.overview import Overview
from bot.desk.passes import Pass, Passes
from bot.desk.presence import PresenceMenu
from bot.desk.rights import LoggedOut, require
from bot.desk.texts import Texts
from bot.desk.typing import Typing
from bot.escalation.transfers import Transfers
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.agents import Agent
from storage.models.audit import Look, Origin, acting
from storage.trail import Trail

T = TypeVar("T")
_HEAD = """<meta name="color-scheme" content="light dark">
<script>document.documentElement.lang = "%s"; window.xiaoerDesk = %s;</script>
<script>%s</script>"""
SAID_MS = 4000
"""How long a word about what was done, or refused, stays in view."""
_SCRIPT_TEXTS = (
    "reply_placeholder", "note_placeholder", "kept", "not_sent", "file_remove", "file_in_note",
    "news", "then_resolves", "suggested", "deed_remember", "deed_wrong", "deed_resend",
    "keys_title", "key_canned", "key_send", "key_take", "key_resolve", "key_note", "key_next",
    "key_search", "key_back", "key_help",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the desk, for the bar: its address below /desk, its name, and who may open it."""

    path: str
    name: str
    right: Right
    own: bool = False
    """It is the agent's own: it stands in their menu."""


@dataclass(frozen=True, slots=True)
class Services:
    """What every page needs; `style` and `script` go into it, `places` into its bar; `strict` are
    the roles that need a second factor; the `answerer` knows the FAQ's titles,
    `templates` is the folder of the other texts, and `care` the room of what is said unasked."""

    db: Database
    voice: Voice
    passes: Passes
    style: str
    script: str
    trail: Trail
    max_bytes: int
    transfers: Transfers
    overview: Overview
    places: Sequence[Place] = ()
    typing: Typing = field(default_factory=Typing)
    strict: Collection[str] = ()
    answerer: Answerer | None = None
    own_teams_only: bool = False
    templates: Path = Path("templates")
    care: House | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """The agent whose login it is."""

    id: int
    name: str
    role: str
    presence: str


class Visit:
    """A page in one browser tab. `here` gives its address, to come back to after a login."""

    def __init__(
        self, services: Services, texts: Texts, cookie: str, here: Callable[[], str]
    ) -> None:
        self.services = services
        self.texts = texts
        self.client: Client = ui.context.client
        self._cookie = cookie
        self._here = here
        self.visitor: Visitor | None = None

    @property
    def asked(self) -> Mapping[str, str]:
        """What stands in the address after the question mark; of several the last."""
        return dict(parse_qsl(urlsplit(self._here()).query))

    @property
    def login(self) -> Pass:
        """The login, whose time may have run out since the page was opened. Raises `LoggedOut`."""
        found = self.services.passes.read(self._cookie)
        if found is None:
            raise LoggedOut
        return found

    async def enter(self, right: Right) -> Visitor:
        """Who has come. Raises `LoggedOut`, or `Forbidden` where they may not."""
        self.visitor = await self.services.db.read(_visitor, self.login, right)
        return self.visitor

    def looked(self, action: str, subject: str) -> None:
        """The agent saw something, which is written down once the page is drawn."""
        if self.visitor is not None:
            actor = f"agent:{self.visitor.id}"
            self.services.trail.looked(Look(actor, action, subject, Origin.DESK))

    async def read(self, right: Right, work: Callable[..., T], *args: Any) -> T:
        """What `work(session, *args)` reads, for somebody who has `right`.

        Raises `LoggedOut`, `Forbidden`, and what `work` raises.
        """
        return await self.services.db.read(_permitted, self.login, right, work, *args)

    async def do(self, right: Right, work: Callable[..., T], *args: Any) -> T | None:
        """Commit what `work(session, agent_id, *args)` does, for somebody who has `right`.

        None when it was refused, which the agent is told.
        """
        return await self.told(lambda: self._transact(right, work, *args))

    async def told(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """What `work` gives; None when it was refused, which the agent is told, or when the login
        has ended, to which the agent is led."""
        try:
            return await work()
        except LoggedOut:
            self.leave()
        except XiaoerError as error:
            self.tell(error)
        return None

    async def show(self, right: Right, work: Callable[..., T], *args: Any) -> T | None:
        """`read`, None when it was refused, as with `do`."""
        return await self.told(lambda: self.read(right, work, *args))

    async def _transact(self, right: Right, work: Callable[..., T], *args: Any) -> T:
        return await self.services.db.transact(_as_agent, self.login, right, work, *args)

    def head(self, visitor: Visitor) -> None:
        """Put the page's style and script in, and what the script has to know."""
        known = {
            "agent": visitor.id,
            "token": self.form_token,
            "texts": {key: self.texts(key) for key in _SCRIPT_TEXTS}
            | {"file_too_big": self.texts("file_too_big", count=self.services.max_bytes >> 20)},
            "mostBytes": self.services.max_bytes,
        }
        facts = json.dumps(known).replace("<", "\\u003c")
        language = "zh-CN" if self.texts.language == "zh" else "en"
        ui.add_css(self.services.style)
        ui.add_head_html(_HEAD % (language, facts, self.services.script))

    @property
    def form_token(self) -> str:
        """A token that shows that a form is from one of our pages."""
        return self.services.passes.form_token(self._cookie)

    def bar(self, visitor: Visitor) -> None:
        """Draw what stands above every page: where to go, and what is the agent's own."""
        texts, presence = self.texts, PresenceMenu(self, visitor)
        with box("d-bar", "header"):
            text(texts("title"), "d-brand")
            self._places(visitor, box("d-places", "nav"))
            with box("d-menu", "details"):
                with box("d-button d-quiet", "summary"):
                    presence.mark()
                    text(visitor.name, "d-me", "span")
                with box("d-sheet"):
                    self._places(visitor, box("d-places", "nav"))
                    self._places(visitor, box("d-own", "nav"), own=True)
                    presence.buttons()
                    self._own()

    def _places(self, visitor: Visitor, nav: Element, *, own: bool = False) -> None:
        nav.props["aria-label"] = self.texts("own_pages" if own else "pages")
        path = self._here().partition("?")[0]
        with nav:
            for place in self.services.places:
                if place.own == own and may(visitor.role, place.right):
                    link = text(self.texts(place.name), "d-place", "a")
                    address = f"/desk{place.path}"
                    link.props["href"] = address
                    if address == path:
                        link.props["aria-current"] = "page"

    def _own(self) -> None:
        """What is the agent's own: sound, language, the way out."""
        texts = self.texts
        with box("d-button d-quiet d-sound", "button").props("type=button aria-pressed=false"):
            text(texts("sound"), tag="span")
            text(texts("sound_off"), "d-is-off", "span")
            text(texts("sound_on"), "d-is-on", "span")
        for code in self.services.voice.words.shop.languages:
            if code != texts.language:
                button(texts(f"in_{code}"), "d-quiet", partial(self._speak, code))
        with box("d-logout", "form").props("method=post action=/desk/logout"):
            token = box("", "input").props("type=hidden name=token")
            token.props["value"] = self.form_token
            text(texts("log_out"), "d-button d-quiet", "button").props("type=submit")

    def tell(self, error: XiaoerError) -> None:
        """Show what was refused, and why."""
        self.say(error.text(self.texts.language), "warning")

    def say(self, words: str, kind: str = "positive") -> None:
        """Show a word for some seconds. `kind` is one of NiceGUI's kinds of notification."""
        with self.client:
            ui.notify(words, type=kind, position="top", timeout=SAID_MS)  # type: ignore[arg-type]

    def leave(self) -> None:
        """Go to the login, which leads back here."""
        self.go(login_page(self._here()))

    def go(self, where: str) -> None:
        """Leave for another address."""
        # NiceGUI's own way to navigate knows only what lies below its mount point.
        self.client.run_javascript(f"location.assign({json.dumps(where)})")

    def _speak(self, language: str) -> None:
        self.go(f"/desk?lang={language}&to={quote(self._here(), safe='')}")


def login_page(back: str) -> str:
    """The login, which leads back to an address of the desk."""
    return f"/desk/login?next={quote(back, safe='')}"


def _visitor(session: Session, login: Pass, right: Right) -> Visitor:
    agent = require(session, login, right)
    return Visitor(_id(agent), agent.name, agent.role, agent.presence)


def _permitted(
    session: Session, login: Pass, right: Right, work: Callable[..., T], *args: Any
) -> T:
    require(session, login, right)
    return work(session, *args)


def _as_agent(session: Session, login: Pass, right: Right, work: Callable[..., T], *args: Any) -> T:
    agent = _id(require(session, login, right))
    acting(session, Origin.DESK, f"agent:{agent}")
    return work(session, agent, *args)


def _id(agent: Agent) -> int:
    assert agent.id is not None
    return agent.id
