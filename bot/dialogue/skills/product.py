"""Answers what is asked about a product from its data: price, stock, size, care and the like."""

from collections.abc import Sequence
from datetime import timedelta

from bot.answering.load import Entry
from bot.dialogue.order_answer import own_orders
from bot.dialogue.product_answer import (
    AT_A_GLANCE,
    NAME,
    PRODUCT,
    WATCHED,
    answer,
    answer_each,
    ask_back,
    knows,
    show_newest,
    watch,
    watch_which,
)
from bot.dialogue.product_text import (
    HEALTH,
    LINK,
    PRICE,
    STOCK,
    WATCH,
    Asked,
    bare_name,
    is_other,
    read,
    without_names_own,
)
from bot.dialogue.turn import Turn, Verdict
from bot.shop.catalogue import Hit, as_good, links_in, without_links
from bot.shop.products import folded
from storage.models.products import Product, product_by_sku

AFTER = ("coupon",)

_DIGITS = 18
"""How many digits a number may have to be sure to fit the tables' 64 bits."""
_VAGUE = 12
"""So many products are meant by a word that says too little, such as "scarf" alone."""
_WHOLE = 95
"""From this score on a product's name is all that was said."""
_TOGETHER = 4
"""So many products are answered for in one message at most."""
_JUST_NOW = timedelta(minutes=10)
_ITEMS = 20
"""How many of an order's items are looked at."""
_OF_SHELF = {PRICE, STOCK, LINK, WATCH, "size"}
"""What is asked of something to be bought, rather than of something bought already."""
_TOPIC, _WHO = "products", "who_are_you"


def reply(turn: Turn) -> Verdict | None:
    """Answer where a product is clearly meant and something is asked about it."""
    if turn.choice is not None:
        return _pressed(turn, turn.choice)
    if links_in(turn.text):
        return _linked(turn)
    asked = read(turn.house.voice.heard, turn.understanding.normalised)
    if _is_other(turn):
        return None
    if _browses(turn) and (shown := show_newest(turn)):
        return shown
    if asked is None:
        return _wants_to_be_told(turn) or _named_alone(turn) or _introduced(turn)
    if several := _named_together(turn, asked):
        return answer_each(turn, several, asked.about)
    found = _named(turn, asked) or _at_hand(turn, asked)
    if not found and asked.about == (WATCH,) and not asked.words:
        return watch_which(turn)
    return _answer(turn, found, asked.about) if found else None


def _wants_to_be_told(turn: Turn) -> Verdict | None:
    """A yes to "shall I tell you when it's back"."""
    said = turn.understanding.normalised.strip("!！.。~ ")
    if said not in turn.house.voice.heard.words("start_yes"):
        return None
    offered = (one for one in turn.offered_last(_JUST_NOW) if one.startswith(WATCHED))
    choice = next(offered, None)
    return _pressed(turn, choice) if choice is not None else None


def _introduced(turn: Turn) -> Verdict | None:
    """Nothing but a product's name, out of the blue: what it costs, and whether it is there."""
    heard = turn.house.voice.heard
    words, _ = bare_name(turn.understanding.normalised)
    if _entry(turn) is not None or not heard.without("product_weak", words):
        return None
    hits = as_good(turn.house.catalogue.by_words(turn.session, words))
    if not hits or hits[0].score < _WHOLE or len(hits) > _VAGUE:
        return None
    products = _products(turn, [one.product_id for one in hits])
    return _answer(turn, products, AT_A_GLANCE) if products else None


def _browses(turn: Turn) -> bool:
    """Whether somebody wants to see what there is, and not to be advised."""
    heard, words, entry = turn.house.voice.heard, turn.understanding.normalised, _entry(turn)
    is_open = entry is None or entry.id == _WHO
    return is_open and heard.holds("product_browse", words)


def _named_alone(turn: Turn) -> Verdict | None:
    """A product's name and nothing else ("手套呢") asks what was asked before, or answers which
    one is meant."""
    prompt, heard = turn.prompt(NAME) or {}, turn.house.voice.heard
    words, goes_on = bare_name(turn.understanding.normalised)
    offered, is_answered = prompt.get("offered"), "product" in prompt
    is_vague = not offered and not heard.without("product_weak", words)
    if "about" not in prompt or (is_answered and not goes_on) or is_vague or is_other(heard, words):
        return None
    hits = turn.house.catalogue.by_words(turn.session, words)
    best = as_good([one for one in hits if not offered or one.product_id in offered])
    entry = _entry(turn)
    if not best or len(best) > _VAGUE or (entry is not None and entry.topic != _TOPIC):
        return None
    products = _products(turn, [one.product_id for one in best])
    return _answer(turn, products, tuple(prompt["about"])) if products else None


def _answer(turn: Turn, products: Sequence[Product], about: tuple[str, ...]) -> Verdict:
    heard, said = turn.house.voice.heard, turn.understanding.normalised
    about = without_names_own(heard, about, said, products[0].folded)
    if WATCH in about:
        return watch(turn, products[0]) if len(products) == 1 else ask_back(turn, products, about)
    return answer(turn, products, about)


