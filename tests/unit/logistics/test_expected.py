"""The range of days is what past parcels really took."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from bot.logistics.expected import Expected, expected
from bot.logistics.travel import LEAST, Past, early, late

NINE_OF_TEN = Fraction(9, 10)
TIMES = st.lists(st.integers(1, 40), min_size=LEAST, max_size=60)


def share(values: list[int], within: range) -> Fraction:
    return Fraction(sum(one in within for one in values), len(values))


@given(TIMES)
def test_the_ends_of_a_range_by_counting(values: list[int]) -> None:
    top = max(values)
    assert late(values) == min(
        one for one in values if share(values, range(one + 1)) >= NINE_OF_TEN
    )
    assert early(values) == max(
        one for one in values if share(values, range(one, top + 1)) >= NINE_OF_TEN
    )
    assert share(values, range(int(early(values)), int(late(values)) + 1)) >= Fraction(8, 10)


@given(TIMES, st.integers(0, 45))
def test_only_what_took_longer_counts(values: list[int], passed: int) -> None:
    found = expected([Past("city", tuple(values), ())], passed)
    longer = [one for one in values if one > passed]
    if share(values, range(passed)) >= NINE_OF_TEN:
        assert found == Expected("city", is_late=True)
    elif len(longer) < LEAST:
        assert found is None
    else:
        assert found is not None
        assert passed < found.first <= found.last
        assert (found.first, found.last) == (early(longer), late(longer))


def test_too_few_of_the_city_are_helped_out_by_the_region() -> None:
    city = Past("city", (1, 1, 2, 2, 3, 3, 4, 9), ())
    region = Past("region", (2, 3, 4, 5, 5, 6, 6, 7, 7, 8, 9), ())
    assert expected([city, region], 0) == Expected("city", 1, 9)
    assert expected([city, region], 2) == Expected("region", 4, 8)
    assert expected([city, region], 10) == Expected("city", is_late=True)
    assert expected([], 0) is None
