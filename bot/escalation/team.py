"""The team that takes over, as its part of the configuration describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, Self
from zoneinfo import ZoneInfo

from bot import config
from bot.escalation.hours import Hours
from bot.escalation.public_days import Country
from bot.words.week import week_text


class Target(StrEnum):
    """What a team promises: its first answer, each answer after that, and the end of it."""

    FIRST = "first"
    NEXT = "next"
    RESOLUTION = "resolution"


class Matter(Protocol):
    """What rules look at, see `teams.Matter`."""

    @property
    def language(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def names(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """Which conversations are a team's: of each kind that is set, one has to fit."""

    reasons: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()

    def fits(self, matter: Matter) -> bool:
        """Whether the matter is the team's."""
        asked = (
            (self.reasons, matter.names),
            (self.languages, {matter.language}),
            (self.channels, {matter.channel}),
            (self.topics, {matter.topic}),
        )
        return all(not wanted or not found.isdisjoint(wanted) for wanted, found in asked)


@dataclass(frozen=True, slots=True)
class Team:
    """People who take over.

    `title` is what colleagues read in place of the name.
    `targets` are minutes of working time; the team is warned when the share `warn_at` is used up.
    `told` are the hours as customers read them, by language, where they are not the shop's.
    """

    name: str
    hours: Hours
    targets: dict[Target, int] = field(default_factory=dict)
    warn_at: float = 0.8
    rule: Rule | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    title: str = ""

    @property
    def label(self) -> str:
        """What colleagues call it."""
        return self.title or self.name

    @classmethod
    def of(cls, settings: config.Team, shop: config.Shop, *, tells_hours: bool = False) -> Self:
        """The team with these settings, in the shop's time zone unless it has its own."""
        zone = ZoneInfo(settings.timezone) if settings.timezone else shop.zone
        promised = {
            Target.FIRST: settings.first_response_minutes,
            Target.NEXT: settings.next_response_minutes,
            Target.RESOLUTION: settings.resolution_minutes,
        }
        return cls(
            settings.name,
            Hours(
                zone,
                settings.week,
                Country(settings.holidays) if settings.holidays else None,
                settings.closings,
                settings.openings,
            ),
            {target: minutes for target, minutes in promised.items() if minutes is not None},
            settings.warn_at_percent / 100,
            _rule(settings),
            _told(settings, shop) if tells_hours else {},
            settings.title,
        )


def _rule(settings: config.Team) -> Rule | None:
    rule = Rule(settings.reasons, settings.languages, settings.channels, settings.topics)
    return None if rule == Rule() else rule


def _told(settings: config.Team, shop: config.Shop) -> dict[str, str]:
    rests = bool(settings.holidays)
    return {one: week_text(settings.week, one, holidays=rests) for one in shop.languages}
