"""What customers write when they are asked for an order number and four digits."""

import time

import pytest

from bot.dialogue.order_text import find, lone_phone


@pytest.mark.parametrize(
    ("text", "number", "last4"),
    [
        ("XE10001 8888", "XE10001", "8888"),
        ("8888 XE10001", "XE10001", "8888"),
        ("8888，xe10001", "xe10001", "8888"),
        ("XE10001", "XE10001", None),
        ("8888", None, "8888"),
        ("订单号xe10001,手机尾号8888", "xe10001", "8888"),
        ("手机尾号是8888 订单号XE10001", "XE10001", "8888"),
        ("订单号是ＸＥ１０００１，后四位８８８８", "XE10001", "8888"),
        ("XE10001 13800008888", "XE10001", "8888"),
        ("XE10001 138 0000 8888", "XE10001", "8888"),
        ("+86 138-0000-8888 XE10001", "XE10001", "8888"),
        ("order XE10001, phone +44 7700 900123", "XE10001", "0123"),
        ("My order is XE10001 and the last four digits are 8888", "XE10001", "8888"),
        ("XE10001, ending in 8888", "XE10001", "8888"),
        ("20260305001122 8888", "20260305001122", "8888"),
        ("1001 8888", "1001", "8888"),
        ("尾号8888 订单1001", "1001", "8888"),
        ("10001 0912345678", "10001", "5678"),
        ("XE-2026-0017 8888", "XE-2026-0017", "8888"),
        ("13800008888", None, "8888"),
        ("XE 10001 8888", "XE10001", "8888"),
        ("XE-10001 8888", "XE-10001", "8888"),
        ("xe10001尾号8888", "xe10001", "8888"),
        ("10001 8888", "10001", "8888"),
        ("my number is 10001 8888", "10001", "8888"),
        ("卡号 6222021234567890123", None, None),
        ("1234567890123456789", None, None),
        ("我忘了", None, None),
        ("买2件", None, None),
    ],
)
def test_when_asked(text: str, number: str | None, last4: str | None) -> None:
    found = find(text, asked=True)
    assert (found.number, found.last4) == (number, last4)


def test_a_long_phone_number_is_no_order_when_the_order_is_known() -> None:
    found = find("0912345678", asked=True, has_number=True)
    assert (found.number, found.last4) == (None, "5678")


@pytest.mark.parametrize(
    ("text", "number", "last4"),
    [
        ("我的订单XE10001到哪了", "XE10001", None),
        ("XE10002呢", "XE10002", None),
        ("where is XE10001? my phone ends in 8888", "XE10001", "8888"),
        ("20260305001122到哪了", "20260305001122", None),
        ("XE 10001", "XE10001", None),
        ("xe 10001", "xe10001", None),
        ("10001 8888", "10001", "8888"),
        ("order id 10001 8888", "10001", "8888"),
        ("use 10000 points", None, None),
        ("can i use abc 10000 points", None, None),
        ("税号91310000123456789X", None, None),
        ("身份证 110101199003078888", None, None),
        ("验证码123456", None, None),
        ("my tax number 123456789012", None, None),
        ("12345678901234567", None, None),
        ("满1000减多少", None, None),
        ("我的电话是13800008888", None, None),
        ("iphone15有货吗", None, None),
        ("2026年的新款", None, None),
    ],
)
def test_when_not_asked(text: str, number: str | None, last4: str | None) -> None:
    found = find(text, asked=False)
    assert (found.number, found.last4) == (number, last4)


@pytest.mark.parametrize(
    ("text", "number", "last4"),
    [("1234", None, "1234"), ("10002 8888", "10002", "8888"), ("10003", "10003", None)],
)
def test_another_try(text: str, number: str | None, last4: str | None) -> None:
    found = find(text, asked=True, has_number=True)
    assert (found.number, found.last4) == (number, last4)


def test_a_shop_with_long_numbers() -> None:
    found = find("1234567890123456789 8888", asked=True, long_numbers=True)
    assert (found.number, found.last4) == ("1234567890123456789", "8888")


@pytest.mark.parametrize(
    ("text", "bare", "says_more"),
    [
        ("XE10001 8888", True, False),
        ("订单号XE10001，尾号8888", False, False),
        ("XE10001 8888 到哪了", False, True),
        ("满1000减多少", False, True),
    ],
)
def test_words_besides(text: str, bare: bool, says_more: bool) -> None:
    found = find(text, asked=True)
    assert (found.bare, found.says_more) == (bare, says_more)


@pytest.mark.parametrize(
    "evil",
    [
        "1" * 100_000,
        "a-" * 50_000,
        "+1 " * 33_000,
        "尾号" * 50_000,
        "xe " * 33_000,
        "卡号" * 50_000,
        "xe 1" * 25_000,
    ],
)
def test_long_input_costs_little(evil: str) -> None:
    started = time.thread_time()
    find(evil, asked=True)
    assert time.thread_time() - started < 0.1


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("text", ["#1001 4321", "订单号是#1001，手机尾号4321", "# 1001，4321"])
def test_a_number_with_a_hash(text: str, asked: bool) -> None:
    found = find(text, asked=asked)
    assert (found.number, found.last4) == ("#1001", "4321")


@pytest.mark.parametrize(
    ("text", "last4"),
    [
        ("13800008888", "8888"),
        ("我的手机号是 138 0000 8888", "8888"),
        ("+86 138-0000-8888 谢谢", None),
        ("my phone number is +44 7700 900123", "0123"),
        ("打13800008888没人接", None),
        ("8888", None),
        ("", None),
    ],
)
def test_a_phone_number_and_nothing_else(text: str, last4: str | None) -> None:
    assert lone_phone(text) == last4
