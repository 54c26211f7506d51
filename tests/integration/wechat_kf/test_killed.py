"""kill -9 anywhere between reading the log and forgetting what took effect: nothing lost or twice."""

from pathlib import Path

import pytest

from tests.integration.telegram.test_killed import deliveries
from tests.support.killed_at import FATAL
from tests.support.service import Service
from tests.support.telegram import in_chat
from tests.support.waiting import until
from tests.support.wechat_kf import Person, callback, kf_config, served

POINTS = ("read", "kept", "forgetting", "received", "committed", "taken")
"""Where the process is killed; that another goes on is in `test_two_processes.py` always."""


@pytest.mark.soak
@pytest.mark.parametrize("point", POINTS)
def test_five_messages(point: str, tmp_path: Path, model_cache: Path, small_faq: Path) -> None:
    with served() as (double, app):
        app.page = 3
        shop = Service(tmp_path / "own", model_cache, faq=small_faq, more_config=kf_config(double))
        people = [Person.new(app) for _ in range(5)]
        shop.module = ("tests.support.killed_at", point)
        shop.start()
        app.callback_url, app.loses_callbacks = callback(shop), True
        for number, one in enumerate(people):
            app.loses_callbacks = number < 4  # what was missed is read with the next news
            one.say(f"怎么退货 {FATAL if number == 2 else ''}".strip())
        assert shop.process is not None
        assert shop.process.wait(60) == -9
        shop.module = ("bot",)
        shop.start()
        try:
            until(lambda: all(one.got for one in people))
            until(lambda: {one.state for one in deliveries(shop)} == {"sent"})
        finally:
            assert shop.stop() == 0
        stored = [[author for author, _ in in_chat(shop, one.id)] for one in people]
        assert stored == [["customer", "bot"]] * 5
        assert [len(one.got) for one in people] == [1] * 5, "sent again under the same id"
