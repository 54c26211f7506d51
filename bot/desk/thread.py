"""The middle column: the conversation, and where the agent writes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from bot.core.messages import MAX_TEXT, State
from bot.desk.elements import KeyedList, box, button, set_class, text
from bot.desk.sight import Bubble, Thread
from bot.desk.texts import Texts

_SEND = """
const words = field.value;
if (!words.trim()) return;
field.value = '';
field.dispatchEvent(new Event('input', {bubbles: true}));
emit(words);
"""
# Enter belongs to the input method while it composes (229 is what Safari reports then), and
# makes a new line on touch screens, which have no Shift+Enter.
_ENTER = f"""(event) => {{
if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
if (matchMedia('(pointer: coarse)').matches) return;
event.preventDefault();
const field = event.target;
{_SEND}}}"""
_CLICK = f"""() => {{
const field = document.querySelector('.d-write textarea');
{_SEND}field.focus();
}}"""


@dataclass(frozen=True, slots=True)
class Deeds:
    """What an agent can do here; `write` says whether the words were accepted."""

    back: Callable[[], Awaitable[None]]
    take: Callable[[], Awaitable[None]]
    resolve: Callable[[], Awaitable[None]]
    reply: Callable[[str], Awaitable[bool]]
    note: Callable[[str], Awaitable[bool]]
    toggle_card: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Draft:
    """Words not sent yet. What was meant as a note must never come back as a reply."""

    words: str = ""
    is_note: bool = False


class BubbleItem:
    """One message or note; it never changes once it is there."""

    def __init__(self, bubble: Bubble) -> None:
        self.element: Element = box(f"d-bubble d-{bubble.kind}", "article")
        set_class(self.element, "d-continues", on=bubble.continues)
        with self.element:
            with box("d-byline", "header"):
                text(bubble.author, "d-author", "span")
                text(bubble.at, "d-at", "span")
            text(bubble.text, "d-text d-pre")
            if bubble.choices:
                with box("d-choices"):
                    for label in bubble.choices:
                        text(label, "d-choice", "span")
            if bubble.verdict:
                text(bubble.verdict, "d-verdict")

    def show(self, item: Bubble) -> None:
        """Only the time could read differently after midnight: not worth a flicker."""


class Composer:
    """Where the agent writes to the customer, or a note to colleagues."""

    def __init__(self, texts: Texts, deeds: Deeds) -> None:
        self._texts = texts
        self._deeds = deeds
        self._drafts: dict[int, Draft] = {}
        self._thread_id: int | None = None
        self._is_note = False
        self.element = box("d-composer", "footer")
        with self.element:
            with box("d-modes").props("role=group"):
                self._to_customer = button(texts("reply"), "d-mode", lambda: self._mode(note=False))
                self._to_team = button(texts("note"), "d-mode", lambda: self._mode(note=True))
            with box("d-line"):
                self._field = ui.textarea().classes("d-write")
                self._field.props(f"autogrow borderless dense maxlength={MAX_TEXT}")
                self._field.on("keydown", self._written, js_handler=_ENTER)
                send = text(texts("send"), "d-button d-primary d-send", "button")
                send.props("type=button").on("click", self._written, js_handler=_CLICK)
            text(texts("keys_hint"), "d-hint")
        self._mode(note=False)

    def show(self, thread: Thread) -> None:
        """Go along to `thread`; what was half written stays with its conversation."""
        if thread.id != self._thread_id:
            if self._thread_id is not None:
                self._drafts[self._thread_id] = Draft(self._field.value or "", self._is_note)
            self._thread_id = thread.id
            draft = self._drafts.pop(thread.id, Draft())
            self._field.value = draft.words
            self._mode(note=draft.is_note)
        is_colleagues = thread.state == State.OPEN and not thread.mine
        self._to_customer.props.set_bool("disabled", is_colleagues)
        if is_colleagues and not self._is_note:
            self._mode(note=True)
        self.element.set_visibility(thread.state != State.RESOLVED)

    def _mode(self, *, note: bool) -> None:
        self._is_note = note
        set_class(self.element, "d-noting", on=note)
        self._to_customer.props["aria-pressed"] = "false" if note else "true"
        self._to_team.props["aria-pressed"] = "true" if note else "false"
        label = self._texts("note_placeholder" if note else "reply_placeholder")
        self._field.props["placeholder"] = self._field.props["aria-label"] = label

    async def _written(self, event: GenericEventArguments) -> None:
        words = str(event.args)
        is_note, thread_id = self._is_note, self._thread_id
        if await (self._deeds.note if is_note else self._deeds.reply)(words):
            return
        if thread_id != self._thread_id:
            self._drafts[thread_id or 0] = Draft(words, is_note)
        elif not self._field.value:
            self._field.value = words


class ThreadColumn:
    """The opened conversation, or a word of welcome when none is."""

    def __init__(self, texts: Texts, deeds: Deeds) -> None:
        self._texts = texts
        self._thread_id: int | None = None
        self._list: KeyedList[Bubble] | None = None
        with box("d-middle", "main"):
            self._welcome = text(texts("nothing_selected"), "d-welcome d-pre")
            self._all = box("d-thread")
            with self._all:
                self._header(deeds)
                # Laid out from the bottom, so that the newest message stays in view.
                self._scroll = box("d-scroll")
                self._closed = text(texts("resolved_hint"), "d-closed")
                self.composer = Composer(texts, deeds)

    def show(self, thread: Thread | None) -> None:
        """Show `thread` as it is now."""
        self._welcome.set_visibility(thread is None)
        self._all.set_visibility(thread is not None)
        if thread is None:
            return
        if thread.id != self._thread_id or self._list is None:
            self._thread_id = thread.id
            self._list = self._fresh_list()
        self._list.show(thread.bubbles)
        self._shortened.set_visibility(thread.shortened)
        self._name.text = thread.card.name
        self._state.text = self._state_text(thread)
        set_class(self._state, "d-is-waiting", on=thread.state == State.WAITING)
        is_free = thread.state in (State.BOT, State.WAITING)
        self._take.set_visibility(is_free)
        self._resolve.set_visibility(is_free or (thread.state == State.OPEN and thread.mine))
        self._closed.set_visibility(thread.state == State.RESOLVED)
        self.composer.show(thread)

    def _header(self, deeds: Deeds) -> None:
        with box("d-head", "header"):
            back = button("‹", "d-back", deeds.back)
            back.props["aria-label"] = self._texts("back")
            with box("d-who"):
                self._name = text("", "d-title", "h1")
                self._state = text("", "d-state")
            self._take = button(self._texts("take"), "d-primary", deeds.take)
            self._resolve = button(self._texts("resolve"), "", deeds.resolve)
            card = button("i", "d-toggle-card", deeds.toggle_card)
            card.props["aria-label"] = self._texts("customer")

    def _fresh_list(self) -> KeyedList[Bubble]:
        self._scroll.clear()
        with self._scroll, box("d-stream"):
            self._shortened = text(self._texts("shortened"), "d-shortened")
            bubbles = box("d-bubbles")
            bubbles.props["role"] = "log"
            bubbles.props["aria-label"] = self._texts("messages")
        return KeyedList[Bubble](bubbles, lambda bubble: bubble.key, BubbleItem)

    def _state_text(self, thread: Thread) -> str:
        if thread.state == State.OPEN:
            return self._texts("state_mine") if thread.mine else self._other(thread)
        parts = [self._texts(f"state_{thread.state}")]
        if thread.state == State.WAITING and thread.reason:
            parts.append(thread.reason)
        return " · ".join(parts)

    def _other(self, thread: Thread) -> str:
        return self._texts("state_other", name=thread.owner)
