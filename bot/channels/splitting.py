"""Cuts a long text into messages, never through what a reader sees as one character."""

from collections.abc import Callable

import regex

LIMIT = 4096
"""Longest text of a Telegram message, in UTF-16 code units
(core.telegram.org/bots/api#sendmessage)."""
Measure = Callable[[str], int]
"""How long a text is, as a platform counts."""
_GRAPHEME = regex.compile(r"\X")
_SENTENCE_ENDS = frozenset("。！？!?；;…")


def units(text: str) -> int:
    """Length in UTF-16 code units, as Telegram counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def utf8(text: str) -> int:
    """Length in bytes, as WeChat counts."""
    return len(text.encode())


def split(text: str, limit: int = LIMIT, measure: Measure = units) -> list[str]:
    """`text` in pieces that `measure` at most `limit`, cut between paragraphs, lines, sentences or
    words where that leaves no piece shorter than half of what fits.

    White space at a cut is dropped; nothing else is. A blank text gives no pieces. What is one
    character to a reader (a family emoji, a flag) is cut only when it alone is too long.
    """
    if measure(text) <= limit:
        return [text] if text.strip() else []
    rest = _graphemes(text, limit, measure)
    pieces = []
    while rest := _without_space(rest):
        fits = _fitting(rest, limit, measure)
        cut = _best_cut(rest, fits) if fits < len(rest) else fits
        piece = "".join(_without_space(rest[:cut][::-1])[::-1])
        pieces.append(piece)
        rest = rest[cut:]
    return pieces


def _graphemes(text: str, limit: int, measure: Measure) -> list[str]:
    found = []
    for one in _GRAPHEME.findall(text):
        found.extend([one] if measure(one) <= limit else list(one))
    return found


def _without_space(graphemes: list[str]) -> list[str]:
    first = next((at for at, one in enumerate(graphemes) if not one.isspace()), len(graphemes))
    return graphemes[first:]


def _fitting(graphemes: list[str], limit: int, measure: Measure) -> int:
    """How many of `graphemes` fit into `limit`."""
    length = 0
    for count, one in enumerate(graphemes):
        length += measure(one)
        if length > limit:
            return count
    return len(graphemes)


def _best_cut(graphemes: list[str], fits: int) -> int:
    """Where to cut: after the last break of the best kind in the second half of what fits."""
    best, worth = fits, 0
    for at in range(fits, fits // 2, -1):
        found = _worth(graphemes, at)
        if found > worth:
            best, worth = at, found
    return best


def _worth(graphemes: list[str], at: int) -> int:
    """How good a cut before `at` is: 4 a paragraph, 3 a line, 2 a sentence, 1 a word, 0 none."""
    before, after = graphemes[at - 1], graphemes[at]
    if _is_line_end(before):
        return 4 if at > 1 and _is_line_end(graphemes[at - 2]) else 3
    if before in _SENTENCE_ENDS or (before == "." and after.isspace()):
        return 2
    return 1 if before.isspace() else 0


def _is_line_end(grapheme: str) -> bool:
    return grapheme in ("\n", "\r\n", "\r")
