"""Templates can show values and branch; whatever else they try is refused before it can run."""

from typing import Any

import pytest
from jinja2 import UndefinedError

from bot.answering.load import load as load_faq
from bot.config import ROOT, validate
from bot.words.sandbox import ANSWER, MAX_SOURCE, Words, money

SHOP = {
    "name": {"zh": "云锦小铺", "en": "Cloud Brocade"},
    "return_fee": 12,
    "express_fee": 9.9,
    "extra": {"parking": {"zh": "门口可停车", "en": "in front"}},
}


@pytest.fixture(scope="module")
def words() -> Words:
    return Words(validate({"shop": SHOP}).shop)


@pytest.mark.parametrize(
    "source",
    [
        "plain text, 中文, {single} braces",
        "{{ shop.return_days }} / {{ shop.extra.parking }} / {{ language }}",
        "{% if order %}{{ order.number }}{% elif parcel %}a{% else %}b{% endif %}",
        "{{ shop.return_fee | money }}",
        "{{ shop.website | default('–') }}",
        "{% if shop.return_fee > 0 and not shop.installments %}a{% endif %}",
        "{{ 'a' if shop.international else 'b' }}",
        "{% if parcel is none %}a{% endif %}{# a note #}",
    ],
)
def test_values_and_branches_are_allowed(words: Words, source: str) -> None:
    assert words.check(source) is None


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{% for x in shop.name %}{{ x }}{% endfor %}", "For is not allowed"),
        ("{% set x = 1 %}", "Assign is not allowed"),
        ("{% macro m() %}{% endmacro %}", "Macro is not allowed"),
        ("{% include 'config.toml' %}", "Include is not allowed"),
        ("{% import 'a' as b %}", "Import is not allowed"),
        ("{% extends 'a' %}", "Extends is not allowed"),
        ("{% filter money %}a{% endfilter %}", "FilterBlock is not allowed"),
        ("{{ shop.values('zh') }}", "Call is not allowed"),
        ("{{ range(9) }}", "Call is not allowed"),
        ("{{ shop['name'] }}", "Getitem is not allowed"),
        ("{{ 'a' ~ 'b' }}", "Concat is not allowed"),
        ("{{ 'a' * 1000000000 }}", "Mul is not allowed"),
        ("{{ 9 ** 9 ** 9 }}", "Pow is not allowed"),
        ("{{ [1, 2] }}", "List is not allowed"),
        ("{{ shop.__class__ }}", "'__class__' is not allowed"),
        ("{{ ''.__class__.__mro__ }}", "is not allowed"),
        ("{{ order._hidden }}", "'_hidden' is not allowed"),
        ("{{ shop.name | upper }}", "filter 'upper' is not allowed"),
        ("{{ shop.name | attr('x') }}", "filter 'attr' is not allowed"),
        ("{{ '%1000000000s' | format(1) }}", "filter 'format' is not allowed"),
        ("{{ shop.return_fee | money(2) }}", "'money' takes no arguments"),
        ("{% if shop.return_fee is divisibleby 3 %}{% endif %}", "test 'divisibleby'"),
        ("{{ shop.return_dayz }}", "there is no shop.return_dayz"),
        ("{{ shop.zone }}", "there is no shop.zone"),
        ("{{ shop.extra.garden }}", "there is no shop.extra.garden"),
        ("{{ shop.name.upper }}", "there is no shop.name.upper"),
        ("{{ order.nummer }}", "there is no order.nummer"),
        ("{{ parcel.color }}", "there is no parcel.color"),
        ("{{ custmer.name }}", "there is no 'custmer' here, only shop, language, order, parcel"),
        ("{% if bulk %}a{% endif %}", "there is no 'bulk' here"),
        ("{{ self }}", "there is no 'self' here"),
        ("{{ shop.name | money }}", "cannot be filled in"),
        ("{{ order.amount | money }}", "cannot be filled in"),
        ("{% if order.amount > 100 %}a{% endif %}", "cannot be filled in"),
        ("{{ shop.name", "end of"),
        ("{% if shop %}", "if"),
        ("{% nonsense %}", "nonsense"),
    ],
)
def test_everything_else_is_refused_with_the_reason(words: Words, source: str, why: str) -> None:
    assert why in (words.check(source) or "nothing wrong")


def test_evil_sizes_are_refused(words: Words) -> None:
    assert words.check("x" * MAX_SOURCE) is None
    assert words.check("x" * (MAX_SOURCE + 1)) == f"longer than {MAX_SOURCE} characters"
    deep = MAX_SOURCE // 2 - 10
    assert words.check("{{" + "(" * deep + "1" + ")" * deep + "}}") == "nested too deeply"
    assert words.check("{% if 1 %}" * 300 + "{% endif %}" * 300) == "nested too deeply"


