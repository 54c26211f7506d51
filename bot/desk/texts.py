"""The desk's own words and times, in the agent's language."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from babel.dates import format_date, format_time

from bot.config import Shop
from bot.core.clock import now
from bot.words.dates import birthday_text, moment_text
from bot.words.phrases import Voice

_LOCALES = {"zh": "zh_Hans_CN", "en": "en_GB"}
LANGUAGE_COOKIE = "xiaoer_desk_language"
"""Cookie that keeps the language an agent chose."""


def choose_language(shop: Shop, *wishes: str | None) -> str:
    """The first of the `wishes` that the shop speaks, else the shop's own language.

    A wish is a language tag or a list of tags in order of preference (Accept-Language).
    """
    tags = ",".join(wish or "" for wish in wishes).split(",")
    languages = (tag.strip()[:2].lower() for tag in tags)
    return next((one for one in languages if one in shop.languages), shop.default_language)


class Texts:
    """One agent's words: `texts("queue")` gives the text `desk.queue`."""

    def __init__(self, voice: Voice, language: str) -> None:
        self.voice = voice
        self.language = language

    def __call__(self, key: str, **values: Any) -> str:
        """The text `desk.<key>`."""
        return self.voice.say(f"desk.{key}", self.language, **values)

    def known(self, key: str, otherwise: str, **values: Any) -> str:
        """The text `desk.<key>`, or `otherwise` where nobody has written one."""
        try:
            return self(key, **values)
        except KeyError:
            return otherwise

    def time(self, at: datetime) -> str:
        """When something was said: the time alone today, with the day before that."""
        zone = self.voice.words.shop.zone
        if at.astimezone(zone).date() != now().astimezone(zone).date():
            return moment_text(at, zone, self.language)
        return str(format_time(at, "HH:mm", tzinfo=zone, locale=_LOCALES[self.language]))

    def day(self, day: date) -> str:
        """A day of the calendar without its year: a birthday."""
        return birthday_text(day, self.language)

    def listed(self, names: Iterable[str]) -> str:
        """Several words in a row."""
        return ("、" if self.language == "zh" else ", ").join(names)

    def weekday(self, day: date) -> str:
        """A day of the coming ones, with its weekday."""
        pattern = "M月d日 EEE" if self.language == "zh" else "EEE d MMM"
        return str(format_date(day, pattern, locale=_LOCALES[self.language]))

    def waited(self, since: datetime) -> str:
        """How long ago `since` was, in the largest unit that fits."""
        return self._span(now() - since)

    def _span(self, span: timedelta) -> str:
        minutes = max(0, int(span.total_seconds() // 60))
        if minutes < 1:
            return self("under_a_minute")
        if minutes < 60:
            return self("minutes", count=minutes)
        if minutes < 48 * 60:
            return self("hours", count=minutes // 60)
        return self("days", count=minutes // (24 * 60))
