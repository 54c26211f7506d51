"""What an agent sees: the lists, the conversation, the card."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session, col, select

from bot.config import ROOT
from bot.core.clock import now
from bot.core.messages import Author, Choice, Progress, State
from bot.core.roles import Right
from bot.customers import chats
from bot.delivery import outbox, outcomes
from bot.desk.accounts import create_agent, log_out
from bot.desk.passes import Pass
from bot.desk.rights import LoggedOut, require
from bot.desk.sight import Sight
from bot.desk.texts import Texts
from bot.desk.views import SHOWN_EARLIER, SHOWN_MESSAGES
from bot.escalation import agents
from bot.escalation.handoff import hand_over
from storage import live
from storage.db import Database
from storage.models import progress
from storage.models.agents import begin_login
from storage.models.conversations import Conversation, Message
from storage.models.deliveries import Delivery
from storage.models.feedback import Feedback
from storage.models.sla import SlaClock
from tests.support import world
from tests.support.sights import sight_of

VOICE = world.voice()
SKILLS = ROOT / "bot" / "dialogue" / "skills"


def login(session: Session, name: str) -> Pass:
    agent = create_agent(session, name, name.title(), "a long enough password")
    assert agent.id is not None
    begin_login(session, agent.id, f"login of {name}", outlived=now())
    session.flush()
    return Pass(f"login of {name}")


def agent_of(session: Session, by: Pass) -> int:
    agent = require(session, by, Right.LOOK)
    assert agent.id is not None
    return agent.id


def writes(session: Session, name: str, text: str, **fields: object) -> Conversation:
    """The customer called `name` writes; the same name goes on in the same conversation."""
    found = session.info.setdefault("chats", {})
    identity = found.get(name) or world.chat(session, name)
    found[name] = identity
    identity.name = name
    conversation = outbox.conversation_for(session, identity)
    session.add(
        Message(
            conversation_id=conversation.id,
            identity_id=identity.id,
            author=Author.CUSTOMER,
            text=text,
            **fields,
        )
    )
    session.flush()
    return conversation


def seen(session: Session, by: Pass, selected: int | None = None, language: str = "en") -> Sight:
    return sight_of(session, by, Texts(VOICE, language), selected)


def test_the_lists_say_who_waits_and_who_has_whom(db: Database) -> None:
    def story(session: Session) -> None:
        lin, amy = login(session, "lin"), login(session, "amy")
        for name, minutes in (("Second", 5), ("First", 9)):
            waiting = writes(session, name, f"hello\nfrom {name}")
            hand_over(session, waiting, "asked")
            waiting.waiting_since = now() - timedelta(minutes=minutes)
        mine = writes(session, "Mine", "question")
        agents.reply(session, mine.id or 0, agent_of(session, lin), "answer")
        theirs = writes(session, "Theirs", "question")
        agents.reply(session, theirs.id or 0, agent_of(session, amy), "answer")
        writes(session, "Theirs", "and another")
        writes(session, "With the bot", "hi")
        session.flush()
        board = seen(session, lin, selected=mine.id).board
        assert [(row.name, row.since) for row in board.waiting] == [
            ("First", "9 min"), ("Second", "5 min"),
        ]  # fmt: skip
        assert board.waiting[0].preview == "hello from First"
        assert [(r.name, r.owner, r.unanswered, r.selected) for r in board.mine] == [
            ("Mine", "", False, True)
        ]
        assert [(r.name, r.owner, r.unanswered, r.selected) for r in board.others] == [
            ("Theirs", "Amy", True, False)
        ]
        assert [row.why for row in board.waiting] == ["asked", "asked"]
        assert board.mine[0].preview == "You: answer"
        assert board.others[0].preview == "and another"
        assert (board.waiting_count, board.others_count, board.to_do) == (2, 1, 2)

    db.run(story)


def clock(session: Session, conversation: Conversation, **fields: object) -> None:
    """A promise that began an hour ago."""
    started = now() - timedelta(hours=1)
    row = SlaClock(
        conversation_id=conversation.id, kind="first", team="t", started_at=started, due_at=now()
    )
    session.add(row.sqlmodel_update(fields))


@pytest.mark.parametrize(
    ("language", "late", "soon"), [("zh", "已超时", "快超时"), ("en", "overdue", "due soon")]
)
def test_the_lists_mark_who_waits_too_long(
    db: Database, language: str, late: str, soon: str
) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        chats = {name: writes(session, name, "hello") for name in ("Late", "Soon", "Fine", "Done")}
        for one in chats.values():
            hand_over(session, one, "asked")
        clock(session, chats["Late"], warned_at=now())
        clock(session, chats["Late"], warned_at=now(), breached_at=now())
        clock(session, chats["Late"], warned_at=now())
        clock(session, chats["Soon"], warned_at=now())
        clock(session, chats["Fine"])
        clock(session, chats["Done"], warned_at=now(), breached_at=now(), ended_at=now())
        session.flush()
        rows = seen(session, lin, language=language).board.waiting
        assert [(row.name, row.target, row.late) for row in rows] == [
            ("Late", "breached", late), ("Soon", "warned", soon), ("Fine", "", ""), ("Done", "", ""),
        ]  # fmt: skip

    db.run(story)


def test_the_conversation_shows_everybodys_words_and_the_bots_reasons(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        verdict = {
            "skill": "faq", "outcome": "answered", "entry": "sizes", "title": "Which size",
            "confidence": 0.912,
        }  # fmt: skip
        conversation = writes(session, "Emma", "<b>size?</b>", verdict=verdict)
        outbox.post(session, conversation, "Which one?", choices=[Choice("This", "1")])
        hand_over(session, conversation, "asked")
        silent = {"skill": "person_in_charge", "outcome": "silent"}
        writes(session, "Emma", "hello?", verdict=silent)
        agents.reply(session, conversation.id or 0, agent_of(session, lin), "I'm here")
        agents.note(session, conversation.id or 0, agent_of(session, lin), "be gentle")
        thread = seen(session, lin, conversation.id).thread
        assert thread is not None
        assert [(b.kind, b.author, b.text, b.choices, b.verdict) for b in thread.bubbles] == [
            ("customer", "Emma", "<b>size?</b>", (), "FAQ · answered · Which size · confident"),
            ("bot", "Xiaoer", "Which one?", ("This",), ""),
            ("customer", "Emma", "hello?", (), ""),
            ("agent", "Lin", "I'm here", (), ""),
            ("note", "Lin", "be gentle", (), ""),
        ]
        assert (thread.state, thread.mine, thread.owner) == (State.OPEN, True, "")
        assert thread.reason == "asked for a person"

    db.run(story)


def test_words_in_a_row_by_the_same_person_need_no_second_byline(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        at = now().replace(second=1)
        writes(session, "Emma", "one", created_at=at)
        writes(session, "Emma", "two", created_at=at + timedelta(seconds=1))
        later = writes(session, "Emma", "three", created_at=at + timedelta(minutes=2))
        thread = seen(session, lin, later.id).thread
        assert thread is not None
        assert [bubble.continues for bubble in thread.bubbles] == [False, True, False]

    db.run(story)


def test_only_the_newest_messages_are_loaded(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        conversation = writes(session, "Emma", "message 0")
        agents.note(
            session, conversation.id or 0, agent_of(session, lin), "about the very first words"
        )
        for n in range(1, SHOWN_MESSAGES + 5):
            writes(session, "Emma", f"message {n}", created_at=now() + timedelta(seconds=n))
        thread = seen(session, lin, conversation.id).thread
        assert thread is not None
        assert thread.shortened
        assert [b.text for b in thread.bubbles] == [
            f"message {n}" for n in range(5, SHOWN_MESSAGES + 5)
        ]

    db.run(story)


@pytest.mark.parametrize(
    ("language", "status"), [("en", "paid, waiting to be sent"), ("zh", "已付款，等待发货")]
)
def test_the_card_shows_orders_in_the_agents_language(
    db: Database, language: str, status: str
) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        conversation = writes(session, "chat of Lin", "hi")
        order = world.told(session, "order.paid", "XE1", amount=Decimal("68"))
        identity = session.info["chats"]["chat of Lin"]
        identity.customer_id, identity.linked_at = order.customer_id, now()
        elsewhere = world.chat(session, "her phone", "telegram")
        elsewhere.customer_id, elsewhere.name = identity.customer_id, "小满"
        session.flush()
        thread = seen(session, lin, conversation.id, language).thread
        assert thread is not None
        card = thread.card
        assert (card.name, card.linked) == ("林小满", True)
        assert [one.split(" · ")[:2] for one in card.elsewhere] == [["Telegram", "小满"]]
        assert [(one.number, one.status) for one in card.orders] == [("XE1", status)]
        assert card.linked_by == ""
        chats.part(session, identity)
        agents.link(session, conversation.id or 0, agent_of(session, lin), "XE1")
        vouched = seen(session, lin, conversation.id, language).thread
        assert vouched is not None
        assert (vouched.card.linked, vouched.card.linked_by) == (True, "Lin")

    db.run(story)


def test_an_ended_login_sees_nothing(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        with pytest.raises(LoggedOut):
            seen(session, Pass("somebody else's"))
        log_out(session, lin.token)
        session.flush()
        with pytest.raises(LoggedOut):
            seen(session, lin)

    db.run(story)


def test_unanswered_ones_come_first_and_news_grows_with_them(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        for name in ("Ann", "Bob", "Cai"):
            one = writes(session, name, "question")
            agents.reply(session, one.id or 0, agent_of(session, lin), "answer")
        assert seen(session, lin).board.news == 0
        writes(session, "Bob", "and now?")
        board = seen(session, lin).board
        assert [row.name for row in board.mine] == ["Bob", "Ann", "Cai"]
        assert board.to_do == 1
        writes(session, "Bob", "hello?")
        assert seen(session, lin).board.news > board.news > 0

    db.run(story)


def test_a_preview_shows_real_words_and_not_a_pressed_button(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        conversation = writes(session, "Ann", "my cup broke")
        writes(session, "Ann", VOICE.say("replies.none_button", "en"))
        hand_over(session, conversation, "misses")
        outbox.post(session, conversation, "I've asked a colleague")
        hand_over(session, writes(session, "Bob", "Talk to a person"), "asked")
        previews = [row.preview for row in seen(session, lin).board.waiting]
        assert previews == ["my cup broke", "Talk to a person"]

    db.run(story)


def test_the_channel_is_shown_where_there_are_several(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        hand_over(session, writes(session, "Ann", "hi"), "asked")
        assert [row.channel for row in seen(session, lin).board.waiting] == [""]
        session.info["chats"]["Bob"] = world.chat(session, "Bob", "telegram")
        hand_over(session, writes(session, "Bob", "hi"), "asked")
        channels = [row.channel for row in seen(session, lin).board.waiting]
        assert channels == ["Web chat", "Telegram"]

    db.run(story)


def test_the_last_ten_resolved_are_listed_with_their_ratings(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        for number in range(12):
            one = writes(session, f"Customer {number}", "hi")
            agents.resolve(session, one.id or 0, agent_of(session, lin))
            rating = 4 if number == 11 else None
            session.add(Feedback(conversation_id=one.id, rating=rating))
        session.flush()
        resolved = seen(session, lin).board.resolved
        assert [row.name for row in resolved] == [f"Customer {n}" for n in range(11, 1, -1)]
        assert [row.stars for row in resolved] == ["★★★★", *[""] * 9]

    db.run(story)


def test_a_returning_customers_last_words_stand_above_a_line(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        first = writes(session, "Ann", "the first words of all")
        for number in range(SHOWN_EARLIER):
            writes(session, "Ann", f"earlier {number}")
        agents.resolve(session, first.id or 0, agent_of(session, lin))
        second = writes(session, "Ann", "back again")
        writes(session, "Bob", "somebody else's words")
        thread = seen(session, lin, second.id).thread
        assert thread is not None
        assert [(b.text, b.earlier) for b in thread.bubbles] == [
            *((f"earlier {number}", True) for number in range(SHOWN_EARLIER)),
            ("Earlier conversation above", False),
            ("back again", False),
        ]
        first_thread = seen(session, lin, first.id).thread
        assert first_thread is not None
        assert not any(b.earlier or b.kind == "divider" for b in first_thread.bubbles)

    db.run(story)


def test_the_reason_names_the_faq_entry_by_its_title(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        verdict = {"skill": "faq", "outcome": "answered, person brought", "entry": "damaged",
                   "title": "Something arrived damaged", "confidence": 0.5}  # fmt: skip
        known = writes(session, "Ann", "it broke", verdict=verdict)
        hand_over(session, known, "entry:damaged")
        other = writes(session, "Bob", "hi")
        hand_over(session, other, "entry:gone")
        thread = seen(session, lin, known.id).thread
        assert thread is not None
        assert thread.reason == "FAQ: Something arrived damaged"
        assert thread.bubbles[0].verdict.endswith("Something arrived damaged · unsure")
        without_title = seen(session, lin, other.id).thread
        assert without_title is not None
        assert without_title.reason == "FAQ: gone"

    db.run(story)


def test_a_conversation_that_does_not_exist_is_none(db: Database) -> None:
    def story(session: Session) -> None:
        assert seen(session, login(session, "lin"), 999).thread is None

    db.run(story)


@pytest.mark.parametrize(
    ("state", "zh", "en"),
    [
        (Progress.HELD, "先留着，客人再来消息时送达", "Held until the customer writes"),
        (Progress.FAILED, "没有送达", "Not delivered"),
        (Progress.UNCERTAIN, "不确定是否送达", "Perhaps not delivered"),
        (Progress.QUEUED, "", ""),
        (Progress.SENT, "", ""),
    ],
)
def test_what_has_not_arrived_says_so(db: Database, state: Progress, zh: str, en: str) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        session.info["chats"] = {"Mei": world.chat(session, "Mei", "wechat", pulls=False)}
        conversation = writes(session, "Mei", "在吗")
        agents.reply(session, conversation.id or 0, agent_of(session, lin), "在的")
        delivery = session.exec(select(Delivery).order_by(col(Delivery.id).desc())).first()
        assert delivery is not None
        outcomes.move(session, delivery, state, "closed")
        assert (live.QUEUE in live.changes(session)) or state in (Progress.QUEUED, Progress.SENT)
        for language, fate in (("zh", zh), ("en", en)):
            thread = seen(session, lin, conversation.id, language).thread
            assert thread is not None
            assert [one.fate for one in thread.bubbles if one.text == "在的"] == [fate]
            assert [one.fate for one in thread.bubbles if one.kind == "customer"] == [""]

    db.run(story)


def test_an_open_desk_hears_that_what_was_held_has_arrived(db: Database) -> None:
    def story(session: Session) -> None:
        session.info["chats"] = {"Mei": world.chat(session, "Mei", "wechat", pulls=False)}
        conversation = writes(session, "Mei", "在吗")
        outbox.post(session, conversation, "在的")
        delivery = session.exec(select(Delivery)).one()
        outcomes.move(session, delivery, Progress.HELD, "closed")

    def arrives(session: Session) -> None:
        delivery = session.exec(select(Delivery)).one()
        assert live.QUEUE not in live.changes(session)
        progress.change(session, Delivery, delivery.id or 0, [Progress.HELD], Progress.SENDING)
        outcomes.succeeded(session, delivery.id or 0, "")
        assert live.QUEUE in live.changes(session)

    db.run(story)
    db.run(arrives)


def test_where_messages_are_fetched_nothing_is_said_about_their_way(db: Database) -> None:
    def story(session: Session) -> None:
        lin = login(session, "lin")
        conversation = writes(session, "Emma", "hi")
        agents.reply(session, conversation.id or 0, agent_of(session, lin), "hello")
        thread = seen(session, lin, conversation.id).thread
        assert thread is not None
        assert {one.fate for one in thread.bubbles} == {""}

    db.run(story)


def test_whatever_a_skill_says_of_itself_has_words_at_the_desk() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in SKILLS.glob("*.py"))
    outcomes = set(re.findall(r'Verdict\(\s*"([^"]+)"', source)) - {"silent"}
    assert len(outcomes) > 40
    known = {key.removeprefix("outcome_") for key in VOICE.names("desk")}
    assert {one.replace(",", "").replace(" ", "_") for one in outcomes} <= known
