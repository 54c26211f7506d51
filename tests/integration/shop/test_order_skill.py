"""Talks about orders, word for word, with a stand-in for the engine's understanding."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from sqlmodel import Session

from bot.answering.load import Entry, load
from bot.answering.understanding import Candidate, Decision, Understanding
from bot.config import ROOT
from bot.core.clock import now
from bot.core.messages import Address, Author, Inbound
from bot.core.text import language, normalise
from bot.dialogue.receive import Reception
from bot.dialogue.skills import discover
from bot.dialogue.turn import House
from bot.logistics.status import Status
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.conversations import Conversation, latest_conversation, messages_after
from storage.models.customers import find_identity
from storage.models.parcels import Travel
from tests.support.care import caring
from tests.support.world import CHEN, LIN, ago, stepped, told

WHERE = "我的包裹到哪了"
KNOWN = {
    WHERE: "where_is_my_parcel",
    "where is my parcel": "where_is_my_parcel",
    "快递单号是多少": "tracking_number",
    "查一下订单": "order_status",
    "怎么退货": "return_how",
    "满1000减多少": "free_shipping",
    "XE10001怎么退货": "return_how",
    "我的订单XE10001到哪了": "order_status",
    "发货要多久": "dispatch_time",
    "取消订单": "cancel_order",
    "XE10001 8888 我要退货": "return_how",
    "my order number is XE10001 and phone 8888": "order_status",
    "where is my order": "where_is_my_parcel",
    "我的order到哪了": "order_status",
    "订单是XE10001, phone 8888": "order_status",
    "退款多久到账": "refund_time",
    "我要退款": "return_how",
}


def understand(text: str) -> Understanding:
    """As the engine would: sure of the questions above, at a loss with all others."""
    entry = KNOWN.get(text)
    candidates = (Candidate(entry, 1.0, text),) if entry else ()
    plain = normalise(text)
    decision: Decision = "answer" if entry else "human"
    return Understanding(
        text, plain, plain, language(plain), False, candidates, decision, float(bool(entry)), "v"
    )


class Faq:
    def __init__(self) -> None:
        self._entries = {(one.id, one.language): one for one in load(ROOT / "faq")}

    def entry(self, entry_id: str, language: str) -> Entry | None:
        found = [e for (name, spoken), e in self._entries.items() if name == entry_id]
        return next((e for e in found if e.language == language), found[0] if found else None)


@dataclass
class Talk:
    """One customer's chat. `say` and `press` give what the bot answers."""

    db: Database
    reception: Reception
    name: str = "a"
    at: datetime = field(default_factory=now)
    choices: list[dict[str, str]] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def say(self, text: str) -> str:
        return self._send(text, None)

    def press(self, value: str) -> str:
        return self._send("", value)

    def conversation(self) -> Conversation:
        found = self.db.run(self._conversation)
        assert found is not None
        return found

    def _send(self, text: str, choice: str | None) -> str:
        address = Address("web", "main", self.name, pulls=True)
        inbound = Inbound(address, str(next(self._ids)), text, choice, at=self.at)
        seq = self.db.run(self.reception.receive, inbound, understand(text)).seq
        return self.db.run(self._answers, seq)

    def _answers(self, session: Session, seq: int) -> str:
        identity = find_identity(session, Address("web", "main", self.name))
        assert identity is not None
        assert identity.id is not None
        after = messages_after(session, identity.id, seq)
        answers = [one for one in after if one.author == Author.BOT]
        self.choices = answers[-1].choices if answers else []
        return "\n".join(one.text for one in answers)

    def _conversation(self, session: Session) -> Conversation | None:
        identity = find_identity(session, Address("web", "main", self.name))
        assert identity is not None
        assert identity.id is not None
        return latest_conversation(session, identity.id)


@pytest.fixture(scope="session")
def house(voice: Voice) -> House:
    return House(voice, Faq())


@pytest.fixture
def enter(db: Database, house: House) -> Callable[[str], Talk]:
    """Opens a chat in a shop where XE10001 of Lin is on its way; XE10002 is Chen's."""

    def fill(session: Session) -> None:
        number = {"tracking_number": "SF8801"}
        told(session, "order.paid", "XE10001", ago(days=2))
        told(session, "order.shipped", "XE10001", ago(days=1), carrier="顺丰速运", **number)
        told(session, "order.paid", "XE10002", ago(days=2), person=CHEN)
        for hours, place in [(20, "广州"), (15, "长沙"), (5, "武汉")]:
            stepped(session, Status.IN_TRANSIT, ago(hours=hours), place=place,
                    text=f"离开{place}", **number)  # fmt: skip

    db.run(fill)
    reception = Reception(house, discover())
    return lambda name: Talk(db, reception, name)


