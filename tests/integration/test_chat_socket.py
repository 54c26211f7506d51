"""The chat socket as its contract has it, over real web sockets to a real service."""

import json
import random
import threading
from collections import Counter

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from bot.channels.webchat import Sessions
from tests.support.chat import Chat
from tests.support.service import Service


def test_hello_ack_and_answer(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        assert chat.hello == {"type": "hello", "session": chat.session, "seq": 0}
        chat.send({"type": "message", "id": "m1", "text": "怎么退货"})
        ack = chat.wait_for(type="ack")
        assert ack == {"type": "ack", "id": "m1", "seq": ack["seq"]}
        echo, answer = chat.receive(), chat.receive()
        assert echo == {
            "type": "message", "seq": ack["seq"], "from": "customer", "text": "怎么退货",
            "choices": [],
        }  # fmt: skip
        assert answer["from"] == "bot"
        assert answer["seq"] > ack["seq"]
        assert "7 天" in answer["text"]
        assert all(set(choice) == {"label", "value"} for choice in answer["choices"])


def test_a_repeated_id_has_the_same_seq_and_no_second_effect(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        first = chat.say("怎么退货", "same")
        assert chat.say("怎么退货", "same") == first
        chat.quiet()
        messages = [frame for frame in chat.frames if frame["type"] == "message"]
        assert [message["from"] for message in messages] == ["customer", "bot"]


def test_resumes_after_a_seq(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        seq = chat.say("运费多少")
        answer = chat.answer_after(seq)
        session = chat.session
    with Chat(service.socket_url, session, after=seq) as again:
        assert again.hello == {"type": "hello", "session": session, "seq": answer["seq"]}
        assert again.receive() == answer
        assert again.quiet() == []


def test_without_after_everything_comes_again(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        chat.ask("运费多少")
        session = chat.session
    with Chat(service.socket_url, session) as again:
        assert [again.receive()["from"] for _ in range(2)] == ["customer", "bot"]


def test_a_made_up_session_opens_nobodys_chat(service: Service) -> None:
    with Chat(service.socket_url, "guessed.token") as chat:
        assert chat.session != "guessed.token"
        assert chat.hello["seq"] == 0
    with Chat(service.socket_url) as real:
        real.ask("你好")
        forged = real.session[:-1] + ("A" if real.session[-1] != "A" else "B")
    with Chat(service.socket_url, forged) as thief:
        assert thief.session not in (forged, real.session)
        assert thief.quiet() == []


def test_a_session_has_one_spelling() -> None:
    sessions = Sessions("secret")
    token = next(one for one in iter(sessions.new, None) if one.endswith("A"))
    assert sessions.genuine(token)
    for other in "BCDEQ-_=":  # B to D are the same bytes in base64
        assert not sessions.genuine(token[:-1] + other)


BAD = {
    "broken JSON": "{",
    "not an object": "[1, 2]",
    "a number": "7",
    "null": "null",
    "deep nesting": "[" * 50_000,
    "bytes": b"\x00\x01",
    "no type": {"id": "b", "text": "hi"},
    "unknown type": {"type": "image", "id": "b", "url": "x"},
    "no id": {"type": "message", "text": "hi"},
    "empty id": {"type": "message", "id": "", "text": "hi"},
    "id of a wrong type": {"type": "message", "id": 7, "text": "hi"},
    "id too long": {"type": "message", "id": "x" * 65, "text": "hi"},
    "id with control characters": {"type": "message", "id": "a\u0000b", "text": "hi"},
    "no text": {"type": "message", "id": "b"},
    "text of a wrong type": {"type": "message", "id": "b", "text": ["hi"]},
    "an image instead of text": {"type": "message", "id": "b", "text": {"image": "data:"}},
    "empty text": {"type": "message", "id": "b", "text": ""},
    "only blanks": {"type": "message", "id": "b", "text": " \n\t "},
    "only control characters": {"type": "message", "id": "b", "text": "\u0000\u0007"},
    "unknown field": {"type": "message", "id": "b", "text": "hi", "admin": True},
    "choice without value": {"type": "choice", "id": "b"},
}


@pytest.mark.parametrize("frame", BAD.values(), ids=BAD.keys())
def test_a_bad_frame_is_refused_and_the_socket_stays(service: Service, frame: object) -> None:
    with Chat(service.socket_url) as chat:
        chat.send(frame)
        error = chat.receive()
        assert set(error) == {"type", "id", "code", "message"}
        assert (error["type"], error["code"]) == ("error", "bad_request")
        assert "7 天" in chat.ask("怎么退货")


def test_too_long_is_refused_by_name(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        chat.send({"type": "message", "id": "long", "text": "字" * 10_000})
        error = chat.receive()
        assert (error["id"], error["code"]) == ("long", "too_long")
        assert chat.ask("怎么退货")


ODD = {
    "emoji": "😀😀😀",
    "punctuation": "？？？",
    "half a surrogate": "\ud83d 怎么退货",
    "control characters": "a\u0000b\u0007 怎么退货",
    "right to left": "\u202etxt.exe",
    "as long as allowed": "字" * 4000,
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_odd_texts_get_an_answer(service: Service, text: str) -> None:
    with Chat(service.socket_url) as chat:
        chat.send(json.dumps({"type": "message", "id": "odd", "text": text}))
        seq = chat.wait_for(type="ack")["seq"]
        assert chat.answer_after(seq)["text"]


def test_a_thousand_messages_in_a_second_are_slowed_and_none_is_lost(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        for number in range(1000):
            chat.send({"type": "message", "id": f"flood{number}", "text": "你好"})
        answered = Counter[str]()
        codes = Counter[str]()
        while sum(answered.values()) < 1000:
            frame = chat.receive(timeout=30)
            if frame["type"] in ("ack", "error"):
                answered[frame["id"]] += 1
                codes[frame.get("code", "ack")] += 1
        assert set(answered.values()) == {1}
        assert codes["ack"] >= 60
        assert codes["rate_limited"] >= 500
        chat.quiet(1)
    with Chat(service.socket_url) as other:
        assert other.ask("怎么退货")


def test_origins(service: Service) -> None:
    own = f"http://127.0.0.1:{service.port}"
    with connect(service.socket_url, origin=own) as socket:  # type: ignore[arg-type]
        assert json.loads(socket.recv())["type"] == "hello"
    for origin in ("https://evil.example", "null", f"{own}.evil.example"):
        with pytest.raises(InvalidStatus) as refused:
            connect(service.socket_url, origin=origin)  # type: ignore[arg-type]
        assert refused.value.response.status_code == 403


CLEAR = (
    """
怎么退货|运费多少|多久能收到货|退款多久到账|怎么付款|怎么开发票|支持货到付款吗|如何使用优惠券
你们几点上班|发什么快递|how do i return this|how much is shipping|how long does shipping take
when will i get my refund|what payment methods do you accept|how do i get an invoice
what are your opening hours|can i cancel my order|i forgot my password|which courier do you use
""".strip()
    .replace("\n", "|")
    .split("|")
)


def test_two_hundred_questions_at_once_each_sent_twice(service: Service) -> None:
    """50 sessions send 4 questions each at once, every frame twice."""
    seen: dict[int, list[dict[str, object]]] = {}

    def customer(number: int) -> None:
        questions = random.Random(number).sample(CLEAR, 4)
        with Chat(service.socket_url) as chat:
            start.wait()
            for index, question in enumerate(questions):
                frame = {"type": "message", "id": f"q{index}", "text": question}
                chat.send(frame)
                chat.send(frame)
            while Counter(frame["type"] for frame in chat.frames)["ack"] < 8:
                chat.receive(timeout=60)
            while len([f for f in chat.frames if f.get("from") == "bot"]) < 4:
                chat.receive(timeout=60)
            chat.quiet(0.3)
            seen[number] = chat.frames

    start = threading.Barrier(50)
    threads = [threading.Thread(target=customer, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 50
    for number, frames in seen.items():
        questions = random.Random(number).sample(CLEAR, 4)
        acks = {(f["id"], f["seq"]) for f in frames if f["type"] == "ack"}
        assert len(acks) == 4, "a repeated frame has the seq of the first"
        messages = [f for f in frames if f["type"] == "message"]
        assert [m["seq"] for m in messages] == sorted(m["seq"] for m in messages)  # type: ignore[type-var]
        asked = [m["text"] for m in messages if m["from"] == "customer"]
        assert asked == questions, "in order, none twice"
        authors = [m["from"] for m in messages]
        assert authors == ["customer", "bot"] * 4, "each question has its answer"
