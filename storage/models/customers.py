"""Customers, and the chats in which we know them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import UniqueConstraint, and_, bindparam, delete, func, insert, update
from sqlalchemy import select as select_columns
from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from bot.core.messages import Address, Inbound
from storage import live
from storage.models.base import moment, new_row
from storage.models.bulk import among
from storage.models.upsert import insert_values


class Customer(SQLModel, table=True):
    """A person who buys. `shop_ref` is the shop's own id for them.

    `opted_out_at` is when they said stop: no marketing after that. `timezone` is an IANA name,
    empty where only the shop's is known.
    """

    id: int | None = Field(default=None, primary_key=True)
    shop_ref: str | None = Field(default=None, unique=True)
    name: str = Field(default="", index=True)
    phone: str = Field(default="", index=True)
    email: str = ""
    language: str = ""
    timezone: str = ""
    blocked: bool = False
    opted_out_at: datetime | None = moment(nullable=True, default=None)
    created_at: datetime = moment(default_factory=now)


class Identity(SQLModel, table=True):
    """One chat on one channel account. Whose it is may be learnt later (linking).

    `traditional` is true where the customer writes Chinese in traditional script; `blocked_at` is
    when the platform told us that the customer has blocked the shop there. `read_to` is the id of
    the newest message that they have seen, where the channel tells us.
    """

    __table_args__ = (UniqueConstraint("channel", "account", "chat"),)

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customer.id", index=True)
    channel: str
    account: str
    chat: str
    pulls: bool = False
    name: str = ""
    language: str = ""
    traditional: bool = False
    blocked_at: datetime | None = moment(nullable=True, default=None)
    linked_at: datetime | None = moment(nullable=True, default=None)
    read_to: int = 0
    created_at: datetime = moment(default_factory=now)
    last_seen_at: datetime = moment(default_factory=now)

    @property
    def address(self) -> Address:
        """Where this chat is."""
        return Address(self.channel, self.account, self.chat, self.pulls)

    def customer(self, session: Session) -> Customer:
        """Whose chat this is."""
        return session.get_one(Customer, self.customer_id)


def find_identity(session: Session, address: Address, *, lock: bool = False) -> Identity | None:
    """The identity at `address`; with `lock` its row is held until the commit."""
    query = select(Identity).where(
        Identity.channel == address.channel,
        Identity.account == address.account,
        Identity.chat == address.chat,
    )
    if lock:
        query = query.with_for_update()
    return session.exec(query).one_or_none()


_IDENTITIES = SQLModel.metadata.tables["identity"]
_CUSTOMERS = SQLModel.metadata.tables["customer"]
_NEW_CUSTOMER = insert(_CUSTOMERS).returning(_CUSTOMERS.c.id)
_FORGET = delete(_CUSTOMERS).where(_CUSTOMERS.c.id == bindparam("its_id"))
_HOLD = select_columns(_IDENTITIES.c.id).where(_IDENTITIES.c.id == bindparam("its_id"))
_HOLD = _HOLD.with_for_update()
AT_ADDRESS = and_(
    _IDENTITIES.c.channel == bindparam("its_channel"),
    _IDENTITIES.c.account == bindparam("its_account"),
    _IDENTITIES.c.chat == bindparam("its_chat"),
)
"""The identity at an address, in statements that are given its `address_values`."""
_SEEN = (
    update(_IDENTITIES)
    .where(AT_ADDRESS)
    .values(
        last_seen_at=bindparam("its_at"),
        blocked_at=None,  # who writes has let us in again
        name=func.coalesce(func.nullif(bindparam("its_name"), ""), _IDENTITIES.c.name),
    )
    .returning(_IDENTITIES.c.id)
)


def address_values(address: Address) -> dict[str, str]:
    """What `AT_ADDRESS` asks for."""
    return {
        "its_channel": address.channel,
        "its_account": address.account,
        "its_chat": address.chat,
    }


def seen(session: Session, inbound: Inbound) -> int:
    """The id of the identity that sent `inbound`, made when new, its row held until the commit.

    The held row is what keeps a chat's messages in order across processes.
    """
    identity_id = (
        _seen(session, inbound) or _first_contact(session, inbound) or _seen(session, inbound)
    )
    assert identity_id is not None
    _held(session).add(identity_id)
    return identity_id


def held_identity(session: Session, identity_id: int) -> Identity:
    """The chat's row, held until the commit: the one lock of a chat, taken once."""
    held = _held(session)
    if identity_id not in held:
        session.connection().execute(_HOLD, {"its_id": identity_id})
        held.add(identity_id)
    return session.get_one(Identity, identity_id)


