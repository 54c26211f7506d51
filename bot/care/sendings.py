"""Sendings to many, step by step: draft, counted, confirmed, and then paused, resumed or stopped.

Nothing is written before somebody has confirmed the number of those who get it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.care import segments
from bot.care import texts as rules
from bot.core.clock import now
from bot.core.errors import Misread, NotAllowed, NotFound
from bot.core.messages import MAX_TEXT, Purpose
from bot.shop import coupons
from bot.words.phrases import Voice
from storage import live
from storage.models import sendings
from storage.models.audit import record
from storage.models.care import Sending
from storage.models.segments import size

COUNT_HOLDS = timedelta(hours=1)
"""So long after it was counted a sending can be confirmed."""
DIFFERS = 0.05
"""By this share, and more than `FEW`, a segment may not have changed since it was counted."""
FEW = 5
LASTS = timedelta(days=3)
"""So long a sending is of use, where nothing else is said."""
NOW, QUIET = "now", "quiet hours"
"""What the count calls those who can get it now, and those who get it when they are awake."""
_NAME = re.compile(r"[^\W_][\w.-]{0,63}")
_OPEN = ("draft", "counted")
_STATES = {
    "draft": ("还是草稿", "a draft"),
    "counted": ("已计数、还没确认", "counted and not confirmed"),
    "running": ("正在发送", "being sent"),
    "paused": ("已暂停", "paused"),
    "stopped": ("已停止", "stopped"),
    "done": ("已完成", "done"),
}
"""States within a sentence."""
_KNOWN = ("customer",)
"""What is known in a sending's texts, besides the shop and a coupon."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to send: to whom, in which words, and until when it is of use.

    `texts` are by language, and may show the customer's name; with a `pool` each customer gets a
    coupon of it. The share `holdout` is not written to, for comparison.
    """

    name: str
    texts: Mapping[str, str]
    segment: Mapping[str, Any] = field(default_factory=dict)
    purpose: Purpose = Purpose.MARKETING
    pool: str = ""
    holdout: float = 0.0
    valid_until: datetime | None = None


def create(session: Session, agent_id: int | None, voice: Voice, draft: Draft) -> Sending:
    """Keep a draft; one with the same name that is not confirmed yet is replaced.

    Raises `NotAllowed` or `SegmentRefused`, which say what is wrong with it.
    """
    _check_values(draft)
    wanted = segments.segment(dict(draft.segment), voice.words.shop, segments.Asked)
    texts = _checked(voice, draft, wanted.languages)
    _check_pool(session, draft.pool)
    found = sendings.sending_named(session, draft.name)
    if found is not None and found.state not in _OPEN:
        raise NotAllowed(
            f"已经有一个叫 {draft.name} 的群发，请换个名字。",
            f"There is a sending {draft.name} already. Choose another name.",
        )
    sending = found or Sending(name=draft.name, purpose=draft.purpose, valid_until=now())
    sending.purpose, sending.pool = draft.purpose, draft.pool
    sending.holdout_percent = round(100 * draft.holdout)
    sending.segment, sending.texts = segments.plain(wanted), texts
    sending.valid_until = draft.valid_until or now() + LASTS
    sending.state, sending.counts, sending.counted_at = "draft", {}, None
    sending.agent_id = agent_id
    session.add(sending)
    _recorded(session, agent_id, "write", sending)
    session.flush()
    return sending


def counted(session: Session, sending_id: int, counts: Mapping[str, int]) -> Sending:
    """Keep what a count found: `NOW`, and for all others the reason why not now."""
    sending = _held(session, sending_id, *_OPEN)
    sending.state, sending.counts, sending.counted_at = "counted", dict(counts), now()
    session.add(sending)
    return sending


def ready(counts: Mapping[str, int]) -> int:
    """How many get it: now, or as soon as it is not night where they are."""
    return counts.get(NOW, 0) + counts.get(QUIET, 0)


def nobody(counts: Mapping[str, int]) -> tuple[str, str] | None:
    """Why nobody gets it; None where somebody does."""
    if ready(counts):
        return None
    if not (total := sum(counts.values())):
        return "这个人群里没有顾客，没有人会收到。", "The segment has no customers: nobody gets it."
    return (
        f"没有人会收到：人群里的 {total} 位都要暂缓或不发，原因见计数。",
        f"Nobody gets it: all {total} of the segment wait or are refused; the count says why.",
    )


def over(sending: Sending) -> tuple[str, str] | None:
    """That a sending is over, and how it ended; None while it is not."""
    if sending.state not in ("stopped", "done"):
        return None
    zh, en = _STATES[sending.state]
    return (
        f"群发 {sending.name} {zh}，不会再发。",
        f"The sending {sending.name} is {en}: it is over.",
    )


def confirm(
    session: Session, agent_id: int | None, voice: Voice, sending_id: int, count: int
) -> Sending:
    """Begin to send, to the `count` customers that somebody has seen and named.

    Raises `NotAllowed` where that is not the number, the count is too old, the segment has changed
    since, it is too late, or its pool has fewer coupons.
    """
    sending = _held(session, sending_id, "counted")
    if problem := _problem(session, voice, sending, count):
        raise NotAllowed(*problem)
    sending.state, sending.confirmed_at, sending.agent_id = "running", now(), agent_id
    session.add(sending)
    live.touch(session, live.SENDINGS)
    _recorded(session, agent_id, "confirm", sending)
    return sending


def pause(session: Session, agent_id: int | None, sending_id: int) -> int:
    """Write no more of it, and hold what waits to be sent. Returns how many messages that were."""
    sending = _moved(session, agent_id, sending_id, "pause", "paused", "running")
    return sendings.hold_back(session, sending.id or 0)


def resume(session: Session, agent_id: int | None, sending_id: int) -> int:
    """Go on. Returns how many messages that had been held."""
    sending = _moved(session, agent_id, sending_id, "resume", "running", "paused")
    return sendings.let_go(session, sending.id or 0)


def stop(session: Session, agent_id: int | None, sending_id: int) -> int:
    """End it for good: what has not been sent never will be. Returns how many that were."""
    was = (*_OPEN, "running", "paused")
    sending = _moved(session, agent_id, sending_id, "stop", "stopped", *was)
    sending.ended_at = now()
    return sendings.give_up(session, sending.id or 0)


def named(session: Session, name: str) -> Sending:
    """The sending with this name. Raises `NotFound`."""
    sending = sendings.sending_named(session, name)
    if sending is None:
        raise NotFound(f"没有叫 {name} 的群发。", f"There is no sending {name}.")
    return sending


def _check_values(draft: Draft) -> None:
    """Raises `NotAllowed` where a draft cannot be, whatever its segment and texts are."""
    if not _NAME.fullmatch(draft.name):
        raise NotAllowed(
            "名称只能用文字、数字、.、- 和 _，最长 64 个字符。",
            "A name has letters, digits, '.', '-' and '_' only, at most 64 characters.",
        )
    if not 0 <= draft.holdout <= 0.9:
        raise NotAllowed("对照比例在 0 到 0.9 之间。", "The holdout is a share from 0 to 0.9.")
    if draft.purpose not in (Purpose.MARKETING, Purpose.TRANSACTIONAL):
        raise NotAllowed("用途只能是 marketing 或 transactional。",
                         "The purpose is marketing or transactional.")  # fmt: skip
    if draft.valid_until is not None and draft.valid_until <= now():
        raise NotAllowed("有效期已经过了。", "It would be of no use any more: see valid_until.")


def _checked(voice: Voice, draft: Draft, languages: Sequence[str]) -> dict[str, str]:
    """The draft's texts for a segment of these languages. Raises `NotAllowed`."""
    texts = {language: text.strip() for language, text in draft.texts.items() if text.strip()}
    for language in languages or voice.words.shop.languages:
        if language not in texts:
            raise NotAllowed(f"缺少 {language} 文本。", f"There is no text in {language}.")
    for language, text in texts.items():
        _check_text(voice, language, text, has_pool=bool(draft.pool))
    return texts


