"""When a parcel has come to the customer's city, from what carriers write."""

from dataclasses import dataclass

import pytest

from bot.logistics.arrival import city_of, has_arrived, region_of
from bot.logistics.status import Status


@dataclass(frozen=True)
class Row:
    text: str = ""
    place: str = ""
    status: str = Status.IN_TRANSIT


WUHAN = Row("快件到达【武汉转运中心】", "武汉市")
HANGZHOU = {"city": "杭州市", "region": "浙江省", "country": "CN"}
PORTLAND = {"city": "Portland", "region": "OR", "country": "US"}


@pytest.mark.parametrize(
    ("city", "region", "name"),
    [
        ("杭州市", "浙江省", "杭州"),
        ("杭州", "", "杭州"),
        ("浙江省杭州市余杭区", "", "杭州"),
        ("余杭区", "浙江省杭州市", "杭州"),
        ("浦东新区", "上海市", "上海"),
        ("朝阳区", "", "朝阳区"),
        ("延边朝鲜族自治州", "吉林省", "延边"),
        ("西双版纳傣族自治州", "", "西双版纳"),
        ("锡林郭勒盟", "内蒙古自治区", "锡林郭勒"),
        ("New York City", "NY", "new york"),
        ("São Paulo", "SP", "sao paulo"),
        ("", "浙江省", ""),
    ],
)
def test_the_city_of_an_address(city: str, region: str, name: str) -> None:
    assert city_of({"city": city, "region": region}) == name


def test_the_region_of_an_address() -> None:
    regions = ["浙江省", "广西壮族自治区", "上海市", "浙江省杭州市", "CA", None]
    found = [region_of({"region": region}) for region in regions]
    assert found == ["浙江", "广西", "上海", "浙江", "ca", ""]


@pytest.mark.parametrize(
    ("address", "step"),
    [
        (HANGZHOU, Row("【杭州转运中心】已收入")),
        (HANGZHOU, Row("快件到达杭州市余杭区营业点", "杭州市")),
        (HANGZHOU, Row("已收入", "浙江,杭州市,余杭区")),
        (HANGZHOU, Row("杭州集散中心 到达", "浙江省")),
        (HANGZHOU, Row("【杭州分拨中心】已到达，下一站【余杭营业部】", "杭州分拨中心")),
        (HANGZHOU, Row("Arrived at sorting center", "HANGZHOU, CN")),
        (HANGZHOU, Row("Arrived at the Hangzhou facility")),
        ({"city": "余杭区", "region": "浙江省杭州市"}, Row("到达杭州转运中心")),
        ({"city": "浦东新区", "region": "上海市"}, Row("到达【上海青浦转运中心】")),
        ({"city": "吉林市", "region": "吉林省"}, Row("到达", "吉林省吉林市")),
        ({"city": "延边朝鲜族自治州"}, Row("【延边转运中心】已到达")),
        (PORTLAND, Row("Arrived at USPS Regional Facility", "PORTLAND, OR")),
        (PORTLAND, Row("Arrived at facility in Portland OR 97218")),
        ({"city": "São Paulo"}, Row("Objeto recebido", "SAO PAULO")),
    ],
)
def test_it_has_arrived(address: dict[str, str], step: Row) -> None:
    assert has_arrived(address, [WUHAN], step)


@pytest.mark.parametrize(
    ("address", "step"),
    [
        (HANGZHOU, Row("【武汉转运中心】已发出,下一站 杭州转运中心")),
        (HANGZHOU, Row("快件已在【武汉】装车，准备发往【杭州中转场】", "武汉市")),
        (HANGZHOU, Row("正在前往杭州的路上")),
        (HANGZHOU, Row("已收入", "浙江省")),
        (HANGZHOU, Row("从杭州寄出的快件到达宁波", "宁波市")),
        (HANGZHOU, Row("到达上海杭州路营业点")),
        (HANGZHOU, Row("Departed Wuhan for Hangzhou")),
        (HANGZHOU, Row("In transit to Hangzhou", "WUHAN, CN")),
        (HANGZHOU, Row("离开杭州转运中心")),
        ({"city": "南京"}, Row("到达上海南京东路营业点")),
        ({"city": "吉林市", "region": "吉林省"}, Row("到达", "吉林省长春市")),
        ({"city": "York"}, Row("Arrived", "NEW YORK, NY")),
        (PORTLAND, Row("Arrived at facility", "PORTLAND, ME")),
        (PORTLAND, Row("Arrived at facility", "PORTLANDIA")),
        ({}, Row("到达杭州转运中心")),
        (HANGZHOU, Row("到达【杭州转运中心】", status=Status.COLLECTED)),
        (HANGZHOU, Row("派送中", "杭州市", Status.OUT_FOR_DELIVERY)),
    ],
)
def test_it_has_not_arrived(address: dict[str, str], step: Row) -> None:
    assert not has_arrived(address, [WUHAN], step)


@pytest.mark.parametrize("city", ["上海(浦东", "杭州*", "[宁波", "广州（天河区）"])
def test_a_city_is_no_pattern(city: str) -> None:
    assert not has_arrived({"city": city}, [WUHAN], Row("到达武汉", "武汉市"))
    assert has_arrived({"city": city}, [WUHAN], Row(f"到达{city}营业点"))


def test_a_parcel_from_the_same_city_never_arrives() -> None:
    collected = Row("【杭州滨江】已揽收", "杭州市", Status.COLLECTED)
    hub = Row("到达【杭州转运中心】", "杭州市")
    assert not has_arrived(HANGZHOU, [], hub)  # whence it came is not known
    assert not has_arrived(HANGZHOU, [collected], hub)
    assert not has_arrived(HANGZHOU, [collected, WUHAN], hub)


def test_what_follows_in_the_city_belongs_to_the_arrival() -> None:
    arrived = Row("到达【杭州转运中心】", "杭州市", Status.ARRIVED_CITY)
    leaves = Row("【杭州转运中心】已发出,下一站【余杭营业部】")
    assert has_arrived(HANGZHOU, [WUHAN, arrived], leaves)
    assert not has_arrived(HANGZHOU, [WUHAN, arrived], Row("到达【宁波转运中心】", "宁波市"))
