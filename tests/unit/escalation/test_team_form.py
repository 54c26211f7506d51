"""What people type for a team's hours is read kindly, and refused with its place and reason."""

from datetime import UTC, datetime

import pytest

from bot.config import Shop, Team
from bot.core.spans import read_day_part, read_span
from bot.escalation.team import Team as MadeTeam
from bot.escalation.team_form import EDITABLE, plain, read, typed


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("9-18", ["9:00-18:00"]),
        ("09:00-12:00, 13:30-18:00", ["9:00-12:00", "13:30-18:00"]),
        ("9:00 – 12:00；13:30—18：00", ["9:00-12:00", "13:30-18:00"]),
        ("9点", None),
        ("9:00至12:00、13:00到 24:00", ["9:00-12:00", "13:00-24:00"]),
        ("9:00 to 12:00 13:00 to 18:00", ["9:00-12:00", "13:00-18:00"]),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, parts: list[str] | None) -> None:
    found = read({"mon": text})
    assert found.settings.get("mon") == parts
    assert ("mon" in found.wrong) is (parts is None)


def test_days_stand_on_lines_whole_or_in_parts() -> None:
    found = read(
        {"closings": "2026-12-31\n\n2026年1月2日 9-10、14:00-18:00", "openings": "2026/3/1"}
    )
    assert found.wrong == {}
    assert found.settings["closings"] == [
        "2026-12-31",
        "2026-01-02 9:00-10:00",
        "2026-01-02 14:00-18:00",
    ]
    assert found.settings["openings"] == ["2026-03-01"]


@pytest.mark.parametrize(
    ("name", "text", "zh", "en"),
    [
        ("tue", "18:00-9:00", "结束早于开始", "ends before it begins"),
        ("tue", "9-12, 11-18", "9:00-12:00 和 11:00-18:00 重叠了", "9:00-12:00 and 11:00-18:00 overlap"),
        ("sat", "9:00-25:00", "不是一天中的时间", "no time of a day"),
        ("closings", "2026-12-31\n2026-02-30", "第 2 行：'2026-02-30' 应写成", "line 2: '2026-02-30' is no date"),
        ("openings", "2026-10-02 16-10", "第 1 行：", "line 1: "),
        ("holidays", "XX", "不认识 'XX'", "no country"),
        ("timezone", "Mars/Base", "不是 IANA 时区", "not an IANA time zone"),
        ("first_response_minutes", "ten", "不是整数", "no whole number"),
        ("next_response_minutes", "0", "应在 1 到", "0 is not from 1 to"),
        ("warn_at_percent", "101", "应在 1 到 100 之间", "101 is not from 1 to 100"),
        ("title", "x" * 41, "最多 40 个字", "at most 40 characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_both_languages(name: str, text: str, zh: str, en: str) -> None:
    ((field, why),) = read({name: text}).wrong.items()
    assert field == name
    assert zh in why.text("zh")
    assert en in why.text("en")
    assert why.text("zh") not in why.text("en")


def test_what_stands_in_the_form_reads_as_the_team_it_was_made_of() -> None:
    team = Team(
        name="service", title="客服", mon=("9:00-12:00", "13:00-18:00"), holidays="CN",
        closings=("2026-12-31", "2026-12-30 14:00-18:00"), first_response_minutes=10,
        timezone="Europe/Berlin",
    )  # fmt: skip
    found = read(typed(team))
    assert found.wrong == {}
    assert set(found.settings) == set(EDITABLE)
    assert found.team(Team(name="service")) == team
    assert plain(found.team(Team(name="service"))) == plain(team)


def test_what_is_wrong_leaves_the_rest_to_be_looked_at() -> None:
    base = Team(name="service", mon=("9:00-12:00",))
    team = read(typed(base) | {"mon": "9:00-8:00", "tue": "10-11"}).team(base)
    assert (team.mon, team.tue) == ((read_span("9:00-12:00"),), (read_span("10:00-11:00"),))


def test_how_long_somebody_is_there_and_why_a_day_differs() -> None:
    made = MadeTeam.of(
        Team(
            name="t", mon=("9:00-12:00", "12:00-18:00"), tue=("9:00-24:00",), wed=("0:00-2:00",),
            closings=("2026-03-02 15:00-16:00",), openings=("2026-03-08 10:00-11:00",),
        ),
        Shop(name="A", timezone="UTC"),
    ).hours  # fmt: skip

    def at(day: int, hour: int) -> datetime:
        return datetime(2026, 3, day, hour, tzinfo=UTC)

    assert made.next_closing(at(2, 10)) == at(2, 15)  # what touches is one, and a closing ends it
    assert made.next_closing(at(3, 10)) == at(4, 2)  # past midnight
    assert made.next_closing(at(5, 10)) == at(5, 10)
    day = read_day_part("2026-03-02").day
    assert made.exception(day) == "closing"
    assert made.exception(read_day_part("2026-03-08").day) == "opening"
    assert made.exception(read_day_part("2026-03-03").day) == ""
    always = MadeTeam.of(Team(name="t"), Shop(name="A", timezone="UTC")).hours
    assert always.next_closing(at(2, 10)) is None
    china = MadeTeam.of(Team(name="t", mon=("9:00-12:00",), holidays="CN"), Shop(name="A")).hours
    assert china.exception(read_day_part("2026-10-01").day) == "holiday"
    assert china.exception(read_day_part("2026-10-10").day) == "moved"
