"""Finds order numbers and the last digits of phone numbers in what customers write."""

import re
import unicodedata
from dataclasses import dataclass

_TOKEN = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*", re.IGNORECASE | re.ASCII)
_PHONE = re.compile(
    r"(?<![\d+])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"  # mainland China
    r"|\+\d[\d ()-]{5,18}\d(?!\d)"  # any other country, written internationally
)
_DIGITS = re.compile(r"(?<!\d)\d{4,32}(?!\d)")
_LABELLED = re.compile(
    r"(?:尾号|尾数|[后末][四4]位|last (?:4|four)(?: digits)?|ending(?: in| with)?)"
    r"\D{0,12}?(\d{4})(?!\d)",
    re.IGNORECASE,
)
_ABOUT_PROOF = re.compile(
    r"订单号?|单号|编号|手机号?码?|电话号?码?|号码|尾号|尾数|[后末][四4]位|我的|你好|您好"
    r"|[是为和的呢吧哦啊呀亲]"
    r"|\b(?:order|number|no|phone|mobile|last|four|digits?|ending|ends|in|with|is|are|its|it's"
    r"|my|the|and|of|for|hi|hello|here|please|thanks)\b",
    re.IGNORECASE,
)
_LEAST_DIGITS = 4
_SURE_DIGITS = 10
"""From how many digits on a number without letters is taken for an order's, unasked."""
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Found:
    """What a message holds besides words.

    `bare`: there are no words at all. `says_more`: there are words about something else than
    orders and phones.
    """

    number: str | None
    last4: str | None
    bare: bool
    says_more: bool


def find(text: str, *, asked: bool, has_number: bool = False) -> Found:
    """The order number and the last four digits in `text`.

    Where nobody `asked`, only what can hardly be anything else counts as a number, and digits
    of a phone count only beside one. Who `has_number` already expects nothing but a phone.
    """
    rest = unicodedata.normalize("NFKC", text)[:_LONGEST]
    rest, last4 = _labelled(rest)
    rest, number = _code(rest)
    rest, phone = (rest, None) if last4 else _phone(rest)
    last4 = last4 or phone
    runs = _DIGITS.findall(rest)
    if number is None and not has_number:
        number = _bare_number(runs, asked=asked, has_last4=last4 is not None)
        runs = [run for run in runs if run != number]
    if not asked and number is None:
        last4 = None
    elif last4 is None and runs:
        last4 = next((run for run in runs if len(run) == 4), runs[0])[-4:]
    words = _DIGITS.sub(" ", rest)
    return Found(
        number, last4, bare=not _has_words(words), says_more=_has_words(_ABOUT_PROOF.sub("", words))
    )


def _has_words(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _labelled(text: str) -> tuple[str, str | None]:
    """Four digits that are said to be a phone's last, and the text without them."""
    label = _LABELLED.search(text)
    if label is None:
        return text, None
    return f"{text[: label.start(1)]} {text[label.end(1) :]}", label.group(1)


def _code(text: str) -> tuple[str, str | None]:
    """The first number with letters in it, such as XE10001, and the text without it."""
    for match in _TOKEN.finditer(text):
        token = match.group()
        digits = sum(character.isdigit() for character in token)
        if digits >= _LEAST_DIGITS and any(character.isalpha() for character in token):
            return f"{text[: match.start()]} {text[match.end() :]}", token
    return text, None


def _phone(text: str) -> tuple[str, str | None]:
    """The last four digits of the first phone number, and the text without it."""
    phone = _PHONE.search(text)
    if phone is None:
        return text, None
    digits = re.sub(r"\D", "", phone.group())
    return f"{text[: phone.start()]} {text[phone.end() :]}", digits[-4:]


def _bare_number(runs: list[str], *, asked: bool, has_last4: bool) -> str | None:
    """The run of digits that is an order's number rather than a phone's last four."""
    if not asked:
        return next((run for run in runs if len(run) >= _SURE_DIGITS), None)
    long = [run for run in runs if len(run) > 4]
    if long:
        return long[0]
    return runs[0] if len(runs) > 1 or (runs and has_last4) else None
