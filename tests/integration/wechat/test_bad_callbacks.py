"""What is not the platform's, or damaged, is refused at once and leaves nothing behind."""

import base64
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import func, select

from storage.models.conversations import Message
from tests.doubles.wechat_crypto import Seal, xml
from tests.doubles.wechat_official import OfficialAccount
from tests.support.service import Service
from tests.support.telegram import in_chat
from tests.support.waiting import until
from tests.support.wechat import KEY, OLD_KEY, TOKEN, Follower, post, states, text_of

Change = Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]]
AT_ONCE = 0.05
"""Seconds of the service's processor that a refusal may take; a quiet machine takes a tenth."""
TIMES = 5
Post = Callable[[], httpx.Response]


def at_once(shop: Service, call: Post) -> list[httpx.Response]:
    """The answers to `TIMES` calls; what the service works for one is not more than `AT_ONCE`.

    Its own work is measured, for the machine has other things to do too.
    """
    took, answers, before = [], [], worked(shop)
    for _ in range(TIMES):
        begun = time.monotonic()
        answers.append(call())
        took.append(time.monotonic() - begun)
    each = (worked(shop) - before) / TIMES
    told = f"median of {TIMES}: {statistics.median(took) * 1000:.1f} ms, work {each * 1000:.1f} ms"
    print(told)
    assert each < AT_ONCE, told
    return answers