def _pressed(turn: Turn, choice: str) -> Verdict | None:
    """What a button asks for. Anything may come as a choice from the web chat."""
    kind = next((one for one in (PRODUCT, WATCHED) if choice.startswith(one)), None)
    number, _, asked = choice.removeprefix(kind or "").partition(":")
    if kind is None or not (number.isascii() and number.isdecimal() and len(number) <= _DIGITS):
        return None
    product = turn.session.get(Product, int(number))
    if product is None:
        return None
    if kind == WATCHED:
        return watch(turn, product)
    known, said = turn.house.voice.heard.names("ask_"), asked.split(",")
    return _answer(turn, [product], tuple(one for one in known if one in said))


def _linked(turn: Turn) -> Verdict | None:
    """A link to a product's page means that product, whatever else is asked, or nothing is."""
    numbers = turn.house.catalogue.by_link(turn.session, turn.text)
    products = _products(turn, numbers)
    if not products:
        return None
    rest = folded(without_links(turn.text))
    asked = read(turn.house.voice.heard, rest)
    if asked is None and any(one.isalnum() for one in rest):
        return None
    return _answer(turn, products, asked.about if asked else ())


def _is_other(turn: Turn) -> bool:
    """Whether the engine is sure that an order or small talk is meant."""
    entry = _entry(turn)
    return entry is not None and (entry.is_smalltalk or bool(entry.needs))


def _entry(turn: Turn) -> Entry | None:
    """What the engine is sure of."""
    read_as = turn.understanding
    if read_as.decision != "answer" or read_as.best is None:
        return None
    return turn.house.entries.entry(read_as.best.entry_id, turn.language)


def _named(turn: Turn, asked: Asked) -> list[Product]:
    """The products that are meant by name; none when the words are about something else."""
    if asked.says_little:
        return []
    hits = turn.house.catalogue.by_words(turn.session, asked.words) if asked.words else []
    if not hits and asked.longer != asked.words:
        hits = turn.house.catalogue.by_words(turn.session, asked.longer)
    best = as_good(hits)
    entry = _entry(turn)
    if not best or (entry is not None and entry.topic != _TOPIC and not best[0].is_sure):
        return []
    if asked.points and len(best) > 1:
        best = _bought(turn, best) or best
    return _products(turn, [one.product_id for one in best]) if len(best) <= _VAGUE else []


def _named_together(turn: Turn, asked: Asked) -> list[Product]:
    """The products of "scarf and mug", where each word names one; none where advice is wanted."""
    names, entry = asked.words.split(), _entry(turn)
    is_other = (entry is not None and entry.topic != _TOPIC) or {HEALTH, WATCH} & {*asked.about}
    if is_other or not 2 <= len(names) <= _TOGETHER:
        return []
    found = []
    for name in names:
        best = as_good(turn.house.catalogue.by_words(turn.session, name))
        if len(best) != 1 or best[0].score < _WHOLE:
            return []
        found.append(best[0].product_id)
    return _products(turn, list(dict.fromkeys(found))) if len({*found}) > 1 else []


def _bought(turn: Turn, hits: list[Hit]) -> list[Hit]:
    own = {one.id for one in _of_order(turn)}
    return [one for one in hits if one.product_id in own]


def _at_hand(turn: Turn, asked: Asked) -> list[Product]:
    """The product that was spoken of last, or what the customer bought last."""
    if len(asked.words) > 1:
        return []
    last = (turn.prompt(NAME) or {}).get("product")
    if last is not None:
        return _products(turn, [int(last)])
    if not asked.points or not _OF_SHELF.isdisjoint(asked.about):
        return []
    bought = _of_order(turn)
    about = ("ingredients", "material") if HEALTH in asked.about else asked.about
    return bought if any(knows(turn, one, about) for one in bought) else []


def _of_order(turn: Turn) -> list[Product]:
    """The products in the newest order of a linked customer, as far as they are known."""
    own = own_orders(turn)[:1]
    items = [item for order in own for item in (order.items or ())[:_ITEMS]]
    found = [_of_item(turn, item) for item in items]
    return list({one.id: one for one in found if one is not None}.values())


def _of_item(turn: Turn, item: dict[str, str]) -> Product | None:
    product = product_by_sku(turn.session, item["sku"]) if item.get("sku") else None
    if product is not None or not item.get("name"):
        return product
    hits = as_good(turn.house.catalogue.by_words(turn.session, folded(item["name"])))
    named = _products(turn, [hits[0].product_id]) if len(hits) == 1 and hits[0].is_sure else []
    return named[0] if named else None


def _products(turn: Turn, numbers: Sequence[int]) -> list[Product]:
    found = [turn.session.get(Product, number) for number in numbers[: _VAGUE + 1]]
    return [one for one in found if one is not None]