@pytest.fixture
def talk(enter: Callable[[str], Talk]) -> Talk:
    return enter("a")


WRONG = "好像对不上"


def test_a_phone_number_out_of_the_blue(talk: Talk) -> None:
    assert "订单号" in talk.say("13800008888")
    assert "武汉" in talk.say("XE10001")
    assert "武汉" in talk.say("13800008888"), "known now"
    assert "XE10001（快递单号 SF8801）还是“运输途中”" in talk.say("快点行不"), (
        "and not the same words again"
    )
    assert [one["value"] for one in talk.choices] == ["person"]


def test_the_expected_days_are_told_where_past_parcels_tell_them(talk: Talk) -> None:
    def past(session: Session) -> None:
        for number in range(8):
            parcel = stepped(session, Status.DELIVERED, ago(days=9), tracking_number=f"SF9{number}")
            session.add(
                Travel(
                    parcel_id=parcel.id,
                    carrier="sf",
                    took=3 * 86400,
                    longest=86400,
                    delivered_at=ago(days=9),
                )
            )

    talk.db.run(past)
    talk.say(WHERE)
    expected = "看以往这家快递的包裹，预计"
    assert expected in talk.say("XE10001 8888").splitlines()[3]
    again = talk.say("快点行不")
    assert expected in again
    assert "发出后一般" not in again


@pytest.mark.parametrize(
    "proof",
    [
        ["XE10001 8888"],
        ["8888 xe10001"],
        ["XE10001", "8888"],
        ["8888", "XE10001"],
        ["订单号xe10001,手机尾号8888"],
        ["ＸＥ１０００１　８８８８"],
        ["XE10001", "13800008888"],
        ["SF8801", "8888"],
        ["XE 10001", "8888"],
        ["XE-10001 8888"],
        ["xe10001尾号8888"],
        ["10001 8888"],
        ["10001", "8888"],
        ["订单 XE 10001 手机 8888"],
    ],
)
def test_the_question_is_answered_as_soon_as_it_may_be(talk: Talk, proof: list[str]) -> None:
    asked = talk.say(WHERE)
    assert "订单号" in asked
    assert "后四位" in asked
    for part in proof[:-1]:
        assert "顺丰" not in talk.say(part)
    answer = talk.say(proof[-1])
    assert "订单 XE10001 的包裹已经发出，由顺丰速运配送，单号 SF8801。" in answer
    assert "目前状态：运输途中。" in answer
    assert "武汉，离开武汉" in answer
    *_, second, third = answer.splitlines()
    assert second.endswith("长沙 离开长沙")
    assert third.endswith("广州 离开广州")


def test_once_linked_nothing_is_asked_again(talk: Talk) -> None:
    talk.say(WHERE)
    talk.say("XE10001 8888")
    assert "单号是 SF8801" in talk.say("快递单号是多少")
    assert "已发货" in talk.say("查一下订单")
    assert "订单 XE10001 的包裹" in talk.say("XE10001")
    assert "SF8801" in talk.say("SF8801到哪了")


def test_the_language_of_the_question_is_kept(talk: Talk) -> None:
    assert "last four digits" in talk.say("where is my parcel")
    assert "has been sent with 顺丰速运" in talk.say("XE10001 8888")
    assert talk.conversation().language == "en"
    talk.name = "b"
    talk.say(WHERE)
    talk.say("XE10001 8888")
    assert talk.conversation().language == "zh"


def test_a_number_in_any_message(talk: Talk) -> None:
    assert "XE10001" in talk.say("我的订单XE10001到哪了")
    assert "SF8801" in talk.say("8888")
    assert "SF8801" in talk.say("我的订单XE10001到哪了")


@pytest.mark.parametrize("number", ["XE10002", "XE40404"])
def test_a_strangers_order_and_no_order_are_alike(talk: Talk, number: str) -> None:
    talk.say(WHERE)
    talk.say("XE10001 8888")
    asked = talk.say(f"{number}呢")
    assert asked == (f"收到订单号 {number}。为了保护您的隐私，请再告诉我下单手机号的后四位。")
    assert WRONG in talk.say("8888")


