"""Finding what was said, on both databases: what is found, what no longer, and in what order."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from bot.core.clock import now
from bot.core.messages import Author, State
from bot.core.searching import read_query
from bot.desk.accounts import create_agent
from storage import backup, indexing
from storage.db import Database
from storage.indexing import Indexer
from storage.models import search, search_index
from storage.models.agents import agent_by_login
from storage.models.conversations import (
    Conversation,
    Message,
    Note,
    Written,
    judge,
    latest_conversation,
    open_conversation,
    reword,
    write,
)
from storage.models.customers import Customer, Identity
from storage.models.search import Cursor, Found
from storage.models.search_engines import Filters
from storage.models.search_index import Shelf
from tests.support import world

SAID = (
    "怎么退货呀",
    "I want to return my iPhone 15",
    "退款什么时候到账？退货已经寄出",
    "訂單 XE10001 還沒收到",
    "returns are slow, is the parcel lost",
)


class Shop:
    """A database with what customers said, one chat for each name."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def says(self, *words: str, name: str = "Lin", channel: str = "web") -> list[int]:
        """The customer called `name` says it, a second after what was said before."""

        def talk(session: Session) -> list[int]:
            conversation, identity = _chat(session, name, channel)
            start = (
                now()
                - timedelta(days=1)
                + timedelta(seconds=search_index.newest(session, Shelf.MESSAGE))
            )
            return [
                write(
                    session,
                    Written(
                        conversation.id or 0,
                        identity.id or 0,
                        Author.CUSTOMER,
                        "",
                        one,
                        created_at=start + timedelta(seconds=place),
                    ),
                ).id
                for place, one in enumerate(words)
            ]

        return self.db.run(talk)

    def notes(self, words: str, at: datetime | None = None, name: str = "Lin") -> None:
        """A colleague leaves a note about the customer."""

        def leave(session: Session) -> None:
            agent = agent_by_login(session, "amy") or create_agent(
                session, "amy", "Amy", "a long enough password"
            )
            conversation, _ = _chat(session, name, "web")
            assert agent.id
            session.add(
                Note(
                    conversation_id=conversation.id or 0,
                    agent_id=agent.id,
                    text=words,
                    created_at=at or now(),
                )
            )

        self.db.run(leave)

    async def index(self) -> None:
        """All that is committed is indexed, as the service does it."""
        indexer = Indexer(self.db)
        while await indexer.fill_some():
            pass

    async def look(
        self,
        asked: str,
        filters: Filters | None = None,
        before: Cursor | None = None,
        limit: int = 50,
    ) -> Found:
        return await self.db.read(search.search, read_query(asked), filters, before, limit)

    async def found(self, asked: str, filters: Filters | None = None) -> list[str]:
        """What is found, the newest first."""
        found = await self.look(asked, filters)
        assert found.next is None
        return [hit.said.text for hit in found.hits]


def _chat(session: Session, name: str, channel: str) -> tuple[Conversation, Identity]:
    found = session.execute(
        text("SELECT id FROM identity WHERE chat = :name"), {"name": name}
    ).scalar()
    if found is None:
        identity = world.chat(session, name, channel)
        identity.name = name
        return open_conversation(session, identity), identity
    identity = session.get_one(Identity, found)
    conversation = latest_conversation(session, found)
    assert conversation is not None
    return conversation, identity


@pytest.fixture
def shop(db: Database) -> Iterator[Shop]:
    return Shop(db)


ASKED = {
    "退货": [2, 0],
    "退貨": [2, 0],
    "货呀": [0],
    "货退": [],
    "退": [2, 0],
    "呀": [0],
    "退货已经寄出": [2],
    "退货 退款": [2],
    "订单 xe10001": [3],
    "xe100": [3],
    "return": [4, 1],
    '"return"': [1],
    "RETURN slow": [4],
    "turn": [],
    '"is the parcel"': [4],
    '"the is parcel"': [],
    "iphone 15": [1],
    "Ｉｐｈｏｎｅ": [1],
    "nobody": [],
    "！？": [],
    "* OR '": [],
}
"""Places in `SAID` by what is asked for."""


async def test_what_is_found(shop: Shop) -> None:
    shop.says(*SAID)
    await shop.index()
    found = {asked: await shop.found(asked) for asked in ASKED}
    assert found == {asked: [SAID[place] for place in places] for asked, places in ASKED.items()}


