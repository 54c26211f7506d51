"""Reading updates and commands, the meaning of errors, and the look of what is sent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import time_machine
from telegram import Bot, InlineKeyboardMarkup
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.channels.base import Outgoing, Piece, Refused, TryLater, Uncertain
from bot.channels.telegram import updates
from bot.channels.telegram.client import connect
from bot.channels.telegram.commands import meaning
from bot.channels.telegram.errors import delivery_error
from bot.channels.telegram.files import limit
from bot.channels.telegram.sending import TelegramChannel, keyboard
from bot.config import Telegram
from bot.core.messages import Address, Choice, Kind, Purpose, is_mark
from bot.customers.linking import spellings
from bot.inbox.file_types import type_of
from tests.doubles.telegram import TelegramDouble

BOT = Bot("1:x")
USER = {"id": 7, "is_bot": False, "first_name": "小", "last_name": "满", "language_code": "zh-hans"}
CHAT = {"id": 7, "type": "private"}


def inbound(**content: Any) -> Any:
    message = {"message_id": 5, "date": 1, "from": USER, "chat": CHAT, **content}
    update = updates.read({"update_id": 9, "message": message}, BOT)
    assert update is not None
    return updates.message_in(update, "shop", 1000)


def test_a_text() -> None:
    found = inbound(
        text=" 怎么退货\x00 ", reply_to_message={"message_id": 3, "date": 1, "chat": CHAT}
    )
    assert found.address == Address("telegram", "shop", "7")
    assert (found.external_id, found.text, found.name) == ("9", "怎么退货", "小 满")
    assert (found.language, found.origin, found.reply_to) == ("zh", "5", "3")
    assert found.choice is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("/start", "start"),
        ("/start@xiaoer_bot", "start"),
        ("/start faq-return_how", "faq:return_how"),
        ("/start order-XE1", "order:XE1"),
        ("/start human", "person"),
        ("/start poster", "start:poster"),
        ("/start " + "x" * 99, "start:" + "x" * 64),
        ("/ORDER now", "order"),
        ("/human", "person"),
        ("/stop", "stop"),
        ("/language", "language"),
        ("/what", "help"),
    ],
)
def test_commands(text: str, value: str) -> None:
    assert meaning(text) == value
    entity = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
    assert inbound(text=text, entities=[entity]).choice == value


def test_a_slash_within_a_text_is_no_command() -> None:
    entity = {"type": "bot_command", "offset": 3, "length": 6}
    assert inbound(text="and /start", entities=[entity]).choice is None


def test_who_is_not_a_customer_in_a_chat_of_their_own() -> None:
    assert inbound(text="x", chat={"id": -5, "type": "group", "title": "g"}) is None
    assert inbound(new_chat_title="x") is None
    assert inbound(text="\u200d\x00".replace("\u200d", "")) is None


def test_a_photo_is_its_largest_size_and_the_caption_is_the_text() -> None:
    sizes = [
        {"file_id": "s", "file_unique_id": "s", "width": 1, "height": 1, "file_size": 9},
        {"file_id": "l", "file_unique_id": "l", "width": 9, "height": 9, "file_size": 5000},
    ]
    found = inbound(photo=sizes, caption="坏了", media_group_id="g")
    (one,) = found.attachments
    assert (one.kind, one.file_id, one.size, one.is_too_large) == (Kind.PHOTO, "l", 5000, True)
    assert (found.text, found.album) == ("坏了", "g")
    assert is_mark(inbound(photo=sizes[:1]).text)


@pytest.mark.parametrize(("owner", "phone"), [(7, "8613800001111"), (8, ""), (None, "")])
def test_only_an_own_contact_is_a_proof(owner: int | None, phone: str) -> None:
    contact = {"phone_number": "8613800001111", "first_name": "x", "user_id": owner}
    assert inbound(contact=contact).phone == phone


@pytest.mark.parametrize(
    ("phone", "stored", "same"),
    [
        ("8613800008888", "13800008888", True),
        ("+8613800008888", "+86 13800008888", True),
        ("13800008888", "13800008888", False),  # a number of the country 1, not of China
        ("13800008888", "+13800008888", True),
        ("447700900123", "447700900123", True),
        ("447700900123", "07700900123", False),
        ("123", "123", False),
    ],
)
def test_the_spellings_of_a_phone_number(phone: str, stored: str, same: bool) -> None:
    assert (stored in spellings(phone)) == same


def press(data: str | None, user: int = 7, chat: dict[str, Any] | None = None) -> Any:
    message = {"message_id": 5, "date": 1, "chat": chat or CHAT}
    query = {"id": "1", "from": {**USER, "id": user}, "chat_instance": "1", "message": message}
    update = updates.read({"update_id": 9, "callback_query": {**query, "data": data}}, BOT)
    assert update is not None
    return updates.press_in(update, "shop")


def test_a_press_counts_in_the_pressers_own_chat() -> None:
    assert press("token").token == "token"
    assert press("token", user=8) is None
    assert press("token", chat={"id": -7, "type": "group", "title": "g"}) is None
    assert press(None) is None
    assert press("字" * 22) is None


@pytest.mark.parametrize(
    "raw", [{}, {"update_id": 1, "message": []}, {"update_id": 1, "message": {"text": 3}}, {"x": 1}]
)
def test_what_cannot_be_read_is_none(raw: dict[str, Any]) -> None:
    update = updates.read(raw, BOT)
    assert update is None or updates.message_in(update, "shop", 1) is None


def caused(error: TelegramError, cause: Exception) -> TelegramError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "details"),
    [
        (RetryAfter(7), TryLater, {"seconds": 7.0, "everyone": True}),
        (RetryAfter(timedelta(seconds=2)), TryLater, {"seconds": 2.0}),
        (Forbidden("Forbidden: bot was blocked by the user"), Refused, {"blocked": True}),
        (Forbidden("Forbidden: user is deactivated"), Refused, {"blocked": True}),
        (Forbidden("Forbidden: bot can't initiate conversation"), Refused, {"blocked": False}),
        (BadRequest("Chat not found"), Refused, {"blocked": False}),
        (ChatMigrated(-100), Refused, {}),
        (InvalidToken("x"), TryLater, {"everyone": True}),
        (caused(NetworkError("x"), httpx.ConnectError("x")), TryLater, {"seconds": None}),
        (caused(TimedOut(), httpx.ConnectTimeout("x")), TryLater, {}),
        (caused(TimedOut(), httpx.PoolTimeout("x")), TryLater, {}),
        (caused(TimedOut(), httpx.ReadTimeout("x")), Uncertain, {}),
        (caused(TimedOut(), httpx.WriteTimeout("x")), Uncertain, {}),
        (caused(NetworkError("x"), httpx.RemoteProtocolError("x")), Uncertain, {}),
        (NetworkError("Bad Gateway"), Uncertain, {}),
        (NetworkError("Too Many Requests (429)"), TryLater, {}),
    ],
)
def test_what_an_error_means(error: TelegramError, kind: type, details: dict[str, Any]) -> None:
    found = delivery_error(error, is_group=False)
    assert type(found) is kind
    assert {name: getattr(found, name) for name in details} == details


def test_a_flood_wait_of_a_group_is_the_groups_own() -> None:
    found = delivery_error(RetryAfter(7), is_group=True)
    assert isinstance(found, TryLater)
    assert not found.everyone


def outgoing(text: str = "x", purpose: Purpose = Purpose.ANSWER, **more: Any) -> Outgoing:
    return Outgoing("1", Address("telegram", "b", more.pop("chat", "7")), text, (), purpose)


def channel(double: TelegramDouble) -> TelegramChannel:
    settings = Telegram(name="b", token="1:x", api_base_url=double.url)
    return TelegramChannel(connect(settings), "b", ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("hour", "purpose", "silent"),
    [
        (23, Purpose.TRANSACTIONAL, True),
        (7, Purpose.MARKETING, True),
        (8, Purpose.TRANSACTIONAL, False),
        (23, Purpose.ANSWER, False),
        (23, Purpose.AGENT, False),
        (21, Purpose.MARKETING, False),
    ],
)
async def test_at_night_what_nobody_asked_for_is_silent(
    hour: int, purpose: Purpose, silent: bool
) -> None:
    with TelegramDouble().running() as double:
        at = datetime(2026, 3, 1, hour, 30, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
        with time_machine.travel(at, tick=True):
            await channel(double).send(outgoing(purpose=purpose))
        (message,) = double.api.messages.values()
        assert message["silent"] == silent


async def test_pieces_that_arrived_are_not_sent_again() -> None:
    with TelegramDouble().running() as double:
        mine, long = channel(double), "一" * 4096 + "二" * 4096
        first = outgoing(long)
        double.limits = False
        real, seen = double.api.refusal, []

        def refusing_once(data: dict[str, Any]) -> Any:
            seen.append(data["text"][0])
            is_second = seen == ["一", "二"]
            return (
                (429, {"ok": False, "parameters": {"retry_after": 1}}) if is_second else real(data)
            )

        double.api.refusal = refusing_once  # type: ignore[method-assign]
        arrived = await mine.send(first)
        assert isinstance(arrived, Piece)
        rest = replace(first, part=1)
        with pytest.raises(TryLater):
            await mine.send(rest)
        assert isinstance(await mine.send(rest), str)
    assert [call.text[0] for call in double.sent()] == ["一", "二"]


async def test_an_empty_message_is_refused_before_it_is_sent() -> None:
    with TelegramDouble().running() as double:
        with pytest.raises(Refused):
            await channel(double).send(outgoing(" \n"))
        assert double.calls == []


async def test_nobody_listens_there() -> None:
    settings = Telegram(name="b", token="1:x", api_base_url="http://127.0.0.1:9")
    with pytest.raises(TryLater):
        await TelegramChannel(connect(settings), "b", ZoneInfo("UTC")).send(outgoing())


def test_short_buttons_share_a_row() -> None:
    assert keyboard(()) is None
    short = keyboard([Choice("★" * n, str(n)) for n in (1, 2, 3, 4)])
    assert isinstance(short, InlineKeyboardMarkup)
    assert [len(row) for row in short.inline_keyboard] == [3, 1]
    long = keyboard([Choice("转人工", "a"), Choice("不等了，继续问", "b")])
    assert isinstance(long, InlineKeyboardMarkup)
    assert [len(row) for row in long.inline_keyboard] == [1, 1]


def test_the_official_server_gives_twenty_megabytes() -> None:
    assert limit("https://api.telegram.org", 50) == 20 << 20
    assert limit("http://127.0.0.1:8081", 50) == 50 << 20


@pytest.mark.parametrize(
    ("kind", "mime", "content", "found"),
    [
        ("photo", "", b"\xff\xd8\xff", "image/jpeg"),
        ("document", "image/png", b"\xff\xd8\xff", "image/jpeg"),
        ("document", "image/svg+xml", b"<svg", None),
        ("document", "text/html", b"<html", None),
        ("document", "application/x-msdownload", b"MZ", None),
        ("document", "", b"?", None),
        ("voice", "audio/ogg; codecs=opus", b"OggS", "audio/ogg"),
    ],
)
def test_the_types_that_are_kept(kind: str, mime: str, content: bytes, found: str | None) -> None:
    assert type_of(kind, mime, content) == found
