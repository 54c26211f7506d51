"""Other systems hear what happens in conversations, in its order, exactly when it has happened."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from bot import upkeep
from bot.channels import webhook
from bot.channels.wechat.kf import OVER, PERSON, Moved
from bot.core.clock import now
from bot.core.messages import Address
from bot.delivery import errands, outbox
from bot.dialogue.kf_sessions import KfSessions
from bot.escalation import agents
from bot.escalation.handoff import back_to_bot, hand_over
from bot.escalation.team import Team
from bot.escalation.teams import Teams
from bot.escalation.transfers import Transfers
from bot.webhooks import ledger
from bot.webhooks.ledger import AGAIN, FAILED
from storage.db import Database
from storage.models.agents import Agent
from storage.models.conversations import Conversation
from storage.models.errands import Errand
from tests.doubles.serving import Reply
from tests.doubles.webhook import WebhookDouble
from tests.integration.test_agents_api import ROUND_THE_CLOCK
from tests.integration.test_plans import Statements
from tests.support import world
from tests.support.hooks import all_told, endpoint, hook, listen, telling
from tests.support.receiving import Chat, reception_of
from tests.support.waiting import until

RECEPTION = reception_of(world.voice())
DAY = timedelta(days=1)


async def heard(crm: WebhookDouble, count: int) -> list[dict[str, Any]]:
    return await asyncio.to_thread(crm.wait, count)


def rows(session: Session) -> list[Errand]:
    return list(session.exec(select(Errand).order_by(Errand.id)))  # type: ignore[arg-type]


def opened(session: Session, name: str = "ann") -> int:
    """A conversation of somebody new. Returns its id."""
    conversation = outbox.conversation_for(session, world.chat(session, name))
    assert conversation.id is not None
    return conversation.id


def of_it(session: Session, work: Any, conversation_id: int, *more: Any) -> None:
    work(session, session.get_one(Conversation, conversation_id), *more)


async def test_a_conversation_from_its_first_word_to_its_rating(
    db: Database, crm: WebhookDouble
) -> None:
    listen(db, hook(crm.url))
    chat = Chat(db, RECEPTION)
    async with telling(db, hook(crm.url)):
        await chat.say("怎么退货")
        await chat.say("转人工")
        await chat.by_agent(agents.reply, "我来帮您")
        await chat.by_agent(agents.resolve)
        await chat.press("rating:5")
        found = await heard(crm, 13)
    assert [one["type"].removesuffix(".created") for one in found] == [
        "conversation", "message", "message",
        "message", "conversation.waiting", "message",
        "conversation.taken", "message",
        "conversation.resolved", "message",
        "message", "rating", "message",
    ]  # fmt: skip
    messages = [one["data"]["message"] for one in found if one["type"] == "message.created"]
    assert [one["from"] for one in messages] == [
        "customer", "bot", "customer", "bot", "agent", "bot", "customer", "bot",
    ]  # fmt: skip
    assert (messages[0]["text"], messages[4]["text"]) == ("怎么退货", "我来帮您")
    assert messages[4]["agent"] == "Mei"
    assert [one["seq"] for one in messages] == sorted(one["seq"] for one in messages)
    first, taken = found[0]["data"], found[6]["data"]["conversation"]
    assert first["previous"] is None
    assert first["conversation"]["state"] == "bot"
    assert (taken["state"], taken["agent"]) == ("open", "Mei")
    assert taken["customer"]["channel"] == "web"
    assert taken["handoff_reason"] == "asked"
    [rated] = [one for one in found if one["type"] == "rating.created"]
    assert rated["data"]["rating"] == 5
    assert len({one["id"] for one in found}) == 13
    again = Chat(db, RECEPTION, _sent=100)
    async with telling(db, hook(crm.url)):
        await again.say("怎么退货")  # it is not opened again: a new one follows it
        found = await heard(crm, 14)
    assert found[13]["data"]["previous"] == found[0]["data"]["conversation"]["id"]
    assert crm.forged == []


async def test_who_has_it_and_who_waits(db: Database, crm: WebhookDouble) -> None:
    listen(db, hook(crm.url, events=("conversation.*",)))
    teams = Teams((Team("service", ROUND_THE_CLOCK), Team("second", ROUND_THE_CLOCK)))
    transfers = Transfers(world.voice(), teams)

    def story(session: Session) -> None:
        mei, bo = (Agent(login=name, name=name, password_hash="-") for name in ("mei", "bo"))
        session.add_all([mei, bo])
        session.flush()
        assert mei.id is not None
        which = opened(session)
        of_it(session, hand_over, which, "asked")
        of_it(session, back_to_bot, which)
        of_it(session, hand_over, which, "misses")
        agents.take(session, which, mei.id)
        agents.release(session, which, mei.id)
        agents.take(session, which, mei.id)
        transfers.to_agent(session, which, mei.id, "bo", "knows more")
        transfers.to_team(session, which, mei.id, "second")

    await db.transact(story)
    async with telling(db, hook(crm.url)):
        found = await heard(crm, 11)
    told = [(one["type"].partition(".")[2], one["data"]["conversation"]["agent"]) for one in found]
    assert told == [
        ("created", None), ("waiting", None), ("withdrawn", None), ("waiting", None),
        ("taken", "mei"), ("waiting", None), ("taken", "mei"), ("taken", "bo"),
        ("transferred", "bo"), ("transferred", None), ("waiting", None),
    ]  # fmt: skip
    assert found[-1]["data"]["conversation"]["team"] == "second"


async def test_what_colleagues_do_in_wecom_is_told_too(db: Database, crm: WebhookDouble) -> None:
    listen(db, hook(crm.url, events=("conversation.*",)))
    await db.transact(lambda session: world.chat(session, "ann", "wechat", pulls=False))
    sessions, place = KfSessions(db, world.voice()), Address("wechat", "main", "ann")
    await sessions.happened(Moved(place, "1", PERSON, "lisi"))
    await sessions.happened(Moved(place, "2", OVER, ""))
    async with telling(db, hook(crm.url)):
        found = await heard(crm, 3)
    assert [one["type"].partition(".")[2] for one in found] == ["created", "taken", "resolved"]
    assert [one["data"]["conversation"]["state"] for one in found] == ["bot", "open", "resolved"]


async def test_the_way_of_a_message_reads_no_whole_table_for_it(sqlite_db: Database) -> None:
    statements = Statements(sqlite_db.engine)
    listen(sqlite_db, hook("http://127.0.0.1:1/"))
    chat = Chat(sqlite_db, RECEPTION)
    for words in ("怎么退货", "转人工"):
        await chat.say(words)
    await sqlite_db.transact(errands.claim, endpoint(sqlite_db, hook("http://127.0.0.1:1/")), [], 9)
    assert any("INSERT INTO errand" in sql for sql in statements.seen)
    scans = [one for one in statements.scans(sqlite_db) if "errand" in one or "max(" in one]
    assert not scans, "\n".join(scans)


async def test_secrets_are_told_as_they_are_kept_masked(db: Database, crm: WebhookDouble) -> None:
    listen(db, hook(crm.url, events=("message.*",)))
    await Chat(db, RECEPTION).say("卡号 4111111111111111")
    kept = await db.read(lambda session: [str(one.details) for one in rows(session)])
    assert kept
    assert not any("卡号" in one for one in kept), "what customers write is in their messages alone"
    async with telling(db, hook(crm.url)):
        found = await heard(crm, len(kept))
    texts = [one["data"]["message"]["text"] for one in found]
    assert "4111111111111111" not in str(texts)
    assert any("卡号" in text for text in texts)


async def test_what_was_not_committed_is_not_told(db: Database) -> None:
    listen(db, hook("http://127.0.0.1:1/"))

    def fail(session: Session) -> None:
        opened(session)
        raise ValueError("as arranged")

    with pytest.raises(ValueError, match="as arranged"):
        await db.transact(fail)
    assert await db.read(rows) == []


async def test_each_hears_what_it_asked_for_under_one_id(db: Database, crm: WebhookDouble) -> None:
    both = (
        hook(crm.url, "crm", events=("conversation.created",)),
        hook(crm.url, "bi", events=("conversation.*",)),
        hook(crm.url, "mute", events=("rating.*",)),
    )
    listen(db, *both)
    await db.transact(opened)
    assert [one.account for one in await db.read(rows)] == ["crm", "bi"]
    async with telling(db, *both):
        await asyncio.to_thread(_until_calls, crm, 2)
    assert len({one["id"] for one in crm.calls}) == 1


def _until_calls(crm: WebhookDouble, count: int) -> None:
    until(lambda: len(crm.calls) >= count)


async def test_of_two_processes_one_tells(postgres_url: str, crm: WebhookDouble) -> None:
    first, second = Database(postgres_url), Database(postgres_url)
    hooks = hook(crm.url, events=("conversation.created",))
    listen(first, hooks)
    async with telling(first, hooks), telling(second, hooks):
        for number in range(20):
            await first.transact(opened, f"c{number}")
        await heard(crm, 20)
        await all_told(first)
    assert len(crm.calls) == 20
    for one in (first, second):
        await asyncio.to_thread(one.close)


async def test_what_fails_comes_again_before_what_followed_it(
    db: Database, crm: WebhookDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "PAUSES", (0.05, 0.1, 0.1))
    monkeypatch.setattr(webhook, "REST", 0.1)
    hooks = hook(crm.url, events=("message.*",))
    listen(db, hooks)
    crm.answers += [Reply(b"", 500), Reply(b"", 503)]
    chat = Chat(db, RECEPTION)
    await chat.say("你好")
    await chat.say("怎么退货")
    async with telling(db, hooks):
        found = await heard(crm, 4)
    assert [one["status"] for one in crm.calls] == [500, 503, 204, 204, 204, 204]
    assert len({one["id"] for one in crm.calls[:3]}) == 1
    seqs = [one["data"]["message"]["seq"] for one in found]
    assert seqs == sorted(seqs)


async def test_what_fails_for_long_lets_the_rest_pass(
    db: Database, crm: WebhookDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "IN_LINE", 0.0)
    hooks = hook(crm.url, events=("message.*",))
    listen(db, hooks)
    crm.answers.append(Reply(b"", 500))
    await Chat(db, RECEPTION).say("你好")
    async with telling(db, hooks):
        await heard(crm, 1)
    first, second = await db.read(rows)
    assert (first.state, first.reason, second.state) == ("queued", "500", "sent")
    assert first.not_before is not None


async def test_given_up_listed_and_told_again(
    db: Database, crm: WebhookDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "PAUSES", (0.01,))
    hooks = hook(crm.url, events=("conversation.created",))
    listen(db, hooks)
    crm.answers += [Reply(b"", 500)] * 2 + [Reply(b"", 204)]
    await db.transact(opened, "ann")
    async with telling(db, hooks):
        await asyncio.to_thread(_until_calls, crm, 2)
        await db.transact(opened, "bob")
        await heard(crm, 1)
    [lost] = await db.read(ledger.listing, FAILED, 9)
    assert (lost.webhook, lost.type, lost.reason, lost.attempts) == (
        "crm", "conversation.created", "500", 2,
    )  # fmt: skip
    assert "[500]" in lost.line()
    assert [one.state for one in await db.read(ledger.listing, AGAIN, 9)] == ["sent", "failed"]

    for none in ({"ids": [0]}, {"since": now() + DAY}, {"since": now() - DAY, "name": "bi"}):
        assert await db.transact(ledger.replay, **none) == 0
    assert await db.transact(ledger.replay, failed=True, since=now() - DAY) == 1
    async with telling(db, hooks):
        await heard(crm, 2)
    assert crm.calls[-1]["id"] == lost.webhook_id == crm.calls[0]["id"]
    assert await db.transact(ledger.replay, ids=[lost.id]) == 1
    async with telling(db, hooks):
        await asyncio.to_thread(_until_calls, crm, 5)
    assert crm.calls[-1]["id"] == lost.webhook_id, "whoever had it knows it"


async def test_it_is_known_for_thirty_days(db: Database, crm: WebhookDouble) -> None:
    hooks = hook(crm.url, events=("conversation.created",))
    listen(db, hooks)
    for name in ("ann", "bob", "cho"):
        await db.transact(opened, name)
    async with telling(db, hooks):
        await heard(crm, 2)
    await db.transact(_age, [8, 31])
    jobs = {job.name: job for job in upkeep.jobs(db, Path("unused"), DAY)}
    for name in ("forget-errands", "forget-webhooks"):
        await asyncio.to_thread(jobs[name].run, {})
    left = await db.read(ledger.listing, AGAIN, 9)
    assert [one.conversation for one in left] == [3, 1]


def _age(session: Session, days: list[int]) -> None:
    for row, age in zip(rows(session), days, strict=False):
        row.updated_at = now() - timedelta(days=age)
        session.add(row)
