"""What customers send besides text: kept with the message, fetched after the commit."""

import secrets
from typing import Any

from tests.doubles.wechat_official import OfficialAccount
from tests.support.service import Service
from tests.support.telegram import in_chat
from tests.support.waiting import until
from tests.support.wechat import Follower, conversation

JPEG = b"\xff\xd8\xff\xe0" + b"photo" * 100


def carried(shop: Service, openid: str, wanted: str) -> list[dict[str, Any]]:
    """The chat's attachments, when all have come as far as `wanted`."""
    mine = conversation(shop, openid)

    def found() -> list[dict[str, Any]]:
        listed = shop.desk("GET", f"/conversations/{mine}/messages").json()["messages"]
        all_of = [at for one in listed for at in one["attachments"]]
        return all_of if all(one["stage"] == wanted for one in all_of) else []

    return until(found)  # type: ignore[no-any-return]


def test_photos_voices_and_videos_are_kept(shop: Service, service_account: OfficialAccount) -> None:
    customer = Follower(service_account)
    files = {
        "image": service_account.add_media(JPEG, "image/jpeg"),
        "voice": service_account.add_media(b"#!AMR" + b"v" * 50, "audio/amr", kind="voice"),
        "video": service_account.add_media(b"film" * 40, "video/mp4", kind="video"),
    }
    who = customer.openid
    service_account.message(who, "image", MediaId=files["image"], PicUrl="http://x").result()
    service_account.message(
        who, "voice", MediaId=files["voice"], Format="amr", Recognition="怎么退货"
    ).result()
    assert "7 天" in customer.next()
    service_account.message(who, "shortvideo", MediaId=files["video"], ThumbMediaId="t").result()
    kept = carried(shop, who, "kept")
    assert [one["kind"] for one in kept] == ["photo", "voice", "video"]
    contents = [shop.desk("GET", one["url"].removeprefix("/api/v1")).content for one in kept]
    assert contents == [JPEG, b"#!AMR" + b"v" * 50, b"film" * 40]
    assert ("customer", "怎么退货") in in_chat(shop, who)


def test_a_file_that_is_gone_is_said_to_be(shop: Service, service_account: OfficialAccount) -> None:
    customer = Follower(service_account)
    service_account.message(
        customer.openid, "image", MediaId="gone-" + secrets.token_hex(4)
    ).result()
    assert carried(shop, customer.openid, "refused")


def test_places_and_links_are_read(shop: Service, service_account: OfficialAccount) -> None:
    customer = Follower(service_account)
    service_account.message(
        customer.openid, "location", Location_X="30.27", Location_Y="120.15", Scale=15, Label="西湖"
    ).result()
    (place,) = carried(shop, customer.openid, "none")
    assert (place["kind"], place["name"]) == ("location", "西湖")
    service_account.message(
        customer.openid, "link", Title="这件", Description="d", Url="https://shop.example/1"
    ).result()
    until(lambda: any("这件" in text for _, text in in_chat(shop, customer.openid)))
