"""What was said at the desk or by a command of journeys: on, off or paused, over what files say."""

from datetime import datetime

from sqlmodel import Field, Session, SQLModel, select

from bot.core.clock import now
from storage.models.base import moment

ON, OFF, PAUSED = "on", "off", "paused"


class CareSwitch(SQLModel, table=True):
    """A journey's `state`: `on`, `off` or `paused`. Without a row the files decide."""

    __tablename__ = "care_switch"

    journey: str = Field(primary_key=True)
    state: str
    agent_id: int | None = Field(default=None, foreign_key="agent.id")
    at: datetime = moment(default_factory=now)


def switches(session: Session) -> dict[str, str]:
    """The states that were said, by journey."""
    return {one.journey: one.state for one in session.exec(select(CareSwitch))}


def switch(session: Session, journey: str, state: str, agent_id: int | None) -> None:
    """Say in which state a journey is; an empty one leaves it to the files again."""
    found = session.get(CareSwitch, journey, with_for_update=True)
    if not state:
        if found is not None:
            session.delete(found)
        return
    found = found or CareSwitch(journey=journey, state=state)
    found.state, found.agent_id, found.at = state, agent_id, now()
    session.add(found)