@pytest.mark.parametrize("wrong", ["XE10001 0000", "XE40404 8888"])
def test_wrong_five_times_then_locked(talk: Talk, wrong: str) -> None:
    talk.say(WHERE)
    answers = {talk.say(wrong) for _ in range(5)}
    assert len(answers) == 1
    assert WRONG in answers.pop()
    assert "晚些时候" in talk.say(wrong)
    assert [choice["value"] for choice in talk.choices] == ["person"]
    talk.at += timedelta(minutes=61)
    talk.say(WHERE)
    assert "SF8801" in talk.say("XE10001 8888")


@pytest.mark.parametrize("aside", ["怎么退货", "满1000减多少"])
def test_nobody_is_trapped(talk: Talk, aside: str) -> None:
    talk.say(WHERE)
    answer = talk.say(aside)
    assert WRONG not in answer
    assert "后四位" not in answer
    assert answer


def test_a_person_comes_when_asked(talk: Talk) -> None:
    talk.say(WHERE)
    talk.say("转人工")
    assert talk.conversation().state == "waiting"


def test_encouraged_once_then_others_try(talk: Talk) -> None:
    talk.say(WHERE)
    assert "慢慢来" in talk.say("我忘了在哪看")
    assert "慢慢来" not in talk.say("真的不记得")


def test_another_order_question_meanwhile(talk: Talk) -> None:
    talk.say(WHERE)
    assert "订单号" in talk.say("快递单号是多少")
    assert "单号是 SF8801" in talk.say("XE10001 8888")


def test_a_number_within_another_question(talk: Talk) -> None:
    assert "退货" in talk.say("XE10001怎么退货")


def test_other_orders_are_offered(talk: Talk) -> None:
    def two_more(session: Session) -> None:
        told(session, "order.shipped", "XE10003", ago(hours=9), tracking_number="SF99")
        told(session, "order.paid", "XE10004", ago(hours=3))
        told(session, "order.cancelled", "XE10005", ago(hours=2))

    talk.db.run(two_more)
    talk.say(WHERE)
    talk.say("XE10001 8888")
    answer = talk.say(WHERE)
    assert "您还有其他订单，要看哪一个？" in answer
    offered = [choice["value"] for choice in talk.choices if "order:" in choice["value"]]
    assert offered == ["order:XE10001", "order:XE10004"]
    assert "SF99" in answer
    assert "SF8801" in talk.press("order:XE10001")
    talk.say("查一下订单")
    assert talk.choices[0]["label"].startswith("订单 XE")
    wanted = talk.choices[0]["value"].removeprefix("order:")
    assert wanted in talk.say("1")


def test_a_forged_button_shows_nothing(talk: Talk) -> None:
    answer = talk.press("order:XE10002")
    assert "后四位" in answer
    assert LIN.name not in answer


def test_a_pressed_question_needs_proof_too(talk: Talk) -> None:
    assert "后四位" in talk.press("faq:tracking_number")
    assert "单号是 SF8801" in talk.say("XE10001 8888")


def test_an_order_that_is_not_sent_yet(talk: Talk) -> None:
    talk.db.run(told, "order.paid", "XE10009")
    talk.say(WHERE)
    assert "订单 XE10009 还没有发出，目前状态：已付款，等待发货。" in talk.say("XE10009 8888")


@pytest.mark.parametrize(
    "text", ["XE 10001 8888", "XE-10001 8888", "10001 8888", "xe10001尾号8888"]
)
def test_number_and_digits_unasked(talk: Talk, text: str) -> None:
    assert "SF8801" in talk.say(text)
    assert talk.conversation().language == "zh"


def test_digits_without_letters_need_the_right_phone(talk: Talk) -> None:
    assert WRONG in talk.say("10001 6666")
    assert WRONG in talk.say("10002 8888")
    assert "SF8801" in talk.say("10001 8888")


def test_guesses_without_letters_count_for_the_order(talk: Talk) -> None:
    for talk.name in ("b", "c"):
        assert [WRONG in talk.say("10001 0000") for _ in range(5)] == [True] * 5
    talk.name = "a"
    assert "晚些时候" in talk.say("XE10001 8888")


@pytest.mark.parametrize("aside", ["怎么退货", "满1000减多少"])
def test_the_question_for_proof_outlives_an_aside(talk: Talk, aside: str) -> None:
    talk.say(WHERE)
    talk.say("XE10001")
    talk.say(aside)
    assert "SF8801" in talk.say("8888")


