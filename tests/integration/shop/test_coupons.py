"""Coupons: read from tables, given once, to each customer one for an occasion."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select

from bot.core.clock import now
from bot.shop import coupons
from bot.shop.coupons import NewCoupon
from bot.shop.sources import importing
from bot.shop.sources.csv_file import examine
from bot.shop.sources.importing import Options
from storage.db import Database
from storage.models.coupons import Coupon
from storage.models.customers import Customer
from tests.support.command import xiaoer
from tests.support.world import voice

ZONE = ZoneInfo("Asia/Shanghai")
SOON = timedelta(hours=24)


def people(db: Database, count: int) -> list[int]:
    def made(session: Session) -> list[int]:
        rows = [Customer(name=f"c{number}") for number in range(count)]
        session.add_all(rows)
        session.flush()
        return [one.id for one in rows if one.id]

    return db.run(made)


def give(db: Database, customer: int, occasion: str = "birthday/2026") -> Coupon | None:
    return db.run(coupons.give, "gift", customer, occasion, now() + SOON)


def stock(db: Database, *codes: NewCoupon) -> None:
    def added(session: Session) -> None:
        assert all(coupons.add(session, "gift", one) for one in codes)

    db.run(added)


def test_a_table_of_codes_says_what_it_does_not_take(db: Database, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_text(
        "券码,面值,有效期至\nA1,¥20,2099-12-31\nA1,¥20,2099-12-31\n,¥20,\n"
        "A2,¥20,2020-01-01\nA3,,\nA4,¥20,soon\n"
    )
    table = examine(file, "coupons", "gift")
    assert importing.check(table, ZONE, db=db).stored == 2
    done = importing.run(db, table, Options(ZONE))
    assert [(one.line.number, one.error.en) for one in done.errors] == [
        (3, "code A1 is there already: a double"),
        (4, "code must not be empty"),
        (5, "expires_at is in the past"),
        (7, "expires_at 'soon' is no date and time"),
    ]
    assert importing.run(db, table, Options(ZONE)).was_done
    found = db.run(lambda s: [(c.code, c.value, c.expires_at) for c in s.exec(select(Coupon))])
    assert [(code, value) for code, value, _ in found] == [("A1", "¥20"), ("A3", "")]
    assert found[0][2].isoformat() == "2099-12-31T16:00:00+00:00"  # the day's end in the shop
    again = importing.run(db, table, Options(ZONE, again=True))
    assert (again.stored, again.refused) == (0, 6)


def test_a_bare_list_is_read_by_the_order_of_its_columns(db: Database, tmp_path: Path) -> None:
    (tmp_path / "codes.txt").write_text("SPRING-1\nSPRING-2\n")
    done = importing.run(db, examine(tmp_path / "codes.txt", "coupons", "x"), Options(ZONE))
    assert (done.stored, done.refused) == (2, 0)


def test_each_gets_one_for_an_occasion_and_always_the_same(db: Database) -> None:
    lin, chen = people(db, 2)
    gone = NewCoupon("old", "¥5", now() + timedelta(hours=1))
    stock(db, gone, NewCoupon("A", "¥20", now() + timedelta(days=9)), NewCoupon("B"))
    first, again, other = give(db, lin), give(db, lin), give(db, chen)
    assert first is not None
    assert again is not None
    assert other is not None
    assert (first.code, again.code, other.code) == ("A", "A", "B")
    assert give(db, lin, "winback/2026") is None  # nothing is left but what expires too soon
    facts = coupons.coupon_facts(first, "en", voice())
    assert (facts["code"], facts["value"], bool(facts["expires_on"])) == ("A", "¥20", True)
    (pool,) = db.run(coupons.pools)
    assert (pool.free, pool.given, pool.recent, coupons.is_low(pool)) == (1, 2, 2, True)


def test_those_who_ask_at_once_get_different_codes(db: Database) -> None:
    asking = people(db, 12)
    stock(db, *(NewCoupon(f"C{number}") for number in range(10)))
    with ThreadPoolExecutor(8) as pool:  # each of them twice
        given = list(pool.map(lambda one: (one, give(db, one)), asking * 2))
    codes = {customer: coupon.code for customer, coupon in given if coupon is not None}
    assert len(codes) == len(set(codes.values())) == 10
    assert all(coupon is None or coupon.code == codes[one] for one, coupon in given)


def test_the_commands(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(f'[shop]\nname = "x"\n[database]\nurl = "{sqlite_url}"\n')
    (tmp_path / "codes.txt").write_text("A\nB\nA\n")
    words = ("--config", str(tmp_path / "c.toml"))
    done = xiaoer("coupons", "import", "gift", str(tmp_path / "codes.txt"), "--json", *words)
    assert (done.returncode, json.loads(done.stdout)["stored"]) == (1, 2)
    assert xiaoer("coupons", "import", "a b", str(tmp_path / "codes.txt"), *words).returncode == 2
    listed = xiaoer("coupons", "list", "--json", *words)
    assert [(one["name"], one["free"], one["low"]) for one in json.loads(listed.stdout)] == [
        ("gift", 2, True)
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_last_day_is_told(language: str, sqlite_db: Database) -> None:
    coupon = Coupon(pool="x", code="A", expires_at=now().replace(2099, 12, 31, 16, 0, 0, 0))
    said = coupons.coupon_facts(coupon, language, voice())["expires_on"]
    assert said == {"zh": "2099年12月31日", "en": "Dec 31, 2099"}[language]
