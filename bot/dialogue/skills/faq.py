"""Answers from the FAQ, or asks which of up to three questions was meant."""

from bot.answering.load import Entry
from bot.dialogue import compose
from bot.dialogue.turn import Turn, Verdict
from bot.dialogue.unsettled import keep

AFTER = ("fragment", "helpful", "order", "wordless")
_NAME = "faq"


def reply(turn: Turn) -> Verdict | None:
    """Say the answer; say nothing when the engine is too unsure even to ask back."""
    if turn.choice is None and (told := _several(turn)):
        return told
    chosen = _chosen_entry(turn)
    composed = (
        compose.answer(turn.house, chosen, turn.language)
        if chosen
        else compose.compose(turn.house, turn.understanding, turn.language)
    )
    details: dict[str, object] = {"confidence": round(turn.understanding.confidence, 3)}
    if composed.entry is None:
        return _ask_back(turn, composed, details) if composed.decision == "ask" else None
    details |= {"entry": composed.entry.id, "title": composed.entry.title}
    turn.conversation.misses = 0
    turn.ask(_NAME, entry=composed.entry.id)
    if composed.decision == "human":
        keep(turn, "handoff", composed.entry.id)
        turn.bring_person(f"entry:{composed.entry.id}", composed.text)
        return Verdict("answered, person brought", details)
    turn.tell(composed.text, composed.choices)
    return Verdict("answered", details)


def _several(turn: Turn) -> Verdict | None:
    """Answer each of several questions that is clear."""
    found = compose.several(turn.house, turn.understanding, turn.language)
    if found is None:
        return None
    entries, composed = found
    turn.conversation.misses = 0
    turn.ask(_NAME, entry=entries[0].id)
    turn.tell(composed.text, composed.choices)
    first, *others = [one.id for one in entries]
    return Verdict("answered", {"entry": first, "title": entries[0].title, "others": others})


def _ask_back(turn: Turn, composed: compose.Composed, details: dict[str, object]) -> Verdict:
    turn.ask(_NAME, values=[choice.value for choice in composed.choices])
    turn.tell(composed.text, composed.choices)
    return Verdict("asked back", {**details, "offered": [c.value for c in composed.choices]})


def _chosen_entry(turn: Turn) -> Entry | None:
    """The entry whose button was pressed."""
    value = turn.choice
    if value is None or not value.startswith(compose.ENTRY):
        return None
    return turn.house.entries.entry(value.removeprefix(compose.ENTRY), turn.language)
