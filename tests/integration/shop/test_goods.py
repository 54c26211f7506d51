"""Questions about the shop's own goods are read as the FAQ knows them, whatever the goods are."""

import pytest
from sqlmodel import Session

from bot.answering.index import Index
from bot.answering.understanding import Understanding
from bot.config import ROOT
from bot.dialogue.goods import knowing_goods
from bot.shop.catalogue import Catalogue
from bot.words.heard import Heard
from storage.db import Database
from tests.integration.shop.test_products import told

NAMES = ("Wool scarf", "Knitted gloves", "Scented candle", "Gift set for men", "云锦羊毛围巾")


HEARD = Heard.load(ROOT / "templates")


@pytest.fixture
def catalogue(sqlite_db: Database) -> Catalogue:
    found = Catalogue()

    def fill(session: Session) -> None:
        for number, name in enumerate(NAMES):
            told(session, f"S-{number}", name=name)
        found.load(session)

    sqlite_db.run(fill)
    return found


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("can I return the scarf", "can I return it"),
        ("my gloves don't fit", "it don't fit"),
        ("is the blue wool scarf warm", "is it warm"),
        ("return scarf pls", "return it pls"),
        ("how long until my scented candles arrive?", "how long until it arrive?"),
        ("do you gift wrap for men", "do you gift wrap for it"),
        ("where is my parcel", "where is my parcel"),
        ("这条羊毛围巾能退吗", "这个能退吗"),
        ("围巾可以换大一码吗", "这个可以换大一码吗"),
        ("我的包裹到哪了", "我的包裹到哪了"),
        ("İ want the scarf", "İ want the scarf"),
        ("", ""),
    ],
)
def test_names_of_goods_are_taken_out(catalogue: Catalogue, said: str, plain: str) -> None:
    assert catalogue.without_names(said) == plain


@pytest.mark.parametrize(
    ("asked", "entry"),
    [
        ("can I return the scarf", "return_how"),
        ("how do I return my gloves", "return_how"),
        ("how long until my gloves arrive", "shipping_time"),
        ("my gloves don't fit", "exchange_size"),
        ("when will you send the candle", "dispatch_time"),
    ],
)
async def test_what_is_asked_about_goods_is_answered(
    shipped: Index, catalogue: Catalogue, asked: str, entry: str
) -> None:
    read: list[str] = []

    async def understand(text: str) -> Understanding:
        read.append(text)
        return shipped.understand([text])[0]

    assert (await understand(asked)).decision != "answer"
    found = await knowing_goods(understand, catalogue, HEARD)(asked)
    assert (found.best and found.best.entry_id, found.decision) == (entry, "answer")
    assert (found.text, found.normalised) == (asked, asked.lower())
    assert len(read) == 3


@pytest.mark.parametrize(
    "asked", ["where is my parcel", "who painted the scarf in the Louvre", "gloves price"]
)
async def test_what_is_sure_or_no_surer_stays(
    shipped: Index, catalogue: Catalogue, asked: str
) -> None:
    async def understand(text: str) -> Understanding:
        return shipped.understand([text])[0]

    found = await knowing_goods(understand, catalogue, HEARD)(asked)
    plain = await understand(asked)
    assert found.decision == plain.decision
    assert found.decision == "answer" or found.confidence < 0.5
