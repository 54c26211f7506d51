"""Which messages tell nothing about the language that their writer wants to be answered in."""

import re

_CODE = re.compile(r"(?:[a-z]{1,4}[ -]?\d+|\d+)(?:[ ,]+(?:[a-z]{1,4}[ -]?\d+|\d+))*[.!? ]*")
_EVERYWHERE = re.compile(
    r"(?:(?:ok|okay|k|lol|ha|hi|hello|hey|bye|yes|no|thx|pls|vip|wow|emmm?)[ ,.!?~]*)+"
)
_MASHED = re.compile(r"([a-z])\1*[.!? ]*")
_LONGEST = 60


def tells_no_language(normalised: str, *, is_known: bool) -> bool:
    """Whether a message is an order number, or (where the language `is_known` already) one of
    the words that people use in every language, such as "ok", or one letter ("aaa")."""
    if len(normalised) > _LONGEST:
        return False
    if _CODE.fullmatch(normalised):
        return True
    return is_known and bool(_EVERYWHERE.fullmatch(normalised) or _MASHED.fullmatch(normalised))
