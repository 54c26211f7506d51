"""Errors that carry what happened and what to do, in the reader's language."""

import traceback
from pathlib import Path
from typing import Literal

Language = Literal["zh", "en"]


class XiaoerError(Exception):
    """An expected failure that a person will read.

    `zh` and `en` say what happened and what to do next; `str()` gives the English text.
    """

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en

    def text(self, language: str) -> str:
        """The message for a reader of `language` ("zh" or anything else for English)."""
        return self.zh if language == "zh" else self.en


class Misread(ValueError):
    """What somebody wrote cannot be read; `str()` says why in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{en} / {zh}")
        self.zh = zh
        self.en = en

    def text(self, language: str) -> str:
        """Why, for a reader of `language`."""
        return self.zh if language == "zh" else self.en


class NotAllowed(XiaoerError):
    """The caller may not do this now (wrong state, wrong role, somebody else's)."""


class TooLarge(NotAllowed):
    """What was sent is larger than what is taken."""


class WrongKind(NotAllowed):
    """What was sent is of a kind that is not taken."""


class NotFound(XiaoerError):
    """What was named does not exist, or is not the caller's to see."""


class Unavailable(XiaoerError):
    """A part that we need (usually the database) cannot serve just now: try again later.

    `retry_after`: in how many seconds.
    """

    retry_after = 5


def traced(error: BaseException) -> str:
    """What an unforeseen error is and where it arose, for logs: without its message, for that may
    quote what a customer wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames)]
    return " < ".join([type(error).__name__, *places])