def test_an_aside_ends_after_a_while(talk: Talk) -> None:
    talk.say(WHERE)
    talk.say("XE10001")
    talk.say("怎么退货")
    talk.at += timedelta(minutes=11)
    assert "SF8801" not in talk.say("8888")


def test_after_wrong_digits_the_number_is_kept(talk: Talk) -> None:
    talk.say(WHERE)
    assert WRONG in talk.say("XE10001 1234")
    assert WRONG in talk.say("4321")
    assert "SF8801" in talk.say("8888")


def test_after_wrong_digits_another_number_may_come(talk: Talk) -> None:
    talk.say(WHERE)
    assert WRONG in talk.say("XE10002 8888")
    assert "SF8801" in talk.say("10001 8888")


@pytest.mark.parametrize("text", ["我没有单号", "单号在哪看", "where do i find the order number"])
def test_where_the_number_is(talk: Talk, text: str) -> None:
    talk.say(WHERE)
    said = talk.say(text)
    assert "我的订单" in said or "My orders" in said
    assert [choice["value"] for choice in talk.choices] == ["person"]
    assert "SF8801" in talk.say("XE10001 8888")


@pytest.mark.parametrize("text", ["税号91310000123456789X", "1234567890123456", "积分10000怎么用"])
def test_other_numbers_are_no_orders(talk: Talk, text: str) -> None:
    assert "后四位" not in talk.say(text)


def test_a_shop_with_long_numbers(talk: Talk) -> None:
    talk.db.run(told, "order.paid", "2345678901234567890")
    talk.say(WHERE)
    assert "还没有发出" in talk.say("2345678901234567890 8888")


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("那啥时候能到", "运输途中"),
        ("今天能到不", "运输途中"),
        ("能催一下吗", "运输途中"),
        ("发货了没", "运输途中"),
        ("发货要多久", "运输途中"),
        ("我都买了啥", "羊毛围巾"),
        ("when will it arrive then", "usually takes 2–5 days"),
    ],
)
def test_vague_questions_are_about_the_order_at_hand(talk: Talk, text: str, fact: str) -> None:
    items = [{"sku": "a", "name": "羊毛围巾", "quantity": 1, "price": Decimal(9)}]
    talk.db.run(lambda session: told(session, "order.paid", "XE10001", ago(days=2), items=items))
    before = talk.say(text)
    assert "XE10001" not in before
    talk.say("XE10001 8888")
    talk.say("怎么退货")
    answer = talk.say(text)
    assert "XE10001" in answer
    assert fact in answer


def test_an_order_that_is_paid_is_cancelled_by_a_person(talk: Talk) -> None:
    talk.db.run(told, "order.paid", "XE10009")
    talk.say("XE10009 8888")
    said = talk.say("取消订单")
    assert "XE10009" in said
    conversation = talk.conversation()
    assert (conversation.state, conversation.handoff_reason) == ("waiting", "entry:cancel_order")


@pytest.mark.parametrize("proof", [["取消订单XE10001", "8888"], ["XE10001 8888", "取消"]])
def test_an_order_on_its_way_cannot_be_cancelled(talk: Talk, proof: list[str]) -> None:
    *_, said = [talk.say(part) for part in proof]
    assert "订单 XE10001 已经在路上了" in said
    assert "退货" in said
    assert talk.conversation().state == "bot"


@pytest.mark.parametrize(
    ("status", "zh", "en"),
    [
        ("cancelled", ("取消了，不会再发货。付过的款会原路退回",), "was cancelled on "),
        ("refunded", ("退款了，不会再发货。", "天内原路退回"), "was refunded on "),
    ],
)
def test_an_order_that_is_over_is_not_waited_for(
    talk: Talk, status: str, zh: tuple[str, ...], en: str
) -> None:
    talk.db.run(told, "order.paid", "XE10009", ago(hours=9))
    talk.db.run(told, f"order.{status}", "XE10009", ago(hours=2))
    for text in ("XE10009 8888", "XE10009到哪了", "取消订单XE10009"):
        said = talk.say(text)
        assert "订单 XE10009 在" in said
        assert all(part in said for part in zh)
        assert "还没有发出" not in said
        assert [one["value"] for one in talk.choices] == ["faq:refund_time", "person"]
    said = talk.say("where is my parcel XE10009")
    assert en in said
    assert "so it won't be sent" in said
    assert "48 hours" not in said
    assert talk.choices[-1]["value"] == "person"


