"""The whole story of a purchase, as customers on Telegram and of an official account live it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from bot import app, config
from bot.answering.index import Index
from bot.care.calendar import Calendar
from bot.core.clock import now
from storage.models.care import CareMessage, CareState
from storage.models.customers import Identity
from storage.models.deliveries import Quota
from storage.models.feedback import Feedback
from tests.doubles.wechat import WeChatDouble
from tests.support.listening import Listener
from tests.support.service import Service
from tests.support.telegram import Customer as Person
from tests.support.telegram import bot_config, served
from tests.support.wechat import Follower, account, section

_EVENTS = count(1)
TEMPLATE = """
templates = [{ id = "T-news", data = { thing1 = "{text}", time3 = "{time}" } }]
"""
NEVER = datetime(2020, 1, 1, tzinfo=UTC)


class Shop:
    """A running service that speaks like an old inn, and the house it is made of."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.house = app.build(config.load(service.config))

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """The shop's own system says so."""
        body = {"id": f"e{next(_EVENTS)}", "type": kind, "occurred_at": now().isoformat()}
        answer = self.service.post_event(body | {"data": data})
        assert answer.status_code == 202, answer.text

    def when_it_is_time(self, journey: str) -> None:
        """The days pass until the journey's message is due, and the minute in which it is seen."""

        def passes(session: Any) -> None:
            due = (col(CareMessage.journey) == journey, CareMessage.state == CareState.DUE)
            session.execute(update(CareMessage).where(*due).values(due_at=now()))

        self.service.look(passes)
        self.house.care.planner.run(self.house.db)

    def silence(self, chat: str) -> None:
        """The customer has not written for an hour."""
        since = update(Identity).where(col(Identity.chat) == chat)
        self.service.look(
            lambda session: session.execute(since.values(last_seen_at=now() - timedelta(hours=1)))
        )

    def reasons(self, journey: str) -> list[str]:
        """Why the journey's messages wait."""
        query = select(CareMessage.reason).where(
            CareMessage.journey == journey, CareMessage.state == CareState.DUE
        )
        return self.service.look(lambda session: list(session.exec(query)))


@contextmanager
def opened(folder: Path, models: Path, platforms: str) -> Iterator[Service]:
    service = Service(folder, models, more_config=platforms)
    yield service
    assert service.stop() == 0


@pytest.fixture
def imperial(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings: the playful voice, and birthdays."""
    settings = {"XIAOER_CARE__VOICE": "imperial", "XIAOER_CARE__ENABLED": '["birthday"]'}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return settings


def hears(buyer: Listener, *words: str) -> None:
    """A message comes in which all these words stand."""
    while True:
        text = buyer.next()
        if all(word in text for word in words):
            return


def thanks(buyer: Listener) -> None:
    """The customer writes, which opens a window where there are such."""
    if isinstance(buyer, Follower):
        buyer.pause()
    buyer.ask("谢谢")


def lives(shop: Shop, buyer: Listener, ref: str, before_delivery: Callable[[], None]) -> None:
    """From the payment to the visit."""
    birthday = now().date().replace(year=1992)
    agreed = {"purpose": "marketing", "given": True, "wording": "可以", "at": now().isoformat()}
    who = {"id": ref, "name": "林小满", "phone": "13800008888", "language": "zh"}
    shop.tell("order.paid", {"order_id": f"{ref}000", "customer": who})
    shop.tell(
        "customer.updated",
        {"customer": who | {"birthday": str(birthday), "consents": [agreed]}},
    )
    buyer.ask("我的快递到哪了")
    buyer.say(f"{ref}000 8888")
    hears(buyer, f"{ref}000")

    order = {"order_id": f"{ref}001", "customer": who, "address": {"city": "杭州"}}
    shop.tell("order.paid", order | {"items": [{"name": "羊毛围巾"}]})
    hears(buyer, "客官", f"{ref}001")
    thanks(buyer)
    shop.tell("order.shipped", order | {"carrier": "顺丰速运", "tracking_number": f"SF{ref}"})
    hears(buyer, "客官", "顺丰速运", f"SF{ref}")
    thanks(buyer)
    step = {"order_id": f"{ref}001", "tracking_number": f"SF{ref}"}
    shop.tell("parcel.update", step | {"status": "arrived_city", "place": "杭州"})
    hears(buyer, "杭州")
    before_delivery()
    shop.tell("parcel.update", step | {"status": "delivered"})
    hears(buyer, f"{ref}001")
    thanks(buyer)
    shop.when_it_is_time("visit_48h")
    hears(buyer, "顺手")


def stars(shop: Shop) -> list[int | None]:
    query = select(Feedback.rating).where(Feedback.of_purchase)
    return shop.service.look(lambda session: list(session.exec(query)))


def coupons(shop: Shop, folder: Path, *codes: str) -> None:
    table = folder / "codes.csv"
    table.write_text("code,value\n" + "".join(f"{one},20 元\n" for one in codes), encoding="utf-8")
    made = shop.service.command("coupons", "import", "birthday", str(table))
    assert made.returncode == 0, made.stderr
    care = shop.house.care
    Calendar(care.book, care.planner.rules).run(shop.house.db)


def test_on_telegram(
    tmp_path: Path, model_cache: Path, shipped: Index, imperial: dict[str, str]
) -> None:
    with served() as platform, opened(tmp_path, model_cache, bot_config(platform)) as it:
        it.environment = imperial
        shop, buyer = Shop(it.start()), Person(platform, 8801)
        lives(shop, buyer, "TG9", lambda: None)
        buyer.press("★★★★★")
        hears(buyer, "5 颗星")
        assert stars(shop) == [5]
        coupons(shop, tmp_path, "HB-1", "HB-2")
        shop.silence(str(buyer.id))
        shop.when_it_is_time("birthday")
        hears(buyer, "HB-1")


def test_on_wechat(
    tmp_path: Path, model_cache: Path, shipped: Index, imperial: dict[str, str]
) -> None:
    with WeChatDouble().running() as platform:
        official = account(platform, 1, templates={"T-news": ("thing1", "time3")})
        more = section(official, "shop", platform.url, TEMPLATE)
        with opened(tmp_path, model_cache, more) as it:
            it.environment = imperial
            official.callback_url = f"{it.url}/wechat/shop"
            shop, buyer = Shop(it.start()), Follower(official)

            def shut() -> None:
                """Two days pass in which the customer writes nothing."""
                it.look(lambda session: session.execute(update(Quota).values(closes_at=NEVER)))
                official.windows[buyer.openid].clear()

            lives(shop, buyer, "WX9", shut)
            by = {one.by for one in buyer.got}
            assert by == {"custom", "template"}, "the delivery was told outside of the window"
            assert "5 颗星" in buyer.press("★★★★★")
            assert stars(shop) == [5]

            shut()
            coupons(shop, tmp_path, "HB-1")
            shop.silence(buyer.openid)
            shop.when_it_is_time("birthday")
            assert shop.reasons("birthday") == ["window"]
            thanks(buyer)
            shop.when_it_is_time("birthday")
            assert shop.reasons("birthday") == ["talking"], "writing alone sets no advertising free"
            shop.silence(buyer.openid)
            shop.when_it_is_time("birthday")
            hears(buyer, "HB-1")
            assert buyer.got[-1].by == "custom"
        assert not official.bans
        assert not [call for call in platform.calls if call.outcome in ("45015", "45047")]
