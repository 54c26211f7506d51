"""The FAQ that ships answers everyday questions, and lets what is not its business pass."""

import re
from pathlib import Path

import pytest

from bot.answering.index import Index
from bot.answering.load import load
from bot.config import validate
from bot.words.sandbox import ANSWER, Words

FAQ = Path(__file__).parents[3] / "faq"

EVERYDAY = [
    ("怎么退货", "return_how"),
    ("how long does shipping take", "shipping_time"),
    ("我的快递到哪了", "where_is_my_parcel"),
    ("where is my parcel", "where_is_my_parcel"),
    ("运费多少", "shipping_fee"),
    ("退款多久到账", "refund_time"),
    ("can i cancel my order", "cancel_order"),
    ("你好", "greeting"),
    ("thanks", "thanks"),
    ("谢谢", "thanks"),
    ("hello", "greeting"),
    ("再见", "goodbye"),
    ("bye", "goodbye"),
    ("你是机器人吗", "are_you_a_bot"),
    ("are you a bot", "are_you_a_bot"),
    ("转人工", "contact_person"),
    ("I want to talk to a real person", "contact_person"),
    ("我要投诉", "complaint"),
    ("i want to make a complaint", "complaint"),
    ("怎么开发票", "invoice_how"),
    ("can I get an invoice", "invoice_how"),
    ("发票抬头写错了能改吗", "invoice_change"),
    ("优惠券怎么用", "coupon_use"),
    ("优惠券用不了", "coupon_not_working"),
    ("my coupon code is not working", "coupon_not_working"),
    ("支持什么付款方式", "payment_methods"),
    ("which payment methods do you accept", "payment_methods"),
    ("付款失败怎么办", "payment_failed"),
    ("my payment failed", "payment_failed"),
    ("我被扣了两次钱", "payment_twice"),
    ("i was charged twice", "payment_twice"),
    ("可以货到付款吗", "cash_on_delivery"),
    ("do you offer cash on delivery", "cash_on_delivery"),
    ("可以分期付款吗", "installments"),
    ("收到货发现破损了", "damaged_item"),
    ("my item arrived damaged", "damaged_item"),
    ("发错货了", "wrong_item"),
    ("you sent me the wrong item", "wrong_item"),
    ("少发了一件", "missing_item"),
    ("想换个尺码", "exchange_size"),
    ("保修多久", "warranty_period"),
    ("how long is the warranty", "warranty_period"),
    ("忘记密码了", "password_forgot"),
    ("i forgot my password", "password_forgot"),
    ("怎么注销账号", "account_delete"),
    ("how do i delete my account", "account_delete"),
    ("你们几点营业", "opening_hours"),
    ("what are your opening hours", "opening_hours"),
    ("你们店在哪里", "store_address"),
    ("where is your shop", "store_address"),
    ("是正品吗", "authenticity"),
    ("are your products genuine", "authenticity"),
    ("积分怎么用", "points_use"),
    ("how do i use my points", "points_use"),
    ("怎么成为会员", "member_join"),
    ("能寄到国外吗", "international_shipping"),
    ("do you ship abroad", "international_shipping"),
    ("满多少包邮", "free_shipping"),
    ("改一下收货地址", "change_address"),
    ("can i change my delivery address", "change_address"),
    ("显示签收了但我没收到", "delivered_not_received"),
    ("it says delivered but i have not received it", "delivered_not_received"),
    ("什么时候补货", "restock"),
    ("when will it be back in stock", "restock"),
    ("怎么取消订单", "cancel_order"),
    ("退货运费谁出", "return_fee"),
    ("who pays for return shipping", "return_fee"),
    ("快递单号是多少", "tracking_number"),
    ("what is my tracking number", "tracking_number"),
    ("用什么快递", "carrier_choice"),
    ("怎么洗", "care_instructions"),
    ("尺码表在哪", "size_guide"),
    ("size chart please", "size_guide"),
    ("怎麼退貨", "return_how"),
    ("退款多久到帳", "refund_time"),
    ("我的快地到哪了", "where_is_my_parcel"),
    ("can i cancle my order", "cancel_order"),
]

OFF_TOPIC = [
    "今天天气怎么样",
    "who won the world cup",
    "帮我写一首诗",
    "asdfghjkl",
    "红烧肉要炖多久",
    "what is the capital of france",
    "帮我算一下八乘以九",
    "write me a python script",
    "昨天的球赛谁赢了",
    "how do i cook pasta",
    "谁是美国总统",
    "你觉得比特币会涨吗",
]


@pytest.fixture
def index(shipped: Index) -> Index:
    return shipped


def test_everyday_questions_are_answered_right(index: Index) -> None:
    found = index.understand([question for question, _ in EVERYDAY])
    got = {one.text: (one.best and one.best.entry_id, one.decision) for one in found}
    assert got == {question: (entry, "answer") for question, entry in EVERYDAY}


def test_what_is_not_the_shops_business_is_never_answered(index: Index) -> None:
    answered = [one.text for one in index.understand(OFF_TOPIC) if one.decision == "answer"]
    assert answered == []


@pytest.mark.parametrize(
    "text",
    ["邮编310000", "我住3栋1202", "我手机尾号是8888", "10003到哪了", "付了2380元", "20230 多少钱"],
)
def test_a_number_alone_is_no_answer(index: Index, text: str) -> None:
    (found,) = index.understand([text])
    assert found.decision != "answer", found.best


@pytest.mark.parametrize("text", ["我要打12315", "12315见"])
def test_the_consumers_hotline_is_a_threat(index: Index, text: str) -> None:
    (found,) = index.understand([text])
    assert (found.best and found.best.entry_id, found.decision) == ("legal_threat", "answer")


def test_phrasings_find_their_own_entry(index: Index) -> None:
    pairs = [(text, entry.id) for entry in index.entries for text in entry.questions[::4]]
    found = index.understand([text for text, _ in pairs])
    missed = [
        (text, entry_id)
        for (text, entry_id), one in zip(pairs, found, strict=True)
        if entry_id not in [candidate.entry_id for candidate in one.choices]
    ]
    assert missed == []


def test_answers_leave_out_what_the_shop_has_not_set() -> None:
    words = Words(validate({"shop": {"name": "x"}}).shop)
    broken = re.compile(r"[:：]\s*$|[:：] ?[,.，。；]|\S  \S|\bto [.,;]|[到打在] [，。；]", re.M)
    for entry in load(FAQ):
        text = words.render(entry.answer, entry.language, **ANSWER)
        found = [one for one in broken.finditer(text) if not text[one.end() :].startswith("\n")]
        assert not found, (entry.id, entry.language, text)
