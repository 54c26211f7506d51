"""Card numbers, codes and identity numbers become unreadable; other numbers stay as they are."""

import time

import pytest

from bot.dialogue.secrets import masked


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("4111111111111111", "************1111"),
        ("我的卡号是 4111 1111 1111 1111 可以吗", "我的卡号是 **** **** **** 1111 可以吗"),
        ("card 4242-4242-4242-4242, 12/29", "card ****-****-****-4242, 12/29"),
        ("378282246310005", "***********0005"),
        ("3782 822463 10005", "**** ****** *0005"),
        ("6222021234567890128 8888", "***************0128 8888"),
        ("４１１１１１１１１１１１１１１１", "************１１１１"),
        ("验证码123456", "验证码******"),
        ("驗證碼是 123 456", "驗證碼是 *** ***"),
        ("短信验证码：8462", "短信验证码：****"),
        ("my verification code is 845120", "my verification code is ******"),
        ("OTP: 84512", "OTP: *****"),
        ("845120是我的验证码", "******是我的验证码"),
        ("cvv 123", "cvv ***"),
        ("身份证110101199003078888", "身份证**************8888"),
        ("11010119900307888X", "**************888X"),
        ("验证码 123456 卡号 4111111111111111", "验证码 ****** 卡号 ************1111"),
    ],
)
def test_secrets_are_masked(text: str, safe: str) -> None:
    assert masked(text) == safe


@pytest.mark.parametrize(
    "text",
    [
        "XE10001 8888",
        "20260305001122 8888",
        "4111111111111112",
        "订单号4111111111111111",
        "13800008888",
        "+86 138 0000 8888",
        "SF1234567890123",
        "验证码收不到",
        "验证码要等5分钟吗",
        "没收到验证码，订单XE10001",
        "my promo code is 12345",
        "verification code not arriving for order 10001",
        "1234567890123456789",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "evil", ["4", "1 ", "4111 ", "验证码", "验证码是", "1234是", "110101199003", "otp "]
)
def test_long_input_costs_little(evil: str) -> None:
    text = evil * (100_000 // len(evil))
    started = time.thread_time()
    masked(text)
    assert time.thread_time() - started < 0.1
