"""An agent's whole screen, as one look at the tables gives it."""

from datetime import datetime

from sqlmodel import Session

from bot.desk.lists import board
from bot.desk.passes import Pass
from bot.desk.sight import Sight
from bot.desk.texts import Texts
from bot.desk.views import Wanted, own_part, shared_lists, standpoint


def sight_of(
    session: Session,
    login: Pass,
    texts: Texts,
    selected: int | None = None,
    since: datetime | None = None,
) -> Sight:
    """What the agent with this login sees. Raises what the desk raises."""
    place = standpoint(session, login)
    own, thread = own_part(session, place, texts, selected, since, Wanted())
    assert own is not None
    lists = board(shared_lists(session, texts, place.teams), own, place.agent, selected)
    return Sight(lists, thread, may_serve=place.may_serve)
