"""Who may do what: every route, and every deed of the desk's pages, by everybody there is."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
from sqlmodel import Session

from bot import app as composition
from bot import config as configuration
from bot.config import ROOT
from bot.core.errors import XiaoerError
from bot.core.roles import RIGHTS, Right, Role
from bot.desk.accounts import new_agent
from bot.desk.passes import COOKIE, Pass, Passes
from bot.desk.rights import Forbidden, require
from bot.desk.uploads import TOKEN
from storage.db import Database
from storage.models.agents import begin_login
from storage.models.secrets import secret
from tests.support.at_desk import PNG
from tests.support.service import API_KEYS, HTTP, Service

KEYS = {name: key for name, (key, _) in API_KEYS.items()}
ROLES = tuple(str(one) for one in Role)
SOME = ("nobody", "other shop", "ended", "viewer", "key desk")
"""Who tries each of the many routes that are NiceGUI's own."""
FORGED = "forged"
"""The owner's cookie, with a form token that is not the page's."""
BROWSERS = ("nobody", "other shop", "ended", *ROLES, FORGED)
ACTORS = (*BROWSERS, *(f"key {one}" for one in KEYS))

IN, LOGIN, NO, HOME = "in", "login", "no", "home"
"""Let in; led to the login; told on the page that the role does not include it; led to the desk."""
Row = Mapping[str, str]


def everybody(outcome: str, **others: str) -> Row:
    """The same for all, but for those named; `key_desk` is the key with the scope `desk`."""
    renamed = {name.replace("_", " "): value for name, value in others.items()}
    assert set(renamed) <= set(ACTORS), renamed
    return dict.fromkeys(ACTORS, outcome) | renamed


def api(*keys: str) -> Row:
    """A route of the API: a cookie says nothing there, and a key without the scope is refused."""
    return {
        actor: "401" if actor in BROWSERS else IN if actor[4:] in keys else "403"
        for actor in ACTORS
    }


def desk(*roles: str, refused: str, stranger: str = LOGIN, forged: str = "") -> Row:
    """A route of the desk: some roles are let in, the others are `refused`; keys mean nothing.

    `forged` is what becomes of the owner with a forged token, where one is asked for.
    """
    row = dict.fromkeys(ACTORS, stranger) | {
        role: IN if role in roles else refused for role in ROLES
    }
    return row | {FORGED: forged or row[Role.OWNER]}


def within(right: Right) -> tuple[str, ...]:
    return tuple(str(role) for role, rights in RIGHTS.items() if right in rights)


PUBLIC = everybody(IN)
CALLED = everybody(IN)
"""A platform's call, which shows a secret of its own: no cookie and no key changes the answer."""
INSIDE = everybody(LOGIN, ended=IN, **dict.fromkeys(ROLES, IN), forged=IN)
"""NiceGUI's own scripts and socket: the cookie must be genuine; the page asks the tables."""
LOOKING = desk(*within(Right.LOOK), refused=NO)

