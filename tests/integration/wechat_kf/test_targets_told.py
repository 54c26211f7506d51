"""Agents hear in WeCom of promises that are due, however many come due at once."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.channels.base import Limits, Rate
from bot.channels.wechat.wecom import POLICY, WecomApp, WecomChannel
from bot.core.clock import now
from bot.core.events import Bus
from bot.delivery import outbox
from bot.escalation import agents, notices, sla
from bot.escalation.hours import Hours
from bot.escalation.notices import Notices
from bot.escalation.team import Team
from bot.wechat_settings import WeChat
from bot.words.dates import moment_text
from storage.db import Database
from storage.models.agents import Agent
from storage.models.errands import Errand
from storage.models.sla import SlaClock
from tests.doubles import wechat_corp
from tests.doubles.wechat import WeChatDouble
from tests.support import world
from tests.support.sent import sending_by
from tests.support.wechat_kf import AES_KEY, CORP, TOKEN

SECRET, MINUTE = "secret-of-the-app-tests", 1.0
VOICE, SITE = world.voice(), "https://shop.example"
ZONE = VOICE.words.shop.zone
TEAM = Team("service", Hours(ZONE, ((),) * 7))
COUNTED = re.compile(r"另有 (\d+) 个")


@pytest.fixture
def wecom() -> Iterator[wechat_corp.WecomApp]:
    """A company whose members may get thirty messages in a second, not in a minute."""
    with WeChatDouble().running() as double:
        app = double.wecom(CORP, SECRET, TOKEN, AES_KEY, agent_id=7, members={"li", "wang"})
        app.minute = MINUTE
        yield app
        assert {call.outcome for call in double.called("message/send")} <= {"ok"}


@pytest.fixture
def desk(database_url: str) -> Iterator[Database]:
    """Two agents who are linked to WeCom, and one who is not."""
    bus = Bus()
    Notices("wechat", "team", VOICE, SITE).register(bus)
    db = Database(database_url, bus)
    for name, member in (("li", "li"), ("wang", "wang"), ("zhao", None)):
        db.run(_hire, name, member)
    yield db
    db.close()


@pytest.fixture
def channel(wecom: wechat_corp.WecomApp) -> WecomChannel:
    """The app as the sender has it; its rate is as much shorter as the platform's minute is."""
    settings = WeChat(
        name="team", kind="wecom", app_id=CORP, secret=SECRET, token=TOKEN, aes_key=AES_KEY,
        agent_id=7, api_base_url=wecom.double.url,
    )  # fmt: skip
    rate = POLICY.limits.per_chat
    assert rate is not None
    short = Limits(per_chat=Rate(rate.count, rate.seconds * MINUTE / 60))
    return replace(WecomApp(settings).channel, policy=replace(POLICY, limits=short))


def _hire(session: Session, name: str, member: str | None) -> None:
    session.add(Agent(login=name, name=name, password_hash="-", wecom_id=member))


def _promise(session: Session, name: str, minutes: int, kind: str = "first") -> int:
    """Somebody was promised something for `minutes` from now; it has to be looked at."""
    identity = world.chat(session, name)
    identity.name = name
    conversation = outbox.conversation_for(session, identity)
    assert conversation.id is not None
    at = now()
    due = at + timedelta(minutes=minutes)
    clock = SlaClock(
        conversation_id=conversation.id, kind=kind, team="service", started_at=at,
        due_at=due, next_at=at,
    )  # fmt: skip
    session.add(clock)
    return conversation.id


def _take(session: Session, conversation_id: int, name: str) -> None:
    found = session.exec(select(Agent).where(Agent.login == name)).one()
    assert found.id is not None
    agents.take(session, conversation_id, found.id)


def _texts(session: Session) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in session.exec(select(Errand)):
        found.setdefault(one.chat, []).append(one.details["text"])
    return found


def _is_quiet(session: Session) -> bool:
    return all(one.state == "sent" for one in session.exec(select(Errand)))


async def _all_sent(desk: Database) -> None:
    async with asyncio.timeout(30):
        while not await desk.read(_is_quiet):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_storm_faster_than_the_platform_takes_it_loses_nobody(
    desk: Database,
    wecom: wechat_corp.WecomApp,
    channel: WecomChannel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notices, "GATHERED", timedelta(0))
    storm = 80
    desk.run(lambda session: [_promise(session, f"客人{n:03}", -1) for n in range(storm)])
    async with sending_by(desk, channel):
        await asyncio.to_thread(sla.watch(desk), {})
        await _all_sent(desk)
    assert wecom.dropped == []
    for member in ("li", "wang"):
        texts = wecom.texts(member)
        named = [name for text in texts for name in re.findall(r"客人\d+", text)]
        counted = sum(int(one) for text in texts for one in COUNTED.findall(text))
        assert len(named) == len(set(named))
        assert len(named) + counted == storm
        assert all(len(text.encode()) < wechat_corp.MAX_TEXT for text in texts)


def test_what_comes_due_together_is_one_notice(desk: Database) -> None:
    names = [
        f"名字很长很长很长很长很长很长很长很长很长很长的客人{number:02}" for number in range(12)
    ]
    for name in names:
        desk.run(_promise, name, -1)
    sla.watch(desk)({})
    (text,) = desk.run(_texts)["li"]
    assert [name for name in names if name in text] == names[: notices.NAMED]
    assert text.endswith(f"\n另有 2 个会话快到时限或已超时。\n{SITE}/desk")
    assert len(text.encode()) < wechat_corp.MAX_TEXT


def test_who_is_in_charge_is_told_else_everybody(desk: Database) -> None:
    lis, zhaos = desk.run(_promise, "小满", 5, "next"), desk.run(_promise, "阿远", 5, "resolution")
    desk.run(_take, lis, "li")
    desk.run(_take, zhaos, "zhao")
    sla.watch(desk)({})
    until = moment_text(now() + timedelta(minutes=5), ZONE, "zh")
    of_zhao = f"⏰ 阿远：处理完结快到时限（{until}）"
    of_li = f"⏰ 小满：回复快到时限（{until}）"
    assert desk.run(_texts) == {
        "li": [f"{of_li}\n{of_zhao}\n{SITE}/desk"],
        "wang": [f"{of_zhao}\n{SITE}/desk?c={zhaos}"],
    }


def test_a_breach_takes_the_place_of_a_warning_that_nobody_was_told(desk: Database) -> None:
    conversation = desk.run(_promise, "小满", 5)
    sla.watch(desk)({})
    desk.run(_run_out, conversation)
    sla.watch(desk)({})
    (text,) = desk.run(_texts)["li"]
    assert text.startswith("⚠️ 小满：首次回复已超时")
    assert "⏰" not in text


def test_what_was_answered_late_but_before_anybody_looked_needs_nobody(desk: Database) -> None:
    conversation = desk.run(_promise, "小满", -1)

    def resolve(session: Session) -> None:
        agents.resolve(session, conversation, session.exec(select(Agent.id)).first() or 0)

    bus = desk.run(lambda session: session.info["bus"])
    sla.Promises(TEAM).register(bus)
    desk.run(resolve)
    assert desk.run(_texts) == {}


def _run_out(session: Session, conversation_id: int) -> None:
    (clock,) = session.exec(select(SlaClock).where(SlaClock.conversation_id == conversation_id))
    clock.due_at = clock.next_at = now()
    session.add(clock)
