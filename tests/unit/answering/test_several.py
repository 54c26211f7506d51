"""Several questions in one message, and English words in Chinese ones."""

import pytest

from bot.answering.loan_words import in_chinese
from bot.answering.several import questions


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("几天能到？运费多少？能退吗？", ["几天能到", "运费多少", "能退吗"]),
        ("你们几点上班？在哪？能货到付款吗", ["你们几点上班", "在哪", "能货到付款吗"]),
        (
            "how long does shipping take and can I return it",
            ["how long does shipping take", "can I return it"],
        ),
        ("运费多少，还有能退吗", ["运费多少", "能退吗"]),
        ("几天能到？", []),
        ("怎么退货？？？", []),
        ("the red and the blue one", []),
        ("围巾和手套怎么洗，能退吗", []),
        ("我的围巾还有货吗", []),
        ("？".join(["能退吗"] * 7), []),
        ("一段很长的故事，" * 30 + "？能退吗？", []),
    ],
)
def test_questions(text: str, found: list[str]) -> None:
    assert questions(text) == found


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("refund 几天到", "退款几天到"),
        ("我的order到哪了", "我的订单到哪了"),
        ("my order", "my order"),
        ("where is 我的 order", "where is 我的 order"),
        ("reorder怎么用", "reorder怎么用"),
        ("order box怎么买", "order box怎么买"),
    ],
)
def test_borrowed_words(text: str, read: str) -> None:
    assert in_chinese(text) == read