MATRIX: Mapping[str, Row] = {
    "GET /": PUBLIC,
    "GET /chat": PUBLIC,
    "GET /widget.js": PUBLIC,
    "GET /static/{name}": PUBLIC,
    "SOCKET /chat/ws": PUBLIC,
    "GET /chat/files/{number}": PUBLIC,
    "GET /openapi.json": PUBLIC,
    "GET /docs": PUBLIC,
    "GET /docs/oauth2-redirect": PUBLIC,
    "MOUNT /static-offline-docs": PUBLIC,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": PUBLIC,
    "POST /telegram/{name}": CALLED,
    "GET /wechat/{name}": CALLED,
    "POST /wechat/{name}": CALLED,
    "POST /sources/{name}": CALLED,
    "POST /carriers/{name}": CALLED,
    "POST /api/v1/events": api("events"),
    "GET /api/v1/conversations": api("desk", "read"),
    "GET /api/v1/conversations/search": api("desk", "read"),
    "GET /api/v1/conversations/attachments/{attachment_id}": api("desk", "read"),
    "GET /api/v1/conversations/{conversation_id}/messages": api("desk", "read"),
    "GET /api/v1/conversations/{conversation_id}/notes": api("desk", "read"),
    "GET /api/v1/reports/numbers": api("desk"),
    "GET /api/v1/reports/now": api("desk"),
    "POST /api/v1/conversations/{conversation_id}/messages": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/notes": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/take": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/resolve": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/transfer": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/link": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/unlink": api("desk", "write"),
    "GET /api/v1/conversations/{conversation_id}": api("desk", "read"),
    "POST /api/v1/conversations/take-next": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/take-over": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/release": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/snooze": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/wake": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/tags": api("desk", "write"),
    "DELETE /api/v1/conversations/{conversation_id}/tags": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/files": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/messages/{seq}/retry": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/messages/{seq}/wrong": api("desk", "write"),
    "GET /api/v1/conversations/{conversation_id}/customer": api("desk", "customers"),
    "POST /api/v1/conversations/{conversation_id}/remarks": api("desk", "write"),
    "DELETE /api/v1/conversations/{conversation_id}/remarks/{remark_id}": api("desk", "write"),
    "POST /api/v1/conversations/{conversation_id}/consents": api("desk", "write"),
    "GET /api/v1/conversations/{conversation_id}/canned": api("desk", "read"),
    "GET /api/v1/canned": api("desk", "read"),
    "POST /api/v1/canned": api("desk", "settings"),
    "PUT /api/v1/canned/{canned_id}": api("desk", "settings"),
    "DELETE /api/v1/canned/{canned_id}": api("desk", "settings"),
    "GET /api/v1/follow-ups": api("desk", "read"),
    "POST /api/v1/follow-ups/{follow_up_id}/done": api("desk", "write"),
    "GET /api/v1/agents": api("desk", "read"),
    "GET /api/v1/agents/{login}/presence": api("desk", "read"),
    "PUT /api/v1/agents/{login}/presence": api("desk", "write"),
    "GET /desk": everybody(LOGIN, ended=HOME, **dict.fromkeys(ROLES, HOME), forged=HOME),
    "GET /desk/login": PUBLIC,
    "POST /desk/login": everybody("403"),  # none of them has the login form's own token
    "POST /desk/logout": everybody(HOME, ended=LOGIN, **dict.fromkeys(ROLES, LOGIN)),
    "GET /desk/": LOOKING,
    "GET /desk/me": LOOKING,
    "GET /desk/replies": desk(*within(Right.SETTINGS), refused=NO),
    "GET /desk/teams": desk(*within(Right.SETTINGS), refused=NO),
    "GET /desk/words": desk(*within(Right.SETTINGS), refused=NO),
    "GET /desk/canned": desk(*within(Right.SERVE), refused="403") | {"ended": "401"},
    "GET /desk/suggest": desk(*within(Right.SERVE), refused="403") | {"ended": "401"},
    "GET /desk/numbers": desk(*within(Right.NUMBERS), refused=NO),
    "GET /desk/numbers/export": desk(*within(Right.NUMBERS), refused="403") | {"ended": "401"},
    "GET /desk/care": LOOKING,
    "GET /desk/care/birthdays.csv": desk(*within(Right.LOOK), refused="403") | {"ended": "401"},
    "GET /desk/people": desk(*within(Right.PEOPLE), refused=NO),
    "GET /desk/audit": desk(*within(Right.AUDIT), refused=NO),
    "GET /desk/audit.csv": desk(*within(Right.AUDIT), refused="403") | {"ended": "401"},
    "GET /desk/files/{number}": desk(*within(Right.LOOK), refused="403") | {"ended": "401"},
    "POST /desk/files": desk(*within(Right.SERVE), refused="403", forged="401") | {"ended": "401"},
    "POST /desk/say": desk(*within(Right.SERVE), refused="403", forged="401") | {"ended": "401"},
    "POST /desk/me/password": desk(*within(Right.LOOK), refused="403", forged="stale"),
    "MOUNT /desk": desk(refused="404") | dict.fromkeys(("ended", FORGED), "404"),
}
"""What becomes of each request. All of NiceGUI's own is in `INSIDE`."""

_FOREIGN = dict.fromkeys(
    ("conversation_id", "attachment_id", "number", "seq", "remark_id", "canned_id", "follow_up_id"),
    "999999",
)
_MOUNTED = {"MOUNT /desk": "/desk/no-such-page"}


def routes() -> list[str]:
    """All routes of the application, as the matrix names them."""
    config = configuration.validate({"shop": {"name": "Test"}, "database": {"url": _URL["url"]}})
    return sorted(set(_named(composition.web(composition.build(config)).routes)))


_URL = {"url": ""}


def _named(found: Iterable[Any], base: str = "") -> Iterator[str]:
    for route in found:
        if hasattr(route, "original_router"):
            yield from _named(route.original_router.routes, base + route.include_context.prefix)
        elif getattr(route, "routes", None):
            yield f"MOUNT {base}{route.path}"
            yield from _named(route.routes, base + route.path)
        elif methods := set(getattr(route, "methods", None) or ()) - {"HEAD"}:
            yield from (f"{method} {base}{route.path}" for method in methods)
        else:
            kind = "SOCKET" if "WebSocket" in type(route).__name__ else "MOUNT"
            yield f"{kind} {base}{route.path}"


