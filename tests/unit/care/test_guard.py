"""The guard over care messages: each rule alone, then all of them over random cases."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.care.guard import (
    DAY,
    LOOK_AGAIN,
    WEEK,
    Agreed,
    Case,
    Chat,
    Rules,
    Verdict,
    judge,
    judge_claim,
    quiet_until,
)
from bot.core.messages import Purpose

SHANGHAI, BERLIN, NEW_YORK = map(ZoneInfo, ("Asia/Shanghai", "Europe/Berlin", "America/New_York"))
NOON = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
RULES = Rules(SHANGHAI, marketing="opt_out")
TELEGRAM = Chat(1, "telegram")
WECHAT = Chat(2, "wechat")
NEWS = Case(Purpose.TRANSACTIONAL, NOON + DAY, SHANGHAI, [TELEGRAM])
ADVERT = replace(NEWS, purpose=Purpose.MARKETING)
SHUT = replace(WECHAT, is_open=False)
ROUTED = replace(WECHAT, is_open=False, has_route=True)
MUTE = replace(WECHAT, carries=frozenset(Purpose) - {Purpose.MARKETING})
SOON = NOON + LOOK_AGAIN


def said(verdict: Verdict) -> tuple[str, str]:
    return verdict.kind, verdict.reason


def agreed(purpose: str, state: str, channel: str = "", turn: int = 1) -> Agreed:
    return Agreed(purpose, channel, state, turn)


@pytest.mark.parametrize(
    ("change", "news", "advert"),
    [
        ({}, ("go", ""), ("go", "")),
        ({"off": "switched off"}, ("no", "switched off"), ("no", "switched off")),
        ({"valid_until": NOON - DAY}, ("no", "expired"), ("no", "expired")),
        ({"is_blocked": True}, ("no", "blocked"), ("no", "blocked")),
        ({"is_opted_out": True}, ("go", ""), ("no", "opted out")),
        ({"overtaken": "order refunded"}, ("no", "order refunded"), ("no", "order refunded")),
        ({"chats": []}, ("wait", "no chat"), ("wait", "no chat")),
        ({"chats": [replace(TELEGRAM, is_blocked=True)]}, ("wait", "no chat"), ("wait", "no chat")),
        ({"chats": [replace(TELEGRAM, is_known=False)]}, ("go", ""), ("go", "")),
        (
            {"chats": [replace(TELEGRAM, is_known=False)], "is_private": True},
            ("wait", "no chat"), ("wait", "no chat"),
        ),
        ({"chats": [MUTE]}, ("go", ""), ("no", "route")),
        ({"chats": [SHUT]}, ("go", ""), ("wait", "window")),
        ({"chats": [ROUTED]}, ("go", ""), ("wait", "window")),
        ({"chats": [replace(TELEGRAM, spoke_at=NOON)]}, ("go", ""), ("wait", "talking")),
        ({"is_with_person": True}, ("go", ""), ("wait", "with a person")),
        ({"is_unhappy": True}, ("go", ""), ("wait", "unhappy")),
        ({"is_in_trouble": True}, ("go", ""), ("wait", "parcel in trouble")),
        ({"is_unhappy": True, "is_calm": True}, ("wait", "unhappy"), ("wait", "unhappy")),
        ({"is_paused": True}, ("wait", "paused"), ("wait", "paused")),
        ({"lacks_coupon": True}, ("wait", "no coupon"), ("wait", "no coupon")),
        ({"sent": [NOON - timedelta(hours=23)]}, ("go", ""), ("wait", "cap")),
        ({"sent": [NOON - timedelta(hours=25)]}, ("go", ""), ("go", "")),
        ({"sent": [NOON - 2 * DAY, NOON - 6 * DAY]}, ("go", ""), ("wait", "cap")),
        ({"sent": [NOON - 2 * DAY, NOON - WEEK]}, ("go", ""), ("go", "")),
        ({"consents": [agreed("marketing", "withdrawn")]}, ("go", ""), ("no", "no consent")),
        ({"consents": [agreed("marketing", "asked")]}, ("go", ""), ("no", "no consent")),
        (
            {"consents": [agreed("transactional", "withdrawn")], "is_private": True},
            ("no", "no consent"), ("go", ""),
        ),
        ({"consents": [agreed("transactional", "withdrawn")]}, ("go", ""), ("go", "")),
        (
            {"consents": [agreed("marketing", "withdrawn"), agreed("marketing", "given", turn=2)]},
            ("go", ""), ("go", ""),
        ),
        (
            {"consents": [agreed("marketing", "given"), agreed("marketing", "withdrawn", "telegram", 2)]},
            ("go", ""), ("no", "no consent"),
        ),
        ({"consents": [agreed("marketing", "withdrawn", "wechat")]}, ("go", ""), ("go", "")),
    ],
)  # fmt: skip
def test_each_rule(change: dict[str, Any], news: tuple[str, str], advert: tuple[str, str]) -> None:
    assert said(judge(replace(NEWS, **change), RULES, NOON)) == news
    assert said(judge(replace(ADVERT, **change), RULES, NOON)) == advert


def test_who_said_nothing_gets_no_advertising_unless_the_shop_has_it_so() -> None:
    opt_in = replace(RULES, marketing="opt_in")
    assert said(judge(ADVERT, opt_in, NOON)) == ("no", "no consent")
    given_ = replace(ADVERT, consents=[agreed("marketing", "given")])
    assert said(judge(given_, opt_in, NOON)) == ("go", "")
    by_channel = replace(opt_in, by_channel={"telegram": "opt_out"})
    assert said(judge(ADVERT, by_channel, NOON)) == ("go", "")
    assert said(judge(replace(ADVERT, chats=[WECHAT]), by_channel, NOON)) == ("no", "no consent")


@pytest.mark.parametrize(
    ("chats", "channels", "news", "advert"),
    [
        ([TELEGRAM, WECHAT], (), 1, 1),
        ([WECHAT, TELEGRAM], (), 2, 2),
        ([SHUT, TELEGRAM], (), 1, 1),
        ([TELEGRAM, WECHAT], ("wechat",), 2, 2),
        ([TELEGRAM, SHUT], ("wechat",), 2, 1),
        ([TELEGRAM, MUTE], ("wechat",), 2, 1),
        ([SHUT, replace(ROUTED, id=3)], (), 3, None),
    ],
)
def test_the_chat_with_the_best_chance(
    chats: list[Chat], channels: tuple[str, ...], news: int, advert: int | None
) -> None:
    for case, expected in ((NEWS, news), (ADVERT, advert)):
        verdict = judge(replace(case, chats=chats, channels=channels), RULES, NOON)
        assert (verdict.chat.id if verdict.chat else None) == expected


@pytest.mark.parametrize(
    ("zone", "at", "until"),
    [
        (SHANGHAI, "2026-05-04T21:29:59+08:00", None),
        (SHANGHAI, "2026-05-04T21:30:00+08:00", "2026-05-05T08:30:00+08:00"),
        (SHANGHAI, "2026-05-05T03:00:00+08:00", "2026-05-05T08:30:00+08:00"),
        (SHANGHAI, "2026-05-05T08:30:00+08:00", None),
        (BERLIN, "2026-03-28T23:00:00+01:00", "2026-03-29T08:30:00+02:00"),
        (BERLIN, "2026-10-24T23:00:00+02:00", "2026-10-25T08:30:00+01:00"),
        (NEW_YORK, "2026-05-04T12:00:00+08:00", "2026-05-04T08:30:00-04:00"),
    ],
)
def test_quiet_hours_by_the_customers_clock(zone: ZoneInfo, at: str, until: str | None) -> None:
    moment = datetime.fromisoformat(at)
    expected = datetime.fromisoformat(until) if until else None
    case = replace(NEWS, zone=zone, valid_until=moment + DAY)
    verdict = judge(case, RULES, moment.astimezone(UTC))
    assert verdict.until == expected
    assert said(verdict) == (("wait", "quiet hours") if until else ("go", ""))


def test_without_quiet_hours_any_hour_will_do() -> None:
    assert judge(NEWS, replace(RULES, quiet=None), NOON + timedelta(hours=14)).kind == "go"


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
    st.times(), st.times(), st.sampled_from([SHANGHAI, BERLIN, NEW_YORK]),
)  # fmt: skip
def test_quiet_hours_end_soon_and_outside_of_themselves(
    at: datetime, begin: time, end: time, zone: ZoneInfo
) -> None:
    moment = at.replace(tzinfo=UTC)
    until = quiet_until((begin, end), zone, moment)
    if until is not None:
        assert moment < until <= moment + timedelta(hours=26)


def test_a_full_week_ends_when_its_oldest_message_is_a_week_old() -> None:
    sent = [NOON - 3 * DAY, NOON - 5 * DAY]
    assert judge(replace(ADVERT, sent=sent), RULES, NOON).until == NOON + 2 * DAY
    assert judge(replace(ADVERT, sent=[NOON]), RULES, NOON).until == NOON + DAY
    none = replace(RULES, per_day=0)
    assert said(judge(ADVERT, none, NOON)) == ("wait", "cap")


def test_at_the_claim_the_caps_and_the_window_are_not_asked_again() -> None:
    case = replace(ADVERT, sent=[NOON], chats=[SHUT], lacks_coupon=True)
    assert judge_claim(case, RULES, NOON, SHUT.id).kind == "go"
    assert said(judge_claim(case, RULES, NOON, 7)) == ("no", "another's chat")
    night = NOON + timedelta(hours=10)
    assert said(judge_claim(case, RULES, night, SHUT.id)) == ("wait", "quiet hours")
    withdrawn = replace(case, consents=[agreed("marketing", "withdrawn")])
    assert said(judge_claim(withdrawn, RULES, NOON, SHUT.id)) == ("no", "no consent")
    assert said(judge_claim(replace(case, is_unhappy=True), RULES, NOON, SHUT.id))[0] == "wait"


CHATS = st.builds(
    Chat, st.integers(1, 3), st.sampled_from(["telegram", "wechat"]),
    st.sampled_from([frozenset(Purpose), MUTE.carries]),
    is_open=st.booleans(), has_route=st.booleans(), is_known=st.booleans(),
    is_blocked=st.booleans(), spoke_at=st.just(NOON - DAY),
)  # fmt: skip
CASES = st.builds(
    Case, st.sampled_from([Purpose.TRANSACTIONAL, Purpose.MARKETING]),
    st.sampled_from([NOON - DAY, NOON + DAY]), st.sampled_from([SHANGHAI, BERLIN, NEW_YORK]),
    st.lists(CHATS, max_size=3),
    st.lists(st.builds(Agreed, st.sampled_from(["transactional", "marketing"]),
                       st.sampled_from(["", "wechat"]), st.sampled_from(["given", "withdrawn"]),
                       st.integers(0, 9)), max_size=3),
    st.lists(st.integers(0, 200).map(lambda hours: NOON - timedelta(hours=hours)), max_size=3),
    is_blocked=st.booleans(), is_opted_out=st.booleans(), is_with_person=st.booleans(),
    is_unhappy=st.booleans(), is_in_trouble=st.booleans(), is_private=st.booleans(),
    is_calm=st.booleans(), lacks_coupon=st.booleans(), overtaken=st.sampled_from(["", "late"]),
)  # fmt: skip


@given(CASES)
def test_what_goes_breaks_no_rule_and_what_waits_waits_for_something(case: Case) -> None:
    verdict = judge(case, RULES, NOON)
    assert (verdict.kind == "go") == (verdict.reason == "") == (verdict.chat is not None)
    assert (verdict.until is not None and verdict.until > NOON) == (verdict.kind == "wait")
    if verdict.chat is None:
        return
    assert case.purpose in verdict.chat.carries
    assert not (verdict.chat.is_blocked)
    assert not (case.is_blocked)
    assert not case.overtaken
    assert verdict.chat.is_known or not case.is_private
    assert judge_claim(case, RULES, NOON, verdict.chat.id).kind == "go"
    if case.purpose == Purpose.MARKETING:
        assert verdict.chat.is_open
        assert not (case.is_with_person)
        assert not (case.is_unhappy)
        assert not case.is_in_trouble
        assert not any(one > NOON - DAY for one in case.sent)
        assert sum(one > NOON - WEEK for one in case.sent) < 2
        assert not case.is_opted_out
