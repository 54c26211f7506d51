"""Products: stored as told, in any order, and found by article number and by name."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import Session

from bot.core.clock import now
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
