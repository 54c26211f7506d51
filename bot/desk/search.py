"""The search at the top of the left column: a field, what narrows it down, and what is found."""

from collections.abc import Awaitable, Callable
from dataclasses import fields, replace

from nicegui.element import Element

from bot.core.searching import MAX_QUERY
from bot.desk.elements import KeyedList, box, button, set_class, text
from bot.desk.hits import Asked, Choices
from bot.desk.sight import HitLine, Hits
from bot.desk.texts import Texts
from storage.models.search import Cursor

Find = Callable[[Asked, Cursor | None], Awaitable[Hits | None]]
Open = Callable[[HitLine], Awaitable[None]]


class HitItem:
    """One hit, or a customer who was found."""

    def __init__(self, line: HitLine, choose: Open) -> None:
        self.element: Element = box("d-row d-hit", "button").props("type=button")
        self.element.props["data-id"] = str(line.conversation)
        set_class(self.element, "d-hit-note", on=line.is_note)
        with self.element:
            text(line.name, "d-name", "span")
            with box("d-times", "span"):
                text(line.at, "d-since", "span")
            if line.pieces:
                with box("d-said", "span"):
                    if line.author:
                        text(line.author, "d-hit-author", "span")
                    for words, is_found in line.pieces:
                        text(words, tag="mark" if is_found else "span")
            text(line.where, "d-where", "span")
        self.element.on("click", lambda _: choose(line))
        self.show(line)

    def show(self, item: HitLine) -> None:
        """Hits stay as they were found, but for which of them is open."""
        self.element.props["aria-current"] = "true" if item.selected else "false"


class SearchColumn:
    """The field and the hits. The browser (`templates/desk/desk.js`) tells what is typed."""

    def __init__(self, texts: Texts, choices: Choices, find: Find, choose: Open) -> None:
        self._texts = texts
        self._find = find
        self._choose = choose
        self._asked = Asked()
        self._found = Hits()
        with box("d-search", "form").props("role=search"):
            label = texts("search")
            field = box("", "input").props(f"type=text maxlength={MAX_QUERY} autocomplete=off")
            field.props["placeholder"] = field.props["aria-label"] = label
            clear = text("×", "d-search-clear", "button").props("type=button")
            clear.props["aria-label"] = texts("search_clear")
            with box("d-wishes"):
                for one in fields(choices):
                    self._select(one.name, getattr(choices, one.name))
        self._all = box("d-hits").props("role=region aria-live=polite")
        self._all.props["aria-label"] = texts("search_hits")
        with self._all:
            self._none = text("", "d-empty d-pre")
            self._people = self._list("search_people")
            self._hits = self._list("search_messages")
            self._more = button(texts("search_more"), "d-search-more", self._show_more)
        self._show(Hits())

    async def ask(self, asked: Asked) -> bool:
        """Look for it and show it; whether anything is asked for."""
        self._asked = asked
        if not asked.words.strip():
            return False
        found = await self._find(asked, None)
        if found is not None and asked == self._asked:  # else something else was typed meanwhile
            self._show(found)
        return bool(self._asked.words.strip())

    async def _show_more(self) -> None:
        """Show the next page below what is shown already."""
        asked, shown = self._asked, self._found
        if shown.next is None:
            return
        found = await self._find(asked, shown.next)
        if found is not None and (asked, shown.next) == (self._asked, self._found.next):
            self._show(replace(found, people=shown.people, lines=shown.lines + found.lines))

    async def _open(self, line: HitLine) -> None:
        found = self._found
        self._show(
            replace(found, people=_marked(found.people, line), lines=_marked(found.lines, line))
        )
        await self._choose(line)

    def _show(self, found: Hits) -> None:
        self._found = found
        for (whole, rows), lines in ((self._people, found.people), (self._hits, found.lines)):
            rows.show(lines)
            whole.set_visibility(bool(lines))
        self._none.text = self._texts(_nothing(found))
        self._none.set_visibility(not found.lines and (not found.people or bool(found.next)))
        self._more.set_visibility(found.next is not None)

    def _list(self, title: str) -> tuple[Element, KeyedList[HitLine]]:
        with box("d-found") as whole:
            text(self._texts(title), "d-heading", "h2")
            rows = box("d-list")
        return whole, KeyedList(rows, lambda line: line.key, lambda line: HitItem(line, self._open))

    def _select(self, name: str, options: tuple[tuple[str, str], ...]) -> None:
        made = box("d-wish", "select").props(f"name={name}")
        made.props["aria-label"] = options[0][1]
        with made:
            for value, label in options:
                option = text(label, tag="option")
                option.props["value"] = value


def _marked(lines: tuple[HitLine, ...], opened: HitLine) -> tuple[HitLine, ...]:
    return tuple(replace(line, selected=line.key == opened.key) for line in lines)


def _nothing(found: Hits) -> str:
    """What to say when a page holds nothing."""
    if not found.is_readable:
        return "search_words"
    return "search_far" if found.next is not None else "search_none"
