"""Groups as the bot knows them: admins, members, newcomers, and how much each wrote lately."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, update
from sqlmodel import Field, Session, SQLModel, col, func, select

from bot.core.clock import now
from bot.core.groups import Person, Post, Role
from bot.core.messages import Address
from storage.models.base import delete_some, json_field, moment, new_row, rows_changed
from storage.models.upsert import insert_values

WAITING, PASSED, REMOVED, LEFT = "waiting", "passed", "removed", "left"


class GroupState(SQLModel, table=True):
    """One group. `admins` are names by user id; until `admins_at` nobody knows who they are."""

    __tablename__ = "group_state"

    __table_args__ = (UniqueConstraint("channel", "account", "chat"),)

    id: int | None = Field(default=None, primary_key=True)
    channel: str
    account: str
    chat: str
    admins: dict[str, str] = json_field(default_factory=dict)
    admins_at: datetime | None = moment(nullable=True, default=None)
    bot: str = ""

    @property
    def place(self) -> Address:
        """Where the group is."""
        return Address(self.channel, self.account, self.chat)


class GroupMember(SQLModel, table=True):
    """One person in one group, as far as they wrote or came while the bot was there."""

    __tablename__ = "group_member"

    __table_args__ = (UniqueConstraint("group_id", "user_id"),)

    id: int | None = Field(default=None, primary_key=True)
    group_id: int = Field(foreign_key="group_state.id")
    user_id: str
    name: str = ""
    username: str = Field(default="", index=True)
    role: str = Role.MEMBER
    joined_at: datetime | None = moment(nullable=True, default=None)
    posts: int = 0
    warnings: int = 0
    muted_until: datetime | None = moment(nullable=True, default=None)


class GroupPost(SQLModel, table=True):
    """That somebody wrote, not what: `fingerprint` is the same for the same text."""

    __tablename__ = "group_post"

    __table_args__ = (
        Index("ix_group_post_author", "group_id", "user_id", "at"),
        Index("ix_group_post_text", "group_id", "fingerprint", "at"),
        UniqueConstraint("group_id", "message"),
    )

    id: int | None = Field(default=None, primary_key=True)
    group_id: int = Field(foreign_key="group_state.id")
    message: int
    user_id: str
    fingerprint: str = ""
    album: str = ""
    is_removed: bool = False
    at: datetime = moment(index=True)


class Welcome(SQLModel, table=True):
    """One message that greets those who come at about the same time, with their button."""

    id: int | None = Field(default=None, primary_key=True)
    group_id: int = Field(foreign_key="group_state.id", index=True)
    token: str = Field(unique=True)
    message: int | None = None
    opened_at: datetime = moment(default_factory=now)
    closed_at: datetime | None = moment(nullable=True, default=None)


class Newcomer(SQLModel, table=True):
    """Somebody who came: waiting → passed | removed | left.

    They are removed when they still wait at `due_at`.
    """

    __table_args__ = (Index("ix_newcomer_due", "state", "due_at"),)

    id: int | None = Field(default=None, primary_key=True)
    group_id: int = Field(foreign_key="group_state.id")
    welcome_id: int = Field(foreign_key="welcome.id", index=True)
    user_id: str = Field(index=True)
    name: str
    state: str = WAITING
    joined_at: datetime = moment()
    due_at: datetime = moment()


def group_state(session: Session, place: Address) -> GroupState:
    """The group's row, made when new, and held until the commit."""
    key = {"channel": place.channel, "account": place.account, "chat": place.chat}
    insert_values(session, SQLModel.metadata.tables["group_state"], new_row(GroupState, **key))
    query = select(GroupState).filter_by(**key).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def member(session: Session, group_id: int, who: Person) -> GroupMember:
    """The member's row, made when new, under their present name."""
    found = member_by_id(session, group_id, who.id)
    found = found or GroupMember(group_id=group_id, user_id=who.id)
    found.name, found.username = who.name or found.name, who.username.lower() or found.username
    found.role = who.role
    session.add(found)
    session.flush()
    return found


def member_by_id(session: Session, group_id: int, user_id: str) -> GroupMember | None:
    """The member with this id, if they have been seen."""
    query = select(GroupMember).filter_by(group_id=group_id, user_id=user_id)
    return session.exec(query).first()


def member_by_username(session: Session, group_id: int, username: str) -> GroupMember | None:
    """The member who bears this name, with or without its @; the latest who did."""
    query = select(GroupMember).filter_by(
        group_id=group_id, username=username.removeprefix("@").lower()
    )
    return session.exec(query.order_by(col(GroupMember.id).desc())).first()


