"""A session that a person has before the customer's first words have reached us is theirs."""

from sqlmodel import select

from bot.channels.wechat.kf import QUEUE
from bot.core.messages import Address, Inbound
from bot.delivery.errands import ErrandDone
from bot.dialogue.kf_sessions import KfSessions
from storage.db import Database
from storage.models.conversations import Conversation, Message
from storage.models.customers import Identity
from tests.integration.test_desk_views import VOICE
from tests.support.receiving import reception_of, understood

PLACE = Address("wechat", "kf", "wm1")


def test_the_bot_says_nothing(db: Database) -> None:
    asked = ErrandDone(1, PLACE, "session", {}, {"state": QUEUE, "servicer": ""})
    db.run(KfSessions(db, VOICE).learnt, asked)
    first = Inbound(PLACE, "m1", "怎么退货", name="池子里")
    db.run(reception_of(VOICE).receive, first, understood(first.text))
    states = db.run(lambda s: s.exec(select(Conversation.state)).all())
    said = db.run(lambda s: s.exec(select(Message.author).order_by(Message.id)).all())
    names = db.run(lambda s: s.exec(select(Identity.name)).all())
    assert (states, said, names) == (["open"], ["system", "customer"], ["池子里"])
