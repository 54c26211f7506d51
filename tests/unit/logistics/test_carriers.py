"""What carriers' platforms write becomes our words, from payloads as they are documented."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest

from bot.config import ROOT, ConfigInvalid
from bot.logistics.carrier import Carrier, Told, Unreadable, Wanted
from bot.logistics.carriers import accounts
from bot.logistics.carriers.kuaidi100 import read_steps
from bot.logistics.carriers.track17 import read_parcel, status_of
from bot.logistics.names import carrier_key

PUSHED = {"name": "kd", "kind": "kuaidi100", "key": "key-of-the-shop", "salt": "12345678"}
TRACKED = {"name": "t", "kind": "17track", "key": "key-of-the-shop"}
GENERIC = {"name": "own", "kind": "generic", "secret": "0123456789abcdef"}


def account(section: dict[str, Any]) -> Carrier:
    return accounts([section], "https://shop.example")[0]


def fixture(name: str) -> Any:
    return json.loads((ROOT / f"tests/fixtures/carriers/{name}.json").read_text(encoding="utf-8"))


def way(told: Told) -> list[tuple[str, str, str]]:
    return [(f"{one.at:%m-%d %H:%M}", one.status, one.place) for one in told.steps]


def test_a_query_of_kuaidi100() -> None:
    told = Told("YT1", read_steps("YT1", fixture("kuaidi100_query")))
    assert way(told) == [
        ("03-08 18:01", "delivered", "浙江,杭州市,余杭区"),
        ("03-08 09:12", "out_for_delivery", "浙江,杭州市,余杭区"),
        ("03-07 23:40", "arrived_city", "浙江,杭州市"),
        ("03-07 08:05", "in_transit", "湖北,武汉市"),
        ("03-06 17:30", "collected", "湖北,武汉市,江夏区"),
    ]
    assert told.steps[0].text == "您的快件已签收，签收人：本人"
    assert told.steps[0].at.astimezone(UTC) == datetime(2026, 3, 8, 10, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        *[("0", "in_transit"), ("1", "collected"), ("2", "exception"), ("3", "delivered")],
        *[("4", "returning"), ("5", "out_for_delivery"), ("6", "returning")],
        *[("7", "in_transit"), ("8", "in_transit"), ("13", "exception"), ("14", "exception")],
        *[("304", "delivered"), ("207", "exception"), ("299", "exception"), ("", "in_transit")],
    ],
)
def test_kuaidi100s_state_is_that_of_the_newest_step(state: str, status: str) -> None:
    step = {"time": "2026-03-05 16:33:19", "context": "到达"}
    older = {"time": "2026-03-04 16:33:19", "context": "出发"}
    steps = read_steps("YT1", {"state": state, "data": [step, older]})
    assert [one.status for one in steps] == [status, "in_transit"]


def test_a_push_of_kuaidi100() -> None:
    kd, param = account(PUSHED), json.dumps(fixture("kuaidi100_push"), ensure_ascii=False)
    sign = hashlib.md5((param + "12345678").encode()).hexdigest().upper()
    body = f"sign={sign}&param={quote_plus(param)}".encode()
    assert kd.is_signed({}, body)
    (told,) = kd.read(body)
    assert (told.number, told.again) == ("V030344422", False)
    assert way(told) == [
        ("08-28 16:33", "in_transit", "上海市"),
        ("08-27 23:22", "in_transit", "上海市"),
    ]
    gave_up = json.dumps({"status": "abort", "lastResult": {"nu": "V030344422", "data": []}})
    assert kd.read(f"param={quote_plus(gave_up)}".encode()) == [Told("V030344422", again=True)]


def test_a_webhook_of_17track() -> None:
    told = read_parcel(fixture("track17")["data"])
    assert told.number == "RR123456789CN"
    assert way(told) == [
        ("05-02 21:34", "out_for_delivery", "PORTLAND, OR 97218"),
        ("05-01 16:10", "in_transit", "PORTLAND, OR"),
        ("04-26 12:30", "in_transit", "SHANGHAI"),
        ("04-16 02:00", "collected", "HANGZHOU"),
    ]
    assert read_parcel({"number": "RR123456789CN", "carrier": 3011}) == Told("RR123456789CN")


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("NotFound_Other", None),
        ("InfoReceived", None),
        ("InTransit_PickedUp", "collected"),
        ("InTransit_Arrival", "in_transit"),
        ("InTransit_CustomsRequiringInformation", "exception"),
        ("Expired_Other", "exception"),
        ("AvailableForPickup_Other", "out_for_delivery"),
        ("DeliveryFailure_NoBody", "exception"),
        ("Delivered_Other", "delivered"),
        ("Exception_Returning", "returning"),
        ("Exception_Lost", "exception"),
        ("Whatever_New", "in_transit"),
    ],
)
def test_17tracks_statuses(told: str, status: str | None) -> None:
    assert status_of(told) == status


def test_any_system_by_a_mapping() -> None:
    own = account(
        GENERIC
        | {
            "list": "data",
            "fields": {"tracking_number": "no", "status": "s", "at": "t", "place": "where[0]"},
            "statuses": {"SIGNED": "delivered"},
        }
    )
    step = {"no": "AB123", "s": "SIGNED", "t": "2026-03-05 10:00", "where": ["杭州"]}
    body = json.dumps({"data": [step, {**step, "s": "in_transit", "t": 1772600000}]}).encode()
    first, second = own.read(body)
    assert way(first) == [("03-05 10:00", "delivered", "杭州")]
    assert second.steps[0].at == datetime(2026, 3, 4, 4, 53, 20, tzinfo=UTC)
    signed = hmac.new(b"0123456789abcdef", body, hashlib.sha256).hexdigest()
    assert own.is_signed({"X-Signature": f"sha256={signed}"}, body)


@pytest.mark.parametrize(
    ("section", "body"),
    [
        (PUSHED, b""),
        (PUSHED, b"param=%5B%5D"),
        (PUSHED, b"param=" + b"[" * 5000),
        (PUSHED, b"param=%7B%22lastResult%22%3A%7B%7D%7D"),
        (TRACKED, b"\xff"),
        (TRACKED, b'{"data": {"number": ""}}'),
        (GENERIC, b"{}"),
        (GENERIC, b'{"tracking_number": "AB123", "status": "lost", "at": "2026-03-05"}'),
        (GENERIC, b'{"tracking_number": "AB123", "status": "delivered", "at": "soon"}'),
        (GENERIC, b'{"tracking_number": "AB123", "status": "delivered", "at": "2099-01-01"}'),
    ],
)
def test_what_makes_no_sense_is_named(section: dict[str, Any], body: bytes) -> None:
    with pytest.raises(Unreadable):
        account(section).read(body)


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"kind": "fax", "name": "a"}, "kind: 'fax'"),
        ({"kind": "17track", "name": "a"}, "carriers.0.key: missing"),
        (TRACKED | {"kee": "x"}, "carriers.0.kee: unknown key"),
        (TRACKED | {"name": "a b"}, "carriers.0.name"),
        (PUSHED | {"salt": "short"}, "needs salt"),
        (PUSHED | {"mode": "query"}, "needs customer"),
        (GENERIC | {"fields": {"at": "t"}}, "missing 缺少 status, tracking_number"),
        (GENERIC | {"statuses": {"A": "lost"}}, "carriers.0.statuses"),
    ],
)
def test_a_wrong_section_is_explained(section: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        account(section)
    assert named in str(caught.value)
    assert "[carriers]" in str(caught.value) or "[[carriers]]" in str(caught.value)


def test_accounts_have_names_of_their_own_and_pushes_an_address() -> None:
    with pytest.raises(ConfigInvalid, match="same name"):
        accounts([TRACKED, TRACKED], "https://shop.example")
    with pytest.raises(ConfigInvalid, match="public_url"):
        accounts([TRACKED], "")
    assert accounts([TRACKED | {"mode": "query"}], "")[0].asks


@pytest.mark.parametrize(
    ("name", "number", "key"),
    [
        *[
            ("顺丰速运", "", "sf"),
            ("SF Express", "", "sf"),
            ("圆通速递", "", "yto"),
            ("YTO", "", "yto"),
        ],
        *[
            ("中通快递", "", "zto"),
            ("韵达", "", "yunda"),
            ("申通快递", "", "sto"),
            ("EMS", "", "ems"),
        ],
        *[("京东物流", "", "jd"), ("DHL Express", "", "dhl"), ("UPS", "", "ups")],
        *[("FedEx", "", "fedex"), ("USPS", "", "usps"), ("极兔速递", "", "jtexpress")],
        *[("", "SF1234567890123", "sf"), ("", "1Z999AA10123456784", "ups"), ("", "77", "")],
        ("Post Danmark", "", "postdanmark"),
    ],
)
def test_whose_a_parcel_is(name: str, number: str, key: str) -> None:
    assert carrier_key(name, number) == key


def test_the_shops_own_codes_come_first() -> None:
    kd = account(PUSHED | {"codes": {"某某快递": "mouwl", "zto": "zhongtongguoji"}})
    names = ("某某快递", "中通快递", "顺丰", "别的")
    codes = [kd.code(Wanted("X", carrier_key(name), name)) for name in names]
    assert codes == ["mouwl", "zhongtongguoji", "shunfeng", ""]
