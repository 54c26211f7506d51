"""Who wants offers: asked, given, withdrawn, by whom and in which words; the newest holds."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import Session, select

from bot.core.clock import now
from bot.core.messages import Purpose
from bot.customers import consent, linking
from bot.delivery import claims, outbox
from bot.desk.texts import Texts
from bot.dialogue import skills
from bot.dialogue.receive import Reception
from bot.dialogue.turn import House
from bot.escalation import agents, consents
from bot.feedback import survey
from bot.shop.events import CustomerEvent
from bot.web.events import take_event
from storage.db import Database
from storage.models.consents import Consent, ConsentState
from storage.models.customers import Customer
from storage.models.deliveries import Delivery
from storage.models.products import Product
from storage.models.stock_watches import StockWatch, waiting_for
from tests.integration.test_desk_views import VOICE, agent_of, login, writes
from tests.support import world
from tests.support.receiving import Chat, Faq
from tests.support.sights import sight_of


def chat_of(db: Database, **wishes: Any) -> Chat:
    survey.register(db.bus, VOICE)
    return Chat(db, Reception(House(VOICE, Faq(), **wishes), skills.discover()))


async def ledger(chat: Chat) -> list[tuple[str, str, str]]:
    return [(one.state, one.channel, one.wording) for one in await chat.all(Consent)]


async def customer(chat: Chat) -> Customer:
    (found,) = await chat.all(Customer)
    return found  # type: ignore[no-any-return]


async def test_stop_and_back_again(db: Database) -> None:
    chat = chat_of(db)
    assert await chat.say("别再给我推送了") == "opt_out"
    assert (await chat.last()).text == chat.phrase("opted_out", has_news=True)
    assert await chat.say("恢复") == "opt_in"
    assert (await customer(chat)).opted_out_at is None
    assert await ledger(chat) == [("withdrawn", "", "别再给我推送了"), ("given", "web", "恢复")]
    assert await chat.say("恢复") != "opt_in"


async def test_news_of_orders_can_be_switched_off_and_on(db: Database) -> None:
    chat = chat_of(db)
    assert await chat.say("物流通知也别发了") == "opt_out"
    assert (await chat.last()).text == chat.phrase("news_off")
    found = await chat.all(Consent)
    assert [(one.purpose, one.state) for one in found] == [("transactional", "withdrawn")]
    assert (await customer(chat)).opted_out_at is None
    await chat.say("退订")
    assert (await chat.last()).text == chat.phrase("opted_out", has_news=False)
    assert await chat.say("恢复物流通知") == "opt_out"
    assert await chat.say("send me updates on my order") != "opt_out", "which they get anyway"
    assert chat.phrase("news_on") in [one.text for one in await chat.messages()]
    assert (await customer(chat)).opted_out_at is not None, "offers are another matter"


async def test_what_may_be_about_an_order_is_asked_back(db: Database) -> None:
    chat = chat_of(db)
    assert await chat.say("别发了") == "opt_out"
    assert [one["value"] for one in (await chat.last()).choices] == [
        "stop", "faq:cancel_order", "person",
    ]  # fmt: skip
    assert await ledger(chat) == []
    assert await chat.say("1") == "opt_out"
    assert (await customer(chat)).opted_out_at is not None


@pytest.mark.parametrize("yes", [{"choice": "consent:sure"}, {"text": "好的"}, {"text": "确认！"}])
async def test_where_it_is_set_a_wish_has_to_be_confirmed(db: Database, yes: Any) -> None:
    chat = chat_of(db, double_opt_in=("web",))
    await chat.say("退订")
    assert await chat.say("重新订阅") == "opt_in"
    assert [one[0] for one in await ledger(chat)] == ["withdrawn", "asked"]
    assert (await customer(chat)).opted_out_at is not None
    assert await chat.say(**yes) == "opt_in"
    assert (await ledger(chat))[-1][:2] == ("given", "web")
    assert (await customer(chat)).opted_out_at is None


async def test_an_old_button_confirms_nothing(db: Database) -> None:
    chat = chat_of(db, double_opt_in=("web",))
    await chat.say("subscribe")
    await chat.say("stop")
    await chat.press("consent:sure")
    assert [one[0] for one in await ledger(chat)] == ["asked", "withdrawn", "asked"]
    assert (await customer(chat)).opted_out_at is not None


@pytest.mark.parametrize(("answer", "state"), [("好的", "given"), ("不用了", "withdrawn")])
async def test_after_a_good_rating_it_is_asked_once(db: Database, answer: str, state: str) -> None:
    chat = chat_of(db, ask_consent=True)
    for rating in ("3", "5", "5"):
        await chat.say("转人工")
        await chat.by_agent(agents.resolve)
        await chat.say(rating)
    asked = [one.text for one in await chat.messages()].count(chat.phrase("consent_ask"))
    assert (asked, [one[0] for one in await ledger(chat)]) == (1, ["asked"])
    await chat.say("转人工")
    await chat.by_agent(agents.resolve)
    await chat.say("5")
    await chat.press("consent:yes" if state == "given" else "consent:no")
    assert (await ledger(chat))[-1][0] == state
    assert (await customer(chat)).opted_out_at is None


async def test_a_typed_answer_is_taken_for_what_it_is(db: Database) -> None:
    chat = chat_of(db, ask_consent=True)
    await chat.say("转人工")
    await chat.by_agent(agents.resolve)
    await chat.say("5")
    assert await chat.say("好的") == "opt_in"
    assert await chat.say("客服很耐心") == "survey"


def told(session: Session, number: str, **customer: Any) -> None:
    body = {
        "id": number, "type": "customer.updated", "occurred_at": now(),
        "data": {"customer": {"id": "c-lin", **customer}},
    }  # fmt: skip
    take_event(session, CustomerEvent.model_validate(body))


def test_the_shop_tells_what_was_agreed_to_elsewhere(db: Database) -> None:
    def story(session: Session) -> None:
        yes = {"given": True, "wording": "checkout", "at": now() - timedelta(days=2)}
        told(session, "1", timezone="Europe/Berlin", consents=[yes])
        told(session, "2", consents=[yes])
        lin = session.exec(select(Customer)).one()
        assert (lin.timezone, consent.state_of(session, lin)) == ("Europe/Berlin", "given")
        assert len(session.exec(select(Consent)).all()) == 1
        consent.stop(session, lin, "退订", now() - timedelta(days=1))
        told(
            session,
            "3",
            consents=[yes, {**yes, "wording": "again", "at": yes["at"] - timedelta(1)}],
        )
        assert (lin.opted_out_at is None, consent.state_of(session, lin)) == (False, "withdrawn")
        told(session, "4", consents=[{**yes, "at": now()}])
        assert (lin.opted_out_at, consent.state_of(session, lin)) == (None, "given")
        told(session, "5", consents=[{"channel": "telegram", "given": False, "at": now()}])
        assert consent.state_of(session, lin, channel="telegram") == "withdrawn"
        assert consent.state_of(session, lin, channel="wechat") == "given"
        assert lin.opted_out_at is None

    db.run(story)


@pytest.mark.parametrize(
    "wrong", [{"timezone": "Mars/Base"}, {"consents": [{"given": True}]}, {"consents": "yes"}]
)
def test_what_is_no_consent_is_refused(db: Database, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        db.run(lambda session: told(session, "1", **wrong))


def test_withdrawn_on_one_channel_holds_for_what_waits_there(db: Database) -> None:
    def story(session: Session) -> list[str]:
        states = []
        for name in ("telegram", "wechat"):
            identity = world.chat(session, name, channel=name, pulls=False)
            who = identity.customer(session)
            consent.enter(session, who, ConsentState.WITHDRAWN, "event", "", channel="telegram")
            conversation = outbox.conversation_for(session, identity)
            outbox.post(session, conversation, "sale", purpose=Purpose.MARKETING)
        rows = session.exec(select(Delivery).order_by(Delivery.channel)).all()
        stops = claims.guard_consent(session, rows)
        for row in rows:
            reason = stops[row.id].reason if row.id in stops else "goes"
            states.append(f"{row.channel}: {reason}")
        return states

    assert db.run(story) == ["telegram: opted out", "wechat: goes"]


def test_what_a_stranger_said_is_the_customers_once_they_are_known(db: Database) -> None:
    def story(session: Session) -> None:
        world.told(session, "order.paid", "XE1")
        lin = session.exec(select(Customer)).one()
        product = Product(sku="S1", stock=0, told_at=now())
        session.add(product)
        session.flush()
        assert product.id is not None
        consent.enter(session, lin, ConsentState.GIVEN, "event", "checkout")
        consent.watch(session, lin, product.id, "tell me", now())
        identity = world.chat(session, "a")
        stranger = identity.customer(session)
        consent.watch(session, stranger, product.id, "到货通知我", now())
        linking.prove(session, identity, "XE1", "8888", now())
        assert [one.customer_id for one in waiting_for(session, product.id)] == [lin.id]
        assert len(consent.in_force(session, lin.id or 0)) == 2
        other = world.chat(session, "b")
        consent.stop(session, other.customer(session), "stop", now() - timedelta(days=3))
        linking.prove(session, other, "XE1", "8888", now())
        assert lin.opted_out_at is not None
        assert consent.state_of(session, lin) == "withdrawn"

    db.run(story)


def test_a_wish_that_was_fulfilled_can_be_wished_again(db: Database) -> None:
    def story(session: Session) -> None:
        who = world.chat(session, "a").customer(session)
        product = Product(sku="S1", stock=0, told_at=now())
        session.add(product)
        session.flush()
        assert product.id is not None
        assert consent.watch(session, who, product.id, "x", now())
        assert not consent.watch(session, who, product.id, "x", now())
        (wish,) = waiting_for(session, product.id)
        wish.told_at = now()
        session.add(wish)
        session.flush()
        assert consent.watch(session, who, product.id, "x", now())
        assert session.exec(select(StockWatch)).one().told_at is None

    db.run(story)


def test_the_desk_shows_what_holds_and_notes_what_is_said(db: Database) -> None:
    def story(session: Session) -> None:
        mei = login(session, "mei")
        conversation = writes(session, "Emma", "hi")
        consents.declined(session, conversation.id or 0, agent_of(session, mei), "no ads, by phone")
        consents.agreed(session, conversation.id or 0, agent_of(session, mei), " yes please ")
        thread = sight_of(session, mei, Texts(VOICE, "en"), conversation.id).thread
        assert thread is not None
        (line,) = thread.card.consents
        assert line.startswith("offers · agreed · ")
        assert line.endswith(" · noted at the desk · “yes please”")

    db.run(story)
