"""A group that becomes a supergroup: its configured id goes on leading there, after restarts too."""

from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select
from structlog.testing import capture_logs

from bot.channels.base import Errand
from bot.channels.telegram import client as clients
from bot.channels.telegram.account import TelegramBot
from bot.config import Telegram
from bot.core.groups import Change, Post, Press
from bot.core.messages import Address
from bot.inbox import moved
from bot.inbox.moved import KeptMoves
from storage.db import Database
from storage.models.community import GroupState, group_state
from storage.models.moves import moved_chats
from tests.doubles.telegram import TelegramDouble
from tests.support import world
from tests.support.groups import Group, person
from tests.support.telegram import TOKEN

OLD, NEW, ADMINS = -555, -100555, -7
ACCOUNT = ("telegram", "shop")
ANN = person(1)


class Groups:
    """Takes what happens in the group of the configuration."""

    def __init__(self, chat: int = OLD) -> None:
        self.posts: list[Post] = []
        self._chat = str(chat)

    def knows(self, place: Address) -> bool:
        return place.chat == self._chat

    async def posted(self, post: Post) -> None:
        self.posts.append(post)

    async def changed(self, change: Change) -> None:
        raise AssertionError(change)

    async def pressed(self, press: Press) -> str | None:
        raise AssertionError(press)


class Shop:
    """One life of the shop's bot, as `app` wires it."""

    def __init__(self, db: Database, platform: TelegramDouble, chat: int = OLD) -> None:
        settings = Telegram.model_validate(
            {
                "name": "shop", "token": TOKEN, "api_base_url": platform.url,
                "groups": [{"id": chat, "admin_chat_id": ADMINS}],
            }
        )  # fmt: skip
        self.groups = Groups(chat)
        self.bot = TelegramBot(settings, "", world.voice(), ZoneInfo("UTC"), 20)
        inlet: Any = None
        self.bot.connect(inlet, self.groups, keeper=KeptMoves(db, ACCOUNT))
        assert self.bot.moves is not None
        self.bot.moves.begin(db.run(moved.begin, ACCOUNT, self.bot.moves.ours))

    async def say(self, text: str, chat: int = OLD) -> None:
        errand = Errand("1", str(chat), str(chat), "say", {"text": text}, counts=True)
        await self.bot.channel.run(errand)

    async def hear(self, update: dict[str, Any]) -> list[str]:
        """The chats of the posts that were handed over."""
        await self.bot.dispatch.take(update)
        return [one.place.chat for one in self.groups.posts]


@pytest.fixture
async def shop(sqlite_db: Database, platform: TelegramDouble) -> AsyncIterator[Shop]:
    made = Shop(sqlite_db, platform)
    yield made
    await clients.disconnect(made.bot.client)


def known(db: Database) -> dict[str, str]:
    return db.run(moved_chats, ACCOUNT)


def post(platform: TelegramDouble, chat: int, **more: Any) -> dict[str, Any]:
    return Group(platform, chat, ADMINS).message(ANN, **more)


async def test_what_is_sent_finds_the_group_and_the_next_start_knows_it(
    sqlite_db: Database, platform: TelegramDouble, shop: Shop
) -> None:
    platform.api.migrated = {str(OLD): NEW}
    platform.limits = False  # there is no sender to wait
    with capture_logs() as logs:
        await shop.say("one")
        await shop.say("two")
    assert [call.chat for call in platform.sent()] == [str(NEW)] * 2
    assert len(platform.called("sendMessage")) == 3, "refused once"
    assert [one["new"] for one in logs if "new id" in one["event"]] == [str(NEW)]
    assert await shop.hear(post(platform, NEW, text="hi")) == [str(OLD)]
    assert known(sqlite_db) == {str(OLD): str(NEW)}

    with capture_logs() as logs:
        again = Shop(sqlite_db, platform)
    assert [one["old"] for one in logs if "new id" in one["event"]] == [str(OLD)], "reminded"
    await again.say("three")
    assert len(platform.called("sendMessage")) == 4
    assert await again.hear(post(platform, NEW, text="hi")) == [str(OLD)]


@pytest.mark.parametrize(
    ("chat", "news"),
    [(OLD, {"migrate_to_chat_id": NEW}), (NEW, {"migrate_from_chat_id": OLD})],
)
async def test_telegrams_word_is_enough(
    sqlite_db: Database, platform: TelegramDouble, shop: Shop, chat: int, news: dict[str, int]
) -> None:
    other = Shop(sqlite_db, platform)  # a process that is called by webhook and heard nothing
    assert await shop.hear(post(platform, chat, **news)) == []
    assert known(sqlite_db) == {str(OLD): str(NEW)}
    await shop.say("hello")
    assert [call.chat for call in platform.calls] == [str(NEW)]
    assert await other.hear(post(platform, NEW, text="hi")) == [str(OLD)]


async def test_other_groups_may_go_where_they_like(
    sqlite_db: Database, platform: TelegramDouble, shop: Shop
) -> None:
    assert await shop.hear(post(platform, -9, migrate_to_chat_id=-1009)) == []
    assert await shop.hear(post(platform, -1009, text="hi")) == []
    assert known(sqlite_db) == {}


async def test_the_configuration_follows(
    sqlite_db: Database, platform: TelegramDouble, shop: Shop
) -> None:
    sqlite_db.run(remember, OLD)
    await shop.hear(post(platform, OLD, migrate_to_chat_id=NEW))
    with capture_logs() as logs:
        after = Shop(sqlite_db, platform, NEW)
    assert logs == []
    assert await after.hear(post(platform, NEW, text="hi")) == [str(NEW)]
    assert sqlite_db.run(remembered) == [(str(NEW), {"10": "Ada"})]
    assert Shop(sqlite_db, platform, NEW).bot.moves is not None
    assert sqlite_db.run(remembered) == [(str(NEW), {"10": "Ada"})]


def remember(session: Session, chat: int) -> None:
    group_state(session, Address(*ACCOUNT, str(chat))).admins = {"10": "Ada"}


def remembered(session: Session) -> list[tuple[str, dict[str, str]]]:
    return [(one.chat, one.admins) for one in session.exec(select(GroupState))]
