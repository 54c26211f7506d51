"""Small building blocks of the desk page; they show text as text and never as markup."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Hashable, Sequence
from time import monotonic
from typing import Generic, Protocol, TypeVar

from nicegui import background_tasks
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import GenericEventArguments

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


def box(classes: str, tag: str = "div") -> Element:
    """An element that holds others; use it as a context manager."""
    return Element(tag).classes(classes)


def text(content: str, classes: str = "", tag: str = "div") -> TextElement:
    """An element with a text. Line breaks show where the class `d-pre` is given."""
    return TextElement(tag=tag, text=content).classes(classes)


def button(label: str, classes: str, on_click: Callable[[], object]) -> TextElement:
    """A button. `on_click` may be a coroutine function."""
    made = TextElement(tag="button", text=label).classes(f"d-button {classes}")
    made.props("type=button")
    made.on("click", lambda _: on_click())
    return made


def line_input(hint: str, classes: str, on_line: Callable[[str], Awaitable[bool]]) -> Element:
    """A field for one line, handed over and emptied by Enter. `hint` says what it is for.

    What was refused (`on_line` gives False) comes back, unless something new was begun.
    """
    field = box(f"d-input {classes}", "input").props("type=text autocomplete=off")
    field.props["placeholder"] = field.props["aria-label"] = hint

    async def hand_over(event: GenericEventArguments) -> None:
        line = str(event.args)
        if not await on_line(line):
            field.client.run_javascript(_GIVE_BACK % (field.id, json.dumps(line)))

    field.on("keydown.enter", hand_over, js_handler=_HAND_OVER)
    return field


_GIVE_BACK = "{ const field = getHtmlElement(%d); if (field) field.value ||= %s; }"


_HAND_OVER = """(event) => {
  if (event.isComposing || event.keyCode === 229 || !event.target.value.trim()) return;
  emit(event.target.value);
  event.target.value = '';
}"""


def set_class(element: Element, name: str, *, on: bool) -> None:
    """Give the element the class `name`, or take it away."""
    if on:
        element.classes(add=name)
    else:
        element.classes(remove=name)


class SureButton:
    """A button that can ask for a second press, so that nothing grave happens by a slip.

    The second press counts from `DOUBLE_CLICK` to `PATIENCE` seconds after the first.
    """

    DOUBLE_CLICK = 0.4
    PATIENCE = 4.0

    def __init__(self, classes: str, on_click: Callable[[], Awaitable[object]]) -> None:
        self.element = button("", classes, self._pressed)
        self._on_click = on_click
        self._label = self._question = ""
        self._asked_at = monotonic() - 2 * self.PATIENCE

    def show(self, label: str, question: str = "") -> None:
        """Show `label`; with a `question` it is asked on the first press."""
        if (label, question) != (self._label, self._question):
            self._label, self._question = label, question
            self._rest()

    async def _pressed(self) -> None:
        waited = monotonic() - self._asked_at
        if not self._question or self.DOUBLE_CLICK <= waited <= self.PATIENCE:
            self._rest()
            await self._on_click()
        elif waited > self.PATIENCE:
            self._asked_at = monotonic()
            self.element.text = self._question
            set_class(self.element, "d-sure", on=True)
            background_tasks.create(self._rest_later(), name="second press")

    async def _rest_later(self) -> None:
        await asyncio.sleep(self.PATIENCE)
        if not self.element.is_deleted and monotonic() - self._asked_at >= self.PATIENCE:
            self._rest()

    def _rest(self) -> None:
        self._asked_at = monotonic() - 2 * self.PATIENCE
        self.element.text = self._label
        set_class(self.element, "d-sure", on=False)


class Shown(Protocol[T_contra]):
    """What a list shows for one item: its element, and how it takes the item's next state."""

    element: Element

    def show(self, item: T_contra) -> None:
        """Show `item`, a later state of the same thing."""


class KeyedList(Generic[T]):
    """Shows a sequence; what stays keeps its element, so the browser hears of changes alone."""

    def __init__(
        self, container: Element, key: Callable[[T], Hashable], build: Callable[[T], Shown[T]]
    ) -> None:
        self._container = container
        self._key = key
        self._build = build
        self._shown: dict[Hashable, tuple[T, Shown[T]]] = {}

    def show(self, items: Sequence[T]) -> None:
        """Make the list show `items`, in this order."""
        keys = [self._key(item) for item in items]
        for gone in self._shown.keys() - set(keys):
            self._shown.pop(gone)[1].element.delete()
        for index, (key, item) in enumerate(zip(keys, items, strict=True)):
            self._place(index, self._current(key, item).element)

    def _current(self, key: Hashable, item: T) -> Shown[T]:
        if key not in self._shown:
            with self._container:
                self._shown[key] = (item, self._build(item))
        before, shown = self._shown[key]
        if before != item:
            shown.show(item)
            self._shown[key] = (item, shown)
        return shown

    def _place(self, index: int, element: Element) -> None:
        children = self._container.default_slot.children
        if children[index] is not element:
            element.move(self._container, index)
