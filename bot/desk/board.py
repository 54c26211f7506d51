"""The left column: what is mine, who waits, what others have, and what was resolved lately."""

from collections.abc import Awaitable, Callable

from nicegui.element import Element

from bot.desk.elements import KeyedList, box, button, set_class, text
from bot.desk.hits import Asked
from bot.desk.search import SearchColumn
from bot.desk.sight import Board, Row
from bot.desk.texts import Texts

Select = Callable[[int], Awaitable[None]]


class RowItem:
    """One conversation in a list."""

    def __init__(self, row: Row, select: Select) -> None:
        self.element: Element = box("d-row", "button").props(f"type=button data-id={row.id}")
        with self.element:
            self._name = text("", "d-name", "span")
            with box("d-times", "span"):
                self._stars = text("", "d-stars", "span")
                self._late = text("", "d-late", "span")
                self._why = text("", "d-why", "span")
                self._since = text("", "d-since", "span")
            self._preview = text("", "d-preview", "span")
            self._where = text("", "d-where", "span")
        self.element.on("click", lambda _: select(row.id))
        self.show(row)

    def show(self, row: Row) -> None:
        """Take the conversation's next state."""
        self._name.text = row.name
        self._stars.text = row.stars
        self._late.text = row.late
        self._why.text = row.why
        self._since.text = row.since
        self._preview.text = row.preview
        self._where.text = " · ".join(part for part in (row.channel, row.owner) if part)
        set_class(self.element, "d-unanswered", on=row.unanswered)
        set_class(self.element, "d-breached", on=row.target == "breached")
        self.element.props["aria-current"] = "true" if row.selected else "false"


class Section:
    """A heading with a number, and below it a list that scrolls by itself.

    With `folds` the list is shown and hidden by its heading.
    """

    def __init__(
        self, kind: str, title: str, empty: str, select: Select, *, folds: bool = False
    ) -> None:
        self.element = box(f"d-section d-{kind}", "details" if folds else "section")
        with self.element:
            self.heading = box("d-heading", "summary" if folds else "div")
        with self.heading:
            text(title, "d-section-title", "h2")
            self._count = text("", "d-count", "span")
        with self.element, box("d-rows"):
            self._empty = text(empty, "d-empty")
            rows = box("d-list")
            self._more = text("", "d-more")
        self._list = KeyedList[Row](rows, lambda row: row.id, lambda row: RowItem(row, select))

    def show(self, rows: tuple[Row, ...], count: int, more: str = "") -> None:
        """Show `rows`; `count` is how many there are, `more` what to say below the list."""
        self._list.show(rows)
        self._count.text = str(count)
        self._more.text = more
        self._more.set_visibility(bool(more))
        self._empty.set_visibility(not rows)


class BoardColumn:
    """The search and all lists. On a phone they have the screen to themselves, with a way to the
    next. While something is searched for, what is found takes the lists' place."""

    def __init__(
        self,
        texts: Texts,
        select: Select,
        take_next: Callable[[], Awaitable[None]],
        search: Callable[[], SearchColumn],
    ) -> None:
        self._texts = texts
        self._column = box("d-board", "nav")
        self._column.props["aria-label"] = texts("conversations")
        with self._column:
            self._search = search()
        with self._column, box("d-lists"):
            self._todo = Section("todo", texts("todo"), "", select)
            self._mine = Section("mine", texts("mine"), texts("none_mine"), select)
            self._waiting = Section("waiting", texts("waiting"), texts("all_caught_up"), select)
            with self._waiting.heading:
                self._next = button(texts("take_next"), "d-primary d-next", take_next)
            self._snoozed = Section("snoozed", texts("snoozed"), "", select, folds=True)
            self._others = Section("others", texts("others"), "", select, folds=True)
            self._resolved = Section("resolved", texts("recent"), "", select, folds=True)

    def show(self, board: Board) -> None:
        """Show the lists as they are now."""
        self._todo.show(board.todo, len(board.todo))
        self._todo.element.set_visibility(bool(board.todo))
        self._mine.show(board.mine, len(board.mine))
        self._snoozed.show(board.snoozed, len(board.snoozed))
        self._snoozed.element.set_visibility(bool(board.snoozed))
        self._next.set_visibility(board.waiting_count > 0)
        left_out = board.waiting_count - len(board.waiting)
        self._waiting.show(board.waiting, board.waiting_count, self._more(left_out))
        left_out = board.others_count - len(board.others)
        self._others.show(board.others, board.others_count, self._more(left_out))
        self._others.element.set_visibility(board.others_count > 0)
        self._resolved.show(board.resolved, len(board.resolved))
        self._resolved.element.set_visibility(bool(board.resolved))

    async def ask(self, asked: Asked) -> None:
        """Show what is found in the lists' place; without words, the lists again."""
        set_class(self._column, "d-searching", on=await self._search.ask(asked))

    def _more(self, left_out: int) -> str:
        return self._texts("more", count=left_out) if left_out > 0 else ""
