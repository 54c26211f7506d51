"""An answer that did not help: the customer says so, a person is offered, the owner learns of it."""

import sqlite3

from tests.support.chat import Chat
from tests.support.service import Service


def gap(service: Service, text: str) -> tuple[str, str]:
    with sqlite3.connect(service.folder / "xiaoer.db") as db:
        row = db.execute("SELECT reason, entry FROM gap WHERE text = ?", (text,)).fetchone()
    return (row[0], row[1])


def test_in_words(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        chat.ask("发票多久能开好呀")
        sorry = chat.answer_after(chat.say("答非所问"))
        assert "没帮上忙" in sorry["text"]
        assert {"label": "转人工", "value": "person"} in sorry["choices"]
        assert gap(service, "发票多久能开好呀")[0] == "wrong"


def test_by_button(service: Service) -> None:
    with Chat(service.socket_url) as chat:
        answer = chat.answer_after(chat.say("what payment methods do you accept then"))
        button = answer["choices"][-1]
        assert button["label"] == "That didn't help"
        sorry = chat.answer_after(chat.choose(button["value"]))
        assert "Sorry" in sorry["text"]
        assert gap(service, "what payment methods do you accept then") == (
            "wrong",
            "payment_methods",
        )
