"""What people at the desk may do, by the role they have."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody is at the desk."""

    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"
    VIEWER = "viewer"


class Presence(StrEnum):
    """Whether somebody at the desk is there, as they chose it themselves."""

    ONLINE = "online"
    """New customers may be given to them."""
    AWAY = "away"
    """They keep those whom they have, and are given no new ones."""
    OFFLINE = "offline"
    """They are not there."""


class Right(StrEnum):
    """A kind of thing that is done at the desk."""

    LOOK = "look"
    """See conversations and customers."""
    SERVE = "serve"
    """Answer customers, and everything that belongs to it."""
    NUMBERS = "numbers"
    """See reports."""
    SETTINGS = "settings"
    """Change canned replies, teams and their hours; see gaps, entries and care texts."""
    PEOPLE = "people"
    """Say who works at the desk, and as what."""
    AUDIT = "audit"
    """See who looked at, and did, what."""


_AGENT = frozenset({Right.LOOK, Right.SERVE})
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.ADMIN: frozenset(Right),
    Role.AGENT: _AGENT,
    Role.VIEWER: frozenset({Right.LOOK, Right.NUMBERS}),
}
"""An admin differs from the owner in one thing: only owners make, change or disable owners."""


def may(role: str, right: Right) -> bool:
    """Whether somebody with `role` has `right`; an unknown role has none."""
    return role in RIGHTS and right in RIGHTS[Role(role)]
