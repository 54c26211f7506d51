"""What comes to /telegram/{name}: the genuine once each and in order, the rest without a trace."""

import asyncio
import random
import sqlite3
from itertools import count
from typing import Any

import httpx
import pytest

from tests.doubles.telegram import TelegramDouble
from tests.support.service import HTTP, Service
from tests.support.telegram import SECRET, Customer, in_chat
from tests.support.waiting import until

IDS = count(20_001)
HEADER = "X-Telegram-Bot-Api-Secret-Token"


@pytest.fixture
def customer(hooked: TelegramDouble, hooked_shop: Service) -> Customer:
    return Customer(hooked, next(IDS))


def post(shop: Service, body: Any, secret: str | None = SECRET, name: str = "shop") -> int:
    headers = {} if secret is None else {HEADER: secret}
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    url = f"{shop.url}/telegram/{name}"
    return HTTP.post(url, headers=headers, **content).status_code


def test_the_webhook_is_registered_and_answers_come(
    hooked: TelegramDouble, hooked_shop: Service, customer: Customer
) -> None:
    assert hooked.api.webhook.url == f"{hooked_shop.url}/telegram/shop"
    assert hooked.api.webhook.secret == SECRET
    assert set(hooked.api.webhook.allowed) == {
        "message", "edited_message", "callback_query", "message_reaction", "my_chat_member",
        "chat_member",
    }  # fmt: skip
    assert "7 天" in customer.ask("怎么退货")
    assert hooked.called("getUpdates") == []


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", "é"])
def test_a_forged_update_leaves_no_trace(
    hooked_shop: Service, customer: Customer, secret: str | None
) -> None:
    with httpx.Client(timeout=10) as client:
        headers = {} if secret is None else {HEADER: secret.encode()}
        for body in (customer.message("怎么退货"), {}):
            answer = client.post(f"{hooked_shop.url}/telegram/shop", json=body, headers=headers)
            assert (answer.status_code, answer.content) == (401, b"")
        big = client.post(
            f"{hooked_shop.url}/telegram/shop", content=b"[" * (2 << 20), headers=headers
        )
    assert big.status_code == 401
    assert in_chat(hooked_shop, customer.id) == []


def test_what_is_no_update_is_refused_or_left_alone(
    hooked_shop: Service, customer: Customer
) -> None:
    update = customer.message("怎么退货")
    assert post(hooked_shop, update, name="nobody") == 404
    assert post(hooked_shop, update, name="other") == 404, "that bot polls"
    assert post(hooked_shop, b"{") == 400
    assert post(hooked_shop, b"[" * 100_000) == 400
    assert post(hooked_shop, b"[1]") == 400
    assert post(hooked_shop, b'"' + b"x" * (2 << 20) + b'"') == 413
    for odd in (
        {},
        {"update_id": 1, "poll_answer_of_tomorrow": {"x": 1}},
        {"update_id": 2, "message_reaction": {"chat": customer.chat}},
        {"update_id": 3, "message": {"text": "no chat"}},
        {"update_id": 4, "message": 7},
        {"update_id": "five", "callback_query": {"id": "1"}},
        customer.message("", new_chat_title="x"),
        {**customer.message(), "message": {**customer.message("x")["message"], "chat": {"id": -5, "type": "supergroup", "title": "g"}}},
    ):  # fmt: skip
        assert post(hooked_shop, odd) == 200, odd
    assert in_chat(hooked_shop, customer.id) == []


def test_a_replayed_update_has_one_effect(
    hooked: TelegramDouble, hooked_shop: Service, customer: Customer
) -> None:
    update = customer.message("怎么退货")
    assert [post(hooked_shop, update) for _ in range(3)] == [200, 200, 200]
    assert [author for author, _ in in_chat(hooked_shop, customer.id)] == ["customer", "bot"]
    assert "7 天" in customer.next()
    update = customer.message("转人工")
    post(hooked_shop, update)
    customer.next()
    number, data = customer.button("不等了")
    press = customer.pressing(data, number)
    assert [post(hooked_shop, press) for _ in range(3)] == [200, 200, 200]
    assert "不排队" in customer.next()
    query = press["callback_query"]["id"]
    until(
        lambda: (
            len(
                [
                    c
                    for c in hooked.called("answerCallbackQuery")
                    if c.data["callback_query_id"] == query
                ]
            )
            == 3
        )
    )
    said = [text for author, text in in_chat(hooked_shop, customer.id) if author == "customer"]
    assert said == ["怎么退货", "转人工", "不等了，继续问店小二"]


@pytest.mark.parametrize("chats", [10, pytest.param(100, marks=pytest.mark.soak)])
async def test_each_update_three_times_across_many_chats(
    hooked: TelegramDouble, hooked_shop: Service, chats: int
) -> None:
    people = [Customer(hooked, next(IDS)) for _ in range(chats)]
    dice = random.Random(7)
    headers = {HEADER: SECRET}

    async def live(one: Customer, client: httpx.AsyncClient) -> None:
        updates = [one.message(f"怎么退货，第 {n} 次问") for n in range(3)]
        arriving = [0, 1, 2]
        rest = [0, 0, 1, 1, 2, 2]
        dice.shuffle(rest)
        for at in rest:  # a repetition never comes before the first
            arriving.insert(dice.randrange(arriving.index(at) + 1, len(arriving) + 1), at)
        for at in arriving:
            await asyncio.sleep(dice.random() / 50)
            url = f"{hooked_shop.url}/telegram/shop"
            answer = await client.post(url, json=updates[at], headers=headers)
            assert answer.status_code == 200

    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(*(live(one, client) for one in people))
    for one in people:
        stored = in_chat(hooked_shop, one.id)
        assert [text for author, text in stored if author == "customer"] == [
            f"怎么退货，第 {n} 次问" for n in range(3)
        ]
        assert [author for author, _ in stored] == ["customer", "bot"] * 3


def test_telegram_is_told_to_come_again_while_nothing_can_be_stored(
    hooked_shop: Service, customer: Customer
) -> None:
    update = customer.message("怎么退货")
    blocker = sqlite3.connect(hooked_shop.folder / "xiaoer.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        assert post(hooked_shop, update) == 503
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    assert in_chat(hooked_shop, customer.id) == []
    customer.platform.push(update)
    assert "7 天" in customer.next()
    assert len(in_chat(hooked_shop, customer.id)) == 2


def test_names_and_texts_full_of_markup(hooked_shop: Service, customer: Customer) -> None:
    customer.name = "</b><script>alert(1)</script>\u202e\x00" + "长" * 500
    assert customer.ask("<b>怎么退货</i> &amp; _*[x](javascript:1)")
    waiting = customer.ask("转人工")
    assert "人工" in waiting
    listed = hooked_shop.desk("GET", "/conversations").json()["conversations"]
    name = next(one["customer"]["name"] for one in listed if "script" in one["customer"]["name"])
    assert name.startswith("</b><script>")
    assert len(name) <= 64
    assert "\x00" not in name
