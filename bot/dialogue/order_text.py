"""Finds order numbers and the last digits of phone numbers in what customers write."""

import re
import unicodedata
from dataclasses import dataclass

_TOKEN = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*", re.IGNORECASE | re.ASCII)
_SPACED = re.compile(r"(?<![a-z0-9])([a-z]{1,3}) ?[-_#:]? ?(\d{4,15})(?![a-z0-9])", re.IGNORECASE)
_NO_PREFIX = re.compile(
    r"a|am|at|buy|by|cny|end|eur|for|gbp|get|got|had|has|hi|hkd|i|id|if|in|is|its?|iso|max|me|min|my"
    r"|no|nr|num|of|off|on|one|or|pay|ph|pin|qq|rmb|sku|so|tel|the|to|top|twd|two|up|usd?|use|vip|vx"
    r"|was|win|wx|you",
    re.IGNORECASE,
)
"""Short words that stand before numbers without being a part of them."""
_NO_ORDER = re.compile(
    r"(?:税号|稅號|纳税人识别号|統編|统编|卡号|卡號|身份证号?码?|身份證|验证码|驗證碼|邮编|郵編"
    r"|取件码|积分"
    r"|\b(?:tax|vat)(?: id| number| no)?|\bcard(?: number| no)?|\b(?<!order )(?:id"
    r"|passport)(?: card)?(?: number| no)?"
    r"|\b(?<!order )code|\bpostcode|\bzip)"
    r"[\s::是为為is#]{0,6}([a-z]{0,3}[0-9][0-9a-z -]{2,24})",
    re.IGNORECASE,
)
"""What is said to be another kind of number."""
_PHONE = re.compile(
    r"(?<![\d+])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"  # mainland China
    r"|\+\d[\d ()-]{5,18}\d(?!\d)"  # any other country, written internationally
)
_HASH = re.compile(r"#\s?(\d{3,12})(?!\d)")
_DIGITS = re.compile(r"(?<!\d)\d{4,32}(?!\d)")
_LABELLED = re.compile(
    r"(?:尾号|尾数|[后末][四4]位|last (?:4|four)(?: digits)?|ending(?: in| with)?)"
    r"\D{0,12}?(\d{4})(?!\d)",
    re.IGNORECASE,
)
_ABOUT_PROOF = re.compile(
    r"订单号?|单号|编号|手机号?码?|电话号?码?|号码|尾号|尾数|[后末][四4]位|我的|你好|您好"
    r"|[是为和的呢吧哦啊呀亲]"
    r"|\b(?:order|number|no|id|phone|mobile|last|four|digits?|ending|ends|in|with|is|are|its|it's"
    r"|my|the|and|of|for|hi|hello|here|please|thanks)\b",
    re.IGNORECASE,
)
_LOST = re.compile(
    r"(?:没有?|忘|不知道|找不到|丢了|查不到|不记得|不清楚).{0,6}(?:单号|订单编?号|编号)"
    r"|(?:单号|订单编?号|编号).{0,6}(?:哪|怎么[看找查]|忘|没有|找不到|丢|不知道|不记得|是什么|是啥)"
    r"|[哪怎](?:里|儿|么).{0,6}(?:单号|订单编?号|编号)|什么是(?:订单|单)号"
    r"|\b(?:where|how|what)\b.{0,30}\b(?:number|order (?:no|id))\b"
    r"|\b(?:don'?t|do not|can'?t|cannot|never) (?:have|know|find|remember|see|got|get)\b.{0,20}"
    r"\b(?:number|order (?:no|id)|it)\b"
    r"|\b(?:no|lost|forgot|without) .{0,12}\bnumber\b"
)
_OF_ORDER = re.compile(r"订单|\border\b")
_OF_PARCEL = re.compile(r"快递单|运单|物流单|追踪|托运|\btracking|\bphone|手机|电话")
_SIMPLE = str.maketrans("號訂單編電話機後", "号订单编电话机后")
"""What the words around an order's number are in the other script."""
_LEAST_DIGITS = 4
_SURE_DIGITS = 10
"""From how many digits on a number without letters is taken for an order's, unasked."""
_NUMBER_DIGITS = range(5, 8)
"""A run of so many digits is no phone number, and more than the last four of one."""
_CARD_DIGITS = 16
"""From how many digits on a run is no order's number, unless the shop's own are that long."""
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


