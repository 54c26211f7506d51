"""Photos, albums, voice messages and documents: kept with the message, fetched after the commit."""

import time
from itertools import count
from typing import Any

import httpx
import pytest

from bot.desk.passes import COOKIE
from tests.doubles.telegram import TelegramDouble
from tests.integration.telegram.test_conversation import messages, waiting
from tests.support.service import Service
from tests.support.telegram import Customer
from tests.support.waiting import until

IDS = count(40_001)
JPEG = b"\xff\xd8\xff\xe0" + b"photo" * 100


@pytest.fixture
def customer(telegram: TelegramDouble, telegram_shop: Service) -> Customer:
    mine = next(IDS)
    return Customer(telegram, mine, name=f"媒体{mine}")


def photo(file_id: str) -> dict[str, Any]:
    sizes = [(90, 60, f"{file_id}-small"), (1280, 960, file_id)]
    return {
        "photo": [
            {"file_id": name, "file_unique_id": name, "width": w, "height": h, "file_size": 504}
            for w, h, name in sizes
        ]
    }


def document(file_id: str, name: str, mime: str, size: int = 10) -> dict[str, Any]:
    return {
        "document": {
            "file_id": file_id, "file_unique_id": file_id, "file_name": name, "mime_type": mime,
            "file_size": size,
        }
    }  # fmt: skip


def theirs(shop: Service, customer: Customer) -> list[dict[str, Any]]:
    """The customer's messages, brought before an agent."""
    customer.say("转人工")
    mine = waiting(shop, customer)
    return [one for one in messages(shop, mine) if one["from"] == "customer"][:-1]


def attachments(shop: Service, customer: Customer, wanted: str) -> list[dict[str, Any]]:
    """Their attachments, when all have come as far as `wanted`."""
    mine = waiting(shop, customer)

    def found() -> list[dict[str, Any]]:
        all_of = [at for one in messages(shop, mine) for at in one["attachments"]]
        return all_of if all(one["stage"] == wanted for one in all_of) else []

    return until(found)  # type: ignore[no-any-return]


def test_an_album_is_one_message_and_its_question_is_answered(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    telegram.api.files |= {f"a{n}": JPEG + bytes([n]) for n in range(3)}
    album = f"album-{customer.id}"
    parts = [customer.message(**photo(f"a{n}"), media_group_id=album) for n in range(3)]
    parts[0]["message"]["caption"] = "怎么退货"
    telegram.push(*parts, parts[1])
    assert "7 天" in customer.next()
    (stored,) = theirs(telegram_shop, customer)
    assert stored["text"] == "怎么退货"
    assert [one["kind"] for one in stored["attachments"]] == ["photo"] * 3
    kept = attachments(telegram_shop, customer, "kept")
    contents = {
        telegram_shop.desk("GET", one["url"].removeprefix("/api/v1")).content for one in kept
    }
    assert contents == {JPEG + bytes([n]) for n in range(3)}
    first = telegram_shop.desk("GET", kept[0]["url"].removeprefix("/api/v1"))
    assert first.headers["content-type"] == "image/jpeg"
    assert first.headers["content-disposition"].startswith("inline")
    assert "sandbox" in first.headers["content-security-policy"]
    number = kept[0]["id"]
    for cookies in ({}, {COOKIE: "x"}):
        url = f"{telegram_shop.url}/desk/files/{number}"
        answer = httpx.get(url, cookies=cookies)
        assert (answer.status_code, answer.content) == (303, b"")
        assert answer.headers["location"].startswith("/desk/login")


def test_a_photo_waits_for_its_words(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    telegram.api.files["p"] = JPEG
    customer.say(**photo("p"))
    customer.say("怎么退货")
    assert "7 天" in customer.next()
    customer.say(**photo("p"))
    assert "哪方面" in customer.next(), "no word came"
    time.sleep(0.5)
    assert len(customer.got) == 2


def test_everything_else_that_comes(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    telegram.api.files |= {"v": b"OggS voice", "d": b"%PDF-1.7 x"}
    voice = {"file_id": "v", "file_unique_id": "v", "duration": 3, "mime_type": "audio/ogg"}
    customer.say(voice=voice)
    assert "哪方面" in customer.next()
    customer.say(**document("d", "../../发票<b>.pdf", "application/pdf"))
    assert "哪方面" in customer.next()
    customer.say(location={"latitude": 30.25, "longitude": 120.16})
    assert "哪方面" in customer.next()
    sticker = {
        "file_id": "s", "file_unique_id": "s", "type": "regular", "width": 1, "height": 1,
        "is_animated": False, "is_video": False, "emoji": "👍",
    }  # fmt: skip
    customer.say(sticker=sticker)
    assert "随时叫我" in customer.next(), "a thumb up is what it says"
    before = customer.say("第一句话在这里？")
    customer.next()
    customer.say("怎么退货", reply_to_message={**before})
    customer.next()
    found = theirs(telegram_shop, customer)
    carried = [(at["kind"], at["name"], at["about"]) for one in found for at in one["attachments"]]
    assert carried == [
        ("voice", "", ""),
        ("document", "../../发票<b>.pdf", ""),
        ("location", "", "30.250000,120.160000"),
        ("sticker", "", ""),
    ]
    assert found[-1]["reply_to"] == found[-2]["seq"]
    mine = waiting(telegram_shop, customer)
    until(
        lambda: [
            at["stage"] for one in messages(telegram_shop, mine) for at in one["attachments"]
        ] == ["kept", "kept", "none", "none"]
    )  # fmt: skip
    names = [path.name for path in (telegram_shop.folder / "files").rglob("*") if path.is_file()]
    assert any(name.endswith(".pdf") for name in names)
    assert not any("发票" in name for name in names)


def test_what_is_too_large_or_of_a_dangerous_kind_is_not_kept(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    telegram.api.files |= {"big": b"x" * (21 << 20), "html": b"<script>", "fake": b"<svg onload=x>"}
    customer.say(**document("big", "film.mp4", "video/mp4", 21 << 20))
    assert "太大" in customer.next()
    customer.say(**document("big", "small.mp4", "video/mp4", 100), caption="怎么退货")  # it lies
    customer.next()
    customer.say(**document("html", "a.html", "text/html"), caption="怎么退货")
    customer.next()
    customer.say(**document("fake", "a.png", "image/png"), caption="怎么退货")
    customer.next()
    customer.say(**document("gone", "a.pdf", "application/pdf"), caption="怎么退货")
    customer.next()
    theirs(telegram_shop, customer)
    assert len(attachments(telegram_shop, customer, "refused")) == 5
    assert telegram.called("getFile")
    assert all(one.data["file_id"] != "film" for one in telegram.called("getFile"))


def test_a_reply_to_what_the_bot_said(
    telegram: TelegramDouble, telegram_shop: Service, customer: Customer
) -> None:
    customer.ask("怎么退货")
    number = max(n for chat, n in telegram.api.messages if chat == str(customer.id))
    said = {
        "message_id": number, "date": 1, "chat": customer.chat, "text": "…",
        "from": {"id": 1, "is_bot": True, "first_name": "Xiaoer"},
    }  # fmt: skip
    customer.say("几天能到？", reply_to_message=said)
    customer.next()
    customer.say("转人工")
    stored = messages(telegram_shop, waiting(telegram_shop, customer))
    answer = next(one for one in stored if one["from"] == "bot")
    question = next(one for one in stored if one["text"] == "几天能到？")
    assert question["reply_to"] == answer["seq"]
