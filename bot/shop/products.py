"""What the shop tells about its products, in whatever order, and how they are found."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from bot.core.clock import now
from bot.core.events import ProductBackInStock, emit
from bot.core.text import to_simplified
from bot.shop.events import ProductEvent
from storage.models import products
from storage.models.products import Product
from storage.models.upsert import insert_or_ignore

_ALIASES = {"alias", "aliases", "别名", "别称", "又名"}
"""The attribute in which a shop says what else a product is called."""


def apply_product(session: Session, event: ProductEvent) -> Product:
    """Store what `event` says about a product; news older than the last only fills gaps.

    Attributes are merged by name, and nothing is ever emptied. Emits `ProductBackInStock` when
    there are some again after there were none. Returns the product.
    """
    data, at = event.data, event.occurred_at
    insert_or_ignore(session, Product(sku=data.sku, told_at=at))
    product = products.product_by_sku(session, data.sku, lock=True)
    assert product is not None
    is_news = at >= product.told_at
    was_sold_out, names = product.stock is not None and product.stock <= 0, _names(product)
    for name in ("name", "url", "price", "currency", "stock"):
        told = getattr(data, name)
        if told not in (None, "") and (is_news or getattr(product, name) in (None, "")):
            setattr(product, name, told)
    old, new = product.attributes or {}, data.attributes or {}
    product.attributes = {**old, **new} if is_news else {**new, **old}
    product.folded = folded(product.name)
    product.told_at = max(product.told_at, at)
    if _names(product) != names:
        product.named_at = now()
    session.add(product)
    session.flush()
    if was_sold_out and (product.stock or 0) > 0:
        assert product.id is not None
        emit(session, ProductBackInStock(product.id))
    return product


def search_products(session: Session, name: str, limit: int = 10) -> list[Product]:
    """Products whose name holds every word of `name`, in either script, case and width."""
    return products.search_products(session, folded(name), limit)


def _names(product: Product) -> tuple[str, str, tuple[str, ...]]:
    """By what the product is found besides its article number."""
    return product.folded, product.url, aliases(product.attributes or {})


def aliases(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """What else customers call a product, folded: a text with commas, or a list."""
    said = [value for name, value in attributes.items() if folded(name) in _ALIASES]
    texts = [str(one) for value in said for one in (value if isinstance(value, list) else [value])]
    parts = (folded(part).strip() for text in texts for part in re.split(r"[,，、;；|/\n]", text))
    return tuple(dict.fromkeys(part for part in parts if part))


def folded(text: str) -> str:
    """`text` as names are compared: one width, one case, simplified characters."""
    return to_simplified(unicodedata.normalize("NFKC", text).casefold())
