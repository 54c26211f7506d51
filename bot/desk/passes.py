"""What the browser carries: the signed login cookie, and tokens against forged forms."""

import hmac
from dataclasses import dataclass
from datetime import timedelta

from itsdangerous import BadSignature, URLSafeTimedSerializer

from bot.core.ids import token

COOKIE = "xiaoer_desk"
"""Cookie that holds the login."""
FORM_COOKIE = "xiaoer_desk_form"
"""Cookie that a login form's token must match."""
LIFETIME = timedelta(hours=12)
"""How long a login lasts, and how long a form may lie open."""
TICKET_LIFETIME = timedelta(minutes=15)
"""How long the steps after the password may take."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a genuine cookie holds; the tables say whose login it is, and whether it was ended."""

    token: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A login whose password was right and that has steps to go. `fingerprint` is the password's:
    a new one makes the ticket void. `step` comes next, `passed` are the steps that are done."""

    agent: int
    fingerprint: str
    step: str = ""
    passed: tuple[str, ...] = ()


class Passes:
    """Issues and checks everything that is signed with the desk's secret."""

    def __init__(self, secret: str) -> None:
        self._logins = URLSafeTimedSerializer(secret, salt="desk-login")
        self._tickets = URLSafeTimedSerializer(secret, salt="desk-ticket")
        self._forms = URLSafeTimedSerializer(secret, salt="desk-form")

    def issue(self, login_token: str) -> str:
        """The cookie's value for a new login; its time of issue is inside."""
        return str(self._logins.dumps(login_token))

    def read(self, cookie: str | None) -> Pass | None:
        """The login in a cookie; None when there is none, it is forged, or 12 hours old."""
        value = _loads(self._logins, cookie)
        return Pass(value) if isinstance(value, str) else None

    def ticket(self, ticket: Ticket, nonce: str) -> str:
        """A ticket for the next step of a login, good in this browser for some minutes."""
        return str(
            self._tickets.dumps(
                [ticket.agent, ticket.fingerprint, ticket.step, ticket.passed, nonce]
            )
        )

    def read_ticket(self, value: str, nonce: str | None) -> Ticket | None:
        """The ticket of this browser; None when it is none, another's, or too old."""
        found = _loads(self._tickets, value, TICKET_LIFETIME)
        if not isinstance(found, list) or not nonce or not _same(found[-1], nonce):
            return None
        agent, fingerprint, step, passed, _nonce = found
        return Ticket(agent, fingerprint, step, tuple(passed))

    def nonce(self) -> str:
        """A fresh value for the cookie beside a login form."""
        return token(16)

    def form_token(self, bound_to: str) -> str:
        """A token for a form, good only together with `bound_to` (a cookie's value)."""
        return str(self._forms.dumps(bound_to))

    def is_ours(self, form_token: str, bound_to: str | None) -> bool:
        """Whether a posted form is one that we gave to this browser."""
        value = _loads(self._forms, form_token)
        return isinstance(value, str) and bool(bound_to) and _same(value, bound_to or "")


def _loads(
    serializer: URLSafeTimedSerializer, value: str | None, lifetime: timedelta = LIFETIME
) -> object:
    if not value:
        return None
    try:
        found: object = serializer.loads(value, max_age=int(lifetime.total_seconds()))
    except BadSignature:
        return None
    return found


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
