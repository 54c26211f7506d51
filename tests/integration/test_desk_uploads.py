"""Files that agents send: kept once, said once, and refused where the customer's channel is not for
them."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from sqlmodel import Session, col, select

from bot.channels.base import Carries, Policy
from bot.core.messages import Author
from bot.delivery import outbox
from bot.desk.accounts import log_out
from bot.desk.files import files
from bot.desk.passes import COOKIE
from bot.desk.uploads import TOKEN, Uploads, uploads
from bot.escalation.handoff import hand_over
from bot.escalation.sent_files import SentFiles
from storage.db import Database
from storage.models.attachments import Attached
from storage.models.conversations import Message
from storage.models.deliveries import Delivery
from storage.trail import Trail
from tests.support import world
from tests.support.inside import PASSES, logged_in

PNG, PDF = b"\x89PNG\r\n\x1a\n" + b"p" * 100, b"%PDF-1.7 " + b"d" * 100
POLICIES = {
    ("pictures", "main"): Policy(files=(Carries("image", frozenset({"image/png"}), 1 << 20),)),
    ("replies", "main"): Policy(replies_only=True),
}
_IDS = count(1)


class Desk:
    """An agent's browser."""

    def __init__(self, db: Database, client: AsyncClient, token: str, folder: Path) -> None:
        self.db, self.client, self.token, self.folder = db, client, token, folder

    async def send(
        self, to: int, content: bytes = PNG, kind: str = "image/png", **more: Any
    ) -> Response:
        about = {"conversation": to, "id": f"from-this-browser-{next(_IDS)}", "name": "a.png"}
        headers = {"Content-Type": kind, TOKEN: PASSES.form_token(self.client.cookies[COOKIE])}
        return await self.client.post(
            "/desk/files", params=about | more, content=content, headers=headers
        )

    async def customer(self, channel: str = "web", *, is_waiting: bool = True) -> int:
        return await self.db.transact(_written, channel, is_waiting)

    async def said(self) -> list[tuple[str, str, str]]:
        """Text, name and type of what agents said."""
        query = select(Message.text, Attached.name, Attached.mime).join(Attached).where(
            Message.author == Author.AGENT
        )  # fmt: skip
        return await self.db.read(lambda s: list(s.exec(query.order_by(col(Message.id)))))

    def on_disk(self) -> list[bytes]:
        return [one.read_bytes() for one in self.folder.rglob("*") if one.is_file()]


def _written(session: Session, channel: str, is_waiting: bool) -> int:
    identity = world.chat(session, f"chat {next(_IDS)}", channel, channel == "web")
    conversation = outbox.conversation_for(session, identity)
    if is_waiting:
        hand_over(session, conversation, "asked")
    assert conversation.id is not None
    return conversation.id


@pytest.fixture
async def desk(sqlite_db: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    db = sqlite_db
    app, folder = FastAPI(), tmp_path / "files"
    taker = Uploads(SentFiles(db, folder, 2 << 20, POLICIES))
    app.include_router(uploads(taker, world.voice(), PASSES))
    app.include_router(files(db, PASSES, folder, Trail(db)))
    async with logged_in(db, app) as (client, token):
        yield Desk(db, client, token, folder)


async def test_a_file_sent_again_and_again_is_said_once_and_shown(desk: Desk) -> None:
    conversation = await desk.customer()
    same = {"id": "the-same-id-of-the-browser", "name": "../照片 1.png"}
    answers = [await desk.send(conversation, **same) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert await desk.said() == [("📷", ".._照片 1.png", "image/png")]
    assert desk.on_disk() == [PNG]
    (number,) = await desk.db.read(lambda s: list(s.exec(select(Attached.id))))
    shown = await desk.client.get(f"/desk/files/{number}")
    assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")


async def test_it_is_pushed_where_the_channel_pushes(desk: Desk) -> None:
    assert (await desk.send(await desk.customer("pictures"))).status_code == 200
    states = await desk.db.read(lambda s: list(s.exec(select(Delivery.state))))
    assert states == ["queued"]


@pytest.mark.parametrize(
    ("channel", "content", "kind", "said"),
    [
        ("pictures", PDF, "application/pdf", "only png (≤ 1 MB)"),
        ("pictures", PNG + b"p" * (1 << 20), "image/png", "up to 1 MB"),
        ("replies", PNG, "image/png", "only answer in words"),
        ("gone", PNG, "image/png", "no files of this kind"),
        ("web", PNG + b"p" * (2 << 20), "image/png", "up to 2 MB"),
        ("web", b"", "image/png", "empty"),
        ("web", b"MZ\x90\0 a program", "application/x-msdownload", "cannot be sent"),
        ("web", b"<html><script>1</script>", "text/html", "cannot be sent"),
        ("web", b"<svg onload='1'>", "image/svg+xml", "cannot be sent"),
        ("web", b"<html><script>1</script>", "image/png", "cannot be sent"),
        ("web", b"<html><script>1</script>", "application/pdf", "cannot be sent"),
    ],
)
async def test_what_cannot_be_sent_is_told_and_not_kept(
    desk: Desk, channel: str, content: bytes, kind: str, said: str
) -> None:
    answer = await desk.send(await desk.customer(channel), content, kind)
    assert answer.status_code == 409
    assert said in answer.json()["detail"]
    assert (await desk.said(), desk.on_disk()) == ([], [])


@pytest.mark.parametrize(
    ("content", "told", "mime", "text"),
    [
        (PDF, "", "application/pdf", "📎"),
        (PDF, "image/png", "application/pdf", "📎"),
        (b"PK\x03\x04...", "application/zip", "application/zip", "📎"),
        (b"\0\0\0\x18ftypmp42", "video/mp4", "video/mp4", "🎬"),
        (b"#!AMR\n...", "audio/amr", "audio/amr", "🎤"),
        ("纯文本".encode(), "text/plain; charset=utf-8", "text/plain", "📎"),
    ],
)
async def test_a_file_is_what_is_in_it(
    desk: Desk, content: bytes, told: str, mime: str, text: str
) -> None:
    assert (await desk.send(await desk.customer(), content, told)).status_code == 200
    assert await desk.said() == [(text, "a.png", mime)]


async def test_who_is_with_the_bot_is_taken_from_it_at_the_second_word_only(desk: Desk) -> None:
    conversation = await desk.customer(is_waiting=False)
    refused = await desk.send(conversation)
    assert (refused.status_code, refused.json()["sure"]) == (409, True)
    assert desk.on_disk() == []
    assert (await desk.send(conversation, sure=True)).status_code == 200


async def test_without_a_login_or_our_own_page_nothing_is_taken(desk: Desk) -> None:
    conversation = await desk.customer()
    for token in ("", "forged", PASSES.form_token("another cookie")):
        answer = await desk.client.post(
            "/desk/files",
            params={"conversation": conversation, "id": "from-this-browser-0"},
            content=PNG,
            headers={TOKEN: token, "Content-Type": "image/png"},
        )
        assert answer.status_code == 401
    await desk.db.transact(log_out, desk.token)
    assert (await desk.send(conversation)).status_code == 401
    assert (await desk.said(), desk.on_disk()) == ([], [])


@pytest.mark.parametrize(
    "more", [{"conversation": 0}, {"id": "short"}, {"sure": "maybe"}, {"who": "else"}]
)
async def test_nonsense_is_422(desk: Desk, more: dict[str, Any]) -> None:
    assert (await desk.send(await desk.customer(), **more)).status_code == 422
