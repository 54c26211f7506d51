"""A shop that has grown answers as fast as a new one."""

from pathlib import Path

import pytest

from bench import growth
from bot.answering.index import Index


@pytest.mark.parametrize(
    ("customers", "messages", "seconds", "rounds"),
    [
        (5_000, 50_000, 2, 1),
        (1_000_000, 10_000_000, 20, 3),
    ],
)
@pytest.mark.soak
def test_growth(
    tmp_path: Path,
    model_cache: Path,
    shipped: Index,
    capfd: pytest.CaptureFixture[str],
    customers: int,
    messages: int,
    seconds: int,
    rounds: int,
) -> None:
    assert shipped.entries
    (tmp_path / "models").symlink_to(model_cache)
    with capfd.disabled():
        figures = growth.measure(tmp_path, customers, messages, seconds, rounds)
    for many in (growth.FEW, customers):
        taken, answered = figures[f"{many:,} customers: taken / answered"].split(" / ")
        assert taken == answered
        assert int(taken) > rounds * seconds * growth.RATE // 2, "few are asked to come again"
    if rounds > 1:  # where it is long enough to say so
        assert figures["median p99, many against few"] <= 1.5, figures
