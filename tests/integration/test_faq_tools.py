"""What the FAQ tools find in the log: gaps, their trend, and what another FAQ would change."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from bot import faq_tools
from bot.answering.drafts import NoDraft
from bot.answering.exchange import RowsInvalid
from bot.answering.load import FaqInvalid, load
from bot.answering.tables import write_table
from bot.config import Config, validate
from bot.core.clock import now
from bot.core.errors import NotFound
from bot.core.messages import Author
from storage.db import Database
from storage.models.conversations import Conversation, Message
from storage.models.gaps import Reason, record_gap
from tests.support.world import chat
from tests.unit.answering.conftest import ZH, write_faq

DOG_ZH, DOG_EN = "店里能带宠物狗进去吗", "can i bring my dog into the shop"
PREVIOUS = "the message before"
CONFIDENT = {"skill": "faq", "outcome": "answered", "confidence": 0.9}


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Config:
    """A shop with a small FAQ and an empty database."""
    faq = write_faq(tmp_path / "faq")
    return validate(
        {
            "shop": {"name": "x"},
            "database": {"url": database_url},
            "content": {"faq": str(faq)},
        }
    )


@pytest.fixture
def log(shop: Config) -> Iterator["Log"]:
    db = Database(shop.database.url)
    yield Log(db)
    db.close()


class Log:
    """Writes conversations that have been."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def talk(self, *said: tuple[str, str, dict[str, Any] | None], days: float = 1) -> int:
        """A conversation of (author, text, verdict). Returns its id."""

        def write(session: Session) -> int:
            identity = chat(session, f"chat {now().timestamp()}")
            assert identity.id is not None
            conversation = Conversation(identity_id=identity.id)
            session.add(conversation)
            session.flush()
            assert conversation.id is not None
            previous: int | None = None
            for author, text, verdict in said:
                if verdict and verdict.get("joined") == PREVIOUS:
                    verdict = verdict | {"joined": [previous]}
                message = Message(
                    conversation_id=conversation.id,
                    identity_id=identity.id,
                    author=author,
                    text=text,
                    verdict=verdict,
                    choices=[{"label": "怎么退货", "value": "faq:return_how"}]
                    if author == Author.BOT
                    else [],
                    created_at=now() - timedelta(days=days),
                )
                session.add(message)
                session.flush()
                previous = message.id
            return conversation.id

        return self._db.run(write)

    def gap(
        self,
        text: str,
        reply: str = "",
        *,
        days: float = 1,
        reason: Reason = "miss",
        entry: str = "",
    ) -> None:
        """A question that was not settled, and what an agent said to it."""
        said: list[tuple[str, str, dict[str, Any] | None]] = [(Author.CUSTOMER, text, None)]
        if reply:
            said.append((Author.AGENT, reply, None))
        conversation = self.talk(*said, days=days)

        def write(session: Session) -> None:
            message = session.get(Message, _first_message(session, conversation))
            assert message is not None
            language = "en" if text.isascii() else "zh"
            record_gap(session, message, language, reason, [], entry)

        self._db.run(write)


def _first_message(session: Session, conversation: int) -> int:
    from sqlmodel import func, select

    query = select(func.min(Message.id)).where(Message.conversation_id == conversation)
    found = session.exec(query).one()
    assert found is not None
    return found


def test_gaps_are_counted_by_period_and_what_the_faq_answers_by_now_is_none(
    shop: Config, log: Log
) -> None:
    log.gap(DOG_ZH, days=40)
    log.gap(DOG_EN, days=2)
    log.gap(DOG_ZH + "？", days=1, reason="handoff")
    log.gap("马克杯可以进微波炉吗", days=1)
    log.gap("怎么退货", days=1)
    log.gap("营业时间是什么时候", days=1, reason="wrong", entry="opening_hours")
    log.gap("店里有厕所吗", days=45)
    found = faq_tools.gaps(shop, 30)
    assert [(one["id"], one["size"], one["before"]) for one in found] == [
        (1, 2, 1),
        (4, 1, 0),
        (6, 1, 0),
    ]
    assert found[0]["languages"] == {"zh": 1, "en": 1}
    assert found[0]["reasons"] == {"handoff": 1, "miss": 1}
    assert (found[2]["answered"], found[2]["nearest"]) == (["opening_hours"], "opening_hours")


