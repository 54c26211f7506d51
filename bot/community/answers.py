"""Answers who asks the bot in a group: from the FAQ only, and personal matters in private."""

from bot.answering.load import Entry
from bot.answering.masking import mask
from bot.answering.understanding import Understanding
from bot.community.room import Buttons, Room
from bot.core.groups import Post

ORDER, PERSON, PLAIN = "order", "human", "group"
"""What a private chat begins with, by its link."""
MAX_PAYLOAD = 64
"""Characters (core.telegram.org/bots/features#deep-linking)."""


def answer(room: Room, post: Post, understood: Understanding) -> None:
    """Reply to a question. Nothing is kept of it, and nobody's data is shown here."""
    language = room.group.language or understood.language or room.language
    text, buttons = _composed(room, post.question or "", understood, language)
    room.say(text, to=post.message, thread=post.thread, buttons=buttons)


def _composed(
    room: Room, question: str, understood: Understanding, language: str
) -> tuple[str, Buttons]:
    if question and mask(question) != question:
        return room.words("in_private", language), room.private_button(ORDER, language)
    best = understood.best
    entry = room.house.entries.entry(best.entry_id, language) if best else None
    if understood.decision == "answer" and entry is not None:
        return _from_entry(room, entry, language)
    if understood.decision == "ask" and (titles := _titles(room, understood, language)):
        text = room.words("ask_back", language, titles=titles)
        return text, room.private_button(PLAIN, language)
    return room.words("miss", language), room.private_button(PLAIN, language)


def _from_entry(room: Room, entry: Entry, language: str) -> tuple[str, Buttons]:
    if entry.needs:
        payload = f"faq-{entry.id}"
        payload = payload if len(payload) <= MAX_PAYLOAD else ORDER
        return room.words("in_private", language), room.private_button(payload, language)
    text = room.house.voice.words.render(entry.answer, entry.language)
    return text, room.private_button(PERSON, language) if entry.person else ()


def _titles(room: Room, understood: Understanding, language: str) -> str:
    """What may have been meant, one a line."""
    found = (room.house.entries.entry(one.entry_id, language) for one in understood.choices)
    return "\n".join(f"· {entry.title}" for entry in found if entry and not entry.is_smalltalk)
