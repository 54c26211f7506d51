"""`xiaoer import`: tables as shops export them, refused line by line, resumed after any death."""

import json
import signal
import subprocess
import sys
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, func, select

from bot.config import ROOT
from bot.shop.sources import importing
from bot.shop.sources.csv_file import FileRefused, examine
from bot.shop.sources.importing import Options
from storage.db import Database, hold
from storage.models.customers import Customer
from storage.models.orders import Order, Parcel, order_by_number
from storage.models.products import Product
from tests.support.command import xiaoer

ZONE = ZoneInfo("Asia/Shanghai")
CHINESE = """\
订单编号;订单状态;付款时间;发货时间;收货人;手机号码;商品清单;实付金额;快递公司;快递单号;城市;备注
="XE2001";已发货;2025-03-05 10:00:00;2025/3/6 9:30;林小满;'138 0000 8888;羊毛围巾×2；手套;¥1,299.00;顺丰速运;SF2001;杭州;轻放
XE2002;待付款;;;陈知远;13900006666;陶瓷杯 x1;45;;;;
"""
ENGLISH = """\
Name,Financial Status,Paid at,Lineitem quantity,Lineitem name,Lineitem price,Total,Currency,Email
#1001,paid,2025-03-05 10:00:00 +0800,2,"Scarf, wool",99.50,212.00,EUR,lin@shop.example
#1001,,,1,Gloves,13.00,,,
#1002,refunded,2025-03-05 11:00:00 +0800,1,Mug,"12,50","12,50",EUR,
"""


@pytest.fixture
def shop(sqlite_url: str, tmp_path: Path) -> Path:
    """A configuration with a database of its own."""
    config = tmp_path / "config.toml"
    text = f'[shop]\nname = "x"\n[database]\nurl = "{sqlite_url}"\n'
    config.write_text(text, encoding="utf-8")
    return config


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def many(path: Path, count: int, bad: tuple[int, ...] = ()) -> Path:
    rows = [
        f"N{n:07},paid,{'soon' if n in bad else '2025-03-05 10:00'},{n % 100}.5,1380000{n % 10000:04}"
        for n in range(1, count + 1)
    ]
    return write(path, "order_id,status,paid_at,amount,phone\n" + "\n".join(rows) + "\n")


def order(db: Database, number: str) -> Order:
    found = db.run(order_by_number, number)
    assert found is not None
    return found


def count(db: Database, table: Any) -> int:
    def counted(session: Session) -> int:
        return int(session.exec(select(func.count()).select_from(table)).one())

    return db.run(counted)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_a_chinese_export(sqlite_db: Database, tmp_path: Path, encoding: str) -> None:
    table = examine(write(tmp_path / "orders.csv", CHINESE, encoding), "orders")
    assert table.delimiter == ";"
    done = importing.run(sqlite_db, table, Options(ZONE))
    assert (done.rows, done.stored, done.refused) == (2, 2, 0)
    sent = order(sqlite_db, "XE2001")
    assert (sent.status, sent.amount, sent.phone) == ("shipped", Decimal("1299.00"), "13800008888")
    moments = [at.isoformat() for at in (sent.placed_at, sent.status_at) if at]
    assert moments == ["2025-03-05T02:00:00+00:00", "2025-03-06T01:30:00+00:00"]
    assert sent.items == [{"name": "羊毛围巾", "quantity": 2}, {"name": "手套", "quantity": 1}]
    assert sent.address == {"city": "杭州"}
    assert order(sqlite_db, "XE2002").status == "unknown"
    parcels = sqlite_db.run(
        lambda s: [(p.tracking_number, p.carrier) for p in s.exec(select(Parcel))]
    )
    assert parcels == [("SF2001", "顺丰速运")]


