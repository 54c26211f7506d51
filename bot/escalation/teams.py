"""Which team takes over a conversation, and what it takes: by rules of the configuration."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Self

from bot import config
from bot.escalation.team import Team


@dataclass(frozen=True, slots=True)
class Matter:
    """What a conversation is about when a person is brought.

    `reason` is as in `handoff.hand_over`; `topic` is that of the FAQ entry, if one is the reason.
    """

    reason: str = ""
    language: str = ""
    channel: str = ""
    topic: str = ""

    @property
    def names(self) -> frozenset[str]:
        """What it may be called in a rule: the reason, its kind, and the topic."""
        return frozenset({self.reason, self.reason.partition(":")[0], self.topic} - {""})


@dataclass(slots=True, eq=False)
class Teams:
    """All teams, the first of which has what is nobody else's; `all` is put in another's place when
    the desk changes them (see `in_force`).

    `needs` is the skill that an agent needs, by topic or reason; `file` are the teams as the
    configuration's file has them.
    """

    all: tuple[Team, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    file: tuple[config.Team, ...] = ()

    @classmethod
    def of(cls, settings: config.Config) -> Self:
        """The teams of a configuration."""
        made = (
            Team.of(one, settings.shop, tells_hours=one.has_hours or place > 0)
            for place, one in enumerate(settings.teams)
        )
        return cls(tuple(made), settings.desk.needs, settings.teams)

    def called(self, name: str) -> Team | None:
        """The team with this name, else the first one; None where there is none."""
        found = (one for one in self.all if one.name == name)
        return next(found, next(iter(self.all), None))

    def knows(self, name: str) -> bool:
        """Whether there is a team with this name."""
        return any(one.name == name for one in self.all)

    def team_for(self, matter: Matter) -> str:
        """The first team one of whose rules is about the matter, else the first; its name."""
        found = (one for one in self.all if one.rule is not None and one.rule.fits(matter))
        team = next(found, next(iter(self.all), None))
        return team.name if team else ""

    def skill_for(self, matter: Matter) -> str:
        """The skill that it takes; empty where everybody can."""
        return next((skill for name, skill in self.needs.items() if name in matter.names), "")

    def queue(self, team: str) -> tuple[str, ...] | None:
        """The teams whose conversations stand in one queue with this one's; None: all."""
        return None if len(self.all) < 2 else ("", team)


NO_TEAMS = Teams()


def serves(agents: Collection[str], team: str) -> bool:
    """Whether somebody who belongs to these teams serves that one.

    Who belongs to none serves all, and what is no team's is everybody's.
    """
    return not agents or not team or team in agents
