"""JSON sources: read by a mapping, page by page, from their own host alone, and again later."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlmodel import select

from bot import app
from bot.config import ROOT, ConfigInvalid, Source, load
from bot.core.clock import now
from bot.shop.sources import checkup, json_api, polling
from bot.shop.sources.checkup import SourceWrong
from bot.shop.sources.columns import FIELDS
from bot.shop.sources.json_api import JsonClient, SourceUnreachable
from bot.shop.sources.mapping import load_mapping
from bot.shop.sources.polling import Poller
from storage.db import Database
from storage.models.orders import Order
from storage.models.products import Product
from storage.models.sources import SourceState, seen_state
from tests.doubles.json_api import JsonApi
from tests.doubles.json_api import json_api as running_api

ZONE = ZoneInfo("Asia/Shanghai")
MAPPING = """
list = "data.list"
cursor = "changed"
since = "changed_since"
next = "data.next"

[fields]
order_id = "no"
status = "state.name"
paid_at = "paid"
updated_at = "changed"
phone = "buyer.phones[0]"
amount = "sum"

[statuses]
"WAIT_SEND" = "paid"

[item_fields]
item_name = "title"
item_quantity = "count"
"""
MAPPING = MAPPING.replace("[fields]", 'items = "lines"\n\n[fields]')


@pytest.fixture
def api() -> Iterator[JsonApi]:
    with running_api() as api:
        yield api


@pytest.fixture
def source(api: JsonApi, tmp_path: Path) -> Source:
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    return Source(
        name="erp", kind="json", url=f"{api.url}?size=2", every=60,
        headers={"Authorization": "Bearer k"}, mapping=tmp_path / "mapping.toml",
    )  # fmt: skip


def order(number: str, minute: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "no": number, "state": {"name": "WAIT_SEND"}, "paid": "2025-03-05 10:00:00",
        "changed": f"2025-03-05 10:{minute:02}:00", "sum": 199.5, "buyer": {"phones": ["138"]},
        "lines": [{"title": "羊毛围巾", "count": 2}], **more,
    }  # fmt: skip


def page(*orders: Any, following: str | None = None) -> dict[str, Any]:
    return {"data": {"list": list(orders), "next": following}}


def ask(db: Database, source: Source) -> None:
    Poller(db, (source,), ZONE).run({})


def numbers(db: Database) -> list[str]:
    return sorted(db.run(lambda session: list(session.exec(select(Order.number)))))


def state(db: Database) -> SourceState:
    found = db.run(seen_state, "erp")
    assert found is not None
    return found


def seconds_until_due(db: Database) -> float:
    due = state(db).due_at
    assert due is not None
    return round((due - now()).total_seconds())


def test_orders_are_read_page_by_page_and_only_what_is_new(
    db: Database, api: JsonApi, source: Source
) -> None:
    api.will_answer(
        page(order("A1", 1), order("A2", 2), following="/orders?p=2"), page(order("A3", 3))
    )
    ask(db, source)
    assert api.asked == [("/orders?size=2", "Bearer k"), ("/orders?p=2", "Bearer k")]
    first = db.run(lambda session: session.exec(select(Order).where(Order.number == "A1")).one())
    assert (first.status, first.amount, first.phone) == ("paid", Decimal("199.50"), "138")
    assert first.items == [{"name": "羊毛围巾", "quantity": 2}]
    assert first.placed_at is not None
    assert first.placed_at.isoformat() == "2025-03-05T02:00:00+00:00"
    ask(db, source)  # not due yet
    assert len(api.asked) == 2
    api.will_answer(page(order("A4", 4)))
    with time_machine.travel(now() + timedelta(seconds=61)):
        ask(db, source)
    assert api.asked[-1][0] == "/orders?size=2&changed_since=2025-03-05+10%3A03%3A00"
    assert numbers(db) == ["A1", "A2", "A3", "A4"]
    assert "last heard" in checkup.check(db, source)


@pytest.mark.parametrize(
    ("minutes", "cursor"), [((1, 2), "2025-03-05 10:02:00"), ((9, 8), "")], ids=["oldest", "newest"]
)
def test_what_a_broken_page_held_is_asked_for_again(
    sqlite_db: Database, api: JsonApi, source: Source, minutes: tuple[int, int], cursor: str
) -> None:
    first = [order(f"A{minute}", minute) for minute in minutes]
    api.will_answer(page(*first, following="/orders?p=2"))
    ask(sqlite_db, source)  # the second page is a 404
    assert (len(numbers(sqlite_db)), state(sqlite_db).cursor) == (2, cursor)
    assert state(sqlite_db).failures == 1


def test_a_source_that_fails_is_left_alone_ever_longer(
    sqlite_db: Database, api: JsonApi, source: Source
) -> None:
    moment = now()
    pauses = []
    for _ in range(8):
        with time_machine.travel(moment, tick=False):
            ask(sqlite_db, source)
            pauses.append(seconds_until_due(sqlite_db))
        moment += timedelta(seconds=pauses[-1] + 1)
    assert pauses == [120, 240, 480, 960, 1920, 3600, 3600, 3600]
    with pytest.raises(SourceWrong, match="×8: answered HTTP 404"):
        checkup.check(sqlite_db, source)
    api.will_answer(page(order("A1")))
    with time_machine.travel(moment, tick=False):
        ask(sqlite_db, source)
        assert seconds_until_due(sqlite_db) == 60
    assert "last heard" in checkup.check(sqlite_db, source)


def test_one_that_cannot_be_read_leaves_the_others_alone(
    db: Database, api: JsonApi, source: Source
) -> None:
    odd = [5, None, order(""), order("A2", state={"name": "flown"}), order("A3", sum="much")]
    api.will_answer(page(order("A1"), *odd, order("A4")))
    ask(db, source)
    assert numbers(db) == ["A1", "A4"]
    with pytest.raises(SourceWrong, match="5 of 7: order_id must not be empty"):
        checkup.check(db, source)


def test_nothing_but_its_own_host_is_asked(
    sqlite_db: Database, api: JsonApi, source: Source
) -> None:
    with running_api() as other:
        api.answers = [(302, {"Location": other.url}, b"")]
        with pytest.raises(SourceUnreachable, match="leads to another host"):
            JsonClient(source).get()
        api.will_answer(page(order("A1", 1), following=other.url))
        ask(sqlite_db, source)
        assert (numbers(sqlite_db), state(sqlite_db).failures) == (["A1"], 1)
        assert other.asked == []
    api.answers = [(307, {"Location": "/elsewhere"}, b""), (200, {}, {"here": 1})]
    assert JsonClient(source).get() == {"here": 1}
    api.answers = [(302, {"Location": "/again"}, b"")] * 9
    with pytest.raises(SourceUnreachable, match="too many redirects"):
        JsonClient(source).get()
    assert len(api.answers) == 9 - json_api.MOST_REDIRECTS - 1


def test_answers_that_are_none(
    api: JsonApi, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(body: bytes, **more: Any) -> str:
        api.answers = [(200, {}, body)]
        with pytest.raises(SourceUnreachable) as error:
            JsonClient(source, **more).get()
        return str(error.value)

    assert said(b"<html>") == said(b"[" * 9999) == "answered no JSON"
    ticks = count(0, 31)
    assert said(b"{}", clock=lambda: next(ticks)) == "took more than half a minute"
    monkeypatch.setattr(json_api, "MAX_BYTES", 100)
    assert said(b" " * 101) == "answered more than 10 MB"
    gone = source.model_copy(update={"url": "http://127.0.0.1:9/"})
    with pytest.raises(SourceUnreachable, match="cannot be reached"):
        JsonClient(gone).get()


def test_an_answer_without_the_list(sqlite_db: Database, api: JsonApi, source: Source) -> None:
    api.will_answer({"data": {"list": "none"}})
    ask(sqlite_db, source)
    assert state(sqlite_db).error == "answered no list at 'data.list'"


def test_pages_without_end(
    sqlite_db: Database, api: JsonApi, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "MOST_PAGES", 2)
    api.will_answer(*(page(order(f"A{n}", n), following="/orders") for n in (1, 2)))
    ask(sqlite_db, source)
    assert (state(sqlite_db).failures, state(sqlite_db).cursor) == (0, "2025-03-05 10:02:00")
    api.will_answer(*(page(order(f"A{n}", n), following="/orders") for n in (9, 8)))
    with time_machine.travel(now() + timedelta(seconds=61)):
        ask(sqlite_db, source)
    assert "oldest first" in state(sqlite_db).error
    assert state(sqlite_db).cursor == "2025-03-05 10:09:00"  # the first page was in order


def test_products_and_page_numbers(db: Database, api: JsonApi, source: Source) -> None:
    assert source.mapping is not None
    source.mapping.write_text(
        'kind = "products"\nnext = "more"\npage = "page"\nlist = "items"\n'
        '[fields]\nsku = "id"\nname = "n"\nstock = "left"\n[attributes]\nsize = "facts.size"\n',
        encoding="utf-8",
    )
    one = {"id": 7, "n": "围巾", "left": 0, "facts": {"size": "L"}}
    api.will_answer({"items": [one], "more": 2}, {"items": [{"id": 8}], "more": None})
    ask(db, source)
    assert [path for path, _ in api.asked] == ["/orders?size=2", "/orders?size=2&page=2"]
    found = db.run(lambda session: list(session.exec(select(Product).order_by(Product.sku))))
    assert [(product.sku, product.stock, product.attributes) for product in found] == [
        ("7", 0, {"size": "L"}),
        ("8", None, {}),
    ]


@pytest.mark.parametrize(("every", "cron"), [(300, "* * * * *"), (30, "*/30 * * * * *")])
def test_it_is_looked_no_more_often_than_needed(
    sqlite_db: Database, source: Source, every: int, cron: str
) -> None:
    assert Poller(sqlite_db, (source.model_copy(update={"every": every}),), ZONE).cron == cron


def test_the_documented_mapping_loads(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "orders.md").read_text(encoding="utf-8")
    text = page.split("```\n")[-2]
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    mapping = load_mapping(tmp_path / "m.toml")
    assert (mapping.kind, mapping.where, mapping.statuses) == (
        "orders",
        "data.orders",
        {"WAIT_SEND": "paid"},
    )
    polled = FIELDS["orders"] | FIELDS["products"]
    fields = {one for one in polled if not one.startswith("item_")}
    assert {field for field in fields if f"`{field}`" not in page} == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fields = 5", "fields: "),
        ("[fields]\nstatus = 's'", "fields.order_id is missing"),
        ("[fields]\norder_id = 'a'\ncolour = 'c'", "unknown 未知: colour"),
        ("cursor = 'c'\n[fields]\norder_id = 'a'", "cursor and since need each other"),
        ("[fields", "is no mapping"),
    ],
)
def test_a_wrong_mapping_is_named_before_anything_starts(
    sqlite_db: Database, source: Source, text: str, said: str
) -> None:
    assert source.mapping is not None
    source.mapping.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigInvalid, match=said):
        Poller(sqlite_db, (source,), ZONE)
    with pytest.raises(ConfigInvalid, match="is no mapping"):
        checkup.check(sqlite_db, source)


def test_the_service_asks_its_sources_and_doctor_looks_at_them(
    source: Source, sqlite_url: str, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    text = f'[shop]\nname = "x"\n[database]\nurl = "{sqlite_url}"\n'
    text += f'[[sources]]\nname = "erp"\nkind = "json"\nurl = "{source.url}"\nmapping = "mapping.toml"\n'
    text += '[[sources]]\nname = "woo"\nkind = "woocommerce"\nsecret = "12345678"\n'
    config.write_text(text, encoding="utf-8")
    service = app.build(load(config))
    try:
        assert "poll-sources" in service.engine._jobs
        found = [checkup.check(service.db, one) for one in service.config.sources]
        nothing = "nothing heard yet 还没有收到过"
        assert found == [f"{source.url}; {nothing}", f"/sources/woo; {nothing}"]
    finally:
        service.answerer.close()
        service.db.close()
