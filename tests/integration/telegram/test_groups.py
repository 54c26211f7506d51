"""Groups over HTTP: newcomers, spam, admins and their undo, answers when asked."""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from bot.answering.index import Index
from storage.models.community import GroupMember, GroupState
from storage.models.conversations import Conversation
from storage.models.customers import Identity
from storage.models.moderation import ModerationAction
from tests.doubles.telegram import TelegramDouble
from tests.support.groups import (
    ANONYMOUS,
    CHANNEL_BOT,
    NEWS,
    TELEGRAM,
    Group,
    buttons,
    from_bot,
    person,
    reply_to,
)
from tests.support.service import Service
from tests.support.short_minute import SHORT
from tests.support.telegram import TOKEN, Customer, bot_config
from tests.support.waiting import until

PEOPLE = count(50_001)
CROWD, HOUR, TALK, DRY, WEAK = -1001000001, -1001000002, -1001000003, -1001000004, -1001000005
ADMINS = {group: group - 1000 for group in (CROWD, HOUR, TALK, DRY, WEAK)}
ADA = person(10, "Ada")
SPAM = "加微信免费领红包 http://spam.example/x"
CAPTCHA_SECONDS = 10


@pytest.fixture(scope="module")
def double() -> Iterator[TelegramDouble]:
    platform = TelegramDouble(**SHORT)
    platform.api.token = TOKEN
    with platform.running():
        yield platform


@pytest.fixture(scope="module")
def groups(double: TelegramDouble) -> dict[int, Group]:
    found = {one: Group(double, one, chat) for one, chat in ADMINS.items()}
    found[WEAK].state.powerless = True
    return found


@pytest.fixture(scope="module")
def shop(
    double: TelegramDouble,
    groups: dict[int, Group],
    tmp_path_factory: pytest.TempPathFactory,
    model_cache: Path,
    shipped: Index,
) -> Iterator[Service]:
    tables = "".join(
        f"""
        [[telegram.groups]]
        id = {group}
        admin_chat_id = {chat}
        words = ["刷单"]
        captcha_seconds = {CAPTCHA_SECONDS}
        dry_run = {str(group == DRY).lower()}
        """
        for group, chat in ADMINS.items()
    )
    running = Service(
        tmp_path_factory.mktemp("groups"),
        model_cache,
        module=("tests.support.short_minute",),
        more_config=bot_config(double) + tables,
    ).start()
    until(lambda: len(states(running)) == len(ADMINS))
    yield running
    assert running.stop() == 0


def states(shop: Service) -> list[str]:
    query = select(GroupState.chat).where(col(GroupState.admins_at).is_not(None))
    return list(shop.look(lambda session: list(session.exec(query))))


def actions(shop: Service, group: Group) -> list[ModerationAction]:
    query = (
        select(ModerationAction)
        .join(GroupState, col(GroupState.id) == ModerationAction.group_id)
        .where(GroupState.chat == str(group.id))
        .order_by(col(ModerationAction.id))
    )
    return list(shop.look(lambda session: list(session.exec(query))))


def settled(shop: Service) -> bool:
    """Whether nothing is left to be done at Telegram."""
    from storage.models.errands import Errand

    query = select(Errand.id).where(col(Errand.state).in_(["queued", "sending"]))
    return bool(shop.look(lambda session: session.exec(query).first()) is None)


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.soak)])
def test_a_crowd_comes_in_a_minute(
    shop: Service, double: TelegramDouble, groups: dict[int, Group], count: int
) -> None:
    stay = count * 4 // 5
    group = groups[CROWD]
    crowd = [person(next(PEOPLE), f"新{number}") for number in range(count)]
    began = time.time() - 60
    double.push(*group.joining(crowd[0], began))
    until(lambda: group.heard())
    [token] = buttons(next(m for (chat, _), m in double.api.messages.items() if chat == str(CROWD)))
    presses = [group.press(crowd[0], token)]
    for number, user in enumerate(crowd[1:], 1):
        double.push(*group.joining(user, began + number * 60 / count))
        presses += [group.press(user, token)] if number < stay else []
    refused = [
        group.press(person(next(PEOPLE)), token),
        group.press(crowd[0], token[:-1] + ("A" if token[-1] != "A" else "B")),
        group.press(crowd[-1], "welcome"),
        group.press(crowd[-2], "💥"),
    ]
    again = group.press(crowd[0], token)
    until(lambda: {*refused, *presses, again} <= double.api.answered.keys(), 60)
    assert all("不用点" in double.api.answered[one] for one in refused)
    assert all("可以发言" in double.api.answered[one] for one in presses)
    assert "已经验证" in double.api.answered[again]

    shop.kill()
    shop.start()
    inside, outside = ({one["id"] for one in part} for part in (crowd[:stay], crowd[stay:]))
    until(lambda: group.state.ever_banned == outside and settled(shop), 60)
    assert not group.state.banned
    assert group.state.ever_muted == inside | outside
    assert group.state.muted == outside, "who was removed stays muted, who pressed may write"
    assert len(group.heard()) <= 3
    told = [one.details["users"] for one in actions(shop, group)]
    assert {int(user) for users in told for user in users} == outside
    assert "移出未验证的新成员" in group.log()


