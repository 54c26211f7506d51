"""Who is writing in which conversation just now, so that two agents do not answer at once."""

from time import monotonic

LASTS = 6.0
"""How many seconds after a key was pressed somebody still counts as writing."""


class Typing:
    """Kept in memory: the desk has one process, and what is lost is known again a moment later."""

    def __init__(self) -> None:
        self._at: dict[int, dict[int, tuple[str, float]]] = {}

    def typed(self, conversation_id: int, agent_id: int, name: str) -> None:
        """The agent pressed a key there."""
        self._at.setdefault(conversation_id, {})[agent_id] = (name, monotonic())

    def stopped(self, conversation_id: int | None, agent_id: int) -> None:
        """The agent has left what they were writing there."""
        self._at.get(conversation_id or 0, {}).pop(agent_id, None)

    def others(self, conversation_id: int | None, agent_id: int) -> list[str]:
        """The names of those who write there, but for the agent who asks."""
        writers = self._at.get(conversation_id or 0)
        if not writers:
            return []
        late = monotonic() - LASTS
        for gone in [one for one, (_, at) in writers.items() if at < late]:
            del writers[gone]
        if not writers:
            del self._at[conversation_id or 0]
        return [name for one, (name, _) in writers.items() if one != agent_id]
