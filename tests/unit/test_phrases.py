"""Texts that business people edit: complete in every language, and refused with file and key."""

from pathlib import Path

import pytest
from sqlmodel import Session

from bot.config import ROOT, validate
from bot.logistics.parcels import parcel_facts
from bot.shop.orders import order_facts
from bot.words.phrases import PhrasesInvalid, Voice
from bot.words.sandbox import ANSWER, Words
from storage.db import Database
from storage.models.orders import Order, Parcel


def words(*languages: str, default: str = "zh") -> Words:
    shop = {"name": "x", "languages": languages or ("zh", "en"), "default_language": default}
    return Words(validate({"shop": shop}).shop)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    room = tmp_path / "replies"
    room.mkdir()
    (room / "zh.yaml").write_text("hello: 您好，{{ name }}\nbye: 再见", encoding="utf-8")
    (room / "en.yaml").write_text("hello: Hello {{ name }}\nbye: Goodbye", encoding="utf-8")
    return tmp_path


def refusal(folder: Path) -> str:
    with pytest.raises(PhrasesInvalid) as caught:
        Voice.load(words(), folder)
    return str(caught.value)


def test_it_speaks_the_readers_language_or_the_shops(folder: Path) -> None:
    voice = Voice.load(words(), folder)
    assert voice.say("replies.hello", "zh", name="林小满") == "您好，林小满"
    assert voice.say("replies.hello", "en", name="Ann") == "Hello Ann"
    assert voice.say("replies.bye", "fr") == "再见"


def test_a_shop_of_one_language_needs_the_texts_of_that_language_only(folder: Path) -> None:
    (folder / "replies" / "zh.yaml").unlink()
    voice = Voice.load(words("en", default="en"), folder)
    assert voice.say("replies.bye", "zh") == "Goodbye"


def test_what_a_customer_wrote_is_said_as_it_is(folder: Path) -> None:
    evil = "{{ shop.name }}{% for x in 'ab' %}"
    assert Voice.load(words(), folder).say("replies.hello", "en", name=evil) == f"Hello {evil}"


def test_a_text_missing_in_one_language_is_named(folder: Path) -> None:
    (folder / "replies" / "en.yaml").write_text("hello: Hello {{ name }}", encoding="utf-8")
    assert refusal(folder) == f"{folder} lacks texts in en: replies.bye"


def test_a_missing_file_is_named(folder: Path) -> None:
    path = folder / "replies" / "en.yaml"
    path.unlink()
    assert f"Cannot read {path}" in refusal(folder)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hello: '{{ name() }}'\nbye: x", "hello cannot be used: Call is not allowed"),
        ("hello: '{{ shop.nope }}'\nbye: x", "hello cannot be used: there is no shop.nope"),
        ("hello: '{% for a in b %}'\nbye: x", "hello cannot be used: "),
        ("hello: 5\nbye: x", "hello cannot be used: not a text"),
        ("- hello", "should be a list of `key: text`"),
        ("", "should be a list of `key: text`"),
        ("hello: [", "Cannot read"),
        ("hello: !!python/object:os.system x", "Cannot read"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused_with_file_and_key(
    folder: Path, text: str, why: str
) -> None:
    path = folder / "replies" / "en.yaml"
    path.write_text(text, encoding="utf-8")
    said = refusal(folder)
    assert str(path) in said
    assert why in said


def test_templates_are_checked_against_the_facts_that_there_really_are(sqlite_url: str) -> None:
    voice = Voice.load(words(), ROOT / "templates")

    def parcel_keys(session: Session) -> set[str]:
        parcel = Parcel(tracking_number="SF1", status="delivered")
        session.add(parcel)
        session.flush()
        return set(parcel_facts(session, parcel, "en", voice))

    db = Database(sqlite_url)
    assert db.run(parcel_keys) == set(ANSWER["parcel"])
    db.close()
    assert set(order_facts(Order(number="X"), "en", voice)) == set(ANSWER["order"])
