"""Which messages tell nothing about the language that their writer wants, and which there are."""

import re

from bot.core.messages import Choice
from bot.dialogue.turn import Turn

SWITCH = "language:"
"""Prefix of the value of a button that goes on in another language."""
_OFFERED = {"zh": "中文", "en": "English"}

_CODE = re.compile(r"(?:[a-z]{1,4}[ -]?\d+|\d+)(?:[ ,]+(?:[a-z]{1,4}[ -]?\d+|\d+))*[.!? ]*")
_EVERYWHERE = re.compile(
    r"(?:(?:ok|okay|k|lol|ha|hi|hello|hey|bye|yes|no|thx|pls|vip|wow|emmm?)[ ,.!?~]*)+"
    r"|/?(?:stop|start|subscribe|unsubscribe|unsub|td|help|menu|exit|quit|end|human|agent)[.! ]*"
)
_MASHED = re.compile(r"([a-z])\1*[.!? ]*")
_PROOF = re.compile(
    r"(?:(?:order|phone|mobile|tel|no|number|id|last|four)(?![a-z0-9])[.:# ]*"
    r"|(?:[a-z]{1,4}-?)?\d+(?!\d)[,.;!?/ ]*)+"
)
"""A bare proof: in every language people write "phone" beside its digits."""
_LONGEST = 60


def tells_no_language(normalised: str, *, is_known: bool) -> bool:
    """Whether a message is an order number, or (where the language `is_known` already) one of
    the words and commands that people use in every language, such as "ok" and "stop", a proof
    such as "XE10001, phone 8888", or one letter ("aaa")."""
    if len(normalised) > _LONGEST:
        return False
    if _CODE.fullmatch(normalised):
        return True
    return is_known and any(one.fullmatch(normalised) for one in (_EVERYWHERE, _PROOF, _MASHED))


def offered(turn: Turn) -> list[Choice]:
    """The buttons of the languages that the shop speaks."""
    languages = turn.house.voice.words.shop.languages
    return [Choice(_OFFERED[one], SWITCH + one) for one in languages]
