"""Journeys as files: the shipped ones can all be said, and a wrong one is named with its line."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.care import festivals
from bot.care.facts import EMPTY, FULL
from bot.care.files import JourneysInvalid, check, load, texts_of
from bot.care.journeys import HELD_OUT, Journey
from bot.care.listening import due
from bot.care.triggers import TRIGGERS
from bot.care_settings import Care
from bot.channels import webchat
from bot.channels.telegram import client as telegram
from bot.channels.wechat import client as wechat
from bot.config import ROOT, validate
from bot.core.messages import CHANNELS
from bot.words.sandbox import Words

FEW = dict(EMPTY) | {"order": {**EMPTY["order"], "number": "XE1"}}
"""An order has a number whatever else is known of it, and a coupon a code and a value."""
FEW |= {"coupon": {**FULL["coupon"], "expires_on": ""}}
WORDS = Words(validate({"shop": {"name": "云锦小铺", "website": "https://shop.example"}}).shop)
SHIPPED, PROBLEMS = check(ROOT / "templates", WORDS)
MINE = """# mine
trigger = "order.paid"
purpose = "transactional"
valid = "3d"

[texts.zh]
warm = '''
谢谢
when = 1
'''
[texts.en]
warm = "Thanks, {{ order.number }}"
"""


def written(folder: Path, text: str) -> Path:
    (folder / "care").mkdir(exist_ok=True)
    (folder / "care" / "mine.toml").write_text(text, encoding="utf-8")
    return folder


def journey(**values: object) -> Journey:
    plain = {"name": "one", "trigger": "order.paid", "purpose": "marketing", "valid": "1d"}
    return Journey.model_validate(plain | values)


def test_the_shipped_set_is_whole() -> None:
    assert PROBLEMS == []
    assert {one.trigger for one in SHIPPED.values()} == set(TRIGGERS)
    on = {one.name for one in SHIPPED.values() if one.enabled}
    assert all(SHIPPED[name].purpose == "transactional" for name in on)
    assert {"visit_48h", "parcel_stuck", "back_in_stock", "order_refunded"} <= on


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_journey_can_be_said_in_every_voice(name: str) -> None:
    one = SHIPPED[name]
    voices = {(where[1], where[2]) for where, _ in texts_of(one)}
    assert voices == {("zh", v) for v in ("plain", "warm", "imperial")} | {
        ("en", v) for v in ("plain", "warm")
    }
    for language, voice in sorted(voices):
        template = one.text(str(language), str(voice))
        full = WORDS.render(template, str(language), **FULL)
        few = WORDS.render(template, str(language), **FEW)
        for said in (full, few):
            assert said
            assert "{" not in said
            assert "（）" not in said
            assert "()" not in said
            assert "  " not in said
        if name.startswith(("order_", "parcel_")):
            assert "XE10001" in full
        if name == "order_shipped":
            assert "顺丰速运" in full
            assert "SF8800010001" in full


def test_a_voice_without_words_is_stood_in_for() -> None:
    one = journey(texts={"zh": {"plain": "p", "imperial": "i"}, "en": {"warm": "w"}})
    assert [one.text("zh", voice) for voice in ("plain", "warm", "imperial")] == ["p", "p", "i"]
    assert one.text("en", "imperial") == "w"
    assert one.text("fr", "warm") == ""


def test_variants_and_channels_have_words_of_their_own() -> None:
    one = journey(
        texts={"zh": {"warm": "w", "plain": "p"}},
        channel_texts={"wechat": {"zh": {"warm": "wx"}}},
        variants=[
            {"name": "a", "share": 0.5, "voice": "plain"},
            {"name": "b", "share": 0.5, "texts": {"zh": "own"}},
        ],
    )
    assert one.text("zh", "warm", "wechat") == "wx"
    assert one.text("zh", "warm", "telegram", "a") == "p"
    assert one.text("zh", "warm", "telegram", "b") == "own"


def test_variants_are_shared_out_evenly_and_for_ever() -> None:
    variants = [{"name": "a", "share": 0.25}, {"name": "b", "share": 0.75}]
    one = journey(variants=variants, holdout=0.2)
    drawn = [one.variant_for(number, 0.5) for number in range(4000)]
    assert drawn == [one.variant_for(number, 0.5) for number in range(4000)]
    assert drawn.count(HELD_OUT) == pytest.approx(800, abs=100)
    assert drawn.count("a") == pytest.approx(800, abs=100)
    other = journey(name="two", variants=variants, holdout=0.2)
    assert drawn != [other.variant_for(number, 0.5) for number in range(4000)]
    news = journey(purpose="transactional")
    assert {news.variant_for(number, 0.9) for number in range(100)} == {""}


@pytest.mark.parametrize(
    ("change", "line", "why"),
    [
        (("valid =", "valid "), 4, "not valid TOML"),
        (('"3d"', '"3 days"'), 4, "valid: '3 days' is not a span such as 30m, 48h or 7d"),
        (("order.paid", "order.eaten"), 2, "trigger: there is no trigger 'order.eaten'"),
        (('"transactional"', '"spam"'), 3, "purpose: should be one of transactional, marketing"),
        (
            ("[texts.zh]", "[when]\nmin_amuont = 5\n[texts.zh]"),
            7,
            "when.min_amuont: unknown key; there are min_amount, max_amount, items,",
        ),
        (("[texts.zh]", '[[variants]]\nname = "a"\nshare = 2\n[texts.zh]'), 8, "variants.0.share:"),
        (
            ("[texts.zh]", '[[variants]]\nname = "a"\nshare = 0.2\n[texts.zh]'),
            1,
            "should add up to 1",
        ),
        (("order.number", "order.nunber"), 12, "the text: there is no order.nunber"),
        (("{{ order.number }}", "{{ sender }}"), 12, "the text: there is no 'sender' here"),
        (("{{ order.number }}", "{% for a in order %}"), 12, "the text: "),
        (('[texts.en]\nwarm = "Thanks, {{ order.number }}"', ""), 6, "there is no text in en"),
        (("[texts.zh]", 'festival = "qixi"\n[texts.zh]'), 1, 'trigger = "festival" needs'),
        (('trigger = "order.paid"\n', ""), 1, "trigger: is missing"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(
    tmp_path: Path, change: tuple[str, str], line: int, why: str
) -> None:
    assert change[0] in MINE
    folder = written(tmp_path, MINE.replace(*change, 1))
    with pytest.raises(JourneysInvalid) as caught:
        load(folder, WORDS, Care())
    (problem,) = caught.value.problems
    assert problem.line == line, problem
    assert why in problem.en
    assert f"{folder.name}/care/mine.toml:{line}: " in str(caught.value)
    assert "关怀旅程有误" in caught.value.text("zh")


@pytest.mark.parametrize(
    ("change", "line", "zh", "en"),
    [
        ("channels = ['wechatt']", 5, "channels.0：没有 'wechatt' 这个渠道；可用的有：telegram、wechat、web",
         "channels.0: there is no channel 'wechatt', only telegram, wechat, web"),
        ("[channel_texts.wechatt.zh]\nwarm = '好'", 5,
         "channel_texts.wechatt：没有 'wechatt' 这个渠道；可用的有：telegram、wechat、web",
         "channel_texts.wechatt: there is no channel 'wechatt', only telegram, wechat, web"),
        ("[when]\ncountries = 'CN'", 6, 'when.countries：应写成列表：["CN"]',
         'when.countries: should be a list: ["CN"]'),
        ("[when]\nfirst_order = 'yes please'", 6, "when.first_order：应是 true 或 false",
         "when.first_order: should be true or false"),
        ("priority = 900", 5, "priority：不能大于 100", "priority: should be 100 or less"),
        ("days = 'many'", 5, "days：应是整数", "days: should be a whole number"),
        ("[texts.fr]\nwarm = 'Merci'", 5, "texts.fr：未知的键；可用的有：zh、en",
         "texts.fr: unknown key; there are zh, en"),
        ("[[variants]]\nname = 'a b'\nshare = 1", 6, "variants.0.name：'a b'：只能用字母、数字、_ 和 -，最长 32 个字符",
         "variants.0.name: 'a b': letters, digits, _ and - only, at most 32"),
        ("[[variants]]\nname = 'a'\nshares = 1\nshare = 1", 7,
         "variants.0.shares：未知的键；可用的有：name、share、voice、texts",
         "variants.0.shares: unknown key; there are name, share, voice, texts"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_the_readers_language(
    tmp_path: Path, change: str, line: int, zh: str, en: str
) -> None:
    _, (problem,) = check(written(tmp_path, MINE.replace("\n\n", f"\n{change}\n\n", 1)), WORDS)
    assert (problem.line, problem.zh, problem.en) == (line, zh, en)


def test_what_is_wrong_with_a_text_is_told_in_the_readers_language(tmp_path: Path) -> None:
    _, (problem,) = check(written(tmp_path, MINE.replace("order.number", "order.nummer")), WORDS)
    known = ("number", "status_text", "items_text", "amount", "placed_on")
    assert problem.zh == f"文本不能使用：没有 order.nummer；可用的有：{'、'.join(known)}"
    assert problem.en == f"the text: there is no order.nummer, only {', '.join(known)}"
    whole = 'texts = { zh = "谢谢", en = { warm = "Thanks" } }'
    _, (problem,) = check(written(tmp_path, MINE.partition("\n\n")[0] + "\n" + whole), WORDS)
    assert (problem.line, problem.zh) == (5, "texts.zh：应是一张表：[texts.zh]")


def says(trigger: str, text: str, **values: object) -> list[tuple[int, str]]:
    """The line and the fault of a journey with these words in one of its places."""
    folder = values.pop("folder")
    assert isinstance(folder, Path)
    more = "".join(f"{key} = {value!r}\n" for key, value in values.items())
    place = f"[channel_texts.wechat.zh]\nwarm = {text!r}\n"
    plain = f"trigger = '{trigger}'\npurpose = 'marketing'\nvalid = '3d'\n{more}"
    words = "喏 {{ coupon.code }}" if "pool" in values else "喏"
    texts = "".join(f"[texts.{language}]\nwarm = {words!r}\n" for language in ("zh", "en"))
    _, problems = check(written(folder, plain + texts + place), WORDS)
    return [(one.line, one.en) for one in problems]


def test_a_coupon_is_shown_if_and_only_if_there_is_a_pool(tmp_path: Path) -> None:
    bare, shown = "生日快乐", "生日快乐 {{ coupon.code }}"
    assert says("birthday", bare, folder=tmp_path) == []
    assert says("birthday", shown, folder=tmp_path, pool="gift") == []
    assert says("birthday", bare, folder=tmp_path, pool="gift") == [
        (10, "the text: there is a pool, so the text has to show coupon.code")
    ]
    assert says("birthday", shown, folder=tmp_path) == [
        (9, "the text: the text shows coupon.code, but there is no pool")
    ]


@pytest.mark.parametrize(
    ("trigger", "text", "is_refused"),
    [
        ("birthday", "{{ order.number }}", True),
        ("birthday", "{% if customer.name %}好{% else %}{{ product.name }}{% endif %}", True),
        ("birthday", "{% if not order.number %}{{ parcel.carrier }}{% endif %}", True),
        ("birthday", "{% if order.number %}{{ order.number }}{% endif %}", False),
        ("birthday", "{{ order.number or '您好' }}", False),
        ("order.paid", "{{ order.number }} {{ parcel.carrier }}", False),
        ("order.paid", "{{ product.name }}", True),
        ("parcel.stuck", "{{ order.number }} {{ parcel.carrier }}", False),
        ("replenishment", "{{ order.number }} {{ product.name }}", False),
        ("back_in_stock", "{{ product.name }}", False),
        ("back_in_stock", "{{ order.number }}", True),
    ],
)
def test_no_text_shows_what_its_trigger_does_not_know(
    tmp_path: Path, trigger: str, text: str, is_refused: bool
) -> None:
    found = says(trigger, text + "。", folder=tmp_path)
    assert bool(found) == is_refused, found
    if is_refused:
        assert "is not known here and would be empty; there are shop, customer" in found[0][1]


def test_the_configuration_switches_journeys(tmp_path: Path) -> None:
    folder = written(tmp_path, MINE.replace("valid", "enabled = false\nvalid"))
    assert not load(folder, WORDS, Care())["mine"].enabled
    assert load(folder, WORDS, Care(enabled=("mine",)))["mine"].enabled
    both = Care(enabled=("mine",), disabled=("mine",))
    assert not load(folder, WORDS, both)["mine"].enabled
    with pytest.raises(JourneysInvalid, match="there is no journey 'yours'"):
        load(folder, WORDS, Care(disabled=("yours",)))


@pytest.mark.parametrize(
    ("at", "delay", "zone", "expected"),
    [
        (None, "48h", "Asia/Shanghai", "2026-03-29T00:30:00+00:00"),
        ("10:00", "0h", "Asia/Shanghai", "2026-03-27T02:00:00+00:00"),
        ("08:00", "0h", "Asia/Shanghai", "2026-03-28T00:00:00+00:00"),
        ("10:00", "48h", "Europe/Berlin", "2026-03-29T08:00:00+00:00"),
        ("02:30", "48h", "Europe/Berlin", "2026-03-29T01:30:00+00:00"),
    ],
)
def test_due_at_an_hour_of_the_customers_own(
    at: str | None, delay: str, zone: str, expected: str
) -> None:
    one = journey(delay=delay, **({"at": at} if at else {}))
    found = due(one, datetime(2026, 3, 27, 0, 30, tzinfo=UTC), ZoneInfo(zone))
    assert found == datetime.fromisoformat(expected)
    assert one.at == (time.fromisoformat(at) if at else None)


def test_festivals_are_on_their_days() -> None:
    days = {name: festivals.day_of(name, 2027) for name in festivals.NAMES}
    assert days["spring_festival"] == date(2027, 2, 6)
    assert days["lantern"] == date(2027, 2, 20)
    assert days["dragon_boat"] == date(2027, 6, 9)
    assert days["qixi"] == date(2027, 8, 8)
    assert days["mid_autumn"] == date(2027, 9, 15)
    assert days["thanksgiving"] == date(2027, 11, 25)
    assert days["double11"] == date(2027, 11, 11)
    assert None not in days.values()


def test_qixi_is_five_weeks_and_a_day_or_two_before_the_full_moon_of_autumn() -> None:
    for year in range(2024, 2044):
        mid_autumn = festivals.day_of("mid_autumn", year)
        qixi = festivals.day_of("qixi", year)
        assert mid_autumn is not None
        assert qixi is not None
        assert mid_autumn - qixi in (timedelta(days=37), timedelta(days=38))


def test_the_channels_are_those_that_there_are() -> None:
    assert set(CHANNELS) == {telegram.CHANNEL, wechat.CHANNEL, webchat.CHANNEL}
