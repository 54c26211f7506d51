"""The ready answers: the shop's own from its files, and those that agents keep here."""

from functools import partial
from typing import Any

from sqlmodel import Session

from bot.core.messages import MAX_TEXT
from bot.core.roles import Right
from bot.desk.elements import SureButton, box, button, text
from bot.desk.forms import KEPT, Filled, area, field, form, panel, row, select, submit, table, tick
from bot.desk.visit import Place, Visit
from bot.escalation import canned
from storage.models.canned import CannedReply, canned_replies

PLACE = Place("/replies", "replies", Right.SETTINGS)
ORDER = 40


async def build(visit: Visit) -> None:
    """Draw the page."""
    text(visit.texts("replies"), tag="h1")
    text(visit.texts("replies_hint"), "d-small")
    await _Replies(visit).show()


class _Replies:
    """The page in one tab; `_editing` is the answer that is open in the form."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._texts = visit.texts
        self._voice = visit.services.voice
        self._editing: int | None = None
        self._body = box("")

    async def show(self) -> None:
        """Read all answers again, and draw."""
        rows = await self._visit.show(Right.SETTINGS, canned_replies)
        if rows is None:
            return
        self._body.clear()
        with self._body:
            self._form(next((one for one in rows if one.id == self._editing), None))
            self._list(rows)
            self._files()

    def _form(self, row: CannedReply | None) -> None:
        """What is written in it stays until it is kept: a refusal loses nothing."""
        texts, shop = self._texts, self._voice.words.shop
        languages = {"": texts("every_language")}
        languages |= {one: texts(f"language_{one}") for one in shop.languages}
        with panel(texts("reply_change" if row else "reply_add")), form(self._keep, KEPT):
            field(texts("reply_name"), "name", row.name if row else "", maxlength=32, required=True)
            select(texts("language"), "language", languages, row.language if row else "")
            area(texts("reply_text"), "text", row.text if row else "", maxlength=MAX_TEXT)
            text(texts("reply_values", left="{{ ", right=" }}"), "d-small")
            field(texts("reply_tags"), "tags", "，".join(row.tags) if row else "")
            tick(texts("then_resolves"), "resolves", on=bool(row and row.resolves))
            submit(texts("save"))
            if row:
                button(texts("cancel"), "", partial(self._open, None))

    def _list(self, rows: list[CannedReply]) -> None:
        texts = self._texts
        if not rows:
            text(texts("replies_none"), "d-empty")
            return
        heads = [texts("reply_name"), texts("language"), texts("reply_preview"), ""]
        with table(heads):
            for one in rows:
                language = texts(f"language_{one.language}") if one.language else ""
                extra = [*(f"#{tag}" for tag in one.tags)]
                extra += [texts("then_resolves")] if one.resolves else []
                shown = canned.preview(self._voice, one.text, one.language)
                cells = [f"/{one.name}", language, " · ".join([shown, *extra])]
                with row(cells, heads), box("d-deeds-row", "td"):
                    button(texts("change"), "d-edit", partial(self._open, one.id))
                    away = SureButton("", partial(self._delete, one.id or 0))
                    away.show(texts("delete"), texts("sure"))

    def _files(self) -> None:
        """The answers that stand in the shop's files, to be read."""
        texts, voice = self._texts, self._voice
        languages = voice.words.shop.languages
        text(texts("replies_of_files"), tag="h2")
        heads = [texts("reply_name"), *(texts(f"language_{one}") for one in languages)]
        with table(heads):
            for name in voice.names(canned.ROOM):
                said = [
                    voice.say(f"{canned.ROOM}.{name}", one, **canned.FACTS) for one in languages
                ]
                row([f"/{name}", *said], heads)

    async def _open(self, number: int | None) -> None:
        self._editing = number
        await self.show()

    async def _keep(self, filled: Filled) -> None:
        """Keep what was written; under another name or language the old one goes."""
        kept = await self._visit.do(Right.SETTINGS, _keep, self._voice, self._editing, filled)
        if kept is not None:
            self._visit.say(self._texts("saved"))
            await self._open(None)

    async def _delete(self, number: int) -> None:
        if await self._visit.do(Right.SETTINGS, _delete, number):
            self._visit.say(self._texts("saved"))
        await self._open(None)


def _keep(session: Session, agent_id: int, voice: Any, editing: int | None, filled: Filled) -> int:
    tags = [one for one in filled.get("tags", "").replace("，", ",").split(",") if one.strip()]
    kept = canned.write(
        session,
        agent_id,
        voice,
        filled.get("name", ""),
        filled.get("language", ""),
        filled.get("text", ""),
        tags,
        resolves="resolves" in filled,
        instead_of=editing,
    )
    return kept.id or 0


def _delete(session: Session, agent_id: int, number: int) -> int:
    canned.delete(session, agent_id, number)
    return number