def test_a_closed_gap_is_not_shown_until_it_comes_again(shop: Config, log: Log) -> None:
    log.gap(DOG_ZH)
    log.gap(DOG_EN)
    assert faq_tools.close_gap(shop, 2, 30) == 2
    assert faq_tools.gaps(shop, 30) == []
    with pytest.raises(NotFound, match="There is no gap 1"):
        faq_tools.close_gap(shop, 1, 30)
    log.gap(DOG_EN)
    assert [one["id"] for one in faq_tools.gaps(shop, 30)] == [3]


def test_a_draft_takes_the_answer_that_most_agents_gave(shop: Config, log: Log) -> None:
    log.gap(DOG_ZH, "可以带狗进店，请牵好狗绳")
    log.gap("可以带狗狗进店吗", "狗狗可以进店，牵好绳子就行")
    log.gap("能带宠物狗进店吗", "我帮您看一下快递哦")
    log.gap("宠物狗可以进店里吗", "谢谢")
    (entry,) = faq_tools.draft(shop, 1, shop.content.faq, 30)
    assert entry.answer in ("可以带狗进店，请牵好狗绳", "狗狗可以进店，牵好绳子就行")
    assert set(entry.questions) == {
        DOG_ZH,
        "可以带狗狗进店吗",
        "能带宠物狗进店吗",
        "宠物狗可以进店里吗",
    }
    assert entry.id.replace("_", "").isalpha()
    assert load(shop.content.faq)[0] == replace(entry, source=load(shop.content.faq)[0].source)
    assert faq_tools.gaps(shop, 30) == []


def test_a_language_without_an_answer_is_answered_in_the_other(shop: Config, log: Log) -> None:
    log.gap(DOG_ZH)
    log.gap(DOG_EN, "Dogs are welcome on a lead")
    (entry,) = faq_tools.draft(shop, 1, shop.content.faq, 30)
    assert (entry.language, entry.id) == ("en", "bring_dog_into_shop")
    assert set(entry.questions) == {DOG_ZH, DOG_EN}
    with pytest.raises(NotFound):  # it is answered now, and so no gap any more
        faq_tools.draft(shop, 1, shop.content.faq, 30)


def test_no_draft_from_nothing_and_none_that_would_not_load(shop: Config, log: Log) -> None:
    log.gap(DOG_ZH)
    with pytest.raises(NoDraft, match="No agent has answered this yet"):
        faq_tools.draft(shop, 1, shop.content.faq, 30)
    log.gap(DOG_ZH, "可以带狗进店")
    other = write_faq(shop.content.faq.parent / "other", ZH + "- id: broken\n")
    with pytest.raises(FaqInvalid, match="broken"):
        faq_tools.draft(shop, 1, other, 30)
    assert not (other / "zh" / "drafts.yaml").exists()


def test_replay_shows_every_kind_of_change(shop: Config, log: Log) -> None:
    returned = CONFIDENT | {"entry": "return_how"}
    moved = CONFIDENT | {"entry": "gift_card"}
    old = log.talk(("customer", "怎么退货", moved), days=100)
    log.talk(
        ("customer", "怎么退货", returned),
        ("customer", "宠物狗可以进店里吗", CONFIDENT | {"entry": "opening_hours"}),
        ("customer", "how do i return an item", moved),
        ("customer", DOG_ZH, {"skill": "miss", "outcome": "miss"}),
        ("customer", "快递几天到", {"skill": "miss", "outcome": "handed over"}),
    )
    candidate = write_faq(shop.content.faq.parent / "candidate")
    found = _replayed(shop, candidate)
    assert found == {
        "怎么退货": ("same", "return_how", "return_how"),
        "how do i return an item": ("answer_other", "gift_card", "return_how"),
        DOG_ZH: ("same", None, None),
        "快递几天到": ("human_answer", None, "shipping_time"),
        "宠物狗可以进店里吗": ("answer_human", "opening_hours", None),
    }
    faq_tools.mark_conversation(shop, old, off=False)
    result = faq_tools.replay_log(shop, candidate, 30)
    assert result.regressions == [old]
    assert len(result.changes) == 6
    assert result.as_dict()["counts"]["answer_other"] == 2
    assert list(result.lines("en"))[-1] == f"a marked conversation changes: #{old}"
    faq_tools.mark_conversation(shop, old, off=True)
    assert faq_tools.replay_log(shop, candidate, 30).regressions == []
    with pytest.raises(NotFound):
        faq_tools.mark_conversation(shop, 4711, off=False)


