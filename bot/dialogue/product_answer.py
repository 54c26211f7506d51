"""Says what the shop's data knows of a product, and nothing that it does not."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.messages import Choice
from bot.customers import consent
from bot.dialogue.product_text import HEALTH, LINK, PRICE, STOCK, SUBSTANCE, WATCH, WHAT
from bot.dialogue.turn import Turn, Verdict
from bot.shop.products import folded
from bot.words.sandbox import money
from storage.models.products import Product, newest_products

NAME = "product"
PRODUCT, WATCHED = "product:", "watch:"
"""Prefixes of the values of buttons: a product with what was asked about it, and who waits."""
FEW = 5
"""From how many pieces on it is said how many are left."""
_OFFERED = 3
AT_A_GLANCE = (PRICE, STOCK)
"""What is told of a product that somebody comes to see."""
_LONGEST = 600
"""How much of one attribute is told, in characters; the rest stands on the product's page."""
_OVERVIEW = (WHAT, PRICE, STOCK)
_STANDS_FOR = dict(zip(SUBSTANCE, SUBSTANCE[::-1], strict=True))
"""Where only one of the two is in the data, it answers for the other."""


_LAST_WORD = re.compile(r"[A-Za-z0-9]*$")


@dataclass(frozen=True, slots=True)
class Facts:
    """The lines of an answer, and whether something that was asked is not known."""

    lines: tuple[str, ...]
    lacks: bool = False


def answer(turn: Turn, products: Sequence[Product], about: Sequence[str]) -> Verdict:
    """Tell what was asked of the product that is meant, or ask which of several it is."""
    about = tuple(about) or _OVERVIEW
    found = [facts(turn, one, about) for one in products]
    if any(one != found[0] for one in found):
        return ask_back(turn, products, about)
    return _tell(turn, products, about, found[0])


def answer_each(turn: Turn, products: Sequence[Product], about: Sequence[str]) -> Verdict:
    """Tell what was asked of each of several products that were named together."""
    found = [facts(turn, one, about) for one in products]
    told = [
        "\n".join(_whole(turn, one.name or one.sku, known.lines, one.url))
        for one, known in zip(products, found, strict=True)
    ]
    lacks = any(known.lacks for known in found)
    turn.conversation.misses = 0
    _remember(turn, products[0], about)
    turn.tell("\n\n".join(told), [turn.person_choice()] if lacks else [])
    return Verdict("answered", {"products": [one.sku for one in products], "about": list(about)})


def facts(turn: Turn, product: Product, about: Sequence[str]) -> Facts:
    """What is known of `about`; of an overview, and of what a product consists of for a question
    about health, only what there is is told."""
    optional = {HEALTH, *(_OVERVIEW if tuple(about) == _OVERVIEW else ())}
    wanted = dict.fromkeys([*about, *(SUBSTANCE if HEALTH in about else ())])
    told = {one: _line(turn, product, one) for one in wanted}
    missing = [one for one in about if one not in optional and not told[one] and one != LINK]
    missing += [LINK] if LINK in about and not product.url else []
    known = dict.fromkeys(filter(None, told.values()))
    unknown = (_say(turn, "unknown", what=_label(turn, one)) for one in missing)
    return Facts((*known, *unknown), bool(missing))


def knows(turn: Turn, product: Product, about: Sequence[str]) -> bool:
    """Whether there is anything of `about` in the product's data."""
    return any(_line(turn, product, one) for one in about)


def watch(turn: Turn, product: Product) -> Verdict:
    """Remember who wants to be told when the product is back; say so where it is there already."""
    _remember(turn, product, (WATCH,))
    name = product.name or product.sku
    if product.stock is None:
        turn.say("products.watch_unknown", [turn.person_choice()], name=name)
        return Verdict("stock unknown", {"product": product.sku})
    if product.stock > 0:
        turn.tell("\n".join(_whole(turn, name, facts(turn, product, (STOCK,)).lines, product.url)))
        return Verdict("is in stock", {"product": product.sku})
    assert product.id is not None
    consent.watch(turn.session, turn.customer, product.id, turn.message.text, turn.now)
    turn.say("products.watched", name=name)
    return Verdict("will be told", {"product": product.sku})


def _tell(turn: Turn, products: Sequence[Product], about: Sequence[str], known: Facts) -> Verdict:
    product, name = products[0], common_name([one.name or one.sku for one in products])
    parts = _whole(turn, name, known.lines, product.url)
    is_out = product.stock is not None and product.stock <= 0
    choices = []
    if is_out and STOCK in about and len(products) == 1:
        choices.append(Choice(_say(turn, "watch_button"), f"{WATCHED}{product.id}"))
        parts.append(_say(turn, "watch_offer"))
    if HEALTH in about:
        parts.append(_say(turn, "health"))
    if known.lacks:
        parts.append(_say(turn, "ask_people"))
    if known.lacks or HEALTH in about:
        choices.append(turn.person_choice())
    turn.conversation.misses = 0
    _remember(turn, product, about)
    turn.tell("\n".join(parts), choices)
    outcome = "facts and a person" if HEALTH in about else "data lacks it" if known.lacks else ""
    return Verdict(outcome or "answered", {"product": product.sku, "about": list(about)})


