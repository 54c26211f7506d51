"""Products: stored as told, in any order, and found by article number and by name."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import Session

from bot.core.clock import now
from bot.core.events import ProductBackInStock
from bot.shop.catalogue import Catalogue
from bot.shop.events import ProductEvent
from bot.shop.products import apply_product, search_products
from storage.db import Database
from storage.models.products import product_by_sku

START = now() - timedelta(days=1)


def told(session: Session, sku: str, hours: int = 0, **data: Any) -> None:
    body = {
        "id": "p", "type": "product.updated", "occurred_at": START + timedelta(hours=hours),
        "data": {"sku": sku, **data},
    }  # fmt: skip
    apply_product(session, ProductEvent.model_validate(body))


def test_the_newest_news_wins_and_gaps_are_filled(db: Database) -> None:
    db.run(told, "S1", 2, name="羊毛围巾", price=Decimal("99.5"), attributes={"care": "手洗"})
    db.run(
        told, "S1", 1, name="围巾", stock=0, attributes={"care": "机洗", "size": {"L": "180 cm"}}
    )
    db.run(told, "S1", 3, price=Decimal("89"))
    found = db.run(product_by_sku, "S1")
    assert found is not None
    assert (found.name, found.price, found.stock) == ("羊毛围巾", Decimal("89.00"), 0)
    assert found.attributes == {"care": "手洗", "size": {"L": "180 cm"}}
    assert found.told_at == START + timedelta(hours=3)


def test_names_are_found_in_any_script_case_and_width(db: Database) -> None:
    for sku, name in (
        ("1", "羊毛圍巾 Ｒed"),
        ("2", "羊毛围巾 红色 加长款"),
        ("3", "100% 棉"),
        ("4", "100x"),
    ):
        db.run(told, sku, name=name)
    found = lambda words: [one.sku for one in db.run(search_products, words)]  # noqa: E731
    assert found("围巾") == ["1", "2"]
    assert found("RED 羊毛") == ["1"]
    assert found("100%") == ["3"]
    assert found(" ") == found("_") == []


def test_only_who_was_sold_out_is_back(db: Database) -> None:
    back: list[int] = []
    db.bus.on(ProductBackInStock, lambda _session, event: back.append(event.product_id))
    for hours, stock in enumerate([3, 0, 5, 7, -2, None, 1]):
        db.run(told, "S1", hours, stock=stock)
        if hours == 1:
            db.run(told, "S1", 0, stock=9)  # older than what we know
    assert len(back) == 2


def test_the_catalogue_follows_what_the_shop_tells(db: Database) -> None:
    catalogue = Catalogue()

    def meant(words: str) -> list[str]:
        return [one.name for one in db.run(catalogue.by_words, words)]

    db.run(told, "S1", name="羊毛围巾", url="https://shop.example/scarf?id=5")
    assert meant("羊毛围巾") == ["羊毛围巾"]
    db.run(told, "S1", 1, name="云锦披肩", attributes={"别名": ["大披巾", "shawl"]})
    db.run(told, "S2", name="羊绒手套")
    assert meant("羊毛围巾") == []
    assert meant("shawls") == meant("大披巾") == meant("云锦披肩") == ["云锦披肩"]
    assert meant("羊绒手套") == ["羊绒手套"]
    link = db.run(catalogue.by_link, "看 https://WWW.shop.example/scarf/?utm_source=a&id=5，多少钱")
    assert len(link) == 1
    assert db.run(catalogue.by_link, "https://shop.example/scarf?id=6") == []


@pytest.mark.parametrize(
    "data",
    [
        {"url": "javascript:alert(1)"},
        {"attributes": {"a": "x" * 20_001}},
        {"attributes": {"a": "\0"}},
    ],
)
def test_what_is_no_product_is_refused(db: Database, data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        db.run(told, "S1", **data)