def test_lines_of_one_order_are_its_items(db: Database, tmp_path: Path) -> None:
    table = examine(write(tmp_path / "shopify.csv", ENGLISH), "orders")
    assert importing.run(db, table, Options(ZONE)).stored == 2
    first = order(db, "#1001")
    assert [(one["name"], one["quantity"], one["price"]) for one in first.items] == [
        ("Scarf, wool", 2, "99.50"),
        ("Gloves", 1, "13.00"),
    ]
    assert (first.amount, first.currency) == (Decimal("212.00"), "EUR")
    assert (order(db, "#1002").status, order(db, "#1002").amount) == ("refunded", Decimal("12.50"))


def test_an_old_export_undoes_no_newer_news(db: Database, tmp_path: Path) -> None:
    newer = "order_id,status,paid_at,shipped_at\nA1,shipped,2025-03-05,2025-03-06\n"
    older = "order_id,status,paid_at,amount\nA1,paid,2025-03-05,7\n"
    for name, text in (("newer", newer), ("older", older)):
        importing.run(db, examine(write(tmp_path / name, text), "orders"), Options(ZONE))
    assert (order(db, "A1").status, order(db, "A1").amount) == ("shipped", Decimal(7))


def test_refused_lines_are_told_and_come_back_mended(
    shop: Path, sqlite_db: Database, tmp_path: Path
) -> None:
    text = (
        "订单号\t状态\t付款时间\t金额\t手机\n"
        "A1\t已付款\t2025-03-05\t10\t1\n"
        "A2\t飞走了\t2025-03-05\t10\t1\n"
        "A3\t已付款\t昨天\t10\t1\n"
        "A4\t已付款\t2025-03-05\t很多\t1\n"
        "\t已付款\t2025-03-05\t10\t1\n"
        f"A6\t已付款\t2025-03-05\t10\t{'1' * 41}\n"
    )
    file, bad = write(tmp_path / "orders.tsv", text), tmp_path / "bad.csv"
    words = ("import", "orders", str(file), "--config", str(shop))
    dry = xiaoer(*words, "--dry-run", "--json", language="zh_CN.UTF-8")
    assert (dry.returncode, json.loads(dry.stdout)["stored"], count(sqlite_db, Order)) == (1, 1, 0)
    done = xiaoer(*words, "--errors", str(bad), language="zh_CN.UTF-8")
    assert (done.returncode, done.stdout) == (1, "")
    assert "第 3 行: status：不认识的状态 '飞走了'" in done.stderr
    assert "第 4 行: paid_at：'昨天' 不是日期时间" in done.stderr
    assert "第 5 行: amount：'很多' 不是数字" in done.stderr
    assert "第 6 行: order_id：不能为空" in done.stderr
    assert "第 7 行: customer.phone：太长" in done.stderr
    assert count(sqlite_db, Order) == 1
    again = xiaoer(*words, "--errors", str(bad), "--again")
    assert "exists. Choose another name" in again.stderr
    mended = (
        bad.read_text(encoding="utf-8-sig")
        .replace("飞走了", "已付款")
        .replace("昨天", "2025-03-06")
    )
    assert mended.splitlines()[0] == "line,reason,订单号,状态,付款时间,金额,手机"
    second = write(tmp_path / "mended.csv", mended)
    told = xiaoer("import", "orders", str(second), "--json", "--config", str(shop))
    assert (json.loads(told.stdout)["stored"], json.loads(told.stdout)["refused"]) == (2, 3)
    assert "line 4: amount '很多' is no number" in told.stderr
    assert count(sqlite_db, Order) == 3