def held_identities(session: Session, ids: Collection[int]) -> dict[int, Identity]:
    """The rows of chats by id, held until the commit, taken in the order of their ids."""
    query = select(Identity).where(among(col(Identity.id), ids)).order_by(col(Identity.id))
    rows = session.exec(query.with_for_update().execution_options(populate_existing=True)).all()
    _held(session).update(ids)
    return {row.id: row for row in rows if row.id is not None}


def _held(session: Session) -> set[int]:
    held: set[int] = session.info.setdefault("held", set())
    return held


def _seen(session: Session, inbound: Inbound) -> int | None:
    values = {"its_at": inbound.at, "its_name": inbound.name}
    found = session.connection().execute(_SEEN, address_values(inbound.address) | values)
    return found.scalar_one_or_none()


def _first_contact(session: Session, inbound: Inbound) -> int | None:
    """The new identity's id; None when another process met this customer at the same moment."""
    address, language = inbound.address, inbound.language or ""
    row = new_row(Customer, name=inbound.name, language=language)
    customer_id = session.connection().execute(_NEW_CUSTOMER, row).scalar_one()
    identity = new_row(
        Identity,
        customer_id=customer_id,
        channel=address.channel,
        account=address.account,
        chat=address.chat,
        pulls=address.pulls,
        name=inbound.name,
        language=language,
        last_seen_at=inbound.at,
    )
    created: int | None = insert_values(session, _IDENTITIES, identity)
    if created is None:
        session.connection().execute(_FORGET, {"its_id": customer_id})
    return created


def note_block(session: Session, address: Address, *, is_blocked: bool) -> None:
    """The customer of a known chat has blocked us there, or lets us in again."""
    identity = find_identity(session, address, lock=True)
    if identity is not None:
        identity.blocked_at = (identity.blocked_at or now()) if is_blocked else None
        session.add(identity)


def note_read(session: Session, address: Address, message_id: int) -> None:
    """The customer of a chat has seen its messages up to `message_id`."""
    statement = (
        update(_IDENTITIES)
        .where(AT_ADDRESS, _IDENTITIES.c.read_to < message_id)
        .values(read_to=message_id)
    )
    changed = session.connection().execute(statement, address_values(address))
    if changed.rowcount:
        live.touch(session, live.chat(address))


def by_phone(session: Session, spellings: Collection[str]) -> list[Customer]:
    """The customers whose phone number the shop writes in one of these ways."""
    return list(session.exec(select(Customer).where(col(Customer.phone).in_(spellings))))


def by_shop_ref(session: Session, shop_ref: str) -> Customer | None:
    """The customer with the shop's own id `shop_ref`."""
    return session.exec(select(Customer).where(Customer.shop_ref == shop_ref)).one_or_none()


def identities_of(session: Session, customer_id: int) -> list[Identity]:
    """All chats of this customer, the most recently used first."""
    query = (
        select(Identity)
        .where(Identity.customer_id == customer_id)
        .order_by(col(Identity.last_seen_at).desc())
    )
    return list(session.exec(query))


def linked_identities(session: Session, customer_id: int) -> list[Identity]:
    """The chats that are known to be this customer's, the most recently used first."""
    query = (
        select(Identity)
        .where(Identity.customer_id == customer_id, col(Identity.linked_at).is_not(None))
        .order_by(col(Identity.last_seen_at).desc())
    )
    return list(session.exec(query))
