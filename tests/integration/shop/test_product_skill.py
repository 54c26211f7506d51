"""Questions about products, word for word, answered from their data and from nothing else."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.answering.understanding import Candidate, Decision, Understanding
from bot.core.text import language, normalise
from bot.dialogue.receive import Reception
from bot.dialogue.skills import discover
from bot.dialogue.turn import House
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.consents import Consent
from storage.models.conversations import Message
from storage.models.stock_watches import StockWatch
from tests.integration.shop.test_order_skill import Faq, Talk
from tests.integration.shop.test_products import told
from tests.support.world import ago
from tests.support.world import told as order_told

SHOP = "https://shop.example"
KNOWN = {
    "怎么清洗和保养": "care_instructions", "这款现在有没有货": "stock_check",
    "羊毛围巾的尺码表": "size_guide", "我的包裹到哪了": "where_is_my_parcel",
    "云朵的价格": "free_shipping",
}  # fmt: skip
"""What the engine is sure of."""


def understand(text: str) -> Understanding:
    entry, plain = KNOWN.get(text), normalise(text)
    candidates = (Candidate(entry, 1.0, text),) if entry else ()
    decision: Decision = "answer" if entry else "human"
    return Understanding(
        text, plain, plain, language(plain), False, candidates, decision, float(bool(entry)), "v"
    )


@pytest.fixture
def talk(db: Database, voice: Voice, monkeypatch: pytest.MonkeyPatch) -> Talk:
    monkeypatch.setattr("tests.integration.shop.test_order_skill.understand", understand)
    db.run(fill)
    return Talk(db, Reception(House(voice, Faq()), discover()))


def fill(session: Session) -> None:
    tell: Callable[..., None] = lambda sku, **data: told(session, sku, **data)  # noqa: E731
    tell("SCARF-1", name="云锦羊毛围巾", url=f"{SHOP}/products/wool-scarf", price=Decimal("99.5"),
         currency="CNY", stock=12,
         attributes={"Material": "100% 羊毛", "洗护说明": "冷水手洗，平铺晾干", "aliases": "wool scarf, 羊毛脖套",
                     "size chart": {"L": "180 cm", "XL": "200 cm"}})  # fmt: skip
    tell("MUG-1", name="Blue Mug", url=f"{SHOP}/?p=7", price=Decimal(12), stock=3,
         attributes={"care": "Dishwasher safe", "made in": "Portugal"})  # fmt: skip
    tell("CREAM-1", name="燕麦面霜", stock=0, attributes={"ingredients": "燕麦, 甘油"})
    for colour in ("Red", "Grey"):
        tell(f"HAT-{colour}", name=f"Linen Hat {colour}", stock=9 if colour == "Red" else 0,
             attributes={"care": "Hand wash", "colour": colour})  # fmt: skip
    tell("PILLOW-1", name="孕妇枕", price=Decimal(199))


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("云锦羊毛围巾多少钱", ["「云锦羊毛围巾」", "价格：¥99.50"]),
        ("羊毛围巾怎么洗？", ["洗护方式：冷水手洗，平铺晾干"]),
        ("请问你们的羊毛围斤有货吗", ["库存：有货\n"]),
        ("羊毛圍巾是什麼材質", ["材质：100% 羊毛"]),
        ("羊毛脖套 尺码表", ["L: 180 cm\nXL: 200 cm"]),
        ("围巾成分是什么，多少钱", ["材质：100% 羊毛", "¥99.50"]),
        ("How much is the wool scarf?", ["99.50"]),
        ("how do I wash the wool scraf", ["Care: 冷水手洗"]),
        ("is the blue mug in stock", ["only 3 left"]),
        ("where is the blue mug made", ["Made in: Portugal"]),
        ("how do i clean the blue mug please", ["Dishwasher safe"]),
        ("孕妇枕多少钱", ["¥199"]),
        ("羊毛围巾的尺码表", ["L: 180 cm"]),
        ("https://www.shop.example/collections/all/products/wool-scarf?variant=1&utm_source=x", ["价格：¥99.50"]),
        ("https://shop.example/products/wool-scarf 这个怎么洗", ["洗护方式：冷水手洗"]),
        ("https://shop.example/?p=7&spm=1.2 how much is it", ["¥12"]),
        ("what is the linen hat made of and how do i wash it", ["Linen Hat:", "Care: Hand wash", "rather not guess"]),
    ],
)  # fmt: skip
def test_the_data_answers(talk: Talk, question: str, answers: list[str]) -> None:
    said = talk.say(question)
    for one in answers:
        assert one in said + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "怎么清洗和保养", "这款现在有没有货", "多少钱", "怎么洗", "羊毛围巾怎么退货", "羊毛围巾的运费多少钱",
        "围巾坏了怎么洗", "我的包裹到哪了", "how much is shipping for the wool scarf",
        "what is the price of gold", "洗衣机怎么卖", "https://other.example/products/wool-scarf",
        "https://shop.example/", "你们有什么", "how do i exchange the blue mug for another size",
        "云朵的价格", "这个多少钱",
    ],
)  # fmt: skip
def test_other_questions_are_left_alone(talk: Talk, text: str) -> None:
    talk.say(text)
    assert outcome(talk)["skill"] != "product"


def outcome(talk: Talk) -> dict[str, Any]:
    query = select(Message).order_by(Message.id)  # type: ignore[arg-type]
    messages = talk.db.run(lambda session: session.exec(query).all())
    return next(one.verdict for one in reversed(messages) if one.verdict) or {}


def test_what_the_data_lacks_is_said_and_a_person_offered(talk: Talk) -> None:
    said = talk.say("羊毛围巾的产地是哪里")
    assert "产地：商品资料里没有写" in said
    assert [one["value"] for one in talk.choices] == ["person"]


@pytest.mark.parametrize(
    "text",
    [
        "孕妇枕多少钱，会过敏吗",
        "孕妇能用燕麦面霜吗",
        "燕麦面霜会过敏吗",
        "is 燕麦面霜 safe for babies",
    ],
)
def test_health_gets_facts_and_a_person_but_no_opinion(talk: Talk, text: str) -> None:
    said = talk.say(text)
    assert "燕麦, 甘油" in said or "¥199" in said
    assert "医生" in said or "doctor" in said
    assert [one["value"] for one in talk.choices] == ["person"]


@pytest.mark.parametrize(
    "value", ["product:", "product:9:price", "watch:9", f"product:{10**30}:price", "watch:١x"]
)
def test_a_made_up_button_means_nothing(talk: Talk, value: str) -> None:
    talk.press(value)
    assert outcome(talk)["skill"] == "miss"


def test_several_are_asked_back_and_talked_about_on(talk: Talk) -> None:
    assert talk.say("is the linen hat in stock") == "Which one do you mean?"
    assert [one["label"] for one in talk.choices] == ["Linen Hat Red", "Linen Hat Grey"]
    assert "sold out for now" in talk.press(talk.choices[1]["value"])
    assert "Care: Hand wash" in talk.say("how do i wash it")
    assert "as soon as Linen Hat Grey is back" in talk.say("tell me when it's back")
    assert "Stock" not in talk.say("and is red in stock?"), "of whatever it was"
    assert "Stock: available" in talk.say("linen hat red in stock?")
    assert "Stock: available" in talk.say("notify me")
    talk.say("notify me when it is back: linen hat")
    assert "as soon as Linen Hat Grey is back" in talk.press(talk.choices[1]["value"])


def test_a_wish_for_one_message_is_kept_once(talk: Talk) -> None:
    assert "要不要到货的时候告诉您一声" in talk.say("燕麦面霜还有货吗")
    (wish,) = [one["value"] for one in talk.choices]
    assert "一到货就在这里告诉您" in talk.press(wish)
    talk.say("燕麦面霜到货通知我")
    (row,) = talk.db.run(lambda session: session.exec(select(StockWatch)).all())
    (consent,) = talk.db.run(lambda session: session.exec(select(Consent)).all())
    assert (row.told_at, consent.purpose, consent.wording) == (None, "back_in_stock", "到货通知我")
    talk.say("退订")
    assert talk.db.run(lambda session: session.exec(select(StockWatch)).all()) == []


def test_what_was_bought_last_is_this(talk: Talk) -> None:
    assert "洗护方式" not in talk.say("这个怎么洗")
    scarf = [{"sku": "SCARF-1", "name": "云锦羊毛围巾", "quantity": 1}]
    items = {"items": scarf}
    talk.db.run(lambda session: order_told(session, "order.paid", "XE10001", ago(days=1), **items))
    talk.say("XE10001 8888")
    assert "洗护方式：冷水手洗" in talk.say("我买的这个怎么洗")
    assert "how do I" not in talk.say("this one, is it in stock")


@pytest.mark.parametrize("name", ["red", "the red one", "linen hat red please"])
def test_which_one_may_be_typed(talk: Talk, name: str) -> None:
    talk.say("what colour is the linen hat and is it in stock")
    assert "Linen Hat Red" in talk.say(name)
    assert outcome(talk)["about"] == ["colour", "stock"]


def test_the_name_of_another_product_asks_the_same_of_it(talk: Talk) -> None:
    talk.say("孕妇枕多少钱")
    assert "价格：¥99.50" in talk.say("那羊毛围巾呢")
    for other in ("羊毛围巾不想要了", "羊毛围巾坏了呢", "好的", "红色", "谢谢"):
        talk.say(other)
        assert outcome(talk)["skill"] != "product", other


def test_who_wants_to_be_told_is_asked_of_what(talk: Talk) -> None:
    assert "您等的是哪一款" in talk.say("到货喊我")
    assert "「燕麦面霜」一到货就在这里告诉您" in talk.say("燕麦面霜")
    assert "as soon as 燕麦面霜 is back" in talk.say("tell me wen its back")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("羊毛围巾多钱", "¥99.50"),
        ("燕麦面霜还有么", "暂时卖完"),
        ("u got the blue mug?", "only 3 left"),
        ("我订单里的羊毛围巾咋洗", "冷水手洗"),
    ],
)
def test_short_words_of_everyday(talk: Talk, question: str, answer: str) -> None:
    assert answer in talk.say(question)


@pytest.mark.parametrize("words", ["你们都有什么呀", "what do you sell?"])
def test_who_looks_around_is_shown_the_newest_that_are_there(talk: Talk, words: str) -> None:
    talk.say(words)
    names = [one["label"] for one in talk.choices]
    assert names[:3] == ["孕妇枕", "Linen Hat Red", "Blue Mug"]
    assert talk.choices[-1]["value"] == "person"
    talk.say("3")
    assert outcome(talk)["product"] == "MUG-1"


def test_a_shop_without_products_shows_none(db: Database, voice: Voice) -> None:
    talk = Talk(db, Reception(House(voice, Faq()), discover()))
    talk.say("what do you sell?")
    assert outcome(talk)["skill"] != "product"


@pytest.mark.parametrize("words", ["云锦羊毛围巾", "wool scarf"])
def test_a_name_alone_is_told_with_price_and_stock(talk: Talk, words: str) -> None:
    said = talk.say(words)
    assert "99.5" in said
    assert outcome(talk)["about"] == ["price", "stock"]


@pytest.mark.parametrize("words", ["天气真好", "羊毛", "red"])
def test_what_is_no_name_introduces_nothing(talk: Talk, words: str) -> None:
    talk.say(words)
    assert outcome(talk)["skill"] != "product"


@pytest.mark.parametrize("yes", ["好的", "yes pls"])
def test_a_typed_yes_to_the_offer_is_a_wish(talk: Talk, yes: str) -> None:
    talk.say("燕麦面霜有货吗")
    talk.say(yes)
    assert len(talk.db.run(lambda s: s.exec(select(StockWatch)).all())) == 1


def test_products_named_together_are_answered_for_one_by_one(talk: Talk) -> None:
    said = talk.say("围巾和面霜还有货吗")
    assert said.index("围巾") < said.index("有货") < said.index("面霜") < said.index("卖完")
    assert outcome(talk)["products"] == ["SCARF-1", "CREAM-1"]
    talk.say("围巾和拖鞋还有货吗")
    assert "products" not in outcome(talk)
