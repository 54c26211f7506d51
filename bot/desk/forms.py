"""Building blocks of the further pages: forms, tables and panels; text is always text."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from bot.desk.elements import box, text

_FIELDS = (
    "(event) => { event.preventDefault(); emit(Object.fromEntries(new FormData(event.target))) }"
)
_TYPED = "(event) => emit(Object.fromEntries(new FormData(event.target.form)))"
_PAUSE_SECONDS = 0.3
"""While somebody types, how often a form is looked at."""
_MAX = 10_000
"""Longest value that is taken from a form, in characters."""

KEPT = "d-unsaved"
"""The class of a form that is not left without a question while something in it is not saved."""

Filled = Mapping[str, str]
"""What a form's fields hold, by their names."""


Take = Callable[[Filled], Awaitable[None]]


def form(on_submit: Take, classes: str = "", on_change: Take | None = None) -> Element:
    """A form; use it as a context manager. Its fields come to `on_submit` together, and to
    `on_change` while they are filled in."""

    async def submitted(event: GenericEventArguments) -> None:
        await on_submit(_filled(event.args))

    made = box(f"d-form {classes}", "form").props("autocomplete=off")
    made.on("submit", submitted, js_handler=_FIELDS)
    if on_change is not None:

        async def changed(event: GenericEventArguments) -> None:
            await on_change(_filled(event.args))

        made.on("input", changed, js_handler=_TYPED, throttle=_PAUSE_SECONDS, leading_events=False)
    return made


def posted(address: str, token: str) -> Element:
    """A form that the browser itself sends to `address`, with the page's token against forgery;
    use it as a context manager."""
    made = _with_props(box("d-form", "form"), {"method": "post", "action": address})
    with made:
        hidden("token", token)
    return made


def asked(address: str) -> Element:
    """A form whose fields become part of the address; use it as a context manager."""
    return _with_props(box("d-form d-filter", "form"), {"method": "get", "action": address})


def _filled(args: Any) -> Filled:
    """What came from the browser, whoever wrote it."""
    if not isinstance(args, dict):
        return {}
    return {str(name): str(value)[:_MAX].replace("\0", "") for name, value in args.items()}


def field(label: str, name: str, value: str = "", kind: str = "text", **props: Any) -> Element:
    """A line to type into, with its label. `props` are attributes of the `input`.

    What was typed stays whatever else of the page is drawn anew: Vue sets `value` each time, and
    `defaultValue` only when it changes.
    """
    with box("d-field", "label"):
        text(label, "d-label", "span")
        made = box("d-input", "input")
    return _with_props(made, {"type": kind, "name": name, "defaultValue": value, **props})


def select(label: str, name: str, options: Mapping[str, str], chosen: str = "") -> Element:
    """A choice among `options` (value to words), with its label."""
    with box("d-field", "label"):
        text(label, "d-label", "span")
        made = _with_props(box("d-input", "select"), {"name": name})
        with made:
            for value, words in options.items():
                option = _with_props(text(words, "", "option"), {"value": value})
                if value == chosen:
                    option.props["selected"] = True
    return made


def area(label: str, name: str, value: str = "", **props: Any) -> Element:
    """Several lines to type into, with their label."""
    with box("d-field d-wide", "label"):
        text(label, "d-label", "span")
        made = text(value, "d-input d-area", "textarea")
    return _with_props(made, {"name": name, "rows": 4, **props})


def tick(label: str, name: str, *, on: bool) -> Element:
    """A box to tick, with its label; unticked, the form has no such field."""
    with box("d-field d-tick", "label"):
        made = _with_props(box("", "input"), {"type": "checkbox", "name": name, "value": "yes"})
        text(label, tag="span")
    if on:
        made.props["checked"] = True
    return made


def hidden(name: str, value: str) -> Element:
    """A field that is sent along."""
    return _with_props(box("", "input"), {"type": "hidden", "name": name, "value": value})


def submit(label: str, classes: str = "d-primary") -> Element:
    """The button that sends the form."""
    return text(label, f"d-button {classes}", "button").props("type=submit")


def link(label: str, address: str, classes: str = "d-button") -> Element:
    """A way to another address of ours."""
    return _with_props(text(label, classes, "a"), {"href": address})


def table(heads: Sequence[str]) -> Element:
    """A table with these headings; its body, for `row`, as a context manager."""
    with box("d-scroll-x"), box("d-table", "table"):
        with box("", "thead"), box("", "tr"):
            for head in heads:
                text(head, "", "th").props("scope=col")
        return box("", "tbody")


def row(cells: Sequence[str], heads: Sequence[str] = (), classes: str = "") -> Element:
    """A row of texts; further cells go into it. On a phone each cell says its head."""
    made = box(classes, "tr")
    with made:
        for number, cell in enumerate(cells):
            one = text(cell, "", "td")
            if number < len(heads):
                one.props["data-head"] = heads[number]
    return made


@contextmanager
def panel(heading: str) -> Iterator[Element]:
    """A framed part of a page, with its heading."""
    made = box("d-panel", "section")
    with made:
        text(heading, "", "h2")
        yield made


def secret(words: str) -> Element:
    """Something that is shown once, easy to copy."""
    return text(words, "d-secret", "code")


def _with_props(made: Element, props: Mapping[str, object]) -> Element:
    """Attributes as they are: NiceGUI would read a text of them as several."""
    for name, value in props.items():
        made.props[name] = value
    return made
