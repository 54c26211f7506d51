"""Reads what names the shop's goods as the FAQ would say it: of a scarf it knows nothing, of "it"
a lot."""

from dataclasses import replace

from bot.answering.clauses import TRUST
from bot.answering.decide import decide
from bot.answering.reading import Understand
from bot.answering.understanding import Understanding
from bot.dialogue.product_text import read as asks_data
from bot.shop.catalogue import Catalogue
from bot.words.heard import Heard


def knowing_goods(understand: Understand, catalogue: Catalogue, heard: Heard) -> Understand:
    """`understand`, which reads what it is not sure of once more without the names of goods; but
    not what asks for a product's own data, which the FAQ does not have."""

    async def read(text: str) -> Understanding:
        whole = await understand(text)
        if whole.decision == "answer" or asks_data(heard, whole.normalised) is not None:
            return whole
        plain = catalogue.without_names(text)
        if plain == text:
            return whole
        again = await understand(plain)
        confidence = again.confidence * TRUST
        if confidence <= whole.confidence:
            return whole
        decision = decide(confidence)
        return replace(whole, candidates=again.candidates, confidence=confidence, decision=decision)

    return read
