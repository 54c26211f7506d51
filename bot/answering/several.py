"""Takes a message of several questions apart: people ask three things at once."""

import re

MOST = 3
"""How many questions of one message are answered."""
_LONGEST = 160
"""A longer message is a story; what it asks is found in its clauses."""
_END = re.compile(
    r"[?？;；\n]+"
    r"|[,，。 ]+(?:还有就是|还有|另外|以及|顺便(?:问一?下)?)[,，: ]*"
    r"|[,.]?\s+and(?: also)?\s+(?=(?:how|what|when|where|which|who|why|can|could|do|does|is|are"
    r"|will|would)\b)",
    re.IGNORECASE,
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]+")


def questions(text: str) -> list[str]:
    """The questions of `text`, in order, where there are two to five; else none."""
    if len(text) > _LONGEST:
        return []
    found = [one.strip(" ,，.。!！~") for one in _END.split(text)]
    kept = [one for one in found if len(_HAN.findall(one)) + len(_WORD.findall(one)) >= 2]
    return kept if 2 <= len(kept) <= MOST + 2 else []
