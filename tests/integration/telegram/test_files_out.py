"""Files that agents send from the desk to customers on Telegram."""

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from bot.channels.telegram.client import connect
from bot.channels.telegram.sending import TelegramChannel
from bot.config import Telegram
from bot.core.messages import Attachment, Author, Kind, Purpose
from bot.delivery import outbox
from bot.delivery.sender import Sender
from storage.db import Database
from storage.models.customers import Identity
from tests.doubles.telegram import TelegramDouble
from tests.support.at_desk import MP4, PDF, PNG
from tests.support.sending import ACCOUNT, queue
from tests.support.sent import settled
from tests.support.telegram import TOKEN

FILES = (
    (Kind.PHOTO, "scarf.png", "image/png", PNG),
    (Kind.PHOTO, "wide.png", "image/png", PNG),
    (Kind.DOCUMENT, "说明书.pdf", "application/pdf", PDF),
    (Kind.VIDEO, "clip.mp4", "video/mp4", MP4),
)


def say_with_files(session: Session) -> None:
    identity = session.exec(select(Identity)).one()
    conversation = outbox.conversation_for(session, identity)
    found = [
        Attachment(kind, name=name, mime=mime, size=len(content), path=name)
        for kind, name, mime, content in FILES
    ]
    outbox.post(
        session,
        conversation,
        "here they are",
        author=Author.AGENT,
        purpose=Purpose.AGENT,
        attachments=found,
    )


async def test_files_then_words_each_once(
    sqlite_db: Database, platform: TelegramDouble, tmp_path: Path
) -> None:
    platform.limits = False
    for _, name, _, content in FILES:
        (tmp_path / name).write_bytes(content)
    await sqlite_db.transact(queue, 1, 0)
    await sqlite_db.transact(say_with_files)
    settings = Telegram(name=ACCOUNT[1], token=TOKEN, api_base_url=platform.url)
    channel = TelegramChannel(connect(settings), ACCOUNT[1], ZoneInfo("UTC"))
    task = asyncio.create_task(Sender(sqlite_db, channel, folder=tmp_path).run())
    try:
        assert await settled(sqlite_db) == {"sent": 1}
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    shown = list(platform.api.messages.values())
    assert [one["text"] for one in shown] == [
        "photo scarf.png",
        "document wide.png",
        "document 说明书.pdf",
        "video clip.mp4",
        "here they are",
    ]
    assert [one["content"] for one in shown[:4]] == [content for *_, content in FILES]
