"""What was sent besides text, by customers and agents, and how far the fetching of files is."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Field, Session, SQLModel, col, func, select

from bot.core.clock import now
from bot.core.messages import Address, Attachment, Kind
from storage import live
from storage.models.base import moment, new_row, rows_changed
from storage.models.conversations import Message
from storage.models.customers import Identity


class Stage(StrEnum):
    """How far a file is. `none` where there is nothing to fetch; `expired` when it was deleted."""

    NONE = "none"
    WAITING = "waiting"
    KEPT = "kept"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"


class Attached(SQLModel, table=True):
    """One attachment, which came as the platform's message `origin`. `path` is its file's name
    in our folder, made by us.

    `name` is what its sender called it: for eyes only. A file that is `waiting` is fetched when
    `due_at` has come, from the account `source` (`channel:account`), else from the chat's own.
    """

    __tablename__ = "attachment"

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id", index=True)
    identity_id: int = Field(foreign_key="identity.id")
    kind: str
    file_id: str = ""
    source: str = ""
    name: str = ""
    mime: str = ""
    size: int = 0
    about: str = ""
    album: str = Field(default="", index=True)
    origin: str = ""
    stage: str = Stage.NONE
    reason: str = ""
    path: str = ""
    tries: int = 0
    due_at: datetime | None = moment(nullable=True, default=None, index=True)
    created_at: datetime = moment(default_factory=now)

    @property
    def label(self) -> str:
        """What it is, in a few words for agents."""
        return " ".join(part for part in (Kind(self.kind).mark, self.name, self.about) if part)


_TABLE = SQLModel.metadata.tables["attachment"]


def attach(
    session: Session,
    message_id: int,
    identity_id: int,
    attachments: Iterable[Attachment],
    album: str = "",
    origin: str = "",
) -> None:
    """Keep what a message carries, which came as `origin`; files that we have not are fetched."""
    rows = [
        new_row(
            Attached,
            message_id=message_id,
            identity_id=identity_id,
            kind=one.kind,
            file_id=one.file_id,
            source=one.source,
            name=one.name,
            mime=one.mime,
            size=one.size,
            about=one.about,
            album=album,
            origin=origin,
            **_first_stage(one),
        )
        for one in attachments
    ]
    session.connection().execute(insert(_TABLE), rows)
    live.touch(session, live.FILES)


def _first_stage(one: Attachment) -> dict[str, Any]:
    if one.path:
        return {"stage": Stage.KEPT, "path": one.path}
    if one.is_too_large:
        return {"stage": Stage.REFUSED, "reason": "too large"}
    if one.kind.is_file:
        return {"stage": Stage.WAITING, "due_at": now()}
    return {"stage": Stage.NONE}


def album_message(session: Session, identity_id: int, album: str) -> Message | None:
    """The chat's message that the first part of an album made."""
    query = (
        select(Message)
        .join(Attached, col(Attached.message_id) == Message.id)
        .where(Attached.identity_id == identity_id, Attached.album == album)
        .order_by(col(Message.id))
        .limit(1)
    )
    return session.exec(query).first()


def attachments_of(session: Session, message_ids: Collection[int]) -> dict[int, list[Attached]]:
    """What messages carry, by message id, in the order in which it came."""
    query = (
        select(Attached).where(col(Attached.message_id).in_(message_ids)).order_by(col(Attached.id))
    )
    found: dict[int, list[Attached]] = {}
    for one in session.exec(query):
        found.setdefault(one.message_id, []).append(one)
    return found


def conversation_with(session: Session, attachment_id: int) -> int:
    """The conversation in which this was sent."""
    query = (
        select(Message.conversation_id)
        .join(Attached, col(Attached.message_id) == Message.id)
        .where(Attached.id == attachment_id)
    )
    return session.exec(query).one()


def files_after(session: Session, identity_id: int, after: int) -> list[Attached]:
    """What came in a chat after the attachment with id `after`, in the order in which it came."""
    query = (
        select(Attached)
        .where(Attached.identity_id == identity_id, col(Attached.id) > after)
        .order_by(col(Attached.id))
    )
    return list(session.exec(query))


def newest_file(session: Session) -> int:
    """The id of the newest attachment of all, 0 when there is none."""
    return session.exec(select(func.max(Attached.id))).one() or 0


def due_files(session: Session, at: datetime, most: int) -> list[tuple[Attached, Identity]]:
    """Files to fetch at `at`, each with the chat it came from, the longest due first."""
    query = (
        select(Attached, Identity)
        .join(Identity, col(Identity.id) == Attached.identity_id)
        .where(col(Attached.due_at) <= at)
        .order_by(col(Attached.due_at))
        .limit(most)
    )
    return list(session.exec(query))


def next_file(session: Session) -> datetime | None:
    """When the next file is due; None when none waits."""
    return session.exec(select(func.min(Attached.due_at))).one()


def claim_file(session: Session, found: Attached, lease: timedelta) -> bool:
    """Have the file for ourselves, for `lease`: False when another process was quicker."""
    values = {"due_at": now() + lease, "tries": found.tries + 1}
    return _change(session, found.id, values, due_at=found.due_at)


def settle_file(
    session: Session, attachment_id: int, values: Mapping[str, Any], address: Address
) -> bool:
    """Write down what became of the file of a message at `address`; desks that show it hear it."""
    live.touch(session, live.chat(address))
    return _change(session, attachment_id, values, stage=Stage.WAITING)


def expire_files(session: Session, before: datetime, most: int) -> int:
    """At most `most` of the files kept that came before a moment are to go. Returns how many."""
    some = select(Attached.id).where(
        Attached.stage == Stage.KEPT, col(Attached.created_at) < before
    )
    statement = update(Attached).where(col(Attached.id).in_(some.limit(most)))
    statement = statement.values(stage=Stage.EXPIRED)
    return rows_changed(session, statement.execution_options(synchronize_session=False))


def expired_files(session: Session, most: int) -> dict[int, str]:
    """At most `most` files that are to go and perhaps still are there: paths by id."""
    query = select(Attached).where(Attached.stage == Stage.EXPIRED, Attached.path != "")
    return {one.id: one.path for one in session.exec(query.limit(most)) if one.id is not None}


def forget_paths(session: Session, ids: Collection[int]) -> None:
    """These files are gone."""
    session.execute(update(Attached).where(col(Attached.id).in_(ids)).values(path=""))


def _change(
    session: Session, attachment_id: int | None, values: Mapping[str, Any], **was: Any
) -> bool:
    statement = update(Attached).where(
        col(Attached.id) == attachment_id, *(getattr(Attached, k) == v for k, v in was.items())
    )
    statement = statement.values(**values).execution_options(synchronize_session=False)
    return rows_changed(session, statement) == 1
