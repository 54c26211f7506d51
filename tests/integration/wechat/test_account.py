"""One account's calls: the token, the platform's errors, files, the doctor."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.channels.base import (
    Closed,
    Outgoing,
    OutgoingFile,
    Piece,
    Refused,
    TryLater,
    Uncertain,
)
from bot.channels.wechat.checkup import AccountWrong, check
from bot.channels.wechat.client import Client
from bot.channels.wechat.library import ApiError
from bot.channels.wechat.sending import OfficialChannel, policy_of
from bot.core.messages import Address, Choice, Purpose
from bot.wechat_settings import WeChat
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat_official import OfficialAccount
from tests.support.at_desk import JPEG, MP3, MP4
from tests.support.service import Service
from tests.support.wechat import KEY, SECRET, TOKEN, account

FAN = "o-fan"


@pytest.fixture
def platform() -> Iterator[WeChatDouble]:
    with WeChatDouble().running() as double:
        yield double


@pytest.fixture
def theirs(platform: WeChatDouble) -> OfficialAccount:
    found = account(platform, 9, templates={"T": ("thing1",), "S": ("thing1",)})
    found.followers.add(FAN)
    found._open(FAN, "message")
    return found


def settings(platform: WeChatDouble, **more: Any) -> WeChat:
    values = {
        "name": "shop", "app_id": "wx0000000000000009", "secret": SECRET, "token": TOKEN,
        "aes_key": KEY, "api_base_url": platform.url, **more,
    }  # fmt: skip
    return WeChat.model_validate(values)


@pytest.fixture
async def channel(
    platform: WeChatDouble, theirs: OfficialAccount
) -> AsyncIterator[OfficialChannel]:
    templates = [
        {"id": "T", "data": {"thing1": "{text}"}},
        {"id": "S", "kind": "subscribe", "data": {"thing1": "{text}"}},
    ]
    ours = settings(platform, templates=templates)
    client = Client(ours)
    yield OfficialChannel(client, "shop", policy_of(ours), "店", ZoneInfo("Asia/Shanghai"))
    client.close()


def message(text: str = "您好", route: str = "", *choices: Choice) -> Outgoing:
    return Outgoing("1", Address("wechat", "shop", FAN), text, choices, Purpose.ANSWER, route)


async def test_twenty_calls_at_once_ask_for_one_token(
    platform: WeChatDouble, theirs: OfficialAccount, channel: OfficialChannel
) -> None:
    await asyncio.gather(*(channel.client.get("/cgi-bin/menu/delete") for _ in range(20)))
    assert len(platform.called("stable_token")) == 1
    assert not platform.called("token")


@pytest.mark.parametrize("how", ["rotated", "40014", "42001"])
async def test_a_token_that_is_refused_is_renewed_once(
    platform: WeChatDouble, theirs: OfficialAccount, channel: OfficialChannel, how: str
) -> None:
    await channel.send(message("一"))
    if how == "rotated":
        theirs.rotate()
    else:
        platform.fail("message/custom/send", how)
    await channel.send(message("二"))
    assert theirs.texts(FAN) == ["一", "二"]
    assert len(platform.called("stable_token")) == 2


async def test_no_more_than_once(
    platform: WeChatDouble, theirs: OfficialAccount, channel: OfficialChannel
) -> None:
    platform.fail("message/custom/send", "40001", times=9)
    with pytest.raises(TryLater) as caught:
        await channel.send(message())
    assert caught.value.everyone
    assert len(platform.called("message/custom/send")) == 2


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("busy", TryLater), ("45009", TryLater), ("45011", TryLater), ("40164", TryLater),
        ("45015", Closed), ("45047", Closed), ("48001", Refused), ("48002", Refused),
        ("40003", Refused), ("45002", Refused), ("5xx", Uncertain), ("reset before", Uncertain),
        ("reset after", Uncertain),
    ],
)  # fmt: skip
async def test_what_an_error_means(
    platform: WeChatDouble,
    theirs: OfficialAccount,
    channel: OfficialChannel,
    fault: str,
    kind: type,
) -> None:
    platform.fail("message/custom/send", fault)
    with pytest.raises(kind) as caught:
        await channel.send(message())
    assert SECRET not in str(caught.value)
    assert theirs.current not in str(caught.value)


async def test_a_token_that_cannot_be_had_sends_nothing(
    platform: WeChatDouble, theirs: OfficialAccount, channel: OfficialChannel
) -> None:
    for fault in ("5xx", "reset before", "reset after", "busy"):
        platform.fail("stable_token", fault)
        with pytest.raises(TryLater):
            await channel.send(message())
    assert not platform.called("message/custom/send")


async def test_a_server_that_is_not_there() -> None:
    ours = WeChat.model_validate(
        {"name": "x", "app_id": "wx00aa", "secret": SECRET, "token": TOKEN, "aes_key": KEY,
         "api_base_url": "http://127.0.0.1:9"}
    )  # fmt: skip
    client = Client(ours)
    channel = OfficialChannel(client, "x", policy_of(ours), "店", ZoneInfo("UTC"))
    with pytest.raises(TryLater):
        await channel.send(message())
    client.close()


async def test_long_texts_and_what_fits_no_menu(
    theirs: OfficialAccount, channel: OfficialChannel
) -> None:
    long = message("一二三四五。" * 150)
    assert await channel.send(long) == Piece("")
    assert await channel.send(replace(long, part=1)) == ""
    pieces = theirs.texts(FAN)
    assert len(pieces) == 2
    assert all(len(piece.encode()) <= 2048 for piece in pieces)
    await channel.send(message("问", "", Choice("好", "a"), Choice("不好", "b")))
    assert theirs.seen[FAN][-1].choices == [("a", "好"), ("b", "不好")]
    await channel.send(message("问", "", Choice("好", "a" * 65), Choice("不好", "b")))
    assert theirs.texts(FAN)[-1] == "问\n\n1. 好\n2. 不好"


async def test_files_go_up_and_come_down(
    platform: WeChatDouble, theirs: OfficialAccount, channel: OfficialChannel, tmp_path: Path
) -> None:
    files = [
        (JPEG, "image/jpeg", "a.jpg", "image"),
        (MP3, "audio/mpeg", "b.mp3", "voice"),
        (MP4, "video/mp4", "c.mp4", "video"),
    ]
    for content, mime, name, kind in files:
        (tmp_path / name).write_bytes(content)
        file = OutgoingFile(tmp_path / name, "照片", mime, len(content))
        assert await channel.send(replace(message("📷"), files=(file,))) == ""
        shown = theirs.seen[FAN][-1]
        assert (shown.kind, shown.data["content"]) == (kind, content)
    for wrong in (
        OutgoingFile(tmp_path / "a.jpg", "a", "application/pdf", 10),
        OutgoingFile(tmp_path / "a.jpg", "a", "image/jpeg", 11 << 20),
        OutgoingFile(tmp_path / "gone.jpg", "a", "image/jpeg", 10),
    ):
        with pytest.raises(Refused):
            await channel.send(replace(message("📷"), files=(wrong,)))


async def test_an_upload_that_fails_has_sent_nothing_and_is_tried_again(
    platform: WeChatDouble, theirs: OfficialAccount, channel: OfficialChannel, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG)
    file = OutgoingFile(tmp_path / "a.jpg", "a", "image/jpeg", len(JPEG))
    both = replace(message("看图"), files=(file,))
    platform.fail("media/upload", "reset after")
    with pytest.raises(TryLater):
        await channel.send(both)
    before = len(theirs.seen[FAN])
    assert await channel.send(both) == Piece("")
    assert await channel.send(replace(both, part=1)) == ""
    assert theirs.texts(FAN)[before:] == ["[image]", "看图"]


async def test_templates_outside_the_window(
    platform: WeChatDouble, theirs: OfficialAccount, channel: OfficialChannel
) -> None:
    assert await channel.send(message("您的包裹已由中通揽收，预计后天送达杭州市西湖区", "T"))
    assert theirs.seen[FAN][-1].text == "thing1：您的包裹已由中通揽收，预计后天送达杭州…"
    with pytest.raises(Closed):
        await channel.send(message("已发货", "S"))
    theirs.authorised[FAN, "S"] += 1
    await channel.send(message("已发货", "S"))
    assert theirs.seen[FAN][-1].by == "subscribe"
    platform.fail("message/template/send", "40037")
    with pytest.raises(Closed):
        await channel.send(message("已发货", "T"))


async def test_the_doctor_finds_nothing_wrong(
    wechat: WeChatDouble, shop: Service, service_account: OfficialAccount
) -> None:
    ours = settings(wechat, name="service", app_id=service_account.app_id)
    said = await check(ours, shop.url)
    assert f"callback 回调 {shop.url}/wechat/service" in said
    other = settings(wechat, name="passive", app_id=service_account.app_id, token="another")
    assert "403" in await check(other, shop.url)
    assert "does not answer" in await check(ours, "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"secret": "another-secret"}, r"secret is refused \(40125\)"),
        ({"app_id": "wx00000000000000ee"}, r"refused \(40013\)"),
        ({"api_base_url": "http://127.0.0.1:9"}, "cannot be reached"),
    ],
)
async def test_the_doctor_names_what_is_wrong(
    platform: WeChatDouble, theirs: OfficialAccount, change: dict[str, str], words: str
) -> None:
    with pytest.raises(AccountWrong, match=words):
        await check(settings(platform, **change), "https://shop.example")


async def test_the_doctor_on_permissions(platform: WeChatDouble, theirs: OfficialAccount) -> None:
    theirs.allowed_ips = frozenset()
    with pytest.raises(AccountWrong, match=r"our address 127\.0\.0\.1 is not on the IP allow"):
        await check(settings(platform), "https://shop.example")
    theirs.allowed_ips = None
    with pytest.raises(AccountWrong, match="public_url"):
        await check(settings(platform), "")
    quiet = settings(platform, service_messages=False)
    assert "set service_messages = true" in await check(quiet, "http://127.0.0.1:9")
    theirs.service_messages = False
    with pytest.raises(AccountWrong, match="48001"):
        await check(settings(platform), "https://shop.example")


async def test_an_error_says_which_address_is_meant() -> None:
    assert ApiError(40164, "invalid ip 203.0.113.9 ipv6 ::1, not in whitelist").ip == "203.0.113.9"