def test_killed_it_goes_on_and_refuses_no_line_twice(
    sqlite_db: Database, sqlite_url: str, tmp_path: Path
) -> None:
    file, bad = many(tmp_path / "orders.csv", 400, bad=(7, 123, 390)), tmp_path / "bad.csv"
    program = f"""
import os, signal
from pathlib import Path
from zoneinfo import ZoneInfo
from bot.shop.sources import importing
from bot.shop.sources.csv_file import examine
from storage.db import Database

calls = []
def die(original):
    def write(self, refused):
        calls.append(1)
        result = original(self, refused)
        if len(calls) == 3:  # what is refused is written, and not yet committed
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return write

importing._Refusals.write = die(importing._Refusals.write)
options = importing.Options(ZoneInfo("UTC"), errors=Path({str(bad)!r}))
importing.run(Database({sqlite_url!r}), examine(Path({str(file)!r}), "orders"), options)
"""
    died = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=120, check=False)
    assert died.returncode == -signal.SIGKILL
    assert count(sqlite_db, Order) == 2 * importing.AT_ONCE - 1
    assert bad.read_text(encoding="utf-8-sig").count("soon,") == 2
    table, options = examine(file, "orders"), Options(ZoneInfo("UTC"), errors=bad)
    done = importing.run(sqlite_db, table, options)
    assert (done.resumed_at, done.rows, done.stored, done.refused) == (100, 400, 397, 3)
    refused = [line.split(",")[0] for line in bad.read_text(encoding="utf-8-sig").splitlines()]
    assert refused == ["line", "8", "124", "391"]
    assert (count(sqlite_db, Order), count(sqlite_db, Customer)) == (397, 0)
    assert importing.run(sqlite_db, table, options).was_done


def test_ctrl_c_tells_how_to_go_on(
    shop: Path, sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = many(tmp_path / "orders.csv", 120)
    words = ("import", "orders", str(file), "--json", "--config", str(shop))
    store, calls = importing._store, []

    def interrupted(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        store(*arguments)

    monkeypatch.setattr(importing, "_store", interrupted)
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's job ignores it
    stopped = xiaoer(*words)
    signal.signal(signal.SIGINT, usual)
    assert (stopped.returncode, stopped.stdout) == (130, "")
    assert "Run the same command again" in stopped.stderr
    assert 50 <= count(sqlite_db, Order) < 120
    summary = json.loads(xiaoer(*words).stdout)
    assert (summary["rows"], summary["stored"], count(sqlite_db, Order)) == (120, 120, 120)
    assert summary["resumed_at"] in (50, 100)
    assert "imported before" in xiaoer(*words).stderr


def test_a_service_on_the_same_file_is_let_through(
    shop: Path, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(importing, "sleep", pauses.append)
    words = ("import", "orders", "--json", "--config", str(shop))
    lock = hold(sqlite_url)
    assert lock is not None
    beside = xiaoer(*words, str(many(tmp_path / "a.csv", 60)))
    lock.release()
    alone = xiaoer(*words, str(many(tmp_path / "b.csv", 61)))
    assert [json.loads(one.stdout)["stored"] for one in (beside, alone)] == [60, 61]
    assert pauses == [0.12] * 3 + [0.0] * 2


def test_products(db: Database, tmp_path: Path) -> None:
    text = (
        "货号,商品名称,价格,库存,尺码表,洗护,产地\n"
        'S1,羊毛围巾,99.5,12,"S: 150 cm, L: 180 cm",冷水手洗,内蒙古\n'
        "S2,手套,abc,1,,,\n"
    )
    table = examine(write(tmp_path / "p.csv", text), "products")
    done = importing.run(db, table, Options(ZONE))
    assert (done.stored, done.refused) == (1, 1)
    found = db.run(lambda session: session.exec(select(Product)).one())
    assert (found.sku, found.price, found.stock) == ("S1", Decimal("99.50"), 12)
    assert found.attributes == {
        "size_chart": "S: 150 cm, L: 180 cm", "care": "冷水手洗", "产地": "内蒙古",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"colour,size\nred,1\n", "no column 'order_id'. Its columns are: colour, size"),
        (b"", "no column 'order_id'"),
        (b"order_id\n\xff\xff\xff\n", "neither UTF-8 nor GB18030"),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(FileRefused, match=said):
        examine(tmp_path / "x.csv", "orders")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    line = "N{0},paid," + "x" * 4000 + "\n"
    text = "order_id,status,remark\n" + "".join(line.format(number) for number in range(2000))
    file = write(tmp_path / "orders.csv", text)
    tracemalloc.start()
    done = importing.check(examine(file, "orders"), ZONE)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (done.stored, file.stat().st_size > 8_000_000) == (2000, True)
    assert most < 4_500_000  # two blocks of the file, by which it is examined, and little else