def test_who_comes_is_let_in_by_an_admin_or_needs_nothing(
    shop: Service, double: TelegramDouble, groups: dict[int, Group]
) -> None:
    group = groups[TALK]
    brought, robot = person(next(PEOPLE)), {**person(next(PEOPLE)), "is_bot": True}
    double.push(*group.joining(brought, time.time(), by=ADA))
    double.push(*group.joining(robot, time.time()))
    alone = person(next(PEOPLE))
    double.push(*group.joining(alone, time.time()))
    until(lambda: group.state.muted)
    assert group.state.ever_muted == {alone["id"]}
    change = {
        "chat": group.chat, "from": ADA, "date": int(time.time()),
        "old_chat_member": restricted(alone), "new_chat_member": {"user": alone, "status": "member"},
    }  # fmt: skip
    double.push({"update_id": group.message(ADA)["update_id"], "chat_member": change})
    group.say(alone, "大家好，我是新来的")
    group.say(alone, "/rules")
    until(lambda: [call for call in group.heard() if "友善" in call.text])
    assert not group.state.deleted


def restricted(user: dict[str, Any]) -> dict[str, Any]:
    rights = (
        "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos",
        "can_send_videos", "can_send_video_notes", "can_send_voice_notes", "can_send_polls",
        "can_send_other_messages", "can_add_web_page_previews", "can_change_info",
        "can_invite_users", "can_pin_messages", "can_manage_topics", "can_edit_tag", "can_react_to_messages",
    )  # fmt: skip
    return {
        "user": user, "status": "restricted", "is_member": True, "until_date": 0,
        **dict.fromkeys(rights, False),
    }  # fmt: skip


