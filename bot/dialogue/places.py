"""Reads which of the offered choices people mean when they type its place instead of pressing."""

import re
from collections.abc import Sequence

_DIGITS = {digit: place for place, digit in enumerate("一二三四五六七八九", 1)}
_NAMES = (
    ("one", "first", "1st"),
    ("two", "second", "2nd", "两"),
    ("three", "third", "3rd"),
    ("four", "fourth", "4th"),
    ("five", "fifth", "5th"),
)
_WORDS = {name: place for place, names in enumerate(_NAMES, 1) for name in names}
_PLACE = re.compile(
    r"(?:就|我?选|要|是|问的?是|那|就是)*第?([1-9一二两三四五六七八九])(?:个|项|条|号)?(?:吧|呢|啊|谢谢)?[.、,)。!]*"
    r"|(?:i mean |i meant |it's |its )?(?:the |option |number |no\.? ?|choice |#)*"
    r"([1-9]|one|two|three|four|five|first|second|third|fourth|fifth|1st|2nd|3rd|4th|5th)"
    r"(?: one| option| choice)?(?:,? please| pls)?[.)!]*"
)
_LAST = re.compile(
    r"(?:就|选|要|是)*(?:最后|末)(?:那|一|1)*[个项条](?:吧|呢)?[.。!]*"
    r"|(?:the )?last(?: one| option)?(?:,? please)?[.!]*"
)
_NONE = re.compile(
    r"(?:(?:以上|这些|我问的)?[都全]不(?:是|对)的?|不是(?:这些|这几个)?)(?:啊|呀|吧|哦)?[.。!]*"
    r"|none(?: of (?:these|them|those|the above|it))?[.!]*|neither(?: of them)?[.!]*"
)
_PERSON = "person"


def chosen(typed: str, values: Sequence[str]) -> str | None:
    """The value of the choice that the normalised text `typed` names by its place.

    The button for a person is one of `values` too: it is what "none of them" means, and it does
    not count for "the last one". None when no place is named, or there is no such place.
    """
    if not values:
        return None
    if _NONE.fullmatch(typed):
        return _PERSON if _PERSON in values else None
    if _LAST.fullmatch(typed):
        return next((value for value in reversed(values) if value != _PERSON), None)
    found = _PLACE.fullmatch(typed.replace("’", "'"))
    if found is None:
        return None
    word = found.group(1) or found.group(2)
    place = _DIGITS.get(word) or _WORDS.get(word) or int(word)
    return values[place - 1] if place <= len(values) else None
