"""The desk's words: which language, and how long ago."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from bot.config import ROOT, Shop
from bot.desk.texts import Texts, choose_language
from bot.dialogue import skills
from bot.words.phrases import Voice
from bot.words.sandbox import Words

SHOP = Shop(name="Shop", default_language="zh")
VOICE = Voice.load(Words(SHOP), ROOT / "templates")
NOON = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        (("en", "zh", "zh-CN"), "en"),
        ((None, "en", "zh-CN"), "en"),
        ((None, None, "fr-FR,en-GB;q=0.8,zh;q=0.5"), "en"),
        ((None, None, "zh-TW,en"), "zh"),
        (("fr", "", "de"), "zh"),
        ((None, None, None), "zh"),
    ],
)
def test_the_first_wish_that_the_shop_speaks_wins(
    wishes: tuple[str | None, ...], language: str
) -> None:
    assert choose_language(SHOP, *wishes) == language


def test_a_shop_of_one_language_has_a_desk_of_one_language() -> None:
    shop = Shop(name="Shop", languages=("en",), default_language="en")
    assert choose_language(shop, "zh") == "en"


@pytest.mark.parametrize(
    ("ago", "english", "chinese"),
    [
        (timedelta(seconds=59), "just now", "刚刚"),
        (timedelta(seconds=-5), "just now", "刚刚"),
        (timedelta(minutes=1), "1 min", "1 分钟"),
        (timedelta(minutes=59, seconds=59), "59 min", "59 分钟"),
        (timedelta(hours=1), "1 h", "1 小时"),
        (timedelta(hours=47), "47 h", "47 小时"),
        (timedelta(days=2), "2 days", "2 天"),
    ],
)
@time_machine.travel(NOON, tick=False)
def test_waiting_time_reads_in_the_largest_unit(ago: timedelta, english: str, chinese: str) -> None:
    assert Texts(VOICE, "en").waited(NOON - ago) == english
    assert Texts(VOICE, "zh").waited(NOON - ago) == chinese


@time_machine.travel(NOON, tick=False)
def test_only_other_days_show_their_date() -> None:
    texts = Texts(VOICE, "en")
    assert texts.time(NOON) == "12:00"
    assert texts.time(NOON - timedelta(hours=11, minutes=59)) == "00:01"
    assert texts.time(NOON - timedelta(hours=12, minutes=1)) == "Mar 4, 23:59"
    assert Texts(VOICE, "zh").time(NOON - timedelta(days=1)) == "3月4日 12:00"


def test_an_unknown_key_falls_back() -> None:
    assert Texts(VOICE, "en").known("skill_faq", "x") == "FAQ"
    assert Texts(VOICE, "en").known("skill_of_tomorrow", "of tomorrow") == "of tomorrow"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_verdict_of_a_skill_has_words(language: str) -> None:
    texts = Texts(VOICE, language)
    code = "".join(path.read_text("utf-8") for path in Path(skills.__file__).parent.glob("*.py"))
    outcomes = set(re.findall(r'Verdict\("([^"]+)"', code)) - {"silent"}
    keys = {f"skill_{skill.name}" for skill in skills.discover()}
    keys |= {"outcome_" + one.replace(",", "").replace(" ", "_") for one in outcomes}
    assert [key for key in sorted(keys) if not texts.known(key, "")] == []
