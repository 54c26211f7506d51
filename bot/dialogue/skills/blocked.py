"""Customers whom the shop has blocked get no answer."""

from bot.dialogue.turn import Turn, Verdict

AFTER: tuple[str, ...] = ()


def reply(turn: Turn) -> Verdict | None:
    """Stay silent for a blocked customer."""
    return Verdict("ignored") if turn.customer.blocked else None
