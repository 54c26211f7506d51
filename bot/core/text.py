"""Customers' text made comparable: one script, one case, one kind of space; and its language."""

import re
import unicodedata
from functools import cache
from typing import Any, Literal

LIMIT = 1000
"""Longest normalised text, in characters: no question is longer, and work stays bounded."""

Language = Literal["zh", "en"]

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_WORD = re.compile(r"[^\W\d_\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]+")
_LINK = re.compile(r"https?://[^\s\u3000-\u9fff\uff00-\uffef]+", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z0-9]*[0-9][A-Za-z0-9]*")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e0fff]"
)


@cache
def _converter(scheme: str) -> Any:
    import opencc  # heavy: only when a Han text comes by

    return opencc.OpenCC(scheme)


def to_simplified(text: str) -> str:
    """`text` with traditional Han characters replaced by simplified ones."""
    return _converted(text, "t2s")


def to_traditional(text: str) -> str:
    """`text` with simplified Han characters in traditional script, in Taiwan's words."""
    return _converted(text, "s2twp")


def is_traditional(text: str) -> bool:
    """Whether the writer uses traditional script.

    Counts the characters that only one of the two scripts has; a text without any is simplified.
    """
    if not _HAN.search(text):
        return False
    traditional = _changed(text, _converted(text, "t2s"))
    return traditional > 0 and traditional > _changed(text, _converted(text, "s2t"))


def _converted(text: str, scheme: str) -> str:
    if not _HAN.search(text):
        return text
    # A lone surrogate is no character and cannot be handed to the converter.
    return str(_converter(scheme).convert(text.encode("utf-8", "replace").decode()))


def is_simplified(text: str) -> bool:
    """Whether the writer uses simplified script; false where the text could be either."""
    if not _HAN.search(text):
        return False
    return _changed(text, _converted(text, "s2t")) > 0 and not is_traditional(text)


def _changed(before: str, after: str) -> int:
    return sum(a != b for a, b in zip(before, after, strict=False))


def normalise(text: str, limit: int = LIMIT) -> str:
    """`text` in NFKC, lower case and simplified script, visible characters only, single spaces.

    At most `limit` characters come out. Two texts that a customer would call the same give the
    same result.
    """
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text[:limit])))
    folded = " ".join(to_simplified(visible).lower().split())
    return folded[:limit].rstrip()


def language(text: str) -> Language | None:
    """ "zh" or "en", or None when there are no letters at all.

    One Han character weighs as much as one other word: a Chinese sentence often carries Latin
    product names, an English one hardly ever carries Chinese. Order numbers such as XE10001 and
    links are no words.
    """
    text = _LINK.sub(" ", text)
    han, words = len(_HAN.findall(text)), len(_WORD.findall(_CODE.sub(" ", text)))
    if not han and not words:
        return None
    return "zh" if han >= words else "en"


def storable(text: str) -> str:
    """`text` as databases and screens can hold it: no control characters (but newline and tab),
    no half surrogates, no white space around."""
    visible = "".join(
        character
        for character in text
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
    )
    return visible.strip()
