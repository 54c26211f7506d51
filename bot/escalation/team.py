"""The team that takes over, as its part of the configuration describes it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

from bot import config
from bot.escalation.hours import Hours
from bot.escalation.public_days import Country


class Target(StrEnum):
    """What a team promises: its first answer, each answer after that, and the end of it."""

    FIRST = "first"
    NEXT = "next"
    RESOLUTION = "resolution"


@dataclass(frozen=True, slots=True)
class Team:
    """People who take over.

    `targets` are minutes of working time; the team is warned when the share `warn_at` is used up.
    """

    name: str
    hours: Hours
    targets: dict[Target, int] = field(default_factory=dict)
    warn_at: float = 0.8

    @classmethod
    def of(cls, settings: config.Team, shop: config.Shop) -> Self:
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
        )
