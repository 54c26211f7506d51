"""From what the engine understood to what is said: answer, ask back, or a person."""

from dataclasses import dataclass
from typing import Literal

from bot.answering.load import Entry
from bot.answering.several import MOST
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


def several(
    house: House, understanding: Understanding, language: str
) -> tuple[list[Entry], Composed] | None:
    """What is said to several questions at once, each by its entry, in order: those that are clear.

    None where fewer than two are, or one of them needs an order or a person: then the message is
    answered as a whole.
    """
    read = [_sure_of(house, one, language) for one in understanding.apart]
    asked = [one for one in read if one is None or not one.is_smalltalk]
    sure = list({one.id: one for one in asked if one is not None}.values())[:MOST]
    if len(sure) < 2 or any(one.needs or one.person == "bring" for one in sure):
        return None
    answers = [answer(house, one, language) for one in sure]
    parts = [f"{one.title}\n{said.text}" for one, said in zip(sure, answers, strict=True)]
    if None in asked or len(asked) > MOST:
        parts.append(house.voice.say("replies.several_rest", language))
    first = [said.choices[0] for said in answers if said.choices]
    names = {ENTRY + one.id for one in sure}
    choices = {one.value: one for one in first if one.value not in names}
    choices["person"] = Choice(house.voice.say("replies.person_button", language), "person")
    return sure, Composed("answer", sure[0], "\n\n".join(parts), tuple(choices.values()))


def _sure_of(house: House, read: Understanding, language: str) -> Entry | None:
    if read.decision != "answer" or read.best is None:
        return None
    return house.entries.entry(read.best.entry_id, language)


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