def _row(route: str) -> Row | None:
    return INSIDE if " /desk/_nicegui" in route else MATRIX.get(route)


@dataclass(frozen=True, slots=True)
class Shop:
    """The service, and what each actor carries."""

    url: str
    cookies: Mapping[str, str]
    passes: Passes

    def outcome(self, actor: str, route: str) -> str:
        """What becomes of a request, in a word."""
        method, _, path = route.partition(" ")
        address = re.sub(r"{(\w+)(:path)?}", lambda m: _FOREIGN.get(m[1], "x"), path)
        address = _MOUNTED.get(route, address)
        cookie = self.cookies.get(actor, "")
        genuine = actor != FORGED and bool(cookie)
        headers = {"Accept-Language": "en"}
        if cookie:
            headers["Cookie"] = f"{COOKIE}={cookie}"
        if actor.startswith("key "):
            headers["Authorization"] = f"Bearer {KEYS[actor[4:]]}"
        token = self.passes.form_token(cookie) if genuine else "forged"
        headers |= {TOKEN: token} if path == "/desk/files" else {}
        body = _body(path, token)
        verb = "GET" if method in ("MOUNT", "HEAD") else method
        answer = HTTP.request(verb, self.url + address, headers=headers, **body)
        return _word(path, answer)


def _body(path: str, token: str) -> dict[str, Any]:
    if path == "/desk/say":
        said = {"conversation": 999999, "id": "said-by-the-matrix", "text": "x", "note": False}
        return {"json": {**said, "token": token}}
    if path == "/desk/files":
        about = {"conversation": 999999, "id": "sent-by-the-matrix"}
        return {"params": about, "content": PNG}
    if path == "/desk/me/password":
        return {"data": {"token": token, "old": "no", "fresh": "x"}}
    if path in ("/desk/login", "/desk/logout"):
        return {"data": {"token": token}}
    return {"json": {"text": "x"}} if path.startswith("/api") else {}


def _word(path: str, answer: httpx.Response) -> str:
    where = answer.headers.get("location", "")
    if where.startswith("/desk/login"):
        return LOGIN
    if where in ("/desk/", "/desk/?"):
        return HOME
    if where.endswith("said=stale"):
        return "stale"
    if answer.status_code in (401, 403) or path == "/desk":
        is_theirs = path.startswith(("/wechat", "/telegram", "/sources", "/carriers"))
        return IN if is_theirs else str(answer.status_code)
    assert answer.status_code < 500, answer.text
    return NO if Forbidden().en in answer.text else IN


@pytest.fixture(scope="module")
def shop(service: Service) -> Shop:
    """The running service with an agent of each role, one whose login has ended, and a cookie
    that another installation signed."""

    def prepare(session: Session) -> tuple[str, dict[str, str]]:
        tokens = {}
        for actor in (*ROLES, "ended"):
            role = Role.OWNER if actor == "ended" else Role(actor)
            agent = new_agent(session, f"matrix-{actor}", actor, "!", role)
            assert agent.id is not None
            tokens[actor] = f"the login of {actor}"
            begin_login(session, agent.id, tokens[actor], agent.created_at)
            if actor == "ended":
                agent.active = False
        return secret(session, "desk-logins"), tokens

    signed_with, tokens = service.look(prepare)
    passes = Passes(signed_with)
    cookies = {actor: passes.issue(token) for actor, token in tokens.items()}
    cookies[FORGED] = cookies[Role.OWNER]
    cookies["other shop"] = Passes("another shop's secret").issue(tokens[Role.OWNER])
    return Shop(service.url, cookies, passes)


@pytest.fixture(scope="module")
def all_routes(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Any) -> list[str]:
    """The application's routes, without running it."""
    copy = tmp_path_factory.mktemp("matrix") / "routes.db"
    copy.write_bytes(migrated_sqlite.read_bytes())
    _URL["url"] = f"sqlite:///{copy}"
    return routes()


def test_every_route_is_in_the_matrix_and_nothing_else(all_routes: list[str]) -> None:
    assert [one for one in all_routes if _row(one) is None] == []
    assert sorted(set(MATRIX) - set(all_routes)) == []
    assert len(all_routes) > len(MATRIX)  # NiceGUI's own are there too


def test_everybody_gets_where_they_may_and_nobody_else(shop: Shop, all_routes: list[str]) -> None:
    wrong = []
    ordered = sorted(all_routes, key=lambda route: route == "POST /desk/logout")  # ends the logins
    for route in ordered:
        if route.startswith("SOCKET"):
            continue
        row = _row(route)
        assert row is not None
        for actor in SOME if row is INSIDE else ACTORS:
            found = shop.outcome(actor, route)
            if found != row[actor]:
                wrong.append((route, actor, row[actor], found))
    assert wrong == []


