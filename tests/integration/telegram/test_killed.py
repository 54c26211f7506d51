"""kill -9 while the third of five updates is handled: all five are answered, each once."""

from collections import Counter
from pathlib import Path

import pytest
from sqlmodel import select

from storage.models.deliveries import Delivery
from tests.doubles.telegram import TelegramDouble
from tests.support.killed_at import FATAL
from tests.support.service import Service
from tests.support.telegram import Customer, bot_config, in_chat
from tests.support.waiting import until


@pytest.mark.soak
@pytest.mark.parametrize("point", ["committed", "received", "taken"])
@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_five_updates(
    platform: TelegramDouble,
    tmp_path: Path,
    model_cache: Path,
    small_faq: Path,
    mode: str,
    point: str,
) -> None:
    shop = Service(tmp_path / "own", model_cache, faq=small_faq)
    shop.public_url, shop.more_config = shop.url, bot_config(platform, mode)
    people = [Customer(platform, number) for number in range(1, 6)]
    shop.module = ("tests.support.killed_at", point)
    shop.start()
    if mode == "webhook":
        until(lambda: platform.api.webhook.url)
    platform.push(
        *(one.message(f"怎么退货 {FATAL if one.id == 3 else ''}".strip()) for one in people)
    )
    assert shop.process is not None
    assert shop.process.wait(60) == -9
    shop.module = ("bot",)
    shop.start()
    try:
        until(lambda: all(one.got for one in people))
        until(lambda: not platform.api.pending)
        assert [[author for author, _ in in_chat(shop, one.id)] for one in people] == [
            ["customer", "bot"]
        ] * 5
        until(lambda: set(states(shop)) == {"sent"})
    finally:
        assert shop.stop() == 0
    arrived = Counter(call.chat for call in platform.sent())
    again = resends(shop)  # what may have been on its way at the moment of death, marked
    assert arrived.keys() == {str(one.id) for one in people}
    assert all(arrived[chat] <= 1 + again[chat] for chat in arrived)


def states(shop: Service) -> Counter[str]:
    return Counter(delivery.state for delivery in deliveries(shop))


def resends(shop: Service) -> Counter[str]:
    return Counter({one.chat: one.resends for one in deliveries(shop)})


def deliveries(shop: Service) -> list[Delivery]:
    return shop.look(lambda session: list(session.exec(select(Delivery))))
