"""The middle column: the conversation, and where the agent writes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from nicegui.element import Element

from bot.core.messages import MAX_TEXT, State
from bot.desk.elements import KeyedList, SureButton, box, button, set_class, text
from bot.desk.sight import Bubble, FileLine, Thread
from bot.desk.texts import Texts
from bot.desk.transfer import Look, TransferForm

Deed = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Deeds:
    """What an agent can do with a conversation, besides writing."""

    back: Deed
    take: Deed
    take_next: Deed
    take_over: Deed
    release: Deed
    resolve: Deed
    done: Deed
    select: Callable[[int], Awaitable[None]]
    destinations: Look
    transfer: Callable[[str, str], Awaitable[None]]


class BubbleItem:
    """One message or note; once it is there, its files still come, and an agent may reword it."""

    def __init__(self, bubble: Bubble) -> None:
        self._shown: tuple[FileLine, ...] = ()
        self.element: Element = box(f"d-bubble d-{bubble.kind}", "article")
        self.element.props["data-key"] = bubble.key
        set_class(self.element, "d-continues", on=bubble.continues)
        set_class(self.element, "d-earlier", on=bubble.earlier)
        with self.element:
            if bubble.author or bubble.at:
                with box("d-byline", "header"):
                    text(bubble.author, "d-author", "span")
                    text(bubble.at, "d-at", "span")
            if bubble.quote:
                text(bubble.quote, "d-quote")
            self._text = text(bubble.text, "d-text d-pre")
            self._files = box("d-files")
            self._show_files(bubble)
            self._fate, self._seen = text("", "d-fate"), text("", "d-seen")
            self._show_fate(bubble)
            if bubble.choices:
                with box("d-choices"):
                    for label in bubble.choices:
                        text(label, "d-choice", "span")
            if bubble.verdict:
                text(bubble.verdict, "d-verdict")

    def show(self, item: Bubble) -> None:
        """What may change; that the time reads otherwise after midnight is not worth a flicker."""
        self._text.text = item.text
        self._show_files(item)
        self._show_fate(item)

    def _show_fate(self, bubble: Bubble) -> None:
        self.element.props["data-deeds"] = " ".join(bubble.deeds)
        self._fate.text = bubble.fate
        self._fate.set_visibility(bool(bubble.fate))
        self._seen.text = bubble.seen
        self._seen.set_visibility(bool(bubble.seen))

    def _show_files(self, bubble: Bubble) -> None:
        if bubble.files == self._shown:
            return
        self._shown = bubble.files
        self._files.clear()
        with self._files:
            for file in bubble.files:
                file_line(file)


def file_line(file: FileLine) -> None:
    """A picture, a link, or what there is to say instead."""
    if not file.url:
        text(file.label, "d-file")
        return
    link = Element("a").classes("d-file")
    link._props.update(href=file.url, target="_blank", rel="noreferrer")
    with link:
        if file.is_image:
            picture = Element("img").classes("d-picture")
            picture._props.update(src=file.url, alt=file.label, loading="lazy")
        else:
            text(file.label, tag="span")


class Composer:
    """Where the agent writes to the customer, or a note to colleagues.

    What is written lives in the browser (`templates/desk/desk.js`) until it has been stored.
    """

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self.element = box("d-composer", "footer")
        with self.element:
            with box("d-modes").props("role=group"):
                for mode in ("reply", "note"):
                    mark = f"type=button data-to={mode} aria-pressed=false"
                    text(texts(mode), "d-button d-mode", "button").props(mark)
            box("d-enclosed")
            with box("d-line"):
                attach = text("📎", "d-button d-attach", "button").props("type=button")
                attach.props["aria-label"] = attach.props["title"] = texts("attach")
                box("d-pick", "input").props("type=file multiple tabindex=-1")
                with box("d-write"):
                    box("", "textarea").props(f"rows=1 maxlength={MAX_TEXT}")
                emoji = text("☺", "d-button d-quiet d-emoji", "button").props("type=button")
                emoji.props["aria-label"] = texts("emoji")
                with box("d-button d-primary d-send", "button").props("type=button"):
                    text(texts("send"), "d-as-reply", "span")
                    text(texts("save_note"), "d-as-note", "span")
            box("d-status").props("role=status")
            box("d-hints").props("role=group hidden")
            self._typing = text("", "d-typing").props("role=status")
            with box("d-hint"):
                text(texts("keys_hint"), tag="span")
                text(texts("keys_title"), "d-show-keys", "button").props("type=button")

    def tell_typing(self, words: str) -> None:
        """Say which colleagues are writing here."""
        self._typing.text = words

    def show(self, thread: Thread | None) -> None:
        """Go along to `thread`; the browser keeps a draft for each."""
        is_open = thread is not None and thread.state != State.RESOLVED
        self.element.props["data-conversation"] = str(thread.id) if thread and is_open else "0"
        is_colleagues = thread is not None and thread.state == State.OPEN and not thread.mine
        self.element.props["data-notes"] = "only" if is_colleagues else "too"
        held = self._texts("held", name=thread.owner) if thread and is_colleagues else ""
        self.element.props["data-held"] = held
        self.element.props["data-asked"] = str(thread.asked if thread and is_open else 0)
        self.element.set_visibility(is_open)


class ThreadColumn:
    """The opened conversation, or a word of welcome when none is."""

    def __init__(self, texts: Texts, deeds: Deeds) -> None:
        self._texts = texts
        self._deeds = deeds
        self._thread_id: int | None = None
        self._newest = 0
        self._transfer = TransferForm(texts, deeds.destinations, deeds.transfer)
        self._list: KeyedList[Bubble] | None = None
        with box("d-middle", "main").props("tabindex=-1"):
            self._empty = box("d-welcome")
            with self._empty:
                self._welcome = text("", "d-pre")
                self._next = button(texts("take_next"), "d-primary d-next", deeds.take_next)
                self._to_list = button(texts("back"), "", deeds.back)
            self._all = box("d-thread")
            with self._all:
                self._header()
                self._transfer.draw()
                self._follow_up = box("d-followup")
                with self._follow_up:
                    self._to_do = text("", tag="span")
                    button(texts("todo_done"), "d-small-button d-serving", deeds.done)
                with box("d-view"):
                    # Laid out from the bottom, so that the newest message stays in view.
                    self._scroll = box("d-scroll")
                    text(texts("newer"), "d-newer", "button").props("type=button hidden")
                self._left = text(texts("went_to_bot"), "d-went")
                self._closed = text(texts("resolved_hint"), "d-closed")
                self._again = box("d-again").props("role=status")
                with self._again:
                    text(texts("wrote_again"), tag="span")
                    button(texts("open_newest"), "d-primary d-newest", self._open_newest)
                self._composer = Composer(texts)

    def show(self, thread: Thread | None, waiting: int, *, is_lost: bool) -> None:
        """Show `thread` as it is now; without one, how many wait, and whether it `is_lost`."""
        self._empty.set_visibility(thread is None)
        self._all.set_visibility(thread is not None)
        self._composer.show(thread)
        if thread is None:
            self._welcome.text = self._texts("no_such" if is_lost else "nothing_selected")
            self._next.set_visibility(waiting > 0 and not is_lost)
            self._to_list.set_visibility(is_lost)
            return
        if thread.id != self._thread_id or self._list is None:
            self._thread_id = thread.id
            self._transfer.close()
            self._list = self._fresh_list()
        self._list.show(thread.bubbles)
        self._shortened.set_visibility(thread.shortened)
        self._name.text = thread.card.name
        self._state.text = self._state_text(thread)
        set_class(self._state, "d-is-waiting", on=thread.state == State.WAITING)
        self._left.set_visibility(thread.state == State.BOT and bool(thread.reason))
        self._newest = thread.newest
        self._closed.set_visibility(thread.state == State.RESOLVED and not thread.newest)
        self._again.set_visibility(bool(thread.newest))
        self._to_do.text = thread.follow_up
        self._follow_up.set_visibility(bool(thread.todo))
        self._show_deeds(thread)

    async def _open_newest(self) -> None:
        if self._newest:
            await self._deeds.select(self._newest)

    def tell_typing(self, names: Sequence[str]) -> None:
        """Show who else is writing here."""
        words = self._texts("typing", names=self._texts.listed(names)) if names else ""
        self._composer.tell_typing(words)

    def _header(self) -> None:
        deeds = self._deeds
        with box("d-head", "header"):
            back = button("‹", "d-back", deeds.back)
            back.props["aria-label"] = self._texts("back")
            with box("d-who"):
                self._name = text("", "d-title", "h1")
                self._state = text("", "d-state")
            with box("d-deeds"):
                self._take = button(self._texts("take"), "d-primary d-take", deeds.take)
                self._take_over = SureButton("d-take", deeds.take_over)
                self._release = button(self._texts("release"), "", deeds.release)
                self._to_transfer = self._transfer.opener()
                self._resolve = SureButton("d-resolve", deeds.resolve)
            card = text("i", "d-button d-toggle-card", "button").props("type=button")
            card.props["aria-label"] = self._texts("customer")

    def _show_deeds(self, thread: Thread) -> None:
        texts = self._texts
        is_free = thread.state in (State.BOT, State.WAITING)
        is_mine = thread.state == State.OPEN and thread.mine
        self._take.set_visibility(is_free)
        self._release.set_visibility(is_mine)
        self._to_transfer.set_visibility(is_mine or thread.state == State.WAITING)
        self._take_over.element.set_visibility(thread.state == State.OPEN and not thread.mine)
        self._take_over.show(texts("take_over", name=thread.owner), texts("take_over_sure"))
        self._resolve.element.set_visibility(is_free or is_mine)
        question = "" if thread.replied else texts("resolve_sure")
        self._resolve.show(texts("resolve"), question)

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
            if thread.mine:
                return self._texts("state_mine")
            return self._texts("state_other", name=thread.owner)
        parts = [self._texts(f"state_{thread.state}")]
        if thread.state == State.WAITING and thread.reason:
            parts.append(thread.reason)
        return " · ".join(parts)
