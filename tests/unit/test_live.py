"""News reach whoever listens; where some may be missing, the listener is told to look."""

import pytest

from storage.live import Live

SOON = 5.0


@pytest.fixture
def live() -> Live:
    return Live()


async def test_news_come_with_the_change(live: Live) -> None:
    with live.listen("chat") as signal:
        live.publish({"chat": "hello", "other": "nothing for us"})
        assert await signal.wait(SOON)
        assert signal.news == "hello"
        live.publish({"chat": "again"})
        assert await signal.wait(SOON)
        assert signal.news == "again"


async def test_of_several_changes_none_is_kept(live: Live) -> None:
    with live.listen("chat") as signal:
        for words in ("one", "two", "three"):
            live.publish({"chat": words})
        assert await signal.wait(SOON)
        assert signal.news is None


async def test_a_change_without_news_hides_those_before_it(live: Live) -> None:
    with live.listen("chat") as signal:
        live.publish({"chat": "hello"})
        live.publish({"chat": None})
        assert await signal.wait(SOON)
        assert signal.news is None
