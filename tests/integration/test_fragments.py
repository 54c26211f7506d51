"""People write in pieces: pieces are understood together, and nobody waits long."""

import time

import pytest

from tests.support.chat import Chat
from tests.support.service import Service


def bot_texts(frames: list[dict[str, object]]) -> list[str]:
    return [str(frame["text"]) for frame in frames if frame.get("from") == "bot"]


def test_pieces_are_one_question(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        chat.say("那个")
        chat.say("我想问下")
        seq = chat.say("怎么退货")
        assert "7 天内可以退货" in chat.answer_after(seq)["text"]
        assert chat.quiet(1.6) == [], "the pieces get no answers of their own"


def test_a_clear_message_is_answered_at_once(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        chat.ask("你好")
        started = time.monotonic()
        assert "7 天内可以退货" in chat.ask("怎么退货")
        assert time.monotonic() - started < 1.0


def test_a_piece_alone_is_answered_after_a_moment(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        started = time.monotonic()
        assert chat.ask("那个")
        assert 1.0 < time.monotonic() - started < 4


@pytest.mark.soak
def test_a_piece_that_waits_survives_kill_9(own_service: Service) -> None:
    own_service.start()
    with Chat(own_service.socket_url) as chat:
        seq = chat.say("那个")
        session = chat.session
        own_service.kill()
    own_service.start()
    with Chat(own_service.socket_url, session) as again:
        assert again.answer_after(seq)["text"]
        assert len(bot_texts(again.frames + again.quiet(1.6))) == 1


def test_traditional_script_is_answered_in_kind(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        assert "退貨" in chat.ask("請問怎麼退貨")
        assert "運費" in chat.ask("請問運費多少")
        simplified = chat.ask("请问运费多少")
        assert "運" not in simplified
