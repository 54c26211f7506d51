"""What the shop sells, as its own system tells it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Numeric, or_
from sqlalchemy import select as select_columns
from sqlmodel import Field, Session, SQLModel, col, func, select

from bot.core.clock import now
from storage.models.base import json_field, moment

_ESCAPE = "\\"


class Product(SQLModel, table=True):
    """A product, or one variant of it, known by its `sku`.

    `stock` is None where the shop does not count. `attributes` are further facts by name: a size
    chart, ingredients, how to care for it. `folded` is the name as it is searched. `told_at` is
    when the shop said so, so that late news undoes nothing newer. `named_at` is when we learnt by
    which names and address it is found, by our own clock.
    """

    id: int | None = Field(default=None, primary_key=True)
    sku: str = Field(unique=True)
    name: str = ""
    folded: str = ""
    url: str = ""
    price: Decimal | None = Field(default=None, sa_type=Numeric(14, 2))
    currency: str = ""
    stock: int | None = None
    attributes: dict[str, Any] = json_field(default_factory=dict)
    told_at: datetime = moment()
    named_at: datetime = moment(index=True, default_factory=now)


def named_since(session: Session, since: datetime) -> Sequence[Any]:
    """`id`, `sku`, `folded`, `url` and `attributes` of what was named since a moment, and when."""
    columns = (
        col(Product.id), col(Product.sku), col(Product.folded), col(Product.url),
        col(Product.attributes), col(Product.named_at),
    )  # fmt: skip
    return session.execute(select_columns(*columns).where(col(Product.named_at) >= since)).all()


def product_by_sku(session: Session, sku: str, *, lock: bool = False) -> Product | None:
    """The product with this article number."""
    query = select(Product).where(Product.sku == sku)
    return session.exec(query.with_for_update() if lock else query).one_or_none()


def newest_products(session: Session, most: int) -> list[Product]:
    """The products with a name that we learnt of last, without those that are sold out."""
    query = select(Product).where(
        Product.name != "", or_(col(Product.stock).is_(None), col(Product.stock) > 0)
    )
    return list(session.exec(query.order_by(col(Product.id).desc()).limit(most)))


def search_products(session: Session, folded: str, limit: int = 10) -> list[Product]:
    """Products whose folded name holds every word of `folded`, the shortest names first."""
    query = select(Product)
    for word in folded.split():
        query = query.where(col(Product.folded).like(_anywhere(word), escape=_ESCAPE))
    query = query.order_by(func.length(Product.folded), col(Product.id)).limit(limit)
    return list(session.exec(query)) if folded.strip() else []


def _anywhere(word: str) -> str:
    for special in (_ESCAPE, "%", "_"):
        word = word.replace(special, _ESCAPE + special)
    return f"%{word}%"
