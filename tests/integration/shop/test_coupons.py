"""Coupons: read from tables, given once, to each customer one for an occasion."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

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

ZONE = ZoneInfo("Asia/Shanghai")
STOCK = coupons.Stock()


def people(db: Database, count: int) -> list[int]:
    def made(session: Session) -> list[int]:
        rows = [Customer(name=f"c{number}") for number in range(count)]
        session.add_all(rows)
        session.flush()
        return [one.id for one in rows if one.id]

    return db.run(made)


@dataclass(frozen=True)
class Wish:
    """A care message that wants a coupon."""

    care_id: int
    customer_id: int
    pool: str = "gift"
    occasion: str = "birthday/2026"


def give(db: Database, *wishes: Wish) -> dict[int, str]:
    """The codes given, by customer."""

    def work(session: Session) -> dict[int, str]:
        offers = STOCK.offer(session, wishes, now())
        met = [(one, offers[one.care_id]) for one in wishes if one.care_id in offers]
        STOCK.give(session, met, now())
        return {one.customer_id: coupon.code for one, coupon in met}

    return db.run(work)


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
    assert give(db, Wish(1, lin)) == {lin: "A"}
    assert give(db, Wish(2, lin), Wish(3, chen)) == {lin: "A", chen: "B"}
    assert give(db, Wish(4, lin, occasion="winback/2026")) == {}  # what is left expires too soon
    (pool,) = db.run(coupons.pools)
    assert (pool.free, pool.given, pool.recent, coupons.is_low(pool)) == (0, 2, 2, True)
    assert pool.expired == 1


def test_those_who_ask_at_once_get_different_codes(db: Database) -> None:
    asking = people(db, 12)
    stock(db, *(NewCoupon(f"C{number}") for number in range(10)))
    with ThreadPoolExecutor(8) as pool:
        given = [
            code
            for one in pool.map(lambda who: give(db, Wish(who, who)), asking)
            for code in one.values()
        ]
    assert len(given) == len(set(given)) == 10


def test_the_commands(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(f'[shop]\nname = "x"\n[database]\nurl = "{sqlite_url}"\n')
    (tmp_path / "codes.txt").write_text("A\nB\nA\n")
    words = ("--config", str(tmp_path / "c.toml"))
    done = xiaoer("coupons", "import", "gift", str(tmp_path / "codes.txt"), "--json", *words)
    assert (done.returncode, json.loads(done.stdout)["stored"]) == (1, 2)
    before = xiaoer("coupons", "import", "gift", str(tmp_path / "codes.txt"), *words).stderr
    assert before.splitlines()[1:] == [
        "This file was imported before (2 stored, 1 lines refused), and nothing was done now; "
        "add --again to do it anew."
    ]
    assert xiaoer("coupons", "import", "a b", str(tmp_path / "codes.txt"), *words).returncode == 2
    listed = xiaoer("coupons", "list", "--json", *words)
    assert [(one["name"], one["free"], one["low"]) for one in json.loads(listed.stdout)] == [
        ("gift", 2, True)
    ]


def test_the_doctor_names_journeys_that_wait_for_codes(sqlite_url: str, tmp_path: Path) -> None:
    plain = f'[shop]\nname = "x"\n[database]\nurl = "{sqlite_url}"\n'
    config, codes = tmp_path / "c.toml", tmp_path / "codes.txt"
    config.write_text(plain + '[care]\nenabled = ["birthday"]\n')
    codes.write_text("A\n")
    waiting = "journeys 关怀旅程: the pool has no codes, so the journey waits: birthday (birthday)"
    assert f"✗ {waiting}" in xiaoer("doctor", "--config", str(config)).stderr
    xiaoer("coupons", "import", "birthday", str(codes), "--config", str(config))
    assert "✓ journeys 关怀旅程: " in xiaoer("doctor", "--config", str(config)).stderr
