"""One 客服帐号, two processes on one PostgreSQL: the one that reads is killed amid the messages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_kf import KfApp
from tests.integration.telegram.test_killed import deliveries
from tests.support.service import Service
from tests.support.telegram import in_chat
from tests.support.waiting import until
from tests.support.wechat_kf import Person, callback, kf_config, served


def is_reading(service: Service) -> bool:
    return '"reading ' in service.log


@pytest.fixture
def platform() -> Iterator[tuple[WeChatDouble, KfApp]]:
    with served() as found:
        yield found


@pytest.fixture
def pair(
    platform: tuple[WeChatDouble, KfApp],
    tmp_path: Path,
    model_cache: Path,
    small_faq: Path,
    postgres_url: str,
) -> Iterator[tuple[Service, Service]]:
    config = kf_config(platform[0])
    first, second = (
        Service(tmp_path / name, model_cache, postgres_url, small_faq, more_config=config)
        for name in ("a", "b")
    )
    first.launch()
    second.launch()
    yield first, second
    first.stop()
    second.stop()


def test_the_reader_is_killed_while_messages_stream_in(
    platform: tuple[WeChatDouble, KfApp], pair: tuple[Service, Service]
) -> None:
    app = platform[1]
    app.page = 3
    for one in pair:
        one.wait_until_ready()
    until(lambda: any(map(is_reading, pair)))
    reader, other = sorted(pair, key=lambda one: not is_reading(one))
    assert not is_reading(other)
    app.callback_url = callback(other)  # where the company's balancer leads after the death
    people = [Person.new(app) for _ in range(12)]
    for number, person in enumerate(people):
        person.say("怎么退货")
        if number == 6:
            until(lambda: any(one.got for one in people))
            reader.kill()
    for person in people[:3]:
        person.say("怎么退货")
    until(lambda: all(one.got for one in people))
    until(lambda: all(len(one.got) == 2 for one in people[:3]))
    until(lambda: {one.state for one in deliveries(other)} == {"sent"})
    assert is_reading(other)
    stored = [[author for author, _ in in_chat(other, one.id)] for one in people]
    assert [sorted(one) for one in stored[:3]] == [["bot", "bot", "customer", "customer"]] * 3
    assert stored[3:] == [["customer", "bot"]] * 9
    assert [len(one.got) for one in people] == [2] * 3 + [1] * 9
