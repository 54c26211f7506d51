"""Second factors: time-based codes (RFC 6238) that a phone shows, and recovery codes."""

import secrets
import unicodedata
from base64 import b32encode, urlsafe_b64encode
from datetime import datetime
from hmac import compare_digest
from urllib.parse import quote

import segno
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from sqlmodel import Session

from bot.core.errors import NotAllowed
from storage.models.agents import Agent
from storage.models.audit import record
from storage.models.second_factors import (
    SecondFactor,
    factor_of,
    forget_factor,
    keep_codes,
    use_code,
)
from storage.models.secrets import secret

DIGITS = 6
STEP_SECONDS = 30
"""How long a code is shown; the one before and the one after are taken too (RFC 6238, 5.2)."""
SECRET_BYTES = 20
"""As RFC 4226, section 4, recommends: 160 bits."""
CODES = 10
"""How many recovery codes an agent gets."""
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4


def begin(session: Session, agent_id: int) -> str:
    """Start to set codes up; gives the secret for the phone (base32).

    Raises `NotAllowed` when the agent has codes already.
    """
    factor = factor_of(session, agent_id)
    if factor is not None and factor.confirmed_at is not None:
        raise _already()
    shared = secrets.token_bytes(SECRET_BYTES)
    sealed = _box(session).encrypt(shared).decode()
    if factor is None:
        factor = SecondFactor(agent_id=agent_id, sealed=sealed)
    factor.sealed, factor.last_step = sealed, 0
    session.add(factor)
    return b32encode(shared).decode()


def pending(session: Session, agent_id: int) -> str:
    """The secret that is being set up, to be shown again; a new one where there is none."""
    factor = factor_of(session, agent_id)
    if factor is None or factor.confirmed_at is not None:
        return begin(session, agent_id)
    return b32encode(_box(session).decrypt(factor.sealed)).decode()


def answer(session: Session, agent: Agent, code: str, at: datetime) -> tuple[str, ...] | None:
    """Check what an agent typed, which confirms a factor that is being set up.

    None when it is wrong; otherwise the recovery codes that are new with it: mostly none.
    """
    assert agent.id is not None
    factor = factor_of(session, agent.id)
    if factor is None or not (
        _is_code(session, factor, code, at)
        or (factor.confirmed_at is not None and _recovers(session, agent.id, code))
    ):
        return None
    if factor.confirmed_at is not None:
        return ()
    factor.confirmed_at = at
    session.add(factor)
    record(session, f"agent:{agent.id}", "factor.on", f"agent:{agent.id}")
    return renew_codes(session, agent.id)


def renew_codes(session: Session, agent_id: int) -> tuple[str, ...]:
    """New recovery codes, to be shown once; those from before are good no more."""
    codes = tuple(_recovery_code() for _ in range(CODES))
    keep_codes(session, agent_id, (_bare(code) for code in codes))
    return codes


def drop(session: Session, agent_id: int, by: int | None = None) -> None:
    """The agent logs in by the password alone from now on."""
    forget_factor(session, agent_id)
    actor = f"agent:{by}" if by is not None else "command"
    record(session, actor, "factor.off", f"agent:{agent_id}")


def qr(shared: str, login: str, shop: str) -> str:
    """The secret as a QR code for authenticator apps: an address for an image.

    The form is that of Google Authenticator's key URIs, which the other apps follow.
    """
    label = quote(f"{shop}:{login}", safe="")
    uri = f"otpauth://totp/{label}?secret={shared}&issuer={quote(shop, safe='')}"
    return segno.make(uri, error="m", micro=False).svg_data_uri(scale=4, border=4, light="#fff")


def _is_code(session: Session, factor: SecondFactor, code: str, at: datetime) -> bool:
    """Whether it is the code of now, the step before or the one after; each is good once."""
    typed = _bare(code)
    if len(typed) != DIGITS or not typed.isdecimal():
        return False
    hotp = HOTP(_box(session).decrypt(factor.sealed), DIGITS, SHA1())  # noqa: S303
    step = int(at.timestamp()) // STEP_SECONDS
    good = [
        one
        for one in (step - 1, step, step + 1)
        if compare_digest(hotp.generate(one), typed.encode()) and one > factor.last_step
    ]
    if not good:
        return False
    factor.last_step = good[-1]
    session.add(factor)
    return True


def _recovers(session: Session, agent_id: int, code: str) -> bool:
    if not use_code(session, agent_id, _bare(code)):
        return False
    record(session, f"agent:{agent_id}", "factor.recovered", f"agent:{agent_id}")
    return True


def _recovery_code() -> str:
    """Sixteen characters, about 79 bits, in groups that a person can copy."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _bare(code: str) -> str:
    """A code as it is compared: without spaces and dashes, and however its keyboard is set."""
    plain = unicodedata.normalize("NFKC", code[:64]).lower()
    return "".join(char for char in plain if char.isascii() and char.isalnum())


def _box(session: Session) -> Fernet:
    """What the secrets are encrypted with, by a key derived from the installation's secret."""
    material = secret(session, "desk-second-factors").encode()
    derived = HKDF(SHA256(), 32, salt=None, info=b"xiaoer second factor").derive(material)
    return Fernet(urlsafe_b64encode(derived))


def _already() -> NotAllowed:
    return NotAllowed("已经开启了二次验证。", "Two-step login is on already.")
