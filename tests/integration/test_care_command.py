"""`xiaoer care …`: JSON alone on standard output, exit statuses, and a sending from its file."""

import json
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len, set_cell_size
from sqlalchemy import delete
from sqlmodel import Session, select

from bot.care import sending_file
from bot.config import ROOT
from bot.core.clock import now
from storage.db import Database
from storage.models.consents import Consent
from storage.models.customers import Customer
from storage.models.profiles import CustomerProfile
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


def care(shop: Path, *words: str, status: int = 0, language: str = "C.UTF-8") -> Any:
    """What `xiaoer care … --json` prints."""
    done = xiaoer("care", *words, "--config", str(shop), language=language)
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


def test_where_nobody_gets_it_no_number_is_asked_for(
    shop: Path, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.prompt", lambda *_args, **_more: pytest.fail("asked"))
    file = shop.parent / "none.toml"
    file.write_text(SPRING.replace('languages = ["en"]', 'tags = ["nobody"]').replace("en =", "zh =")
                    + 'en = "Spring"\n')  # fmt: skip
    assert "没有顾客" in care(shop, "run", str(file), status=1, language="zh_CN.UTF-8")
    sqlite_db.run(lambda session: session.connection().execute(delete(Consent)))
    said = care(shop, "run", str(shop.parent / "spring.toml"), status=1, language="zh_CN.UTF-8")
    assert "6  没有同意营销" in said
    assert "6 位都要暂缓或不发" in said


def test_only_digits_are_a_number_and_what_is_over_says_so(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter(["abc", "6"])
    monkeypatch.setattr("typer.prompt", lambda *_args, **_more: next(typed))
    said = care(shop, "run", str(shop.parent / "spring.toml"), "--no-wait")
    assert "Digits alone" in said
    assert "Confirmed: 6" in said
    assert "spring: 已暂停" in care(shop, "pause", "spring", language="zh_CN.UTF-8")
    care(shop, "pause", "spring", "--stop")
    over = care(shop, "run", "spring", language="zh_CN.UTF-8")
    assert over.splitlines() == ["群发 spring 已停止，不会再发。"]
    refused = care(shop, "pause", "spring", status=1, language="zh_CN.UTF-8")
    assert "群发 spring 已停止，不能这样做。" in refused
    listed = care(shop, "sendings", language="zh_CN.UTF-8").splitlines()
    assert " ".join(listed[0].split()) == "名称 状态 会收到 已送出 排队 未发 失败 不确定"
    assert listed[1].split()[:2] == ["spring", "已停止"]


def test_a_preview_has_the_desks_words_and_says_what_is_an_example(shop: Path) -> None:
    file = shop.parent / "spring.toml"
    text = SPRING.replace('pool = ""', 'pool = "gift"').replace("!", ": {{ coupon.code }}!")
    file.write_text(text)
    (shop.parent / "codes.txt").write_text("A\n")
    codes = str(shop.parent / "codes.txt")
    assert xiaoer("coupons", "import", "gift", codes, "--config", str(shop)).returncode == 0
    assert "The number is 6" in care(shop, "run", str(file), "--yes", "5", status=1)
    shown = care(shop, "preview", "spring", "--limit", "1", language="zh_CN.UTF-8")
    assert shown.splitlines()[0] == "— 顾客1 · Telegram · en · 会收到"
    assert "优惠券是示例" in shown
    (found,) = care(shop, "preview", "spring", "--limit", "1", "--json")
    assert (found["verdict"], found["has_example"]) == ("go", True)


def test_journeys_stand_in_columns_under_headings(shop: Path) -> None:
    heads, *rows = care(shop, "list", language="zh_CN.UTF-8").splitlines()
    assert " ".join(heads.split()) == "名称 状态 触发 用途 待发 已写（30 天） 未发（30 天）"
    at = cell_len(heads[: heads.index("用途")])
    assert {set_cell_size(row, at + 4)[-2:] for row in rows} == {"通知", "营销"}
    assert "到期的消息" in care(shop, "report", language="zh_CN.UTF-8")


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
    heads = "Day,Customer,Tags,Orders,Channel"
    assert table.read_text(encoding="utf-8-sig").splitlines() == [heads]
    assert "another name" in care(shop, "birthdays", "--csv", str(table), status=1)
    assert "没有顾客过生日" in care(shop, "birthdays", language="zh_CN.UTF-8")


def test_who_cannot_be_noted_is_told(shop: Path, sqlite_db: Database) -> None:
    def born(session: Session) -> None:
        customer = session.exec(select(Customer)).first()
        assert customer is not None
        session.add(
            CustomerProfile(customer_id=customer.id, birthday=date(1990, 3, 8), told_at=now())
        )

    sqlite_db.run(born)
    said = care(shop, "birthdays", "--month", "3", "--remind", language="zh_CN.UTF-8")
    assert said.splitlines()[0].split() == ["日子", "顾客", "标签", "订单", "渠道"]
    assert said.splitlines()[-1] == "已记下 0 位。 1 位还没有会话，无处可记。"


def test_a_file_that_is_not_there_is_named(shop: Path) -> None:
    said = care(shop, "run", "nowhere.toml", status=1, language="zh_CN.UTF-8")
    assert said.strip() == "没有 nowhere.toml 这个文件。"


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
