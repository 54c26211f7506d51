"""One agent's look at the tables: who looks, in which words, and how people are called."""

from dataclasses import dataclass

from sqlmodel import Session

from bot.desk.texts import Texts
from storage.models.conversations import Conversation, Teams
from storage.models.customers import Customer, Identity


@dataclass(slots=True)
class Reader:
    """What every part of the screen is read with: `viewer` is the agent's id, 0 for what all are
    shown alike; `names` are the agents' names by id, `teams` those whose conversations are seen."""

    session: Session
    viewer: int
    texts: Texts
    names: dict[int, str]
    selected: int | None = None
    teams: Teams = None

    def name(self, identity: Identity, customer: Customer) -> str:
        """What the customer is called."""
        return customer.name or identity.name or self.texts("guest", number=identity.id)

    def channel(self, identity: Identity) -> str:
        """The channel's name."""
        return self.texts.known(f"channel_{identity.channel}", identity.channel)

    def colleague(self, conversation: Conversation) -> str:
        """The name of the agent in charge, when that is somebody else."""
        is_mine = conversation.agent_id == self.viewer
        return "" if is_mine else self.names.get(conversation.agent_id or 0, "")