def worked(shop: Service) -> float:
    """Seconds of processor that the service has had, all its threads together."""
    assert shop.process is not None
    fields = Path(f"/proc/{shop.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count(shop: Service) -> int:
    return int(shop.look(lambda session: session.exec(select(func.count(Message.id))).one()))  # type: ignore[arg-type]


def without(name: str) -> Change:
    return lambda query, body: ({k: v for k, v in query.items() if k != name}, body)


def with_(**values: str) -> Change:
    return lambda query, body: ({**query, **values}, body)


def resealed(inner: bytes, app_id: str = "wx0000000000000001", cut: int = 0) -> Change:
    """Signed with the right token, whatever is inside."""

    def change(query: dict[str, str], _body: bytes) -> tuple[dict[str, str], bytes]:
        sealed = Seal(TOKEN, KEY, app_id).encrypt(inner)
        sealed = sealed[: len(sealed) - cut] if cut else sealed
        signed = Seal(TOKEN, KEY, "").signature(query["timestamp"], query["nonce"], sealed)
        return {**query, "msg_signature": signed}, xml({"ToUserName": "gh", "Encrypt": sealed})

    return change


def flipped(query: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """One bit of the ciphertext is another, and whoever did it knows the token."""
    found = body.split(b"<![CDATA[")[-1].split(b"]]>")[0]
    raw = bytearray(base64.b64decode(found))
    raw[len(raw) // 2] ^= 1
    sealed = base64.b64encode(raw).decode()
    signed = Seal(TOKEN, KEY, "").signature(query["timestamp"], query["nonce"], sealed)
    return {**query, "msg_signature": signed}, xml({"ToUserName": "gh", "Encrypt": sealed})


LAUGHS = b"".join(
    [b'<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY a "ha">']
    + [
        f'<!ENTITY {b} "{f"&{a};" * 10}">'.encode()
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    + [b"]><xml><FromUserName>&i;</FromUserName></xml>"]
)
FILE = b'<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]><xml><Content>&x;</Content></xml>'

BAD: dict[str, Change] = {
    "no signature": without("msg_signature"),
    "another signature": with_(msg_signature="0" * 40),
    "no time": without("timestamp"),
    "a time that is none": with_(timestamp="yesterday"),
    "plain in safe mode": lambda query, _: (
        {k: v for k, v in query.items() if k not in ("encrypt_type", "msg_signature")},
        xml({"FromUserName": "o1", "MsgType": "text", "Content": "怎么退货", "MsgId": 1}),
    ),
    "for another app": resealed(b"<xml></xml>", "wx0000000000000009"),
    "truncated": resealed(b"<xml>" + b"a" * 90 + b"</xml>", cut=24),
    "cut to a block": resealed(b"<xml>" + b"a" * 90 + b"</xml>", cut=128),
    "a bit flipped": flipped,
    "no XML inside": resealed(b"hello"),
    "entities inside": resealed(LAUGHS),
    "a file inside": resealed(FILE),
    "not UTF-8 inside": resealed(b"\xff\xfe<xml></xml>"),
    "entities outside": lambda query, _: (query, LAUGHS),
    "a file outside": lambda query, _: (query, FILE),
    "no XML": lambda query, _: (query, b"hello"),
    "nothing": lambda query, _: (query, b""),
    "half": lambda query, body: (query, body[: len(body) // 2]),
    "deep": lambda query, _: (query, b"<xml>" + b"<a>" * 9000 + b"</a>" * 9000 + b"</xml>"),
    "too long": lambda query, body: (query, body + b" " * (1 << 17)),
    "far too long": lambda query, _: (query, b"<xml>" + b"a" * (4 << 20) + b"</xml>"),
    "long inside": resealed(b"<xml>" + b"<a>" * 4000),
    "several": lambda query, body: (query, body.replace(b"</xml>", b"<Encrypt>x</Encrypt></xml>")),
}


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_at_once(shop: Service, service_account: OfficialAccount, name: str) -> None:
    before = count(shop)
    values = text_of(service_account, "o-bad", "怎么退货")
    for answer in at_once(shop, lambda: post(shop, service_account, "service", values, BAD[name])):
        assert 400 <= answer.status_code < 500, answer.status_code
        assert answer.text == ""
    assert count(shop) == before


@pytest.mark.parametrize("seconds", [-330, -86_400, 330, 86_400])
def test_a_time_that_is_not_now(
    shop: Service, service_account: OfficialAccount, plain: OfficialAccount, seconds: int
) -> None:
    before = count(shop)
    when = int(time.time()) + seconds
    for name, account in (("service", service_account), ("plain", plain)):
        values = text_of(account, "o-late", "怎么退货")
        answers = at_once(shop, lambda: post(shop, account, name, values, when=when))  # noqa: B023
        assert {answer.status_code for answer in answers} == {403}
    assert count(shop) == before


@pytest.mark.parametrize("name", ["plain", "service"])
def test_a_nonce_is_good_for_one_message_alone(
    shop: Service, request: pytest.FixtureRequest, name: str
) -> None:
    account: OfficialAccount = request.getfixturevalue(
        "plain" if name == "plain" else "service_account"
    )
    customer = Follower(account)
    when, nonce = int(time.time()), "n-" + customer.openid
    account.followers.add(customer.openid)
    account._open(customer.openid, "message")
    values = text_of(account, customer.openid, "怎么退货")
    first = post(shop, account, name, values, when=when, nonce=nonce)
    again = post(shop, account, name, values, when=when, nonce=nonce)
    assert (first.status_code, again.status_code) == (200, 200)
    until(lambda: states(shop, customer.openid) == ["sent"] or not account.service_messages)
    before = count(shop)
    other = {**values, "MsgId": 7, "Content": "转人工"}
    answers = at_once(shop, lambda: post(shop, account, name, other, when=when, nonce=nonce))
    assert {answer.status_code for answer in answers} == {403}
    assert count(shop) == before


def test_a_question_of_the_console_signs_no_message(shop: Service, plain: OfficialAccount) -> None:
    when, nonce = str(int(time.time())), "n-greeting"
    query = plain.verification(when, nonce, "echo")
    url = f"{shop.url}/wechat/plain"
    assert httpx.get(url, params=query).text == "echo"
    answer = post(
        shop, plain, "plain", text_of(plain, "o-x", "怎么退货"), when=int(when), nonce=nonce
    )
    assert answer.status_code == 403


def test_a_greeting_with_a_wrong_signature(shop: Service, plain: OfficialAccount) -> None:
    query = plain.verification(str(int(time.time())), "n", "<script>")
    url = f"{shop.url}/wechat/plain"
    wrong = httpx.get(url, params={**query, "signature": "x"})
    assert (wrong.status_code, wrong.text) == (403, "")
    assert httpx.get(url).status_code == 403
    right = httpx.get(url, params=query)
    assert right.headers["content-type"].startswith("text/plain")
    assert httpx.get(f"{shop.url}/wechat/nobody", params=query).status_code == 404
    assert httpx.post(f"{shop.url}/wechat/nobody", params=query).status_code == 404


def test_the_key_before_still_opens(shop: Service, compatible: OfficialAccount) -> None:
    customer = Follower(compatible)
    compatible.aes_key = OLD_KEY
    try:
        assert "7 天" in customer.ask("怎么退货")
    finally:
        compatible.aes_key = KEY
    assert "7 天" in customer.ask("怎么退货")


@pytest.mark.parametrize(
    "values",
    [
        {"MsgType": "text", "Content": ""},
        {"MsgType": "text"},
        {"MsgType": "image"},
        {"MsgType": "event", "Event": "LOCATION", "Latitude": "1", "Longitude": "2"},
        {"MsgType": "event", "Event": "brand_new_thing"},
        {"MsgType": "event"},
        {"MsgType": "hologram", "MediaId": "m"},
        {"MsgType": {"deep": {"er": "x"}}},
        {},
    ],
)
def test_what_means_nothing_is_acknowledged(
    shop: Service, service_account: OfficialAccount, values: dict[str, Any]
) -> None:
    before = count(shop)
    about = {"ToUserName": "gh", "FromUserName": "o-none", "CreateTime": 1, "MsgId": 5}
    for answer in at_once(
        shop, lambda: post(shop, service_account, "service", {**about, **values})
    ):
        assert (answer.status_code, answer.text) == (200, "success"), json.dumps(values)
    assert count(shop) == before


def test_what_stands_in_a_text_harms_nothing(shop: Service, passive: OfficialAccount) -> None:
    for text in ("]]>", "<!DOCTYPE x>", "<xml>&amp;</xml>", "]]]]><![CDATA[>", "💥" * 300):
        customer = Follower(passive)
        assert customer.ask(text)
        assert in_chat(shop, customer.openid)[0] == ("customer", text)
        assert [shown.by for shown in customer.got] == ["passive"]
