"""Who serves whom, against rules so plain that they can be read off the documentation."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.escalation.choosing import Hand, Wish, choose, plan

START = datetime(2026, 1, 1, tzinfo=UTC)
TEAMS, TONGUES, SKILLS = ("first", "second"), ("zh", "en"), ("returns", "vip")
SOME_TEAMS = st.frozensets(st.sampled_from(TEAMS))
SOME_TONGUES = st.frozensets(st.sampled_from(TONGUES))
SOME_SKILLS = st.frozensets(st.sampled_from(SKILLS))
MOMENTS = st.none() | st.integers(0, 3).map(lambda hours: START + timedelta(hours=hours))


@st.composite
def hands(draw: st.DrawFn) -> list[Hand]:
    capacities = st.none() | st.integers(0, 3)
    return [
        Hand(
            number, draw(st.integers(0, 3)), draw(capacities), draw(SOME_TEAMS),
            draw(SOME_TONGUES), draw(SOME_SKILLS), draw(MOMENTS),
        )
        for number in draw(st.permutations(range(1, draw(st.integers(1, 6)))))
    ]  # fmt: skip


def a_wish(number: int) -> st.SearchStrategy[Wish]:
    somebody = st.none() | st.integers(1, 5)
    return st.builds(
        Wish, st.just(number), st.sampled_from(("", *TEAMS)), st.sampled_from(("", *TONGUES)),
        st.sampled_from(("", *SKILLS)), somebody, somebody,
    )  # fmt: skip


def obvious(wish: Wish, people: list[Hand]) -> int | None:
    """The same, one rule after the other."""
    rest = list(people)
    if wish.team:
        rest = [one for one in rest if one.teams == frozenset() or wish.team in one.teams]
    if wish.skill:
        rest = [one for one in rest if wish.skill in one.skills]
    rest = [one for one in rest if one.id != wish.left_by]
    if wish.language:
        tongue = [one for one in rest if not one.languages or wish.language in one.languages]
        if tongue:
            rest = tongue
    rest = [one for one in rest if one.capacity is None or one.capacity > one.load]
    if not rest:
        return None
    if any(one.id == wish.known for one in rest):
        return wish.known
    least = min(one.load for one in rest)
    rest = [one for one in rest if one.load == least]
    never = [one for one in rest if one.last is None]
    if never:
        return min(one.id for one in never)
    longest = min(one.last for one in rest if one.last)
    return min(one.id for one in rest if one.last == longest)


@given(wish=a_wish(1), people=hands())
def test_the_choice_is_the_obvious_one(wish: Wish, people: list[Hand]) -> None:
    chosen = choose(wish, people)
    assert (chosen.id if chosen else None) == obvious(wish, people)


@given(wishes=st.lists(st.integers()).flatmap(
    lambda some: st.tuples(*(a_wish(number) for number in range(len(some))))
), people=hands())  # fmt: skip
def test_a_plan_gives_nobody_too_many_and_lets_nobody_wait_in_vain(
    wishes: tuple[Wish, ...], people: list[Hand]
) -> None:
    given_to = dict(plan(wishes, people))
    loads = {one.id: one.load for one in people}
    for wish in wishes:
        now = [
            Hand(
                one.id, loads[one.id], one.capacity, one.teams, one.languages, one.skills, one.last
            )
            for one in people
        ]
        assert given_to.get(wish.id) == obvious(wish, now)
        if wish.id in given_to:
            loads[given_to[wish.id]] += 1
    capacities = {one.id: one.capacity for one in people}
    for agent in given_to.values():
        capacity = capacities[agent]
        assert capacity is None or loads[agent] <= capacity


def test_equals_take_turns() -> None:
    people = [Hand(number, last=START) for number in (1, 2, 3)]
    served = [agent for _, agent in plan([Wish(number) for number in range(6)], people)]
    assert served == [1, 2, 3, 1, 2, 3]
