"""From what the engine understood to what is said: answer, ask back, or a person."""

from dataclasses import dataclass
from typing import Literal

from bot.answering.load import Entry
from bot.answering.understanding import Understanding
from bot.core.messages import Choice
from bot.dialogue.turn import House

ENTRY = "faq:"
"""Prefix of the value of a button that asks for an FAQ entry."""
UNHELPFUL = "unhelpful:"
"""Prefix of the value of the button under an answer that says it did not help."""
HELPFUL = "helpful:"
"""The same where it did."""
_PERSON_ENTRY = "contact_person"


@dataclass(frozen=True, slots=True)
class Composed:
    """What to say. `entry` is the one that answers, None when asking back or at a loss."""

    decision: Literal["answer", "ask", "human"]
    entry: Entry | None
    text: str
    choices: tuple[Choice, ...]


def compose(house: House, understanding: Understanding, language: str) -> Composed:
    """What the bot says to a question in `language`, as long as no order is involved."""
    best = understanding.candidates[0].entry_id if understanding.candidates else ""
    entry = house.entries.entry(best, language)
    if understanding.decision == "answer" and entry is not None:
        return answer(house, entry, language)
    if understanding.decision == "ask" and understanding.candidates:
        return _ask_back(house, understanding, language)
    return _at_a_loss(house, language)


def answer(house: House, entry: Entry, language: str) -> Composed:
    """The entry's answer, with its related questions and the way to a person as buttons."""
    text = (
        house.voice.say("replies.order_ask", language)
        if entry.needs
        else house.voice.words.render(entry.answer, entry.language)
    )
    choices = _entry_choices(house, entry.related, language)
    if entry.person == "offer":
        choices += (Choice(house.voice.say("replies.person_button", language), "person"),)
    elif choices and not entry.is_smalltalk:
        choices += (
            Choice(house.voice.say("replies.unhelpful_button", language), UNHELPFUL + entry.id),
        )
    return Composed("human" if entry.person == "bring" else "answer", entry, text, choices)


def _at_a_loss(house: House, language: str) -> Composed:
    person = Choice(house.voice.say("replies.person_button", language), "person")
    return Composed("human", None, house.voice.say("replies.miss", language), (person,))


def _ask_back(house: House, understanding: Understanding, language: str) -> Composed:
    guesses = [candidate.entry_id for candidate in understanding.choices]
    offered = _entry_choices(house, guesses, language)
    if not offered:
        return _at_a_loss(house, language)
    none_of_these = Choice(house.voice.say("replies.none_button", language), "person")
    choices = (*offered, none_of_these)
    return Composed("ask", None, house.voice.say("replies.ask_back", language), choices)


def _entry_choices(
    house: House, entry_ids: list[str] | tuple[str, ...], language: str
) -> tuple[Choice, ...]:
    entries = (house.entries.entry(entry_id, language) for entry_id in entry_ids)
    return tuple(
        Choice(entry.title, ENTRY + entry.id)
        for entry in entries
        if entry and not entry.is_smalltalk and entry.id != _PERSON_ENTRY
    )
