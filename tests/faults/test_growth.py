"""A shop that has grown answers as fast as a new one."""

from pathlib import Path

import pytest

from bench import growth
from bot.answering.index import Index


@pytest.mark.parametrize(
    ("customers", "messages"),
    [(20_000, 200_000), pytest.param(1_000_000, 10_000_000, marks=pytest.mark.soak)],
)
def test_growth(
    tmp_path: Path, model_cache: Path, shipped: Index, customers: int, messages: int
) -> None:
    assert shipped.entries
    (tmp_path / "models").symlink_to(model_cache)
    figures = growth.measure(tmp_path, customers, messages)
    print(figures)
    for many in (growth.FEW, customers):
        asked, answered = figures[f"{many:,} customers: asked / answered"].split(" / ")
        assert asked == answered
    if customers == 1_000_000:
        assert figures["p99, many against few"] <= 1.5
