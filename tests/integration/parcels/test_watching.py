"""Platforms are asked over HTTP, or push, and what they tell takes effect once."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from fastapi import FastAPI
from fastapi.testclient import TestClient
from rich.console import Console
from sqlmodel import Session, select

from bot import app
from bot.config import ROOT, load
from bot.core.clock import now
from bot.core.events import ParcelMoved
from bot.logistics import checkup
from bot.logistics.carrier import Carrier, Wanted
from bot.logistics.carriers import accounts
from bot.logistics.checkup import CarrierWrong
from bot.logistics.posting import CarrierUnreachable, Client
from bot.logistics.watching import Watcher, next_ask
from bot.setup import doctor
from bot.web.carriers import MAX_BYTES, carriers_router
from storage.db import Database
from storage.models.orders import Parcel, TrackingEvent, parcel_by_tracking
from storage.models.parcels import claim_asks
from storage.models.sources import SourceState, seen_state
from tests.doubles.carriers import CUSTOMER, KEY, Call, Kuaidi100, Track17, running
from tests.support.world import told

DAYS = timedelta(days=30)
START = datetime(2026, 3, 6, 12, tzinfo=UTC)
NUMBER = "YT6186594166532"
ADDRESS = {"city": "杭州市", "region": "浙江省", "country": "CN"}
SALT = "a-random-text"


def fixture(name: str) -> Any:
    return json.loads((ROOT / f"tests/fixtures/carriers/{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def kd() -> Iterator[Kuaidi100]:
    platform = Kuaidi100()
    with running(platform):
        yield platform


@pytest.fixture
def t17() -> Iterator[Track17]:
    platform = Track17()
    with running(platform):
        yield platform


def kuaidi100(platform: Kuaidi100, mode: str = "query", **more: Any) -> Carrier:
    section = {
        "name": "kd", "kind": "kuaidi100", "mode": mode, "customer": CUSTOMER, "key": KEY,
        "salt": SALT, "api_base_url": platform.url, **more,
    }  # fmt: skip
    return accounts([section], "https://shop.example")[0]


def track17(platform: Track17, mode: str = "query", **more: Any) -> Carrier:
    section = {
        "name": "t17", "kind": "17track", "mode": mode, "key": KEY, "api_base_url": platform.url,
        **more,
    }  # fmt: skip
    return accounts([section], "https://shop.example")[0]


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    with time_machine.travel(moment, tick=False):
        yield


def run(db: Database, *carriers: Carrier) -> list[float]:
    """Let everything that is due be asked; returns how long it paused."""
    pauses: list[float] = []
    Watcher(db, carriers, DAYS, pauses.append).run({})
    return pauses


def sent(db: Database, number: str = NUMBER, carrier: str = "圆通速递", order: str = "XE1") -> None:
    db.run(
        told,
        "order.shipped",
        order,
        now(),
        carrier=carrier,
        tracking_number=number,
        address=ADDRESS,
    )


def parcel(db: Database, number: str = NUMBER) -> Parcel:
    found = db.run(parcel_by_tracking, number)
    assert found is not None
    return found


def hours(found: datetime | None) -> float | None:
    """In how many hours that is."""
    return None if found is None else round((found - now()).total_seconds() / 3600, 2)


def steps(db: Database) -> int:
    return len(db.run(lambda session: session.exec(select(TrackingEvent)).all()))


def state(db: Database, name: str) -> SourceState:
    found = db.run(seen_state, f"carrier:{name}")
    assert found is not None
    return found


def client(db: Database, *carriers: Carrier) -> TestClient:
    app = FastAPI()
    app.include_router(carriers_router(db, carriers))
    return TestClient(app)


def post(http: TestClient, name: str, call: Call) -> tuple[int, Any]:
    answer = http.post(f"/carriers/{name}", content=call[0], headers=call[1])
    return answer.status_code, answer.json() if answer.content else None


def test_kuaidi100_is_asked_until_the_parcel_is_there(db: Database, kd: Kuaidi100) -> None:
    carrier, whole = kuaidi100(kd), fixture("kuaidi100_query")
    heard: list[str] = []
    db.bus.on(ParcelMoved, lambda _session, event: heard.append(event.status))
    with at(START):
        sent(db)
        run(db, carrier)
        assert (parcel(db).failures, hours(parcel(db).ask_at)) == (1, 2)  # nothing known yet
        assert "last heard" in checkup.check(db, carrier)
    kd.parcels[NUMBER] = {**whole, "state": "0", "data": whole["data"][3:]}
    with at(START + timedelta(hours=13)):
        run(db, carrier)
        run(db, carrier)  # not due
        assert (parcel(db).status, hours(parcel(db).ask_at)) == ("in_transit", 3)
    kd.parcels[NUMBER] = whole
    with at(START + timedelta(days=2)):
        run(db, carrier)
        assert (parcel(db).status, parcel(db).ask_at) == ("delivered", None)
    assert heard == ["in_transit", "delivered"]
    assert steps(db) == 5
    paths = [path for path, _ in kd.asked]
    assert paths == ["/poll/query.do"] * 3
    assert kd.asked[0][1] == {
        "com": "yuantong", "num": NUMBER, "to": "杭州市", "resultv2": "4", "order": "desc",
    }  # fmt: skip


def test_the_end_of_the_phone_is_told_where_it_is_needed(
    sqlite_db: Database, kd: Kuaidi100
) -> None:
    sent(sqlite_db, "SF1234567890123", "顺丰速运")
    kd.parcels["SF1234567890123"] = fixture("kuaidi100_query")
    run(sqlite_db, kuaidi100(kd))
    assert kd.asked[0][1]["phone"] == "8888"
    assert parcel(sqlite_db, "SF1234567890123").status == "delivered"


def test_kuaidi100_pushes(db: Database, kd: Kuaidi100) -> None:
    carrier = kuaidi100(kd, "push")
    sent(db)
    run(db, carrier)
    assert kd.watched[NUMBER]["callbackurl"] == "https://shop.example/carriers/kd"
    assert (parcel(db).ask_at, parcel(db).carrier_account) == (None, "kd")
    last = {**fixture("kuaidi100_query"), "nu": NUMBER}
    call = kd.call(NUMBER, {"status": "shutdown", "lastResult": last})
    http = client(db, carrier)
    thanks = {"result": True, "returnCode": "200", "message": "成功"}
    assert [post(http, "kd", call) for _ in range(2)] == [(200, thanks)] * 2
    assert (parcel(db).status, steps(db)) == ("delivered", 5)


def test_what_the_platform_gave_up_is_subscribed_again(sqlite_db: Database, kd: Kuaidi100) -> None:
    carrier = kuaidi100(kd, "push")
    sent(sqlite_db)
    run(sqlite_db, carrier)
    gave_up = {
        "status": "abort",
        "message": "3天查询无记录",
        "lastResult": {"nu": NUMBER, "data": []},
    }
    post(client(sqlite_db, carrier), "kd", kd.call(NUMBER, gave_up))
    assert hours(parcel(sqlite_db).ask_at) == 24
    with at(now() + timedelta(hours=25)):
        run(sqlite_db, carrier)
    assert [path for path, _ in kd.asked] == ["/poll"] * 2
    assert parcel(sqlite_db).ask_at is None


def test_a_changed_byte_is_refused_and_nothing_stored(
    sqlite_db: Database, kd: Kuaidi100, t17: Track17
) -> None:
    carriers = kuaidi100(kd, "push"), track17(t17, "push")
    kd.watched[NUMBER] = {"salt": SALT}
    calls = {
        "kd": kd.call(NUMBER, {"lastResult": {**fixture("kuaidi100_query"), "nu": NUMBER}}),
        "t17": t17.call(fixture("track17")),
    }
    with client(sqlite_db, *carriers) as http:
        for name, (body, headers) in calls.items():
            for place in range(len(body) - 100, len(body), 9):
                changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
                assert post(http, name, (changed, headers))[0] == 401
            assert post(http, name, (body, {}))[0] == (200 if name == "kd" else 401)
        assert http.post("/carriers/none").status_code == 404
        assert http.post("/carriers/kd", content=b"x" * (MAX_BYTES + 1)).status_code == 413
    assert parcel(sqlite_db).status == "delivered"
    assert sqlite_db.run(parcel_by_tracking, "RR123456789CN") is None


def test_what_is_signed_and_makes_no_sense_is_told_by_doctor(
    sqlite_db: Database, t17: Track17
) -> None:
    carrier = track17(t17, "push")
    with client(sqlite_db, carrier) as http:
        assert post(http, "t17", t17.call({"event": "TRACKING_UPDATED"})) == (200, {"code": 0})
    with pytest.raises(CarrierWrong, match="there is no data"):
        checkup.check(sqlite_db, carrier)


def test_17track_registers_then_is_asked_for_many_at_once(db: Database, t17: Track17) -> None:
    carrier = track17(t17)
    numbers = [f"RR{number:09}CN" for number in range(45)]
    for place, number in enumerate(numbers):
        sent(db, number, "USPS" if place == 0 else "", f"XE{place}")
    t17.parcels[numbers[0]] = {**fixture("track17")["data"], "number": numbers[0]}
    assert len(run(db, carrier)) == 2  # one pause for each request, at most 40 in one
    assert [len(asked) for _, asked in t17.asked] == [40, 5]
    assert t17.watched[numbers[0]] == {"number": numbers[0], "carrier": 21051}
    with at(now() + timedelta(minutes=11)):
        run(db, carrier)
        assert (parcel(db, numbers[0]).status, hours(parcel(db, numbers[0]).ask_at)) == (
            "out_for_delivery",
            12,
        )
        assert (parcel(db, numbers[1]).status, hours(parcel(db, numbers[1]).ask_at)) == ("", 3)


def test_17track_pushes_and_arrivals_are_found(db: Database, t17: Track17) -> None:
    carrier = track17(t17, "push")
    address = {"city": "Portland", "region": "OR", "country": "US"}
    number = "RR123456789CN"
    db.run(told, "order.shipped", tracking_number=number, address=address)
    run(db, carrier)
    call = fixture("track17")
    events = call["data"]["track_info"]["tracking"]["providers"]
    events[0]["events"] = events[0]["events"][1:]
    status, _ = post(client(db, carrier), "t17", t17.call(call))
    assert (status, parcel(db, number).status) == (200, "arrived_city")
    assert parcel(db, number).carrier == "USPS"


def test_an_account_that_is_refused_is_left_alone_ever_longer(
    sqlite_db: Database, kd: Kuaidi100
) -> None:
    wrong = kuaidi100(kd, key="another-key")
    sent(sqlite_db)
    moment, pauses = now(), []
    for _ in range(7):
        with at(moment):
            run(sqlite_db, wrong)
            due = state(sqlite_db, "kd").due_at
            assert due is not None
            pauses.append(round((due - now()).total_seconds() / 60))
        moment += timedelta(minutes=pauses[-1] + 41)
    assert pauses == [2, 4, 8, 16, 32, 60, 60]
    assert parcel(sqlite_db).failures == 0
    with pytest.raises(CarrierWrong, match="×7: 快递100 refuses: 503"):
        checkup.check(sqlite_db, wrong)
    kd.parcels[NUMBER] = fixture("kuaidi100_query")
    with at(moment):
        run(sqlite_db, kuaidi100(kd))
        assert state(sqlite_db, "kd").failures == 0
        assert "last heard" in checkup.check(sqlite_db, wrong)


@pytest.mark.parametrize("status", [0, 429, 500, 302])
def test_what_fails_on_the_way_is_asked_again(
    sqlite_db: Database, kd: Kuaidi100, status: int
) -> None:
    carrier = kuaidi100(kd)
    kd.parcels[NUMBER] = fixture("kuaidi100_query")
    kd.failing = [status]
    sent(sqlite_db)
    run(sqlite_db, carrier)
    assert (parcel(sqlite_db).status, state(sqlite_db, "kd").failures) == ("", 1)
    with at(now() + timedelta(minutes=41)):
        run(sqlite_db, carrier)
    assert (parcel(sqlite_db).status, state(sqlite_db, "kd").failures) == ("delivered", 0)


def test_a_number_that_is_none_is_asked_about_no_more(sqlite_db: Database, t17: Track17) -> None:
    sent(sqlite_db, "??12345")
    run(sqlite_db, track17(t17))
    assert (parcel(sqlite_db, "??12345").ask_at, parcel(sqlite_db, "??12345").failures) == (None, 1)


def test_each_parcel_goes_to_who_knows_its_carrier(
    db: Database, kd: Kuaidi100, t17: Track17
) -> None:
    for number, carrier in (
        ("ZT00000001", "中通快递"),
        ("US00000001", "Royal Mail"),
        ("AA00000001", ""),
    ):
        sent(db, number, carrier, f"X{number}")
    db.run(told, "order.shipped", "XE7", tracking_number="XE7")  # its own number is not known yet
    run(db, track17(t17), kuaidi100(kd))
    found = db.run(
        lambda session: list(session.exec(select(Parcel).order_by(Parcel.tracking_number)))
    )
    assert [(one.tracking_number, one.carrier_account) for one in found] == [
        ("AA00000001", "t17"),
        ("US00000001", "t17"),
        ("XE7", ""),
        ("ZT00000001", "kd"),
    ]


def test_another_process_asks_nothing_meanwhile(db: Database, kd: Kuaidi100) -> None:
    carrier = kuaidi100(kd)
    sent(db)
    sent(db, "YT6186594166533", order="XE2")
    kd.parcels[NUMBER] = fixture("kuaidi100_query")
    other = Watcher(db, [carrier], DAYS)
    Watcher(db, [carrier], DAYS, lambda _seconds: other.run({})).run({})
    assert sorted(param["num"] for _, param in kd.asked) == [NUMBER, "YT6186594166533"]


def test_two_processes_claim_different_parcels(postgres_url: str) -> None:
    db = Database(postgres_url)
    for place in range(3):
        sent(db, f"YT000000000000{place}", order=f"XE{place}")
    lease = timedelta(minutes=40)
    with Session(db.engine) as first:
        mine = [one.id for one, _ in claim_asks(first, "", 2, lease)]
        others = [one.id for one, _ in db.run(claim_asks, "", 9, lease)]
        first.commit()
    assert (len(mine), len(others), set(mine) & set(others)) == (2, 1, set())
    assert db.run(claim_asks, "", 9, lease) == []
    db.close()


def test_old_parcels_are_let_go(sqlite_db: Database, kd: Kuaidi100) -> None:
    sent(sqlite_db)
    with at(now() + DAYS + timedelta(days=1)):
        run(sqlite_db, kuaidi100(kd))
    assert (kd.asked, parcel(sqlite_db).ask_at) == ([], None)


def test_old_orders_that_are_imported_cost_nothing(sqlite_db: Database, kd: Kuaidi100) -> None:
    sqlite_db.run(
        told, "order.shipped", "XE1", now() - DAYS - timedelta(days=1),
        carrier="圆通", tracking_number=NUMBER,
    )  # fmt: skip
    run(sqlite_db, kuaidi100(kd))
    assert (kd.asked, parcel(sqlite_db).ask_at) == ([], None)


def test_an_account_that_is_gone_leaves_its_parcels(
    db: Database, kd: Kuaidi100, t17: Track17
) -> None:
    sent(db)
    run(db, kuaidi100(kd, "push"))
    assert parcel(db).carrier_account == "kd"
    run(db, track17(t17, "push"))
    assert (parcel(db).carrier_account, list(t17.watched)) == ("t17", [NUMBER])


def test_of_a_call_in_part_wrong_the_rest_is_taken(sqlite_db: Database) -> None:
    secret = "0123456789abcdef"
    own = accounts([{"name": "own", "kind": "generic", "secret": secret}], "https://shop.example")
    steps = [
        {"tracking_number": "AB123", "status": status, "at": f"2026-03-05T1{hour}:00:00+08:00"}
        for hour, status in enumerate(("collected", "lost", "delivered"))
    ]
    heard: list[str] = []
    sqlite_db.bus.on(ParcelMoved, lambda _session, event: heard.append(event.status))
    body = json.dumps(steps).encode()
    sign = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    http = client(sqlite_db, *own)
    assert post(http, "own", (body, {"X-Signature": sign})) == (200, {"ok": True})
    assert (parcel(sqlite_db, "AB123").status, heard) == ("delivered", ["delivered"])
    with pytest.raises(CarrierWrong, match="the status 'lost' is not known"):
        checkup.check(sqlite_db, own[0])


def test_the_service_asks_and_doctor_looks(
    sqlite_url: str, tmp_path: Path, kd: Kuaidi100, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    text = f'[shop]\nname = "x"\n[database]\nurl = "{sqlite_url}"\n[[carriers]]\nname = "kd"\n'
    text += 'kind = "kuaidi100"\nmode = "query"\nkey = "another-key"\n'
    config.write_text(text + f'customer = "C"\napi_base_url = "{kd.url}"\n', encoding="utf-8")
    service = app.build(load(config))
    try:
        sent(service.db)
        jobs = service.engine._jobs
        for name in ("ask-carriers", "find-stuck-parcels", "learn-from-parcels"):
            jobs[name].run({})
    finally:
        service.answerer.close()
        service.db.close()
    doctor(config, Console(width=300))
    said = capsys.readouterr().out
    assert "✗ carrier 物流平台 kd: " in said
    assert "快递100 refuses: 503" in said


def test_the_rhythm() -> None:
    def pause(status: str, quiet: float = 0, age: float = 2) -> float | None:
        begun, status_at = START - timedelta(days=age), START - timedelta(days=quiet)
        return_at = next_ask(status, status_at, begun, START, DAYS)
        return None if return_at is None else (return_at - START).total_seconds() / 3600

    assert [pause(one) for one in ("", "collected", "in_transit", "arrived_city")] == [3, 3, 3, 2]
    assert [pause(one) for one in ("out_for_delivery", "exception", "returning")] == [1, 6, 12]
    assert (pause("delivered"), pause("in_transit", age=31)) == (None, None)
    assert (pause("out_for_delivery", quiet=6), pause("returning", quiet=6)) == (12, 12)


def test_an_answer_has_a_size_and_a_time(kd: Kuaidi100) -> None:
    kd.parcels["AB123"] = {"status": "200", "data": "x" * (6 << 20)}
    carrier, one = kuaidi100(kd), [Wanted("AB123", "zto")]
    slow = iter((0.0, 31.0))
    for client, why in (
        (carrier.client(), "too much"),
        (Client(kd.url, lambda: next(slow)), "half"),
    ):
        with pytest.raises(CarrierUnreachable, match=why):
            carrier.ask(client, one)
    with pytest.raises(CarrierUnreachable, match="no JSON"):
        carrier.client().post("/nothing", form={"a": "b"})


def test_a_poisoned_text_is_stored_as_words(db: Database, t17: Track17) -> None:
    carrier = track17(t17, "push")
    call = fixture("track17")
    call["data"]["track_info"]["tracking"]["providers"][0]["events"][0]["description"] = (
        "a\x00b" * 999
    )
    assert post(client(db, carrier), "t17", t17.call(call))[0] == 200

    def texts(session: Session) -> list[str]:
        return [one.text for one in session.exec(select(TrackingEvent))]

    longest = max(db.run(texts), key=len)
    assert (len(longest), longest[:7]) == (500, "a ba ba")