async def test_notes_are_found_among_messages_in_their_order(shop: Shop) -> None:
    shop.says("退货 one", "退货 two")
    shop.notes("退货 old note", at=now() - timedelta(days=2))
    shop.notes("退货 new note")
    await shop.index()
    assert await shop.found("退货") == ["退货 new note", "退货 two", "退货 one", "退货 old note"]


async def test_pages_hold_everything_once(shop: Shop) -> None:
    for round_ in range(3):
        shop.says(*(f"parcel {round_} {number}" for number in range(5)))
        shop.notes(f"parcel note {round_}", at=now() - timedelta(days=1, seconds=-5 * round_ - 2.5))
    await shop.index()
    whole = await shop.found("parcel")
    pages, before, asked = [], None, 0
    while asked == 0 or before is not None:
        page = await shop.look("parcel", before=before, limit=4)
        pages += [hit.said.text for hit in page.hits]
        before, asked = page.next, asked + 1
    assert len(whole) == 18
    assert pages == whole
    assert asked == 5


async def test_filters(shop: Shop) -> None:
    shop.says("lost parcel", name="Lin")
    shop.says("parcel again", name="Wu", channel="telegram")

    def resolve(session: Session) -> datetime:
        hit = search.search(session, read_query("again")).hits[0]
        hit.conversation.state = State.RESOLVED
        session.add(hit.conversation)
        return hit.said.created_at

    await shop.index()
    at = await shop.db.transact(resolve)
    assert await shop.found("parcel", Filters(state="resolved")) == ["parcel again"]
    assert await shop.found("parcel", Filters(state="bot")) == ["lost parcel"]
    assert await shop.found("parcel", Filters(channel="telegram")) == ["parcel again"]
    assert await shop.found("parcel", Filters(agent_id=77)) == []
    assert await shop.found("parcel", Filters(since=at)) == ["parcel again"]
    assert await shop.found("parcel", Filters(until=at)) == ["lost parcel"]
    both = Filters(state="resolved", channel="web")
    assert await shop.found("parcel", both) == []


async def test_the_old_words_are_not_found_even_before_the_new_ones_are(shop: Shop) -> None:
    number, masked = shop.says("my code is 482913", "card 4111111111111111")
    await shop.index()
    assert await shop.found("482913") == ["my code is 482913"]
    assert await shop.found("4111111111111111") == ["card 4111111111111111"]

    def mask(session: Session) -> None:
        reword(session, number, "my code is ******")
        said = session.get_one(Message, masked)
        later = Written(
            said.conversation_id, said.identity_id, said.author, "", "card ***1111", id=masked
        )
        judge(session, later, {"skill": "safety"})

    await shop.db.transact(mask)
    assert await shop.found("482913") == []
    assert await shop.found("4111111111111111") == []
    index = "SELECT count(*) FROM search_message"
    assert await shop.db.read(lambda session: session.execute(text(index)).scalar_one()) == 0
    await shop.index()
    assert await shop.found("my code") == ["my code is ******"]
    assert await shop.found("1111") == ["card ***1111"]


async def test_what_is_gone_is_not_found_nor_kept_in_the_index(shop: Shop) -> None:
    number, _ = shop.says("erase me", "keep me")
    await shop.index()

    def erase(session: Session) -> None:
        search_index.changed(session, Shelf.MESSAGE, [number])
        session.delete(session.get_one(Message, number))

    await shop.db.transact(erase)
    await shop.index()
    assert await shop.found("me") == ["keep me"]
    left = "SELECT (SELECT count(*) FROM search_message), (SELECT count(*) FROM search_change)"
    assert await shop.db.read(lambda session: tuple(session.execute(text(left)).one())) == (1, 0)


async def test_what_says_something_else_by_now_is_no_hit(shop: Shop) -> None:
    (number,) = shop.says("secret words")
    await shop.index()

    def elsewhere(session: Session) -> None:
        """Somebody changes the row and tells nobody."""
        session.execute(text("UPDATE message SET text = 'other' WHERE id = :id"), {"id": number})

    await shop.db.transact(elsewhere)
    assert await shop.found("secret") == []


async def test_an_index_goes_on_where_another_process_stopped(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "BATCH", 3)
    shop.says(*(f"parcel {number}" for number in range(8)))
    assert await Indexer(shop.db).fill_some()
    assert len(await shop.found("parcel")) == 3
    await shop.index()
    assert len(await shop.found("parcel")) == 8
    entries = await shop.db.read(search_index.unread, Shelf.MESSAGE, 3, 5)
    assert await shop.db.transact(search_index.fill, Shelf.MESSAGE, 3, entries) is False
    assert len(await shop.found("parcel")) == 8