def test_a_parcel_of_an_order_that_is_over_is_told_with_it(talk: Talk) -> None:
    talk.db.run(told, "order.refunded", "XE10001", now())
    said = talk.say("XE10001 8888")
    assert "退款了。" in said
    assert "SF8801" in said
    assert "不会再发货" not in said


def test_cancelling_without_an_order_is_explained(talk: Talk) -> None:
    assert "订单号" in talk.say("取消订单")
    assert talk.conversation().state == "bot"


@pytest.mark.parametrize("text", ["XE10001 8888 我要退货", "XE10001 8888 这个我想退货呢"])
def test_the_other_question_is_answered_too(talk: Talk, text: str) -> None:
    said = talk.say(text)
    assert "SF8801" in said
    assert "退货" in said


@pytest.mark.parametrize("again", [WHERE, "快点啊", "怎么回事"])
def test_the_same_is_not_said_twice(talk: Talk, again: str) -> None:
    told_once = talk.say("XE10001 8888")
    for _ in range(2):
        assert talk.say(again) != told_once
        assert [one["value"] for one in talk.choices] == ["person"]
    assert talk.say("XE10001") == told_once, "who names the order wants to read it"
    assert talk.press("order") == told_once


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        (Status.IN_TRANSIT, ["faq:tracking_not_updating", "faq:parcel_stuck"]),
        (Status.DELIVERED, ["faq:delivered_not_received", "faq:damaged_item"]),
        (Status.EXCEPTION, ["faq:parcel_lost", "faq:refund_time", "person"]),
        (Status.RETURNING, ["faq:refund_time", "faq:change_address", "person"]),
    ],
)
def test_what_is_offered_fits_the_parcel(talk: Talk, status: Status, offered: list[str]) -> None:
    talk.db.run(lambda session: stepped(session, status, now(), tracking_number="SF8801"))
    answer = talk.say("XE10001 8888")
    assert [one["value"] for one in talk.choices] == offered
    assert ("抱歉" in answer) is ("person" in offered)


@pytest.mark.parametrize(
    "words", ["我没收到", "没拿到东西！", "根本没见着", "i didnt get it", "not recieved"]
)
def test_what_was_delivered_and_is_not_there_is_looked_for(talk: Talk, words: str) -> None:
    talk.db.run(lambda session: stepped(session, Status.DELIVERED, now(), tracking_number="SF8801"))
    told_once = talk.say("XE10001 8888")
    said = talk.say(words)
    assert told_once not in said
    assert "抱歉" in said or "sorry" in said
    assert "XE10001" in said
    assert "person" in [one["value"] for one in talk.choices]
    assert said not in talk.say(words)
    assert talk.conversation().state == "waiting"


def test_what_is_on_its_way_is_not_looked_for(talk: Talk) -> None:
    talk.say("XE10001 8888")
    assert "没有新的动态" in talk.say("还没收到")


def test_what_is_offered_before_anything_was_sent(talk: Talk) -> None:
    talk.db.run(lambda session: told(session, "order.paid", "XE10003", ago(hours=1)))
    talk.say("XE10003 8888")
    assert [one["value"] for one in talk.choices] == ["faq:dispatch_late", "faq:change_address"]


def test_what_is_shown_and_not_wanted_is_cancelled(talk: Talk) -> None:
    assert "XE10001" not in talk.say("我不要了"), "what of?"
    talk.say("XE10001 8888")
    assert "XE10001 已经在路上" in talk.say("我不要了")


@pytest.mark.parametrize("words", ["算了不查了", "那算了", "never mind"])
def test_who_lets_go_is_let_go(talk: Talk, words: str) -> None:
    talk.say(WHERE)
    talk.say("XE10001")
    for _ in range(3):
        talk.say(words)
        assert talk.choices == []
    assert talk.conversation().misses == 0
    assert "SF8801" not in talk.say("8888"), "the question is forgotten"


@pytest.mark.parametrize("words", ["我想问", "就是那个", "quick question"])
def test_an_opening_is_no_miss(talk: Talk, words: str) -> None:
    for _ in range(3):
        assert talk.say(words) == "", "the question itself is waited for"
    assert talk.conversation().misses == 0


@pytest.mark.parametrize("words", ["我东西呢", "货呢？", "东西在哪"])
def test_few_words_about_ones_things(talk: Talk, words: str) -> None:
    assert "订单号" in talk.say(words)
    assert "武汉" in talk.say("XE10001 8888")


