"""Whatever happens on the way, agents see every message of their customers, and in time."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.telegram import GROUP_DEEDS, PER_GROUP, TelegramDouble
from tests.support.forum import FORUM, Forum, forum_config
from tests.support.killed_at import FATAL
from tests.support.service import Service
from tests.support.short_minute import SHORT
from tests.support.telegram import TOKEN, Customer

AT_SHORT_PACE, KILLED = "tests.support.short_minute", "tests.support.killed_at"


@pytest.fixture
def platform() -> Iterator[TelegramDouble]:
    double = TelegramDouble(**SHORT)
    double.api.token = TOKEN
    with double.running():
        yield double


@pytest.fixture
def shop(
    platform: TelegramDouble, tmp_path: Path, model_cache: Path, small_faq: Path
) -> Iterator[Service]:
    """Not started yet."""
    mine = Service(tmp_path / "own", model_cache, faq=small_faq, more_config=forum_config(platform))
    yield mine
    mine.stop()


@pytest.mark.soak
@pytest.mark.parametrize("point", ["committed", "received"])
def test_killed_between_the_message_and_its_topic(
    platform: TelegramDouble, shop: Service, point: str
) -> None:
    forum, customer = Forum(platform), Customer(platform, 5)
    platform.limits = False
    shop.module = (KILLED, point)
    shop.start()
    customer.ask("转人工")
    thread = forum.topic(customer.name)
    forum.shows(thread, "👤")
    customer.say(f"还有一句 {FATAL}")
    assert shop.process is not None
    assert shop.process.wait(30) == -9
    shop.module = ("bot",)
    shop.start()
    forum.shows(thread, f"💬 还有一句 {FATAL}")
    assert forum.everything(thread).count(FATAL) == 1
    assert len(forum.topics) == 1


@pytest.mark.parametrize("each", [6, pytest.param(25, marks=pytest.mark.soak)])
def test_many_messages_in_a_minute(platform: TelegramDouble, shop: Service, each: int) -> None:
    forum = Forum(platform)
    people = [Customer(platform, number, name=f"客人{number}") for number in range(11, 19)]
    shop.module = (AT_SHORT_PACE,)
    shop.start()
    for one in people:
        one.say("转人工")
    turns = [one for one in people for _ in range(each)]
    random.Random(7).shuffle(turns)
    wanted: dict[str, list[str]] = {one.name: [] for one in people}
    for number, one in enumerate(turns):
        wanted[one.name].append(f"第{number:03}句")
        one.say(wanted[one.name][-1])
    for one in people:
        thread = forum.topic(one.name)
        forum.shows(thread, wanted[one.name][-1])
        whole = forum.everything(thread)
        assert [whole.count(words) for words in wanted[one.name]] == [1] * each
        places = [whole.index(words) for words in wanted[one.name]]
        assert places == sorted(places)
    counted = [
        call
        for call in list(platform.calls)
        if call.chat == str(FORUM) and call.method in ("sendMessage", *GROUP_DEEDS)
    ]
    assert {call.outcome for call in counted} <= {"ok", "sent"}, "nothing was refused"
    begins = [call.at for call in counted]
    assert all(
        later - earlier > platform.group_seconds
        for earlier, later in zip(begins, begins[PER_GROUP:], strict=False)
    )
