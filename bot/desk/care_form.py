"""The form of a sending at the desk: what is typed, as a draft, and the other way round."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.care.sendings import LASTS, Draft
from bot.core.clock import now
from bot.core.errors import NotAllowed
from bot.core.messages import MAX_TEXT, Purpose
from bot.desk.care_say import CareSay
from bot.desk.elements import text
from bot.desk.forms import Filled, Take, area, field, form, select, submit
from storage.models.care import Sending
from storage.models.coupons import Pool
from storage.models.segments import Segment

LISTS = ("tags", "without_tags", "languages", "channels", "bought", "not_bought")
DATES = ("last_order_before", "last_order_after")
NUMBERS = ("orders_min", "orders_max", "spent_min", "spent_max", "silent_days")
FIELDS = (
    "tags", "without_tags", "languages", "channels", "last_order_before", "last_order_after",
    "orders_min", "orders_max", "spent_min", "spent_max", "silent_days", "bought", "not_bought",
)  # fmt: skip
"""What of a segment can be asked for here, in the order of the form."""
MOST_DAYS = 90


def draw(say: CareSay, pools: list[Pool], sending: Sending | None, take: Take) -> None:
    """The form, filled with a draft that there is."""
    languages = say.texts.voice.words.shop.languages
    with form(take, "d-tall"):
        name = sending.name if sending else ""
        field(say("f_name"), "name", name, maxlength=64, required=True)
        purposes = {
            one: say(f"purpose_{one}") for one in (Purpose.MARKETING, Purpose.TRANSACTIONAL)
        }
        select(say("f_purpose"), "purpose", {str(k): v for k, v in purposes.items()},
               sending.purpose if sending else "")  # fmt: skip
        names = {"": say("no_pool")} | {one.name: f"{one.name} ({one.free})" for one in pools}
        select(say("f_pool"), "pool", names, sending.pool if sending else "")
        share = str(sending.holdout_percent) if sending else "0"
        field(say("f_holdout"), "holdout", share, "number", min=0, max=90)
        field(say("f_days"), "days", str(LASTS.days), "number", min=1, max=MOST_DAYS)
        for language in languages:
            label = say("f_text", name=say.texts(f"language_{language}"))
            written = sending.texts.get(language, "") if sending else ""
            area(label, f"text_{language}", written, maxlength=MAX_TEXT)
        text(say("f_text_hint", left="{{ ", right=" }}"), "d-small d-wide")
        text(say("segment"), "d-wide", "h2")
        text(say("segment_hint"), "d-small d-wide")
        values = sending.segment if sending else {}
        for one in FIELDS:
            kind = "date" if one in DATES else "number" if one in NUMBERS else "text"
            field(say(f"s_{one}"), one, _shown(values.get(one)), kind)
        submit(say("keep"))


def draft(filled: Filled, languages: Any) -> Draft:
    """What was typed. Raises `NotAllowed` where a number is none."""
    texts = {one: filled.get(f"text_{one}", "") for one in languages}
    return Draft(
        name=filled.get("name", "").strip(),
        texts={language: words for language, words in texts.items() if words.strip()},
        segment=_segment(filled),
        purpose=Purpose(filled["purpose"]) if filled.get("purpose") in list(Purpose)
        else Purpose.MARKETING,
        pool=filled.get("pool", ""),
        holdout=_number(filled, "holdout", 90) / 100,
        valid_until=now() + timedelta(days=_number(filled, "days", MOST_DAYS) or LASTS.days),
    )  # fmt: skip


def described(say: CareSay, segment: Mapping[str, Any]) -> str:
    """A segment in words."""
    parts = [f"{say(f's_{one}')}：{_shown(segment[one])}" if say.language == "zh"
             else f"{say(f's_{one}')}: {_shown(segment[one])}"
             for one in FIELDS if segment.get(one) not in (None, [], "")]  # fmt: skip
    return " · ".join(parts) or say("everybody")


def _segment(filled: Filled) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in FIELDS:
        typed = filled.get(name, "").strip()
        if typed and name in LISTS:
            parts = typed.replace("，", ",").replace("、", ",").split(",")
            found[name] = [part.strip() for part in parts if part.strip()]
        elif typed:
            found[name] = typed
    return found


def _number(filled: Filled, name: str, most: float) -> float:
    typed = filled.get(name, "").strip() or "0"
    try:
        value = float(typed)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        raise NotAllowed(
            f"应为 0 到 {most:g} 的数字：{typed}", f"Not a number from 0 to {most:g}: {typed}"
        )
    return value


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


assert set(FIELDS) == set(Segment.model_fields) - {"currency"}, "the form asks for all there is"
