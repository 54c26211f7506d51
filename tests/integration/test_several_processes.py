"""Several service processes on one PostgreSQL: any of them may serve a chat, and any may die."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.chat import Chat
from tests.support.service import Service


@pytest.fixture
def pair(
    tmp_path: Path, model_cache: Path, small_faq: Path, postgres_url: str
) -> Iterator[tuple[Service, Service]]:
    services = [
        Service(tmp_path / name, model_cache, postgres_url, faq=small_faq) for name in ("a", "b")
    ]
    for service in services:
        service.launch()
    for service in services:
        service.wait_until_ready()
    yield services[0], services[1]
    for service in services:
        service.stop()


def test_one_shop_in_two_processes_one_of_which_dies(pair: tuple[Service, Service]) -> None:
    """One test for all, for the processes start slowly."""
    first, second = pair
    with Chat(first.socket_url) as here, Chat(second.socket_url, here.session) as there:
        seq = here.say("怎么退货")
        assert here.answer_after(seq)["seq"] == there.answer_after(seq)["seq"]  # seen in both
        assert there.say("怎么退货", "same") == here.say("怎么退货", "same")  # one effect

        waiting = there.ask("转人工")
        assert waiting
        listed = first.desk("GET", "/conversations", params={"state": "waiting"}).json()
        (row,) = listed["conversations"]
        assert second.desk("POST", f"/conversations/{row['id']}/take").is_success
        reply = {"text": "您好，我是小满"}
        assert first.desk("POST", f"/conversations/{row['id']}/messages", json=reply).is_success
        assert there.wait_for(type="message", from_="agent")["text"] == reply["text"]

    acked: dict[str, list[int]] = {}
    customers = [threading.Thread(target=talk, args=(pair, acked, n)) for n in range(6)]
    for customer in customers:
        customer.start()
    while sum(map(len, acked.values())) < 20:
        threading.Event().wait(0.01)
    first.kill()
    for customer in customers:
        customer.join()
    for session, seqs in acked.items():
        with Chat(second.socket_url, session) as chat:
            newest = 0
            while newest < chat.hello["seq"]:
                newest = chat.receive()["seq"]
            authors = [frame["from"] for frame in chat.frames[1:]]
            assert authors == ["customer", "bot"] * len(seqs)
            assert [f["seq"] for f in chat.frames[1:] if f["from"] == "customer"] == seqs


def talk(pair: tuple[Service, Service], acked: dict[str, list[int]], number: int) -> None:
    """A customer whose page connects again, to whichever process there is, and sends again."""
    session, sent, place = "", 0, number
    while sent < 12:
        try:
            with Chat(pair[place % 2].socket_url, session) as chat:
                session = chat.session
                seqs = acked.setdefault(session, [])
                while sent < 12:
                    seqs.append(chat.say("怎么退货", f"m{sent}"))
                    sent += 1
        except (ConnectionClosed, OSError, TimeoutError):
            place += 1
