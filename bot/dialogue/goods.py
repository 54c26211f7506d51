"""Reads what names the shop's goods as the FAQ would say it: of a scarf it knows nothing, of "it"
a lot."""

from dataclasses import replace

from bot.answering.clauses import TRUST
from bot.answering.decide import decide
from bot.answering.reading import Understand
from bot.answering.understanding import Understanding
from bot.shop.catalogue import Catalogue


def knowing_goods(understand: Understand, catalogue: Catalogue) -> Understand:
    """`understand`, which reads what it is not sure of once more without the names of goods."""

    async def read(text: str) -> Understanding:
        whole = await understand(text)
        plain = catalogue.without_names(text) if whole.decision != "answer" else text
        if plain == text:
            return whole
        again = await understand(plain)
        confidence = again.confidence * TRUST
        if confidence <= whole.confidence:
            return whole
        decision = decide(confidence)
        return replace(whole, candidates=again.candidates, confidence=confidence, decision=decision)

    return read
