"""What the shop tells about its products, in whatever order, and how they are found."""

import unicodedata

from sqlmodel import Session

from bot.core.text import to_simplified
from bot.shop.events import ProductEvent
from storage.models import products
from storage.models.products import Product
from storage.models.upsert import insert_or_ignore


def apply_product(session: Session, event: ProductEvent) -> Product:
    """Store what `event` says about a product; news older than the last only fills gaps.

    Attributes are merged by name, and nothing is ever emptied. Returns the product.
    """
    data, at = event.data, event.occurred_at
    insert_or_ignore(session, Product(sku=data.sku, told_at=at))
    product = products.product_by_sku(session, data.sku, lock=True)
    assert product is not None
    is_news = at >= product.told_at
    for name in ("name", "url", "price", "currency", "stock"):
        told = getattr(data, name)
        if told not in (None, "") and (is_news or getattr(product, name) in (None, "")):
            setattr(product, name, told)
    old, new = product.attributes or {}, data.attributes or {}
    product.attributes = {**old, **new} if is_news else {**new, **old}
    product.folded = folded(product.name)
    product.told_at = max(product.told_at, at)
    session.add(product)
    session.flush()
    return product


def search_products(session: Session, name: str, limit: int = 10) -> list[Product]:
    """Products whose name holds every word of `name`, in either script, case and width."""
    return products.search_products(session, folded(name), limit)


def folded(text: str) -> str:
    """`text` as names are compared: one width, one case, simplified characters."""
    return to_simplified(unicodedata.normalize("NFKC", text).casefold())
