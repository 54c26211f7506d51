"""Callbacks that other people's code encrypts are taken, and what we answer they read."""

import time

import pytest

from bot.channels.wechat.envelope import Envelope, Forged
from bot.wechat_settings import WeChat
from tests.crypto.conftest import Ask
from tests.crypto.messages import ABOUT, PEERS, TEXTS, fill_of
from tests.doubles.wechat_crypto import Seal, fields, xml

FRESH = {**ABOUT, "token": "tokenOfTheTests"}
SETTINGS = WeChat(
    name="peers",
    app_id=ABOUT["id"],
    secret="a-secret-word",
    token=FRESH["token"],
    aes_key=ABOUT["key"],
)
INNER = [xml({"Content": text}).decode() for text in TEXTS]


@pytest.mark.parametrize("peer", PEERS)
def test_their_callbacks_are_taken(ask: Ask, peer: str) -> None:
    assert {fill_of(text) for text in INNER} == set(range(1, 33))
    at = {"when": str(int(time.time()))}
    found = ask([{**FRESH, **at, "peer": peer, "work": "encrypt", "text": text} for text in INNER])
    envelope = Envelope(SETTINGS)
    for one, text in zip(found, TEXTS, strict=True):
        body = xml({"ToUserName": "gh_1", "Encrypt": one["text"]})
        query = {"timestamp": at["when"], "nonce": ABOUT["nonce"], "encrypt_type": "aes"}
        opened = envelope.open({**query, "msg_signature": one["signature"]}, body)
        assert opened.text("Content") == text
        with pytest.raises(Forged):
            envelope.open({**query, "msg_signature": "0" * 40}, body)


@pytest.mark.parametrize("peer", PEERS)
def test_our_replies_are_read(ask: Ask, peer: str) -> None:
    replies = [fields(Envelope(SETTINGS).seal(text).encode()) for text in INNER]
    found = ask(
        [
            {
                **FRESH, "peer": peer, "work": "decrypt", "text": one["Encrypt"],
                "when": one["TimeStamp"], "nonce": one["Nonce"],
            }
            for one in replies
        ]
    )  # fmt: skip
    assert [(one["text"], one["id"]) for one in found] == [(text, ABOUT["id"]) for text in INNER]
    assert [one["signature"] for one in found] == [one["MsgSignature"] for one in replies]
    seal = Seal(FRESH["token"], ABOUT["key"], ABOUT["id"])
    assert [seal.open_reply(xml(dict(one))).decode() for one in replies] == INNER
