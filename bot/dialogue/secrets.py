"""Finds what nobody should send to a shop, and masks it: card numbers, codes, identity numbers."""

import re
from collections.abc import Iterator

_KEPT = 4
"""How many of the last characters of a number stay readable; of a one-time code none do."""
_LONGEST = 20_000
"""How far a text is read, in characters: far more than any channel takes."""
_NARROW = {ord("０") + digit: ord("0") + digit for digit in range(10)} | {0x3000: " ", 0xFF0D: "-"}
_CARD = re.compile(
    r"(?<!\d)(?:\d{13,19}|(?:\d{4}[ -]){3}\d{4}(?:[ -]?\d{1,3})?|\d{4}[ -]\d{6}[ -]\d{4,5})(?!\d)"
)
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7]|35)\d{14}|3[47]\d{13}|3[0689]\d{12}"
    r"|6\d{12,18}|9558\d{15}"
)
"""Lengths and first digits of payment cards (ISO/IEC 7812): Visa, Mastercard, JCB, American
Express, Diners, UnionPay and Maestro, and one old Chinese bank."""
_DOUBLED = tuple(sum(divmod(2 * digit, 10)) for digit in range(10))
_ORDER_LABEL = re.compile(r"(?:订单|訂單|单号|單號|\border|\btracking)[^\d]{0,12}$", re.IGNORECASE)
_IDENTITY = re.compile(
    r"(?<![\dA-Za-z])[1-68]\d{5}[ -]?(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"[ -]?\d{3}[\dXx](?![\dA-Za-z])"
)
_CODE_NAME = (
    r"(?:验证码|驗證碼|校验码|校驗碼|动态码|動態碼|动态密码|動態密碼|短信码|支付密码|支付密碼"
    r"|cvv2?|cvc|otp"
    r"|(?:verification|security|one[- ]?time|sms|login|2fa) ?(?:pass)?code|one[- ]?time password)"
)
_LINK = r"(?:[\s:\uff1a=,\uff0c\u3002#]|是|為|为|就|给你|發你|发你|is|was|it's|i got){0,8}"
_CODE = re.compile(
    rf"{_CODE_NAME}{_LINK}(\d{{3}}[ -]\d{{3}}|\d{{3,8}})(?![\d年月日号分元位])"
    r"|(?<!\d)(\d{4,8})[ ,\uff0c]?(?:是|就是|is|为|為)"
    rf"(?:[ 我的你手机短信收到]|the|my|your){{0,8}}{_CODE_NAME}",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """`text` with its secrets unreadable; the same text when it holds none."""
    letters = list(text)
    for start, end, kept in _secrets(text[:_LONGEST].translate(_NARROW)):
        seen = [place for place in range(start, end) if text[place].isalnum()]
        for place in seen[: len(seen) - kept]:
            letters[place] = "*"
    return "".join(letters)


def _secrets(text: str) -> Iterator[tuple[int, int, int]]:
    """Where each secret begins and ends, and how many of its last characters may stay."""
    for found in _CARD.finditer(text):
        if _is_card(found.group()) and not _ORDER_LABEL.search(_before(text, found)):
            yield *found.span(), _KEPT
    for found in _IDENTITY.finditer(text):
        yield *found.span(), _KEPT
    for found in _CODE.finditer(text):
        yield *found.span(1 if found.group(1) else 2), 0


def _before(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - 24) : found.start()]


def _is_card(number: str) -> bool:
    """Whether a card could have this number: its first digits, its length, and its check digit
    by Luhn's formula (ISO/IEC 7812-1, annex B)."""
    plain = number.replace(" ", "").replace("-", "")
    if not _ISSUERS.fullmatch(plain):
        return False
    digits = list(map(int, plain))
    return (sum(digits[-1::-2]) + sum(_DOUBLED[digit] for digit in digits[-2::-2])) % 10 == 0
