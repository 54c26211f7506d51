"""Makes a coupon of a line of a table: a code, what it is worth, and until when it holds."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core.clock import now
from bot.shop.coupons import NewCoupon
from bot.shop.sources.rows import Row, moment_of, refuse

MOST = {"code": 100, "value": 100}
"""Longest texts, in characters."""


def new_coupon(row: Row, zone: ZoneInfo, known: set[str]) -> NewCoupon:
    """The coupon that `row` tells, whose code then is among the `known`.

    A day as its end is meant to its own end, in `zone`. Raises `RowRefused` for a code that is
    missing or known already, for one that has expired, and for what cannot be read.
    """
    code = row.get("code", "")
    if not code:
        refuse("code", "不能为空", "must not be empty")
    for field, most in MOST.items():
        if len(row.get(field, "")) > most:
            refuse(field, f"太长，最多 {most} 个字符", f"is too long: {most} characters at most")
    expires_at = _end(row.get("expires_at", ""), zone)
    if expires_at is not None and expires_at <= now():
        refuse("expires_at", "已经过期", "is in the past")
    if code in known:
        refuse("code", f"{code} 重复：券池里或前面已有", f"{code} is there already: a double")
    known.add(code)
    return NewCoupon(code, row.get("value", ""), expires_at)


def _end(text: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        at = moment_of(text, zone)
    except (ValueError, OverflowError):
        refuse("expires_at", f"{text[:40]!r} 不是日期时间", f"{text[:40]!r} is no date and time")
    is_day = at.astimezone(zone).time() == time()
    return at + timedelta(days=1) if is_day else at
