"""What a journey's file may say: one care message, when it is due, to whom, and in which words."""

import hashlib
import re
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.care import festivals
from bot.care.triggers import TRIGGERS, About
from bot.care_settings import VoiceName
from bot.core.errors import Misread
from bot.core.messages import Purpose
from bot.settings import Channel, Language, one_of

HELD_OUT = "holdout"
"""The variant of those who are not written to, for comparison."""
_SPAN = re.compile(r"(\d{1,5})(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_FALLBACK: Mapping[str, tuple[str, ...]] = {
    "imperial": ("imperial", "warm", "plain"),
    "warm": ("warm", "plain"),
    "plain": ("plain", "warm"),
}
"""Which voice speaks where the chosen one has no words."""


def read_span(value: Any) -> timedelta:
    """`30m`, `48h` or `7d` as a value. Raises `Misread`."""
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Misread(
            f"{value!r} 应写成 30m、48h 或 7d", f"{value!r} is not a span such as 30m, 48h or 7d"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _clock(value: Any) -> time:
    if not (isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value)):
        raise Misread(f"{value!r} 应写成 10:00", f"{value!r} is not a time such as 10:00")
    return time.fromisoformat(value)


_trigger = one_of("触发", "trigger", TRIGGERS)
_known_festival = one_of("节日", "festival", festivals.NAMES)


def _festival(name: str) -> str:
    return _known_festival(name) if name else name


def _variant(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name):
        raise Misread(
            f"{name!r}：只能用字母、数字、_ 和 -，最长 32 个字符",
            f"{name!r}: letters, digits, _ and - only, at most 32",
        )
    return name


Span = Annotated[timedelta, BeforeValidator(read_span)]
Share = Annotated[float, Field(ge=0, le=1)]
Texts = dict[Language, dict[VoiceName, str]]


class Part(BaseModel):
    """A part of a file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class When(Part):
    """Whom a journey is for: all that is set has to be so.

    `items` are article numbers, or words of what things are called: one of them has to be in the
    order. `orders_at_least` counts orders that were neither cancelled nor refunded.
    """

    min_amount: Annotated[float, Field(ge=0)] | None = None
    max_amount: Annotated[float, Field(ge=0)] | None = None
    items: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    without_tags: tuple[str, ...] = ()
    languages: tuple[Language, ...] = ()
    first_order: bool | None = None
    orders_at_least: Annotated[int, Field(ge=0)] | None = None
    orders_at_most: Annotated[int, Field(ge=0)] | None = None


class Variant(Part):
    """One of the ways to say it: in another voice, or in words of its own by language."""

    name: Annotated[str, AfterValidator(_variant)]
    share: Share
    voice: VoiceName | None = None
    texts: dict[Language, str] = Field(default_factory=dict)


class Journey(Part):
    """One journey as its file says it; see docs/care.md. `name` is the file's.

    Due `delay` after what set it off, and then at the next `at` by the customer's clock; of no use
    `valid` after that. `calm`: not while the customer has a reason to be cross, which holds for
    all marketing. `button` is what stands under the message: a way to a person, or five stars.
    `days` is the span of silence, or how long a product lasts that does not say so itself. What is
    off in the file is only on where the configuration enables it.
    """

    name: str
    trigger: Annotated[str, AfterValidator(_trigger)]
    purpose: Literal["transactional", "marketing"]
    valid: Span
    delay: Span = timedelta(0)
    at: Annotated[time, BeforeValidator(_clock)] | None = None
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    enabled: bool = True
    paused: bool = False
    calm: bool = False
    channels: tuple[Channel, ...] = ()
    button: Literal["", "person", "stars"] = ""
    festival: Annotated[str, AfterValidator(_festival)] = ""
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    pool: str = ""
    holdout: Annotated[float, Field(ge=0, le=0.9)] | None = None
    when: When = When()
    variants: tuple[Variant, ...] = ()
    texts: Texts = Field(default_factory=dict)
    channel_texts: dict[Channel, Texts] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_what_its_trigger_needs(self) -> "Journey":
        if (self.trigger == "festival") != bool(self.festival):
            raise Misread(
                'trigger = "festival" 需要写 festival（节日名），其他触发不能写',
                'trigger = "festival" needs the festival\'s name; no other trigger may have one',
            )
        if self.trigger == "silence" and self.days is None:
            raise Misread('trigger = "silence" 需要写 days', 'trigger = "silence" needs days')
        total = sum(one.share for one in self.variants)
        if self.variants and abs(total - 1) > 0.001:
            raise Misread(
                f"variants 的 share 合计应为 1，现在是 {total:g}",
                f"the shares of the variants should add up to 1, not {total:g}",
            )
        return self

    @property
    def about(self) -> About:
        """What it is about."""
        return TRIGGERS[self.trigger]

    @property
    def is_marketing(self) -> bool:
        """Whether it advertises."""
        return Purpose(self.purpose) is Purpose.MARKETING

    @property
    def is_immediate(self) -> bool:
        """Whether it is news that is told in the same moment."""
        return not (self.is_marketing or self.delay or self.at)

    def variant_for(self, customer_id: int, holdout: float) -> str:
        """The customer's variant of this journey, always the same; `HELD_OUT` for the share that
        is not written to (only of marketing, unless the file names a share of its own)."""
        share = self.holdout if self.holdout is not None else holdout * self.is_marketing
        if draw(f"{self.name}/holdout", customer_id) < share:
            return HELD_OUT
        drawn, sum_ = draw(self.name, customer_id), 0.0
        for one in self.variants:
            sum_ += one.share
            if drawn < sum_:
                return one.name
        return self.variants[-1].name if self.variants else ""

    def text(self, language: str, voice: str, channel: str = "", variant: str = "") -> str:
        """The template to say it by; empty where it has none in this language."""
        chosen = next((one for one in self.variants if one.name == variant), None)
        own = {str(key): text for key, text in chosen.texts.items()} if chosen else {}
        if language in own:
            return own[language]
        voice = (chosen.voice if chosen else None) or voice
        for texts in (self.channel_texts.get(channel, {}), self.texts):
            voices = {str(key): said for key, said in texts.items()}.get(language, {})
            for name in _FALLBACK[voice]:
                if name in voices:
                    return {str(key): text for key, text in voices.items()}[name]
        return ""


def draw(name: str, customer_id: int) -> float:
    """A number from 0 to 1 that is always the same for a name and a customer, and even over all."""
    digest = hashlib.sha256(f"{name}:{customer_id}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
