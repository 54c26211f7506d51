"""What is kept of the platform's log, on both databases."""

from typing import Any

import pytest

from storage.db import Database
from storage.models import kf
from storage.models.kf import Position

PAGE: list[dict[str, Any]] = [{"msgid": "m1", "n": 1}, {"msgid": "m2", "n": 2}]


def keep(db: Database, before: Position, cursor: str, page: list[Any], **named: Any) -> bool:
    return db.run(kf.keep, "kf", page, before, cursor, **{"is_end": True, **named})


def untaken(db: Database) -> list[int]:
    return [one.data["n"] for one in db.run(kf.untaken, "kf", 10)]


def test_a_page_and_its_cursor_are_kept_together(db: Database) -> None:
    db.run(kf.hear, "kf", "token-1")
    before = db.run(kf.position, "kf")
    assert before == Position("", "token-1", 1, is_due=True)
    assert keep(db, before, "c2", PAGE)
    assert db.run(kf.position, "kf") == Position("c2", "token-1", 1, is_due=False)
    assert untaken(db) == [1, 2]
    db.run(kf.forget, [db.run(kf.untaken, "kf", 1)[0].id])
    assert untaken(db) == [2]


def test_of_two_who_read_the_same_page_one_keeps_it(db: Database) -> None:
    before = db.run(kf.position, "kf")
    assert before == Position()
    assert keep(db, before, "c2", PAGE)
    assert not keep(db, before, "c2", PAGE)
    assert keep(db, db.run(kf.position, "kf"), "c3", [*PAGE, {"msgid": "m3", "n": 3}])
    assert untaken(db) == [1, 2, 3], "an entry that comes again is the same one"
    db.run(kf.start_over, "kf")
    assert db.run(kf.position, "kf").cursor == ""


def test_news_during_a_sync_makes_another_due(db: Database) -> None:
    db.run(kf.hear, "kf", "token-1")
    before = db.run(kf.position, "kf")
    assert keep(db, before, "c1", [], is_end=False)
    assert db.run(kf.position, "kf").is_due, "there are more pages"
    db.run(kf.hear, "kf", "token-2")
    assert keep(db, db.run(kf.position, "kf"), "c2", [])
    assert not db.run(kf.position, "kf").is_due
    late = db.run(kf.position, "kf")
    db.run(kf.hear, "kf", "token-3")
    assert keep(db, late, "c3", [])
    assert db.run(kf.position, "kf").is_due


def test_an_old_token_is_not_used(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    db.run(kf.hear, "kf", "token-1")
    later = kf.now() + kf.TOKEN_LASTS
    monkeypatch.setattr(kf, "now", lambda: later)
    assert db.run(kf.position, "kf") == Position("", "", 1, is_due=True)
