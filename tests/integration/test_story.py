"""The main job, end to end over HTTP: orders, parcels, people, and what survives kill -9."""

import random
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.chat import Chat
from tests.support.service import Service
from tests.support.waiting import until


def order_event(number: str, phone: str, kind: str = "order.paid", **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "type": kind,
        "occurred_at": datetime.now(UTC).isoformat(),
        "data": {
            "order_id": number,
            "customer": {"id": f"customer of {number}", "name": "测试", "phone": phone},
            "items": [{"sku": "A", "name": "围巾", "quantity": 1, "price": 99}],
            "amount": 99,
            "currency": "CNY",
            **more,
        },
    }


def parcel_event(number: str, status: str, **more: Any) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    data = {"order_id": number, "status": status, "text": "快件动态", "place": "杭州", "at": at}
    return {"id": str(uuid4()), "type": "parcel.update", "occurred_at": at, "data": data | more}


@pytest.fixture
def order(service: Service) -> str:
    """A shipped order, phone ending 8888."""
    number = f"T{random.randrange(10**8):08d}"
    shipped = order_event(
        number, "13800008888", "order.shipped", carrier="顺丰速运", tracking_number=f"SF{number}"
    )
    assert service.post_event(order_event(number, "13800008888")).status_code == 202
    assert service.post_event(shipped).status_code == 202
    assert service.post_event(parcel_event(number, "in_transit")).status_code == 202
    return number


@pytest.mark.parametrize("question", ["我的快递到哪了", "where is my parcel"])
def test_where_is_my_parcel_after_linking_and_not_before(
    service: Service, order: str, question: str
) -> None:
    with Chat(service.socket_url) as chat:
        before = chat.ask(question)
        assert f"SF{order}" not in before
        answer = chat.ask(f"{order} 8888")
        assert f"SF{order}" in answer
        assert f"SF{order}" in chat.ask(question)


def test_not_to_another_customer(service: Service, order: str) -> None:
    with Chat(service.socket_url) as owner:
        owner.ask("我的快递到哪了")
        owner.ask(f"{order} 8888")
    other_number = f"T{random.randrange(10**8):08d}"
    service.post_event(order_event(other_number, "13900006666"))
    with Chat(service.socket_url) as other:
        other.ask("我的快递到哪了")
        other.ask(f"{other_number} 6666")
        for attempt in (f"{order}到哪了", "6666", f"{order} 6666", "where is my parcel"):
            assert f"SF{order}" not in other.ask(attempt)


def test_guessing_the_phone_ends_soon(service: Service, order: str) -> None:
    with Chat(service.socket_url) as thief:
        thief.ask("我的快递到哪了")
        for guess in range(5):
            assert f"SF{order}" not in thief.ask(f"{order} {guess:04d}")
        assert f"SF{order}" not in thief.ask(f"{order} 8888"), "locked, even when right"


def test_news_of_a_parcel_reaches_an_open_chat_within_two_seconds(
    service: Service, order: str
) -> None:
    with Chat(service.socket_url) as chat:
        chat.ask("我的快递到哪了")
        chat.ask(f"{order} 8888")
        chat.quiet(0.2)
        for status in ("arrived_city", "delivered"):
            at = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
            started = time.monotonic()
            event = parcel_event(order, status, at=at)
            assert service.post_event(event).status_code == 202
            news = chat.wait_for(type="message", from_="bot", timeout=2) | {"seconds": 0}
            assert time.monotonic() - started < 2
            assert service.post_event(event).status_code == 200
            assert chat.quiet(0.3) == [], f"{status} is told once"
            assert news["text"]


def test_a_person_takes_over_and_the_rating_is_stored(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        chat.ask("转人工")
        waiting = service.desk("GET", "/conversations", params={"state": "waiting"}).json()
        mine = max(_rows(waiting), key=lambda row: row["id"])["id"]
        assert service.desk("POST", f"/conversations/{mine}/take").status_code == 200
        chat.say("你好，我要投诉")
        assert all(frame.get("from") != "bot" for frame in chat.quiet(0.5)), "the bot is silent"
        reply = {"text": "您好，我是小满"}
        assert service.desk("POST", f"/conversations/{mine}/messages", json=reply).is_success
        assert chat.wait_for(type="message", from_="agent")["text"] == "您好，我是小满"
        assert service.desk("POST", f"/conversations/{mine}/resolve").is_success
        survey = chat.wait_for(type="message", from_="bot")
        assert survey["choices"][0]["value"] == "rating:5"
        assert "4" in chat.ask("4")
        chat.ask("客服很耐心")
        assert "7 天" in chat.ask("怎么退货"), "the bot is back"


def _rows(body: Any) -> list[dict[str, Any]]:
    return body if isinstance(body, list) else body["conversations"]


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_kill_9_loses_nothing_that_was_acknowledged(own_service: Service, kills: int) -> None:
    """Kills at random moments under load: every acked message and its answer are there."""
    own_service.start()
    acked: dict[str, dict[str, int]] = {}
    for round_number in range(kills):
        stop = threading.Event()
        threads = [
            threading.Thread(target=_customer, args=(own_service, acked, stop, round_number, n))
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        until(lambda enough=10 * (round_number + 1): _count(acked) >= enough)
        time.sleep(random.random() / 2)
        own_service.kill()
        stop.set()
        for thread in threads:
            thread.join()
        own_service.start()
    for session, ids in acked.items():
        _check_chat(own_service, session, ids)


def _count(acked: dict[str, dict[str, int]]) -> int:
    return sum(len(ids) for ids in list(acked.values()))


def _customer(
    service: Service, acked: dict[str, dict[str, int]], stop: threading.Event, r: int, n: int
) -> None:
    try:
        with Chat(service.socket_url) as chat:
            ids = acked.setdefault(chat.session, {})
            number = 0
            while not stop.is_set() and number < 50:
                ids_now = f"r{r}c{n}m{number}"
                ids[ids_now] = chat.say("怎么退货", ids_now)
                number += 1
    except (ConnectionClosed, OSError, TimeoutError):
        pass


def _check_chat(service: Service, session: str, ids: dict[str, int]) -> None:
    with Chat(service.socket_url, session) as chat:
        newest = 0
        while newest < chat.hello["seq"]:
            newest = chat.receive()["seq"]
        messages = [frame for frame in chat.frames if frame["type"] == "message"]
        stored = {m["seq"]: m for m in messages}
        assert len(stored) == len(messages)
        assert set(ids.values()) <= set(stored), "an acknowledged message is gone"
        authors = [m["from"] for m in messages]
        assert authors == ["customer", "bot"] * (len(authors) // 2), "an answer lost or doubled"
        for client_id, seq in ids.items():
            chat.send({"type": "message", "id": client_id, "text": "怎么退货"})
            assert chat.wait_for(type="ack", id=client_id)["seq"] == seq
        assert [f for f in chat.quiet(0.3) if f["type"] == "message"] == []
