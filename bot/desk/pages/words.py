"""What the bot says: the FAQ, its gaps and drafts, and all other texts, to be read and searched.

Nothing is changed here: the words are files, which the shop keeps in its own way.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from nicegui import background_tasks
from nicegui.element import Element
from sqlmodel import Session

from bot.answering.check import Finding
from bot.core.clock import now
from bot.core.roles import Right
from bot.desk.elements import box, text
from bot.desk.forms import asked, field, link, panel, row, select, submit, table
from bot.desk.gap_groups import COMPARED, GapGroup, grouped
from bot.desk.visit import Place, Visit
from bot.desk.word_list import FAQ, KINDS, Item, Version, WordList, find, read_all
from storage.models.gaps import Gap, open_gaps

PLACE = Place("/words", "words", Right.SETTINGS)
ORDER = 60
ADDRESS = "/desk/words"
GAPS, ALL = "gaps", "all"
MOST = 40
"""Texts shown at once."""
GAP_DAYS = 30


async def build(visit: Visit) -> None:
    """Draw what the address asks for."""
    text(visit.texts("words"), tag="h1")
    await _Words(visit).build()


class _Words:
    """The page in one tab."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._texts = visit.texts
        self._languages = visit.services.voice.words.shop.languages
        self._kind = visit.asked.get("kind", FAQ)
        self._topic = visit.asked.get("topic", "")
        self._asked = visit.asked.get("q", "")[:200]

    async def build(self) -> None:
        """Read the files, and draw."""
        services = self._visit.services
        assert services.answerer is not None
        faq = services.answerer.folder
        text(
            self._texts("words_hint", faq=str(faq), templates=str(services.templates)),
            "d-small d-lead",
        )
        words = await asyncio.to_thread(read_all, faq, services.templates, services.voice)
        self._filters(words)
        self._findings(words.findings)
        if self._kind == GAPS:
            self._gaps()
        else:
            self._items(words)

    def _filters(self, words: WordList) -> None:
        texts = self._texts
        kinds = {ALL: texts("words_all")} | {one: texts(f"words_{one}") for one in KINDS}
        topics = sorted({one.topic for one in words.items if one.kind == FAQ})
        with asked(ADDRESS):
            select(texts("words_kind"), "kind", kinds | {GAPS: texts("words_gaps")}, self._kind)
            if self._kind == FAQ:
                every = {"": texts("anything")} | {one: one for one in topics}
                select(texts("words_topic"), "topic", every, self._topic)
            field(texts("words_search"), "q", self._asked, "search", maxlength=200)
            submit(texts("audit_find"))

    def _findings(self, findings: Sequence[Finding]) -> None:
        """What is wrong is open to see, what is merely weak behind a click."""
        texts, language = self._texts, self._texts.language
        wrong = [one for one in findings if one.severity == "error"]
        weak = [one for one in findings if one.severity != "error"]
        if wrong:
            with panel(texts("words_wrong", count=len(wrong))) as shown:
                shown.classes("d-bad-panel")
                text(texts("words_wrong_hint"), "d-small")
                _lines([one.problem.text(language) for one in wrong])
        else:
            text(texts("words_sound"), "d-mark", "span")
        if weak:
            with box("d-more-of", "details"):
                text(texts("words_weak", count=len(weak)), "d-small", "summary")
                _lines([one.problem.text(language) for one in weak])

    def _items(self, words: WordList) -> None:
        kind = "" if self._kind == ALL else self._kind
        found = find(words, kind, self._topic if kind == FAQ else "", self._asked)
        text(self._texts("words_found", count=len(found)), "d-small d-lead")
        for one in found[:MOST]:
            self._item(one)
        if len(found) > MOST:
            text(self._texts("words_more", count=len(found) - MOST), "d-empty")

    def _item(self, one: Item) -> None:
        with panel(one.title(self._texts.language) or one.key) as shown:
            shown.classes("d-words")
            kind = self._texts(f"words_{one.kind}")
            text(" · ".join([kind, one.key, *one.marks]), "d-small")
            with box("d-versions"):
                for language in self._languages:
                    self._version(language, one.versions.get(language))

    def _version(self, language: str, version: Version | None) -> None:
        texts = self._texts
        with box("d-version"):
            text(texts(f"language_{language}"), "d-label")
            if version is None:
                text(texts("words_missing"), "d-empty")
                return
            text(version.text, "d-pre d-says").props(f"lang={language}")
            text(version.place, "d-place-in", "code")
            if version.is_news:
                text(texts("words_restart"), "d-mark d-here", "span")
            with box("d-more-of", "details"):
                count = len(version.questions)
                label = texts("words_asked", count=count) if count else texts("words_as_written")
                text(label, "d-small", "summary")
                _lines(version.questions)
                text(version.source, "d-pre d-source", "pre")

    def _gaps(self) -> None:
        """Putting them together may take seconds: they come later."""
        text(self._texts("words_gaps_hint", days=GAP_DAYS), "d-small d-lead")
        place = box("")
        with place:
            text(self._texts("words_gaps_wait"), "d-empty")
        working = background_tasks.create(self._gather(place), name="gaps")
        self._visit.client.on_delete(working.cancel)

    async def _gather(self, place: Element) -> None:
        visit = self._visit
        found = await visit.show(Right.SETTINGS, _open_gaps)
        answerer = visit.services.answerer
        groups: list[GapGroup] = []
        if found and answerer is not None and answerer.ready:
            groups = await asyncio.to_thread(grouped, found, answerer)
        if found is None or place.is_deleted:
            return
        wanted = self._asked.casefold().split()
        groups = [one for one in groups if all(word in one.sample.casefold() for word in wanted)]
        place.clear()
        with place:
            if groups:
                self._gap_table(groups)
            else:
                text(self._texts("words_gaps_none"), "d-empty")

    def _gap_table(self, groups: Sequence[GapGroup]) -> None:
        texts = self._texts
        heads = [texts(f"words_gap_{one}") for one in ("size", "sample", "draft", "nearest")]
        with table(heads):
            for one in groups:
                command = f"xiaoer faq gaps --draft {one.id} --into faq"
                with row([str(one.size), one.sample, command], heads), box("", "td") as cell:
                    cell.props["data-head"] = heads[3]
                    if one.nearest:
                        link(one.nearest, f"{ADDRESS}?kind={FAQ}&q={one.nearest}", "d-link")


def _lines(lines: Sequence[str]) -> None:
    with box("d-lines", "ul"):
        for line in lines:
            text(line, "", "li")


def _open_gaps(session: Session) -> list[Gap]:
    return open_gaps(session, now() - timedelta(days=GAP_DAYS), COMPARED)