def test_logging_out_has_ended_every_login(shop: Shop) -> None:
    assert {shop.outcome(role, "GET /desk/") for role in ROLES} == {LOGIN}


DEEDS: Mapping[str, Right] = {
    "screen:_as_asked": Right.SERVE,
    "screen:choices": Right.LOOK,
    "screen:usual_tags": Right.LOOK,
    "screen:destinations": Right.SERVE,
    "presence:choose": Right.SERVE,
    "replies:_keep": Right.SETTINGS,
    "replies:_delete": Right.SETTINGS,
    "replies:canned_replies": Right.SETTINGS,
    "teams:_keep": Right.SETTINGS,
    "teams:_back": Right.SETTINGS,
    "teams:add": Right.SETTINGS,
    "teams:look": Right.SETTINGS,
    "words:_open_gaps": Right.SETTINGS,
    "care_journeys:_reasons": Right.LOOK,
    "care_journeys:journeys": Right.LOOK,
    "care_journeys:report": Right.LOOK,
    "care_journeys:switch_journey": Right.SETTINGS,
    "care_more:listed": Right.LOOK,
    "care_more:pools": Right.LOOK,
    "care_more:remind": Right.SERVE,
    "care_sending:_counted": Right.SETTINGS,
    "care_sending:_look": Right.LOOK,
    "care_sending:confirm": Right.SETTINGS,
    "care_sending:count_some": Right.SETTINGS,
    "care_sending:own_chat": Right.SETTINGS,
    "care_sending:previews": Right.LOOK,
    "care_sending:report": Right.LOOK,
    "care_sending:send_test": Right.SETTINGS,
    "care_sending:turn": Right.SETTINGS,
    "care_sendings:_draft": Right.SETTINGS,
    "care_sendings:_keep": Right.SETTINGS,
    "care_sendings:sendings": Right.LOOK,
    "people:_as_asked": Right.PEOPLE,
    "people:_activate": Right.PEOPLE,
    "people:add": Right.PEOPLE,
    "people:renew": Right.PEOPLE,
    "people:workers": Right.PEOPLE,
    "me:begin": Right.LOOK,
    "me:confirm": Right.LOOK,
    "me:end": Right.LOOK,
    "me:end_others": Right.LOOK,
    "me:fresh_codes": Right.LOOK,
    "me:mine": Right.LOOK,
    "me:turn_off": Right.LOOK,
    "live_board:_seen": Right.NUMBERS,
    "numbers:_read": Right.NUMBERS,
    "numbers:gaps_in": Right.NUMBERS,
    "audit:_read": Right.AUDIT,
}
"""The right that each `visit.do` and `visit.read` of the desk names, by page and what is done;
`_as_asked` where the page passes on one of several deeds."""
_ASKED = {"work", "deed"}


def deeds() -> dict[str, Right]:
    """All of them, as they stand in the code."""
    found = {}
    for path in sorted((ROOT / "bot" / "desk").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if _is_deed(node):
                right, work = node.args[0], node.args[1]  # type: ignore[attr-defined]
                assert isinstance(right, ast.Attribute), ast.unparse(right)
                name = work.attr if isinstance(work, ast.Attribute) else ast.unparse(work)
                name = "_as_asked" if name in _ASKED else name
                found[f"{path.stem}:{name}"] = Right[right.attr]
    return found


def _is_deed(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = ast.unparse(node.func.value)
    return (
        node.func.attr in ("do", "read", "show") and owner.endswith("visit") and len(node.args) > 1
    )


def test_every_deed_of_a_page_names_its_right() -> None:
    assert deeds() == dict(DEEDS)


@pytest.mark.parametrize("role", [*ROLES, "ended", "made up"])
def test_a_right_opens_to_its_roles_alone(sqlite_url: str, role: str) -> None:
    """What `visit.do` and `visit.read` ask, for each right and role."""
    db = Database(sqlite_url)

    def prepare(session: Session) -> None:
        agent = new_agent(session, "x", "X", "!", Role.OWNER)
        agent.role = Role.OWNER if role == "ended" else role
        agent.active = role != "ended"
        assert agent.id is not None
        begin_login(session, agent.id, "token", agent.created_at)

    db.run(prepare)
    opened = {right for right in Right if _opens(partial(db.run, require, Pass("token"), right))}
    db.close()
    assert opened == (RIGHTS[Role(role)] if role in ROLES else set())


def _opens(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except XiaoerError:
        return False
    return True
