"""What one agent sees, of which only what has changed is read again."""

from collections.abc import Hashable
from contextlib import ExitStack
from datetime import datetime
from time import monotonic

from bot.core.messages import Author
from bot.desk.lists import board
from bot.desk.passes import Pass
from bot.desk.sight import Own, Sight, Thread
from bot.desk.texts import Texts
from bot.desk.typing import LASTS
from bot.desk.views import Wanted, own_part, standpoint
from bot.desk.visit import Services
from storage import live
from storage.live import Signal


class Eyes:
    """One tab's look at the tables."""

    def __init__(self, services: Services, texts: Texts, *, own_teams_only: bool) -> None:
        self._db = services.db
        self._overview = services.overview
        self._texts = texts
        self._own_teams_only = own_teams_only
        self._own: Own | None = None
        self._own_stamp: Hashable = None
        self._thread: Thread | None = None
        self._opened: Hashable = None
        self._following = ExitStack()
        self._said = self._urgent = self._writes = Signal()
        self._wrote_at = -LASTS

    async def look(self, login: Pass, selected: int | None, since: datetime | None) -> Sight:
        """The screen of the agent with this login, the conversation `selected` opened, with what
        was said in it at `since`, however long ago. Raises `LoggedOut` and `Forbidden`."""
        try:
            return await self._look(login, selected, since)
        except BaseException:
            self.forget()  # what was to be read has not been
            raise

    async def _look(self, login: Pass, selected: int | None, since: datetime | None) -> Sight:
        only = self._own_teams_only
        place = await self._db.read(standpoint, login, own_teams_only=only)
        shared = await self._overview.lists(self._texts, place.teams)
        stamp, opened = (shared.stamp(place.agent), place), (selected, since, place)
        is_other, was_said = opened != self._opened, self._said.take()
        wanted = Wanted(
            own=self._own is None or stamp != self._own_stamp, thread=is_other or was_said
        )
        if wanted:
            own, thread = await self._db.read(own_part, place, self._texts, selected, since, wanted)
            if own is not None:
                self._own, self._own_stamp = own, stamp
            if wanted.thread:
                if was_said:
                    self._wrote_at = -LASTS  # what they were writing is there, or given up
                self._thread, self._opened = thread, opened
                if is_other:
                    self._follow(place.agent, thread)
        assert self._own is not None
        lists = board(shared, self._own, place.agent, selected)
        return Sight(lists, self._thread, may_serve=place.may_serve)

    def forget(self) -> None:
        """The next look reads everything: time has passed, or something was done."""
        self._own_stamp = None
        self._said.set()

    def close(self) -> None:
        """The tab is gone."""
        self._following.close()

    async def wait_for_turn(self) -> None:
        """Something happened: return at once where it concerns this agent, else a little later."""
        await self._urgent.wait(self._overview.patience)

    @property
    def has_news(self) -> bool:
        """Whether something happened in the opened conversation since it was read."""
        return self._said.is_set

    def customer_writes(self) -> bool:
        """Whether the customer of the opened conversation is writing just now."""
        if self._writes.take():
            self._wrote_at = monotonic()
        return monotonic() - self._wrote_at < LASTS

    def _follow(self, agent: int, thread: Thread | None) -> None:
        """Hear of what happens in the opened conversation, and in those that the agent has."""
        self._following.close()
        self._wrote_at = -LASTS
        address = thread.address if thread is not None else None
        chat = [live.chat(address)] if address is not None else []
        writing = [live.writing(address, Author.CUSTOMER)] if address is not None else []
        self._said, self._writes, self._urgent = (
            self._following.enter_context(self._db.live.listen(*topics))
            for topics in (chat, writing, [*chat, live.agent(agent)])
        )
        if chat:
            self._said.set()  # something may have been said between the look and this
