"""Waiting for the rest of what a customer is saying: many people write in pieces."""

from datetime import timedelta

from bot.core.clock import now
from bot.dialogue.turn import Turn

PATIENCE = timedelta(seconds=1.2)
"""How long the next piece is waited for."""
MOST = 5
"""How many pieces are waited for; then what there is is answered."""


def wait_for_more(turn: Turn) -> bool:
    """Wait for the next piece; False when enough has been waited for."""
    pieces = [*turn.joined, turn.message.id]
    if turn.is_complete or len(pieces) >= MOST:
        return False
    turn.conversation.fragments = pieces
    turn.conversation.fragments_due = now() + PATIENCE
    return True
