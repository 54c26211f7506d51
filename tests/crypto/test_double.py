"""The platform double encrypts as other people's implementations do."""

import pytest

from tests.crypto.conftest import Ask
from tests.crypto.messages import ABOUT, PEERS, TEXTS, fill_of
from tests.doubles.wechat_crypto import Seal

SEAL = Seal(ABOUT["token"], ABOUT["key"], ABOUT["id"])


def test_the_texts_need_every_length_of_padding() -> None:
    assert {fill_of(text) for text in TEXTS} == set(range(1, 33))


@pytest.mark.parametrize("peer", PEERS)
def test_what_they_encrypt_the_double_reads(ask: Ask, peer: str) -> None:
    found = ask([{**ABOUT, "peer": peer, "work": "encrypt", "text": text} for text in TEXTS])
    assert [SEAL.decrypt(one["text"]).decode() for one in found] == TEXTS
    when, nonce = ABOUT["when"], ABOUT["nonce"]
    assert [SEAL.signature(when, nonce, one["text"]) for one in found] == [
        one["signature"] for one in found
    ]


@pytest.mark.parametrize("peer", PEERS)
def test_what_the_double_encrypts_they_read(ask: Ask, peer: str) -> None:
    sealed = [SEAL.encrypt(text.encode()) for text in TEXTS]
    found = ask([{**ABOUT, "peer": peer, "work": "decrypt", "text": text} for text in sealed])
    assert [(one["text"], one["id"]) for one in found] == [(text, ABOUT["id"]) for text in TEXTS]