def test_an_hour_in_a_group(
    shop: Service, double: TelegramDouble, groups: dict[int, Group]
) -> None:
    group = groups[HOUR]
    began = time.time() - 3600
    old = [person(next(PEOPLE), f"老友{n}", f"friend{n}") for n in range(6)]
    for minute in range(4):
        for at, user in enumerate(old):
            group.say(user, f"今天第{minute}杯茶，{at}", began + minute * 60 + at)

    def at(minute: float) -> float:
        return began + minute * 60

    gone: set[int] = set()

    def spam(user: dict[str, Any], text: str, minute: float, **more: Any) -> None:
        gone.add(group.say(user, text, at(minute), **more)["message_id"])

    # What members may do, and what the protected may do besides.
    group.say(old[0], "我拍的照片 http://photos.example/1", at(5))
    group.say(old[1], "好的", at(5.1))
    group.say(old[2], "好的", at(5.2))
    group.say(old[3], "好的", at(5.3))
    protected = [
        group.say(ADA, f"刷单 {SPAM}", at(6)),
        group.say(ANONYMOUS, f"刷单 {SPAM}", at(7), sender_chat=group.chat),
        group.say(CHANNEL_BOT, f"刷单 {SPAM}", at(8), sender_chat=NEWS),
        group.say(TELEGRAM, f"刷单 {SPAM}", at(9), sender_chat=NEWS, is_automatic_forward=True),
        group.say({**person(next(PEOPLE)), "is_bot": True}, f"刷单 {SPAM}", at(10)),
    ]
    # Spam: links and forwards of those who are new, words in disguise, a flood, repetition.
    stranger, forwarder = person(next(PEOPLE), "生客"), person(next(PEOPLE), "转客")
    spam(stranger, SPAM, 11)
    origin = {"type": "hidden_user", "date": 1, "sender_user_name": "x"}
    spam(forwarder, "看看这个", 12, forward_origin=origin)
    for minute, text in ((13, "招 刷單 兼职"), (14, "ｓｈｕａ 刷\u200b单"), (15, "刷 单，来")):
        spam(old[4], text, minute)
    for number in range(8):
        spam(old[5], f"来{number}了", 20 + number / 60)
    group.say(old[0], "祝大家端午节安康幸福", at(25))
    group.say(old[1], "祝大家端午節安康幸福", at(26))
    spam(old[2], "祝大家 端午节安康幸福", 27)
    edited = group.say(old[3], "我也是", at(30))
    change = {**edited, "text": "我也刷单", "edit_date": int(at(31))}
    gone.add(edited["message_id"])
    double.push({"update_id": group.message(ADA)["update_id"], "edited_message": change})
    photo = [{"file_id": "p", "file_unique_id": "p", "width": 1, "height": 1}]
    album = {"photo": photo, "media_group_id": "a1"}
    spam(old[1], "", 32, caption="刷单相册", **album)
    spam(old[1], "", 32, **album)
    # Orders: those of admins count, but never against the protected.
    said = group.say(old[0], "什么破店", at(40))
    group.say(old[1], "/ban", at(41), **reply_to(said))
    group.say(old[1], "/report 骂人", at(41), **reply_to(said))
    group.say(ADA, "/mute 10m 冷静", at(42), **reply_to(said))
    group.say(ANONYMOUS, "/ban @friend3 广告", at(43), sender_chat=group.chat)
    group.say(ADA, f"/ban@xiaoer_bot {protected[4]['from']['id']}", at(44))
    for message in protected[:4]:
        group.say(ADA, "/ban", at(45), **reply_to(message))

    until(lambda: len(actions(shop, group)) >= 12 and settled(shop), 60)
    found = [(one.name, one.action, one.check) for one in actions(shop, group)]
    assert found == [
        ("生客", "delete", "newcomer_links"),
        ("转客", "delete", "newcomer_links"),
        ("老友4", "warn", "words"),
        ("老友4", "warn", "words"),
        ("老友4", "mute", "words"),
        ("老友5", "mute", "flood"),
        ("老友2", "warn", "repeated"),
        ("老友3", "warn", "words"),
        ("老友1", "warn", "words"),
        ("老友0", "report", "report"),
        ("老友0", "mute", "command"),
        ("老友3", "ban", "command"),
    ]
    assert group.state.deleted == gone
    ids = {user["first_name"]: user["id"] for user in old}
    assert group.state.muted == {ids["老友4"], ids["老友5"], ids["老友0"]}
    assert group.state.banned == {ids["老友3"]}
    refusals = [call.text for call in group.heard() if "我不会处理" in call.text]
    assert len(refusals) == 5

    log = group.log()
    for part in ("招 刷單 兼职", "spam.example", "什么破店", "冷静", "Ada", "10分钟", "flood"):
        assert part in log, part
    pressed = group.undo_buttons()
    assert len(pressed) == len(found) - 1, "a report has nothing to undo"
    refused = group.press(old[0], pressed[0], group.admin_chat)
    assert "只有群管理员" in until(lambda: double.api.answered.get(refused))
    queries = [group.press(ADA, data, group.admin_chat) for data in pressed]
    until(lambda: all(one in double.api.answered for one in queries))
    assert {double.api.answered[one] for one in queries} == {"已撤销。"}
    twice = group.press(ADA, pressed[0], group.admin_chat)
    assert "已经撤销过" in until(lambda: double.api.answered.get(twice))
    until(lambda: settled(shop), 60)
    assert not group.state.muted
    assert not group.state.banned
    assert not group.undo_buttons()
    assert group.log().count("已由 Ada 撤销") == len(pressed)
    assert {one.undone_by for one in actions(shop, group)} == {"Ada", ""}
    warned = select(GroupMember.user_id).where(col(GroupMember.warnings) > 0)
    left = shop.look(lambda session: list(session.exec(warned)))
    assert left == []


def test_undo_by_command(shop: Service, double: TelegramDouble, groups: dict[int, Group]) -> None:
    group = groups[TALK]
    rude = person(next(PEOPLE), "粗人", "rude")
    said = group.say(rude, "哼")
    group.say(ADA, "/ban", **reply_to(said))
    until(lambda: rude["id"] in group.state.banned)
    assert said["message_id"] in until(lambda: group.state.deleted)
    group.say(person(next(PEOPLE)), "/undo")
    group.say(ADA, "/undo")
    until(lambda: rude["id"] not in group.state.banned)
    named = [
        {"type": "bot_command", "offset": 0, "length": 5},
        {"type": "text_mention", "offset": 6, "length": 4, "user": rude},
    ]
    group.say(ADA, "/mute 粗 人儿 2h 说脏话", entities=named)
    until(lambda: rude["id"] in group.state.muted)
    assert "2小时" in until(lambda: "说脏话" in group.log() and group.log())
    until(lambda: "禁言 · 粗人" in group.log() and settled(shop))
    found = double.api.messages.items()
    number = max(
        n for (chat, n), m in found if chat == str(group.admin_chat) and "禁言" in m["text"]
    )
    entry = {**from_bot(group, number, "…"), "chat": {"id": group.admin_chat, "type": "supergroup"}}
    group.in_admin_chat(person(next(PEOPLE)), "/undo", **reply_to(entry))
    group.in_admin_chat(ADA, "/undo", **reply_to(entry))
    until(lambda: rude["id"] not in group.state.muted)
    assert [(one.action, one.undone_by) for one in actions(shop, group) if one.name == "粗人"] == [
        ("ban", "Ada"), ("mute", "Ada"),
    ]  # fmt: skip