def _check_text(voice: Voice, language: str, text: str, *, has_pool: bool) -> None:
    if language not in voice.words.shop.languages:
        raise NotAllowed(f"店铺没有这种语言：{language}", f"The shop does not speak {language}.")
    if len(text) > MAX_TEXT:
        wrong: Misread | None = Misread(f"超过 {MAX_TEXT} 个字符", f"over {MAX_TEXT} characters")
    else:
        wrong = rules.fault(voice.words, text, _KNOWN, has_pool=has_pool)
    if wrong:
        raise NotAllowed(
            f"{language} 文本不能使用：{wrong.zh}。",
            f"The text in {language} cannot be used: {wrong.en}.",
        )


def _check_pool(session: Session, pool: str) -> None:
    names = [one.name for one in coupons.pools(session)] if pool else []
    if pool and pool not in names:
        zh = f"只有：{'、'.join(names)}" if names else "现在一个也没有"
        en = f"only {', '.join(names)}" if names else "nor any other"
        raise NotAllowed(
            f"没有 {pool!r} 这个券池，{zh}。用 xiaoer coupons import 导入。",
            f"There is no pool {pool!r}, {en}. `xiaoer coupons import` makes one.",
        )


def _problem(
    session: Session, voice: Voice, sending: Sending, count: int
) -> tuple[str, str] | None:
    """Why a sending cannot begin."""
    at, total, number = now(), sum(sending.counts.values()), ready(sending.counts)
    if at >= sending.valid_until:
        return "有效期已经过了。", "It is of no use any more: see valid_until."
    if sending.counted_at is None or at - sending.counted_at > COUNT_HOLDS:
        return "计数已超过一小时，请重新计数。", "It was counted over an hour ago. Count again."
    if why := nobody(sending.counts):
        return why
    if count != number:
        return f"人数是 {number}，不是 {count}。", f"The number is {number}, not {count}."
    segment = segments.segment(sending.segment, voice.words.shop)
    there = size(session, segment, voice.words.shop.zone, at)
    if abs(there - total) > max(FEW, DIFFERS * total):
        return (
            f"这个人群从 {total} 人变成了 {there} 人，请重新计数。",
            f"The segment had {total} customers and has {there} now. Count again.",
        )
    if sending.pool and (left := _left(session, sending.pool)) < number:
        return (
            f"券池 {sending.pool} 只剩 {left} 张，少于 {number}。",
            f"The pool {sending.pool} has {left} coupons, fewer than {number}.",
        )
    return None


def _left(session: Session, pool: str) -> int:
    return next((one.free for one in coupons.pools(session) if one.name == pool), 0)


def _held(session: Session, sending_id: int, *states: str) -> Sending:
    """The sending, held until the commit. Raises `NotFound`, and `NotAllowed` in other states."""
    sending = sendings.held_sending(session, sending_id)
    if sending is None:
        raise NotFound("没有这个群发。", "There is no such sending.")
    if sending.state not in states:
        zh, en = _STATES[sending.state]
        raise NotAllowed(
            f"群发 {sending.name} {zh}，不能这样做。",
            f"The sending {sending.name} is {en}: this cannot be done now.",
        )
    return sending


def _moved(
    session: Session, agent_id: int | None, sending_id: int, deed: str, to: str, *states: str
) -> Sending:
    sending = _held(session, sending_id, *states)
    sending.state = to
    session.add(sending)
    live.touch(session, live.SENDINGS)
    _recorded(session, agent_id, deed, sending)
    return sending


def _recorded(session: Session, agent_id: int | None, deed: str, sending: Sending) -> None:
    actor = "command" if agent_id is None else f"agent:{agent_id}"
    record(session, actor, f"sending.{deed}", f"sending:{sending.name}")