async def test_a_common_word_is_looked_for_no_further_than_needed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PATIENCE", 60.0)
    for module in (search, search_index):
        monkeypatch.setattr(module, "BLOCK", 4)
    monkeypatch.setattr("storage.models.search_engines.BLOCK", 4)
    shop.says(*(f"parcel {number}" for number in range(40)))
    await shop.index()
    found = await shop.look("parcel", limit=5)
    assert [hit.said.text for hit in found.hits] == [f"parcel {n}" for n in range(39, 34, -1)]
    assert found.next == Cursor(36, 1)
    assert await shop.found('"parcel 2"') == ["parcel 2"]


async def test_a_search_that_takes_long_tells_where_to_go_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PATIENCE", 0.0)
    monkeypatch.setattr(search, "first_stretch", lambda *_: 0)
    for module in (search, search_index):
        monkeypatch.setattr(module, "BLOCK", 4)
    monkeypatch.setattr("storage.models.search_engines.BLOCK", 4)
    shop.says("the rare one", *(f"parcel {number}" for number in range(9)))
    await shop.index()
    found, looks = await shop.look("rare"), 1
    while not found.hits:
        assert found.next is not None
        found, looks = await shop.look("rare", before=found.next), looks + 1
    assert [hit.said.text for hit in found.hits] == ["the rare one"]
    assert looks == 3


async def test_people_are_found_by_order_phone_and_name(shop: Shop) -> None:
    def told(session: Session) -> None:
        order = world.told(session, "order.shipped", "XE10001", tracking_number="SF1")
        _, identity = _chat(session, "小满", "web")
        identity.customer_id = order.customer_id or 0
        session.add(identity)

    await shop.db.transact(told)
    for asked in ("XE10001", " xe10001 ", "SF1", "sf1", "138 0000 8888", "8888", "林小满"):
        (entry,) = await shop.db.read(search.people, asked)
        assert entry[1].name == "小满"
    for asked in ("888", "XE1000", "小满", "", "%", "0000"):
        assert await shop.db.read(search.people, asked) == []


async def test_customers_of_the_same_name_are_all_found(shop: Shop) -> None:
    for name in ("a", "b"):
        shop.says("hello", name=name)

    def same(session: Session) -> None:
        for customer in session.exec(select(Customer)):
            customer.name = "Emma"

    await shop.db.transact(same)
    assert len(await shop.db.read(search.people, "emma")) == 2


async def test_a_message_that_is_committed_late_is_not_lost(postgres_url: str) -> None:
    db = Database(postgres_url)
    shop, indexer = Shop(db), Indexer(db)
    (first,) = shop.says("parcel one")
    with psycopg.connect(db.dsn) as late:
        late.execute(
            "INSERT INTO message (conversation_id, identity_id, author, purpose, text, choices, "
            "origin, created_at) SELECT conversation_id, identity_id, author, purpose, "
            "'parcel late', choices, origin, created_at FROM message WHERE id = %s",
            [first],
        )
        (newest,) = shop.says("parcel two")
        assert newest == first + 2
        await shop.index()
        for _ in range(3):  # however long it takes
            await indexer.sweep(Shelf.MESSAGE)
        at = await db.read(search_index.progress, Shelf.MESSAGE)
        assert (at.filled, at.mark, at.settled) == (newest, newest, 0)
        assert await shop.found("parcel") == ["parcel two", "parcel one"]
    await indexer.sweep(Shelf.MESSAGE)
    assert await shop.found("parcel") == ["parcel two", "parcel late", "parcel one"]
    at = await db.read(search_index.progress, Shelf.MESSAGE)
    assert at.settled == newest
    db.close()


async def test_a_restored_database_is_indexed_anew(
    db: Database, sqlite_url: str, tmp_path: Path
) -> None:
    shop = Shop(db)
    shop.says(*SAID)
    await shop.index()
    file = tmp_path / "backup.zip"

    def silent(_done: int, _total: int) -> None:
        """Nobody looks at the meter."""

    manifest = backup.save(db, file, "1", silent, replace=False)
    assert not [one.name for one in manifest.tables if one.name.startswith("search")]
    other = Shop(Database(sqlite_url)) if not db.is_sqlite else shop
    other.says("something else")
    await other.index()
    other.db.close()
    again = Database(other.db.url.render_as_string(hide_password=False))
    backup.restore(again, file, silent, silent, replace=True)
    restored = Shop(again)
    assert await restored.found("退货") == []
    await restored.index()
    assert await restored.found("退货") == [SAID[2], SAID[0]]
    assert await restored.found("something") == []
    again.close()