def test_answers_only_when_asked_and_nothing_personal(
    shop: Service, double: TelegramDouble, groups: dict[int, Group]
) -> None:
    group = groups[TALK]
    before = len(group.heard())
    group.say(person(next(PEOPLE)), "怎么退货")
    group.say(person(next(PEOPLE)), "/ask@other_bot 怎么退货")
    group.say(TELEGRAM, "@xiaoer_bot 怎么退货", sender_chat=NEWS, is_automatic_forward=True)
    asked = [
        group.say(person(next(PEOPLE)), "@xiaoer_bot 怎么退货"),
        group.say(person(next(PEOPLE)), "/ask 怎么退货"),
    ]
    asked.append(
        group.say(person(next(PEOPLE)), "那怎么退货呢", **reply_to(from_bot(group, 1, "欢迎")))
    )
    asked.append(group.say(person(next(PEOPLE)), "/ask 我的订单 XE10001 到哪了，手机 13812348888"))
    asked.append(group.say(person(next(PEOPLE)), "/ask 我的快递到哪了"))
    asked.append(group.say(person(next(PEOPLE)), "/ask 紫色的云为什么会跳舞呢？"))
    until(lambda: len(group.heard()) - before >= len(asked), 40)
    until(lambda: settled(shop))
    answers = group.heard()[before:]
    assert [call.data["reply_parameters"]["message_id"] for call in answers] == [
        one["message_id"] for one in asked
    ]
    for call in answers[:3]:
        assert "7 天" in call.text
    for call in answers[3:5]:
        assert "私下聊" in call.text
        [[button]] = call.data["reply_markup"]["inline_keyboard"]
        assert button["url"].startswith("https://t.me/xiaoer_bot?start=")
        assert "callback_data" not in button
    assert "start=group" in str(answers[5].data["reply_markup"])
    shown = str([call.data for call in answers])
    assert "10001" not in shown
    assert "8888" not in shown
    query = select(Identity.chat).join(Conversation, col(Conversation.identity_id) == Identity.id)
    kept = shop.look(lambda session: list(session.exec(query)))
    assert not [chat for chat in kept if chat.startswith("-")]
    private = Customer(double, next(PEOPLE))
    assert "订单号" in private.ask("/start order"), "private chats are as before"


def test_a_dry_run_only_tells(
    shop: Service, double: TelegramDouble, groups: dict[int, Group]
) -> None:
    group = groups[DRY]
    spammer, guest = person(next(PEOPLE), "演员"), person(next(PEOPLE), "来客")
    double.push(*group.joining(guest, time.time()))
    said = group.say(spammer, f"刷单 {SPAM}")
    group.say(spammer, "刷单又来")
    group.say(spammer, "还是刷单")
    group.say(ADA, "/ban", **reply_to(said))
    until(lambda: group.log().count("【演习】本来会") == 5)
    assert "封禁 · 演员" in group.log()
    assert "验证 · 来客" in group.log()
    assert group.undo_buttons() == []
    assert group.touched() == []


def test_what_telegram_refuses_is_told(
    shop: Service, double: TelegramDouble, groups: dict[int, Group]
) -> None:
    group = groups[WEAK]
    said = group.say(person(next(PEOPLE), "强人"), "哼")
    group.say(ADA, "/ban", **reply_to(said))
    until(lambda: "没有做成：" in group.log() and "ban: Not enough rights" in group.log())


def test_other_groups_are_left_alone(
    shop: Service, double: TelegramDouble, groups: dict[int, Group]
) -> None:
    other = Group(double, -1001999999, -1001999998)
    for _ in range(3):
        other.say(person(next(PEOPLE)), f"/ask 刷单 {SPAM}")
    double.push(*other.joining(person(next(PEOPLE)), time.time()))
    other.press(ADA, "whatever")
    customer = Customer(double, next(PEOPLE))
    assert "7 天" in customer.ask("怎么退货")
    assert other.touched() == []
    assert shop.log.count("a group that is not configured") == 1