def test_a_text_whose_speaker_passes_values_may_name_them(words: Words) -> None:
    assert words.check("{{ ahead }}", facts=None) is None
    assert words.check("{{ ahead }}") is not None
    assert words.check("{{ order.nummer }}", facts=None).startswith(
        "there is no order.nummer, only number, "
    )
    assert words.check("{{ ahead() }}", facts=None) == "Call is not allowed in a template"


def test_what_is_not_there_is_an_error_and_never_an_empty_place(words: Words) -> None:
    with pytest.raises(UndefinedError):
        words.render("{{ ahead }}", "en")


def test_output_is_in_the_readers_language_without_blank_edges(words: Words) -> None:
    source = "\n{{ shop.name }}:  \n{% if shop.installments %}\n{{ language }}\n{% endif %}\n\n"
    assert words.render(source, "zh") == "云锦小铺:\nzh"
    assert words.render(source, "en") == "Cloud Brocade:\nen"


def test_a_tag_alone_on_its_line_leaves_no_line_and_one_beside_words_ends_none(
    words: Words,
) -> None:
    alone = "a\n{% if shop.installments %}\nb\n{% else %}\nc\n{% endif %}\nd"
    beside = "{% if shop.installments %}a{% endif %}\nb"
    assert words.render(alone, "en") == "a\nb\nd"
    assert words.render(beside, "en") == "a\nb"


@pytest.mark.parametrize(
    "evil", ["{{ shop.name }}", "{% for x in 'ab' %}{{ x }}{% endfor %}", "{{ 7 * 7 }}", "{#"]
)
def test_what_customers_write_is_never_a_template(words: Words, evil: str) -> None:
    parcel = {**ANSWER["parcel"], "latest": evil}
    assert words.render("{{ parcel.latest }}", "en", parcel=parcel) == evil
    shop = Words(validate({"shop": {"name": evil}}).shop)
    assert shop.render("{{ shop.name }}", "en") == evil


@pytest.mark.parametrize(
    ("amount", "currency", "zh", "en"),
    [
        (10, "CNY", "¥10", "CN¥10"),
        (9.9, "CNY", "¥9.90", "CN¥9.90"),
        (0, "CNY", "¥0", "CN¥0"),
        (1234567.5, "CNY", "¥1,234,567.50", "CN¥1,234,567.50"),
        (12, "USD", "US$12", "$12"),
        (9.5, "USD", "US$9.50", "$9.50"),
        (1200, "JPY", "JP¥1,200", "¥1,200"),
    ],
)
def test_money(amount: float, currency: str, zh: str, en: str) -> None:
    assert (money(amount, currency, "zh"), money(amount, currency, "en")) == (zh, en)
    shop = validate({"shop": {"name": "x", "currency": currency, "return_fee": amount}}).shop
    source = "{{ shop.return_fee | money }}"
    assert (Words(shop).render(source, "zh"), Words(shop).render(source, "en")) == (zh, en)


def test_every_shipped_answer_says_something_with_and_without_an_order(words: Words) -> None:
    for entry in load_faq(ROOT / "faq", words.check):
        facts: dict[str, Any] = dict(ANSWER) if entry.needs else {}
        assert words.render(entry.answer, entry.language, **facts), entry.id
        if entry.needs:  # not sent yet: there is no parcel
            assert words.render(entry.answer, entry.language, **{**facts, "parcel": None})


def test_shipped_answers_hold_for_shops_that_are_made_differently() -> None:
    """Whatever a shop switches off, the sentences about it go."""
    names = ("international", "installments", "cash_on_delivery", "shipping_fee", "return_fee")
    plain = validate({"shop": SHOP}).shop
    nothing = {name: type(getattr(plain, name))() for name in names}  # 0 or False
    bare = Words(plain.model_copy(update=nothing))
    for entry in load_faq(ROOT / "faq", bare.check):
        if not entry.needs:
            assert bare.render(entry.answer, entry.language), entry.id


def test_a_preview_shows_what_only_a_conversation_knows_by_its_name() -> None:
    words = Words(validate({"shop": {"name": "A", "return_days": 9}}).shop)
    text = "{{ shop.return_days }} {% if wait > 3 %}{{ name }}{% elif wait == 1 %}1{% endif %}"
    assert words.preview(text, "en") == "9 ‹name›"
    assert words.preview("{{ order.amount | money }}", "en") == "‹order.amount›"
    assert (
        words.preview("{% if parcel and parcel.latest %}{{ parcel.latest }}{% endif %}", "zh")
        == "‹parcel.latest›"
    )
    assert words.preview("{{ shop.return_fee | money }}", "zh") == "¥12"
