"""Who wants to be told, once, that a product is there again."""

from datetime import datetime

from sqlalchemy import UniqueConstraint, delete
from sqlmodel import Field, Session, SQLModel, col, select, update

from bot.core.clock import now
from storage.models.base import moment
from storage.models.products import Product


class StockWatch(SQLModel, table=True):
    """A wish for exactly one message about one product; `told_at` is when it was fulfilled."""

    __tablename__ = "stock_watch"
    __table_args__ = (UniqueConstraint("customer_id", "product_id"),)

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customer.id")
    product_id: int = Field(foreign_key="product.id", index=True)
    asked_at: datetime = moment(default_factory=now)
    told_at: datetime | None = moment(nullable=True, default=None)


def watch_of(session: Session, customer_id: int, product_id: int) -> StockWatch | None:
    """The customer's wish about a product, its row held until the commit."""
    query = select(StockWatch).where(
        StockWatch.customer_id == customer_id, StockWatch.product_id == product_id
    )
    return session.exec(query.with_for_update()).one_or_none()


def waiting_for(session: Session, product_id: int) -> list[StockWatch]:
    """The wishes about a product that are not fulfilled yet, the oldest first."""
    query = select(StockWatch).where(
        StockWatch.product_id == product_id, col(StockWatch.told_at).is_(None)
    )
    return list(session.exec(query.order_by(col(StockWatch.asked_at), col(StockWatch.id))))


def drop_watches(session: Session, customer_id: int) -> None:
    """Forget the customer's wishes that are not fulfilled yet."""
    open_ones = (col(StockWatch.customer_id) == customer_id, col(StockWatch.told_at).is_(None))
    session.exec(delete(StockWatch).where(*open_ones))


def reopen(session: Session, customer_id: int, sku: str) -> None:
    """The customer was not told of a product after all: they still wish to be."""
    product = select(Product.id).where(Product.sku == sku).scalar_subquery()
    mine = (col(StockWatch.customer_id) == customer_id, col(StockWatch.product_id) == product)
    statement = update(StockWatch).where(*mine).values(told_at=None)
    session.exec(statement.execution_options(synchronize_session="fetch"))


def move_watches(session: Session, before: int, after: int) -> None:
    """One customer's wishes are now another's, who they turned out to be; of two for one product
    one that is not fulfilled yet."""
    mine = col(StockWatch.customer_id) == before
    still = select(StockWatch.product_id).where(mine, col(StockWatch.told_at).is_(None))
    fulfilled = (col(StockWatch.customer_id) == after, col(StockWatch.told_at).is_not(None))
    session.exec(delete(StockWatch).where(*fulfilled, col(StockWatch.product_id).in_(still)))
    theirs = select(StockWatch.product_id).where(StockWatch.customer_id == after)
    session.exec(delete(StockWatch).where(mine, col(StockWatch.product_id).in_(theirs)))
    session.exec(update(StockWatch).where(mine).values(customer_id=after))