def test_replay_leaves_out_buttons_numbers_and_what_others_decided(shop: Config, log: Log) -> None:
    parcel = {"skill": "order", "outcome": "answered", "entry": "where_is_my_parcel"}
    log.talk(
        ("bot", "选一个", None),
        ("customer", "怎么退货", CONFIDENT | {"entry": "return_how"}),  # a button's label
        ("customer", "那个", CONFIDENT | {"confidence": 0.1, "entry": "gift_card"}),
        ("customer", "1", CONFIDENT | {"entry": "gift_card"}),
        ("customer", "XE10001 到哪了", parcel),
        ("customer", "手机尾号8888", parcel),
        ("customer", "转人工", {"skill": "person", "outcome": "handed over"}),
        ("customer", "在吗", None),
        ("customer", "换一个", {"skill": "miss", "outcome": "old button"}),
        ("customer", "我的快递到哪了", parcel),
    )
    assert list(_replayed(shop, shop.content.faq)) == ["我的快递到哪了"]


def test_pieces_are_replayed_together(shop: Config, log: Log) -> None:
    log.talk(
        ("customer", "下单后", {"skill": "fragment", "outcome": "waiting for the rest"}),
        ("customer", "多久", CONFIDENT | {"entry": "shipping_time", "joined": PREVIOUS}),
    )
    (change,) = faq_tools.replay_log(shop, shop.content.faq, 30).changes
    assert (change.logged.text, change.logged.joined) == ("多久", "下单后 多久")


def test_import_writes_all_or_nothing(shop: Config, tmp_path: Path) -> None:
    faq, table = shop.content.faq, tmp_path / "faq.csv"
    before = {path: path.read_text("utf-8") for path in faq.rglob("*.yaml")}
    assert faq_tools.export_table(shop, table, "en") == 6
    assert _import(shop, table) == {"new": 0, "replaced": 0, "unchanged": 6}
    heading = ["id", "language", "topic", "title", "questions", "answer"]
    dog = ["dogs", "en", "pets", "Dogs", "may dogs come in\nis my dog welcome", "Yes."]
    write_table(table, [heading, dog, [*dog[:1], "zh", *dog[2:5], "{{ shop.nothing }}"]])
    with pytest.raises(RowsInvalid, match=r"row 3: \[dogs\] the answer's template: there is no"):
        _import(shop, table)
    taken = ["gift_card", "en", "shop", "Cards", "do you sell gift cards", "No."]
    write_table(table, [heading, dog, taken])
    with pytest.raises(RowsInvalid, match=r"row 3: gift_card is already at en/shop.yaml"):
        _import(shop, table)
    assert _import(shop, table, replace=True, dry_run=True) == {
        "new": 1,
        "replaced": 1,
        "unchanged": 0,
    }
    assert {path: path.read_text("utf-8") for path in faq.rglob("*.yaml")} == before
    _import(shop, table, replace=True)
    entries = {(one.id, one.language): one for one in load(faq)}
    assert entries["gift_card", "en"].answer == "No."
    assert entries["dogs", "en"].questions == ("may dogs come in", "is my dog welcome")
    assert entries["dogs", "en"].source.file == "en/pets.yaml"


def _import(shop: Config, table: Path, **options: bool) -> dict[str, int]:
    return faq_tools.import_table(
        shop, table, shop.content.faq, **{"replace": False, "dry_run": False, **options}
    )


def _replayed(shop: Config, candidate: Path) -> dict[str, tuple[str, str | None, str | None]]:
    changes = faq_tools.replay_log(shop, candidate, 30).changes
    return {one.logged.text: (one.kind, one.logged.outcome.entry, one.now.entry) for one in changes}
