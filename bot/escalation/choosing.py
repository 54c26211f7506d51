"""Chooses among the agents at work who serves a customer: plain values, no table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.escalation.teams import serves

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Hand:
    """An agent at work: whom they can serve, how much they have, when they were last given one.

    No `teams` are all teams, no `languages` all languages, and without a `capacity` there is none.
    """

    id: int
    load: int = 0
    capacity: int | None = None
    teams: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    last: datetime | None = None

    @property
    def has_room(self) -> bool:
        """Whether one more conversation is not too many."""
        return self.capacity is None or self.load < self.capacity

    def speaks(self, language: str) -> bool:
        """Whether they answer in this language."""
        return not self.languages or not language or language in self.languages


@dataclass(frozen=True, slots=True)
class Wish:
    """Who is wanted for a conversation. `known` served the customer before; `left_by` did not
    answer them this time."""

    id: int
    team: str = ""
    language: str = ""
    skill: str = ""
    known: int | None = None
    left_by: int | None = None


def choose(wish: Wish, hands: Iterable[Hand]) -> Hand | None:
    """Who serves: somebody of the team with the skill and room, who speaks the language unless
    nobody at work does. Whom the customer knows comes first, then who has least, then who was
    longest without. None when it has to wait.
    """
    able = [one for one in hands if _is_able(one, wish)]
    speakers = [one for one in able if one.speaks(wish.language)] or able
    free = (one for one in speakers if one.has_room)
    return min(free, key=lambda one: _rank(one, wish), default=None)


def plan(wishes: Iterable[Wish], hands: Sequence[Hand]) -> list[tuple[int, int]]:
    """Who serves which conversation, in the order of the queue: pairs of conversation and agent."""
    at_work, found = {one.id: one for one in hands}, []
    for wish in wishes:
        if not any(one.has_room for one in at_work.values()):
            break
        chosen = choose(wish, at_work.values())
        if chosen is not None:
            at_work[chosen.id] = replace(chosen, load=chosen.load + 1)
            found.append((wish.id, chosen.id))
    return found


def _is_able(hand: Hand, wish: Wish) -> bool:
    has_skill = not wish.skill or wish.skill in hand.skills
    return hand.id != wish.left_by and has_skill and serves(hand.teams, wish.team)


def _rank(hand: Hand, wish: Wish) -> tuple[bool, int, datetime, int]:
    return hand.id != wish.known, hand.load, hand.last or _NEVER, hand.id