def test_the_button_for_a_person_tells_who_waits_their_place(talk: Talk) -> None:
    assert "您是下一位" in talk.press("person")
    assert "还在为您排队" in talk.press("person")
    assert talk.press("person") == "", "once a minute"
    assert talk.press("faq:return_how") == ""


@pytest.mark.parametrize(
    ("asked", "proof", "told"),
    [
        ("where is my order", "my order number is XE10001 and phone 8888", "Latest update"),
        (WHERE, "订单是XE10001, phone 8888", "最新动态"),
        ("我的order到哪了", "XE10001, phone 8888", "最新动态"),
        (WHERE, "XE10001 尾號8888", "最新动态"),
    ],
)
def test_a_proof_answers_what_was_asked_before(
    talk: Talk, asked: str, proof: str, told: str
) -> None:
    talk.say(asked)
    assert told in talk.say(proof)


@pytest.mark.parametrize(
    "text", ["订单XE10001手机8888怎么还不到我要退款", "XE10001 8888 refund pls"]
)
def test_a_refund_of_what_is_on_its_way(talk: Talk, text: str) -> None:
    said = talk.say(text)
    assert "SF8801" in said
    assert "抱歉" in said or "sorry" in said
    assert [one["value"] for one in talk.choices] == ["person"]
    again = talk.say("我要退款")
    assert "抱歉" in again, "also said by itself, once the order is known"
    assert "3–7 天到账" in talk.say("退款多久到账"), "how long it takes is another question"


def test_impatience_is_not_answered_twice_in_the_same_words(talk: Talk) -> None:
    talk.say("XE10001 8888")
    first, second = talk.say("怎么还没到啊都几天了"), talk.say("什么时候到")
    assert "还是“运输途中”" in first
    assert "还没有新消息" in second
    assert [one["value"] for one in talk.choices] == ["person"]


@pytest.mark.parametrize("words", ["到了吗", "几点送啊", "怎么还没送来", "i didnt get it"])
def test_short_words_right_after_news_are_about_that_parcel(
    talk: Talk, voice: Voice, words: str
) -> None:
    talk.say("13800008888")
    talk.say("XE10001")
    talk.at = now() + timedelta(hours=13)  # what was asked before is forgotten
    assert "SF8801" not in talk.say("到了吗")
    caring(talk.db, voice)
    talk.db.run(
        stepped, Status.OUT_FOR_DELIVERY, ago(minutes=1), tracking_number="SF8801", place="杭州"
    )
    assert "SF8801" in talk.say(words)


def test_news_of_an_order_does_not_make_other_words_a_question_about_it(
    talk: Talk, voice: Voice
) -> None:
    talk.say("13800008888")
    talk.say("XE10001")
    caring(talk.db, voice)
    talk.db.run(
        stepped, Status.OUT_FOR_DELIVERY, ago(minutes=1), tracking_number="SF8801", place="杭州"
    )
    assert "SF8801" not in talk.say("今天天气真好，你们老板是谁？")
    assert "SF8801" not in talk.say("你们几点关门？")


@pytest.mark.parametrize(
    "words", ["谁送的", "哪家快递呀", "who delivers it?", "so when", "怎么还在武汉"]
)
def test_short_words_about_the_shown_order_are_answered_from_it(talk: Talk, words: str) -> None:
    talk.say("XE10001 8888")
    assert "SF8801" in talk.say(words)


@pytest.mark.parametrize("words", ["别发货了", "stop my order", "don't ship it"])
def test_what_must_not_be_sent_is_to_be_cancelled(talk: Talk, words: str) -> None:
    talk.say("XE10001 8888")
    assert (
        "XE10001 已经在路上" in (said := talk.say(words)) or "XE10001 is already on its way" in said
    )


def test_what_was_asked_before_the_number_came_is_not_forgotten(talk: Talk) -> None:
    steps = talk.say("怎么退货")
    said = talk.say("XE10001 8888")
    assert "SF8801" in said
    assert steps.splitlines()[0] in said


def test_who_asks_for_news_again_and_again_gets_a_person(talk: Talk) -> None:
    talk.say("XE10001 8888")
    said = [talk.say("还要多久") for _ in range(3)]
    assert "暂时没有新的动态" in said[0]
    assert "还没有新消息" in said[1]
    assert "我这就请同事" in said[2]
    assert talk.conversation().handoff_reason == "entry:where_is_my_parcel"