def keep_post(session: Session, group_id: int, post: Post, fingerprint: str) -> None:
    """Remember that this was written; an edited one takes its new text."""
    row = new_row(
        GroupPost,
        group_id=group_id,
        message=post.message,
        user_id=post.author.id,
        fingerprint=fingerprint,
        album=post.album,
        at=post.at,
    )
    if insert_values(session, SQLModel.metadata.tables["group_post"], row) is None:
        statement = update(GroupPost).filter_by(group_id=group_id, message=post.message)
        session.execute(statement.values(fingerprint=fingerprint))


def posts_since(session: Session, group_id: int, since: datetime, **like: str) -> list[GroupPost]:
    """What was written since a moment by one member (`user_id`), or with the same text
    (`fingerprint`); the oldest first."""
    query = (
        select(GroupPost)
        .filter_by(group_id=group_id, **like)
        .where(col(GroupPost.at) >= since)
        .order_by(col(GroupPost.message))
    )
    return list(session.exec(query))


def posts_of_album(session: Session, group_id: int, user_id: str, album: str) -> list[GroupPost]:
    """The parts of one album."""
    query = select(GroupPost).filter_by(group_id=group_id, user_id=user_id, album=album)
    return list(session.exec(query))


def mark_removed(session: Session, group_id: int, messages: Collection[int]) -> None:
    """These messages are taken away."""
    statement = update(GroupPost).where(
        col(GroupPost.group_id) == group_id, col(GroupPost.message).in_(messages)
    )
    session.execute(
        statement.values(is_removed=True).execution_options(synchronize_session="fetch")
    )


def latest_newcomer(session: Session, group_id: int, user_id: str) -> Newcomer | None:
    """When somebody came last."""
    query = select(Newcomer).filter_by(group_id=group_id, user_id=user_id)
    return session.exec(query.order_by(col(Newcomer.id).desc())).first()


def open_welcome(session: Session, group_id: int, since: datetime) -> Welcome | None:
    """The message that still takes newcomers in: opened since a moment."""
    query = (
        select(Welcome)
        .filter_by(group_id=group_id, closed_at=None)
        .where(col(Welcome.opened_at) >= since)
        .order_by(col(Welcome.id).desc())
    )
    return session.exec(query).first()


def welcome_by_token(session: Session, group_id: int, token: str) -> Welcome | None:
    """The welcome whose button carries this token."""
    return session.exec(select(Welcome).filter_by(group_id=group_id, token=token)).first()


def greeted(session: Session, welcome_id: int, most: int) -> tuple[list[str], int]:
    """Whom one message greets: the names of the first `most`, and how many they are."""
    query = select(Newcomer.name).filter_by(welcome_id=welcome_id).order_by(col(Newcomer.id))
    count = select(func.count()).select_from(Newcomer).filter_by(welcome_id=welcome_id)
    return list(session.exec(query.limit(most))), session.exec(count).one()


def settle_newcomer(session: Session, newcomer: Newcomer, state: str) -> bool:
    """They wait no more. False when they did not."""
    statement = update(Newcomer).where(col(Newcomer.id) == newcomer.id)
    statement = statement.where(col(Newcomer.state) == WAITING).values(state=state)
    return rows_changed(session, statement) == 1


def due_groups(session: Session, at: datetime) -> list[GroupState]:
    """The groups in which somebody's time is over at `at`."""
    due = select(Newcomer.group_id).where(Newcomer.state == WAITING, col(Newcomer.due_at) <= at)
    return list(session.exec(select(GroupState).where(col(GroupState.id).in_(due))))


def due_newcomers(session: Session, group_id: int, at: datetime, most: int) -> list[Newcomer]:
    """Whose time is over, the longest due first."""
    query = (
        select(Newcomer)
        .filter_by(group_id=group_id, state=WAITING)
        .where(col(Newcomer.due_at) <= at)
        .order_by(col(Newcomer.due_at), col(Newcomer.id))
        .limit(most)
    )
    return list(session.exec(query))


def finished_welcomes(session: Session, before: datetime) -> list[tuple[Welcome, GroupState]]:
    """Messages opened before a moment for which nobody waits any more."""
    waiting = select(Newcomer.welcome_id).where(Newcomer.state == WAITING)
    query = (
        select(Welcome, GroupState)
        .join(GroupState, col(GroupState.id) == Welcome.group_id)
        .where(
            col(Welcome.closed_at).is_(None),
            col(Welcome.opened_at) < before,
            col(Welcome.id).not_in(waiting),
        )
    )
    return list(session.exec(query))


def forget_posts(session: Session, before: datetime, most: int) -> int:
    """Delete at most `most` posts written before a moment. Returns how many."""
    return delete_some(session, col(GroupPost.id), most, col(GroupPost.at) < before)
