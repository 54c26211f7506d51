"""The left column: who waits, what is mine, what others have."""

from collections.abc import Awaitable, Callable

from nicegui.element import Element

from bot.desk.elements import KeyedList, box, set_class, text
from bot.desk.sight import Board, Row
from bot.desk.texts import Texts

Select = Callable[[int], Awaitable[None]]


class RowItem:
    """One conversation in a list."""

    def __init__(self, row: Row, select: Select) -> None:
        self.element: Element = box("d-row", "button").props("type=button")
        with self.element:
            self._name = text("", "d-name", "span")
            self._since = text("", "d-since", "span")
            self._preview = text("", "d-preview", "span")
            self._where = text("", "d-where", "span")
        self.element.on("click", lambda _: select(row.id))
        self.show(row)

    def show(self, row: Row) -> None:
        """Take the conversation's next state."""
        self._name.text = row.name
        self._since.text = row.since
        self._preview.text = row.preview
        self._where.text = " · ".join(part for part in (row.channel, row.owner) if part)
        set_class(self.element, "d-unanswered", on=row.unanswered)
        self.element.props["aria-current"] = "true" if row.selected else "false"


class Section:
    """A heading with a number, and a list below it."""

    def __init__(self, title: str, empty: str, select: Select) -> None:
        self.element = box("d-section", "section")
        with self.element:
            with box("d-heading", "h2"):
                text(title, tag="span")
                self._count = text("", "d-count", "span")
            self._empty = text(empty, "d-empty")
            rows = box("d-rows")
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
    """All three lists."""

    def __init__(self, texts: Texts, select: Select) -> None:
        self._texts = texts
        column = box("d-board", "nav")
        column.props["aria-label"] = texts("conversations")
        with column:
            self._waiting = Section(texts("waiting"), texts("all_caught_up"), select)
            self._mine = Section(texts("mine"), texts("none_mine"), select)
            self._others = Section(texts("others"), "", select)

    def show(self, board: Board) -> None:
        """Show the lists as they are now."""
        left_out = board.waiting_count - len(board.waiting)
        self._waiting.show(board.waiting, board.waiting_count, self._more(left_out))
        self._mine.show(board.mine, len(board.mine))
        listed = len(board.mine) + len(board.others)
        left_out = board.open_count - listed
        self._others.show(board.others, len(board.others) + left_out, self._more(left_out))
        self._others.element.set_visibility(bool(board.others) or left_out > 0)

    def _more(self, left_out: int) -> str:
        return self._texts("more", count=left_out) if left_out > 0 else ""