def _whole(turn: Turn, name: str, lines: Iterable[str], url: str) -> list[str]:
    page = [_say(turn, "page", url=url)] if url else []
    return [_say(turn, "about", name=name), *lines, *page]


def show_newest(turn: Turn) -> Verdict | None:
    """Show a few products, to who wants to see what there is; None in a shop that told of none."""
    newest = newest_products(turn.session, _OFFERED)
    if not newest:
        return None
    choices = _choices(newest, AT_A_GLANCE)
    turn.conversation.misses = 0
    turn.ask(NAME, values=[one.value for one in choices], about=list(AT_A_GLANCE))
    turn.say("products.newest", [*choices, turn.person_choice()])
    return Verdict("newest", {"offered": [one.sku for one in newest]})


def _choices(offered: Sequence[Product], about: Sequence[str]) -> list[Choice]:
    asked = ",".join(about)
    return [Choice(one.name or one.sku, f"{PRODUCT}{one.id}:{asked}") for one in offered]


def ask_back(turn: Turn, products: Sequence[Product], about: Sequence[str]) -> Verdict:
    """Ask which of several products is meant; at most three are offered."""
    offered = products[:_OFFERED]
    choices = _choices(offered, about)
    turn.conversation.misses = 0
    values, numbers = [one.value for one in choices], [one.id for one in products]
    turn.ask(NAME, values=values, offered=numbers, about=list(about))
    turn.say("products.which", choices, more=len(products) > len(offered))
    return Verdict("asked back", {"offered": [one.sku for one in offered]})


def watch_which(turn: Turn) -> Verdict:
    """Ask what is waited for; the name alone will do for an answer."""
    turn.ask(NAME, about=[WATCH])
    turn.say("products.watch_which")
    return Verdict("asked back")


def _remember(turn: Turn, product: Product, about: Sequence[str]) -> None:
    turn.ask(NAME, patient=True, product=product.id, about=list(about))


def _line(turn: Turn, product: Product, about: str) -> str:
    """One line about the product, empty where the data says nothing."""
    if about == PRICE:
        if product.price is None:
            return ""
        currency = product.currency or turn.house.voice.words.shop.currency
        return _say(turn, "price", price=money(product.price, currency, turn.language))
    if about == STOCK:
        return "" if product.stock is None else _say(turn, "stock", count=product.stock, few=FEW)
    for one in (about, _STANDS_FOR.get(about, about)):
        if value := _attribute(turn, product, one):
            return _say(turn, "fact", what=_label(turn, one), value=value)
    return ""


def _attribute(turn: Turn, product: Product, about: str) -> str:
    """What the data says under any of the attribute's names, the first name that there is."""
    attributes = {_plain(name): value for name, value in (product.attributes or {}).items()}
    heard = turn.house.voice.heard
    names = heard.words(f"name_{about}") if about in heard.names("name_") else (about,)
    found = next((text for name in names if (text := as_text(attributes.get(_plain(name))))), "")
    return found if len(found) <= _LONGEST else found[: _LONGEST - 1].rstrip() + "…"


def as_text(value: Any) -> str:
    """An attribute's value as it is read: tables line by line, lists with commas."""
    if isinstance(value, Mapping):
        rows = (f"{name}: {text}" for name, one in value.items() if (text := as_text(one)))
        return "\n".join(rows)
    if isinstance(value, list):
        nested = any(isinstance(one, Mapping | list) for one in value)
        texts = (text for one in value if (text := as_text(one)))
        return ("\n" if nested else ", ").join(texts)
    return "" if value is None or isinstance(value, bool) else str(value).strip()


def common_name(names: Sequence[str]) -> str:
    """What the names of several variants begin with; the first where that is next to nothing."""
    first, last = min(names), max(names)
    same = next((at for at, one in enumerate(first) if last[at] != one), len(first))
    shared, rest = first[:same], first[same:] or last[same:]
    if rest[:1].isascii() and rest[:1].isalnum():  # not "Wool R" of "Wool Red" and "Wool Rose"
        shared = shared[: len(shared) - len(_LAST_WORD.search(shared)[0])]  # type: ignore[index]
    shared = shared.rstrip(" -–·/|,，(（")
    return shared if len(shared) >= 2 else names[0]


def _plain(name: str) -> str:
    return folded(name).replace("_", " ").replace("-", " ").strip()


def _label(turn: Turn, about: str) -> str:
    """What an attribute is called in the customer's language; one of the shop's own by its name."""
    key = f"label_{about}"
    return _say(turn, key) if key in turn.house.voice.names("products") else about


def _say(turn: Turn, key: str, **values: Any) -> str:
    return turn.house.voice.say(f"products.{key}", turn.language, **values)
