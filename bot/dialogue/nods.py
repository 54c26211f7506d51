"""Tells thanks, farewells and "好的" from what wants an answer."""

import re

_OK = re.compile(
    r"(?:好|行|可以|嗯|恩|哦|噢|喔|知道|晓得|明白|懂|了解|收到|没事|哈|呵|嘿|嘻"
    r"|ok(?:ay|ey|i)?|k|got it|gotcha|i see|sure|fine|alright|all right|cool|great|nice|noted"
    r"|understood|lol|ha|👍|👌|🙏|🆗|🤝|[🏻🏼🏽🏾🏿]|[的吧嘞哒滴啦啊呀呢了,.!~。…\s])+"
)
"""Every word here begins in its own way, so that a text is read in one way only."""
_WORD = re.compile(r"[^\W_]|👍|👌|🙏|🆗|🤝")

_THANKS = re.compile(
    r"谢谢?(?:你们?|您|啦|了|哈|呀)*|[多感]谢(?:你们?|您)?|辛苦(?:你们?|您)?[了啦]?|再见|拜拜?|88|唔该"
    r"|\b(?:thank(?:s| you| u)(?: (?:so|very) much| a lot| again)?|thx|ty|cheers"
    r"|(?:good ?)?bye(?: bye)?)\b"
)


def needs_no_answer(normalised: str) -> bool:
    """Whether a message to a person is only thanks, a farewell, or a sign that it was heard."""
    rest = _THANKS.sub(" ", normalised) if len(normalised) <= 24 else normalised
    return bool(normalised) and (not _WORD.search(rest) or is_acknowledgement(rest.strip()))


def is_acknowledgement(normalised: str) -> bool:
    """Whether a message only says that it was heard."""
    return bool(len(normalised) <= 24 and _WORD.search(normalised) and _OK.fullmatch(normalised))