def find(text: str, *, asked: bool, has_number: bool = False, long_numbers: bool = False) -> Found:
    """The order number and the last four digits in `text`.

    Where nobody `asked`, only what can hardly be anything else counts as a number, and digits
    of a phone count only beside one. Who `has_number` already expects a phone, or another try
    at both. `long_numbers` says that this shop's own numbers have 16 digits or more.
    """
    rest = unicodedata.normalize("NFKC", text)[:_LONGEST].translate(_SIMPLE)
    rest = _NO_ORDER.sub(_without_number, rest)
    rest, last4 = _labelled(rest)
    rest, number = _code(rest)
    if number is None:
        rest, number = _spaced_code(rest, asked=asked or last4 is not None)
    rest, phone = (rest, None) if last4 else _phone(rest)
    last4 = last4 or phone
    runs = [run for run in _DIGITS.findall(rest) if long_numbers or len(run) < _CARD_DIGITS]
    words = _DIGITS.sub(" ", rest)
    if number is None:
        pair = not _has_words(_ABOUT_PROOF.sub("", words)) and _is_pair(runs, last4)
        number = _bare_number(runs, asked=asked or pair, has_last4=bool(last4), again=has_number)
        runs = [run for run in runs if run != number]
    if not asked and number is None:
        last4 = None
    elif last4 is None and runs:
        last4 = next((run for run in runs if len(run) == 4), runs[0])[-4:]
    return Found(
        number, last4, bare=not _has_words(words), says_more=_has_words(_ABOUT_PROOF.sub("", words))
    )


def lone_phone(text: str) -> str | None:
    """The last four digits of a phone number that is all that somebody wrote."""
    rest, last4 = _phone(unicodedata.normalize("NFKC", text)[:_LONGEST])
    return None if _has_words(_ABOUT_PROOF.sub("", rest)) else last4


def misses_number(normalised: str, *, asked: bool) -> bool:
    """Whether someone has no order number, or wonders where it is to be found.

    Unasked, the message has to speak of an order, not of a parcel's number.
    """
    plain = normalised[:_LONGEST].replace("’", "'")
    if re.search(r"\d", plain) or _OF_PARCEL.search(plain):
        return False
    return bool(_LOST.search(plain)) and (asked or bool(_OF_ORDER.search(plain)))


def _without_number(found: re.Match[str]) -> str:
    return found.group()[: found.start(1) - found.start()]


def _is_pair(runs: list[str], last4: str | None) -> bool:
    """Whether there is a number beside the last four digits of a phone, such as 10001 8888."""
    long = [run for run in runs if len(run) > _LEAST_DIGITS]
    return len(long) == 1 and (last4 is not None or len(runs) == 2)


def _has_words(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _labelled(text: str) -> tuple[str, str | None]:
    """Four digits that are said to be a phone's last, and the text without them."""
    label = _LABELLED.search(text)
    if label is None:
        return text, None
    return f"{text[: label.start(1)]} {text[label.end(1) :]}", label.group(1)


def _code(text: str) -> tuple[str, str | None]:
    """The first number with letters or a # in it, such as XE10001, and the text without it."""
    if match := _HASH.search(text):
        return f"{text[: match.start()]} {text[match.end() :]}", f"#{match.group(1)}"
    for match in _TOKEN.finditer(text):
        token = match.group()
        digits = sum(character.isdigit() for character in token)
        if digits >= _LEAST_DIGITS and any(character.isalpha() for character in token):
            return f"{text[: match.start()]} {text[match.end() :]}", token
    return text, None


def _spaced_code(text: str, *, asked: bool) -> tuple[str, str | None]:
    """A number written as XE 10001, without the space, and the text without it.

    Unasked, it has to be written in capitals, or to be all that is written.
    """
    for match in _SPACED.finditer(text):
        letters, digits = match.groups()
        rest = f"{text[: match.start()]} {text[match.end() :]}"
        alone = not _has_words(_DIGITS.sub(" ", rest))
        sure = asked or (len(digits) > _LEAST_DIGITS and (letters.isupper() or alone))
        if sure and not _NO_PREFIX.fullmatch(letters):
            return rest, letters + digits
    return text, None


def _phone(text: str) -> tuple[str, str | None]:
    """The last four digits of the first phone number, and the text without it."""
    phone = _PHONE.search(text)
    if phone is None:
        return text, None
    digits = re.sub(r"\D", "", phone.group())
    return f"{text[: phone.start()]} {text[phone.end() :]}", digits[-4:]


def _bare_number(runs: list[str], *, asked: bool, has_last4: bool, again: bool) -> str | None:
    """The run of digits that is an order's number rather than a phone's last four.

    Who gives a number `again` gives it beside the four digits, or one that is no phone's.
    """
    if not asked:
        return next((run for run in runs if len(run) >= _SURE_DIGITS), None)
    long = [run for run in runs if len(run) > _LEAST_DIGITS]
    if again and not (long and (len(runs) > 1 or has_last4)):
        return next((run for run in runs if len(run) in _NUMBER_DIGITS), None)
    if long:
        return long[0]
    return runs[0] if len(runs) > 1 or (runs and has_last4) else None
