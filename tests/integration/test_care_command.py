"""`xiaoer care …`: JSON alone on standard output, exit statuses, and a sending from its file."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.care import sending_file
from bot.config import ROOT
from storage.db import Database
from tests.support.audience import gather
from tests.support.command import xiaoer

SPRING = """
pool = ""
valid_until = 2099-12-31
[segment]
languages = ["en"]
[texts]
en = "Spring is here, {{ customer.name }}!"
"""
BOT = '[[telegram]]\nname = "main"\ntoken = "1:x"\n[care]\nquiet_hours = ""\n'


@pytest.fixture
def shop(sqlite_url: str, sqlite_db: Database, tmp_path: Path) -> Path:
    sqlite_db.run(gather, 9)
    config = tmp_path / "config.toml"
    config.write_text(f'[shop]\nname = "x"\n[database]\nurl = "{sqlite_url}"\n{BOT}')
    (tmp_path / "spring.toml").write_text(SPRING)
    return config


def care(shop: Path, *words: str, status: int = 0) -> Any:
    """What `xiaoer care … --json` prints."""
    done = xiaoer("care", *words, "--config", str(shop))
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if "--json" in words else done.stderr


def test_a_sending_from_its_file(shop: Path) -> None:
    """Each command reads all texts, which is most of a second: no more of them than needed."""
    file = str(shop.parent / "spring.toml")
    assert "The number is 6, not 5" in care(shop, "run", file, "--yes", "5", status=1)
    found = care(shop, "preview", "spring", "--limit", "1", "--json")
    assert [(one["verdict"], one["text"]) for one in found] == [("go", "Spring is here, 顾客1!")]
    begun = care(shop, "run", "spring", "--yes", "6", "--json")
    assert (begun["state"], begun["ready"], begun["counted"]) == ("running", 6, 6)
    care(shop, "pause", "spring")
    assert care(shop, "sendings", "--json")[0]["state"] == "paused"


def test_journeys_are_listed_checked_and_switched(shop: Path) -> None:
    assert care(shop, "check", "--json")["problems"] == []
    care(shop, "pause", "order_paid")
    found = {one["name"]: (one["state"], one["switched"]) for one in care(shop, "list", "--json")}
    assert (found["order_paid"], found["birthday"]) == (("paused", True), ("off", False))
    assert "no journey or sending nothing" in care(shop, "pause", "nothing", status=1)
    assert care(shop, "report", "--json") == []
    assert xiaoer("care", "pause", "x", "--stop", "--resume").returncode == 2


def test_what_is_wrong_with_a_file_is_told_with_its_line(shop: Path) -> None:
    file = shop.parent / "spring.toml"
    file.write_text(SPRING.replace("languages", "language"))
    said = care(shop, "run", str(file), status=1)
    assert f"{file}:5: segment.language: unknown key; there are tags, " in said.replace("\n", " ")


@pytest.mark.parametrize(
    ("change", "zh"),
    [
        (('["en"]', '["en"]\nchannels = ["wechatt"]'),
         "6: segment.channels.0：没有 'wechatt' 这个渠道；可用的有：telegram、wechat、web"),
        (('["en"]', '"en"'), '5: segment.languages：应写成列表：["en"]'),
        (("2099-12-31", '"soon"'), "3: valid_until：应是日期，例如 2026-03-31"),
    ],
)  # fmt: skip
def test_a_sendings_file_is_told_off_in_chinese(
    tmp_path: Path, change: tuple[str, str], zh: str
) -> None:
    file = tmp_path / "spring.toml"
    file.write_text(SPRING.replace(*change))
    with pytest.raises(sending_file.FileRefused) as refused:
        sending_file.read(file, ZoneInfo("Asia/Shanghai"))
    assert refused.value.zh == f"{file}:{zh}"


def test_birthdays_are_a_table(shop: Path) -> None:
    table = shop.parent / "birthdays.csv"
    assert care(shop, "birthdays", "--csv", str(table), "--json") == []
    assert table.read_text(encoding="utf-8-sig").splitlines() == ["day,name,tags,orders,channel"]
    assert "exists" in care(shop, "birthdays", "--csv", str(table), status=1)


def test_the_documented_file_can_be_read(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "sendings.md").read_text(encoding="utf-8")
    (tmp_path / "spring.toml").write_text(page.split("```ini\n")[1].split("```")[0])
    draft = sending_file.read(tmp_path / "spring.toml", ZoneInfo("Asia/Shanghai"))
    assert (draft.pool, draft.holdout, draft.segment["silent_days"]) == ("spring", 0.1, 30)
    assert draft.valid_until is not None
    assert draft.valid_until.isoformat() == "2099-04-01T00:00:00+08:00"


def test_a_moment_at_midnight_is_no_whole_day(tmp_path: Path) -> None:
    file = tmp_path / "spring.toml"
    file.write_text(SPRING.replace("2099-12-31", "2099-12-31T00:00:00"))
    until = sending_file.read(file, ZoneInfo("Asia/Shanghai")).valid_until
    assert until is not None
    assert until.isoformat() == "2099-12-31T00:00:00+08:00"
