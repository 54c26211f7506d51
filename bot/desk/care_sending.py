"""One sending on the care page: its words, its count, a test, the confirmation, how far it is."""

from collections import Counter
from functools import partial
from urllib.parse import urlencode

from nicegui import ui
from sqlmodel import Session

from bot.care import counting, overview, sendings
from bot.care.counting import Preview, Wanted
from bot.care.house import House
from bot.care.outcomes import DAYS
from bot.care.overview import SendingLine
from bot.core.roles import Right, may
from bot.desk import care_form, care_outcomes
from bot.desk.care_say import CareSay
from bot.desk.elements import SureButton, box, button, text
from bot.desk.forms import Filled, field, form, link, panel, row, submit, table
from bot.desk.visit import Visit
from storage.models.care import Sending
from storage.models.sendings import own_chat

LOOK_SECONDS = 2.0
"""How often a page looks how far a sending is."""
SHOWN = 6
"""Customers in a preview."""


class OneSending:
    """One sending in one tab."""

    def __init__(self, visit: Visit, say: CareSay, care: House, name: str) -> None:
        self._visit = visit
        self._say = say
        self._care = care
        self._name = name
        self._id = 0
        self._state = ""
        self._may = visit.visitor is not None and may(visit.visitor.role, Right.SETTINGS)
        self._body = box("")
        ui.timer(LOOK_SECONDS, self._tick)

    async def show(self) -> None:
        """Read again, and draw."""
        found = await self._visit.show(Right.LOOK, _look, self._name)
        if found is None:
            return
        sending, line = found
        self._id, self._state = line.id, line.state
        over = line.state not in ("draft", "counted")
        report = await self._visit.show(Right.LOOK, overview.report, self._name, 1, DAYS)
        self._body.clear()
        with self._body:
            with panel(self._name):
                self._facts(sending, line)
                if self._may:
                    self._deeds(line)
            if over:
                self._progress_panel(line)
            elif self._may:
                self._steps(sending, await self._own_chat())
            self._preview = box("")
            if over:
                care_outcomes.draw(self._say, report or [], whole=True)
        if not over:
            await self._show_preview()

    async def _tick(self) -> None:
        """While something happens, show how far it is."""
        if self._state != "running":
            return
        found = await self._visit.show(Right.LOOK, _look, self._name)
        if found is None or self._body.is_deleted:
            return
        line = found[1]
        if line.state != self._state:
            await self.show()
        else:
            self._progress.clear()
            with self._progress:
                self._draw_progress(line)

    def _facts(self, sending: Sending, line: SendingLine) -> None:
        say, shop = self._say, self._visit.services.voice.words.shop
        with box("d-marks"):
            here = "d-here" if line.state in ("running", "paused") else ""
            text(say(f"state_{line.state}"), f"d-mark {here}", "span")
            text(say(f"purpose_{line.purpose}"), "d-small", "span")
            if line.pool:
                text(f"{say('f_pool')}: {line.pool}", "d-small", "span")
        text(f"{say('segment')}: {care_form.described(say, sending.segment)}", "d-fact")
        for language in shop.languages:
            if language in sending.texts:
                text(shop_preview(self._visit, sending.texts[language], language), "d-says d-pre")

    def _deeds(self, line: SendingLine) -> None:
        say = self._say
        with box("d-deeds-row"):
            if line.state in ("draft", "counted"):
                address = (
                    f"/desk/care?{urlencode({'show': 'sendings', 'new': 1, 'draft': line.name})}"
                )
                link(say("edit"), address)
            if line.state == "running":
                button(say("pause"), "", partial(self._turn, "pause"))
            if line.state == "paused":
                button(say("resume"), "d-primary", partial(self._turn, "resume"))
            if line.state in ("draft", "counted", "running", "paused"):
                end = SureButton("", partial(self._turn, "stop"))
                end.show(say("stop"), self._visit.texts("sure"))

    async def _turn(self, deed: str) -> None:
        book = self._care.book
        if await self._visit.do(Right.SETTINGS, overview.turn, book, self._name, deed):
            self._visit.say(self._visit.texts("saved"))
        await self.show()

    # -- before it begins

    async def _own_chat(self) -> str:
        """Where a test goes, as far as it is known where the agent is a customer."""
        assert self._visit.visitor is not None
        found = await self._visit.show(Right.SETTINGS, own_chat, self._visit.visitor.id)
        return f"{found.channel}/{found.account}/{found.chat}" if found else ""

    def _steps(self, sending: Sending, own: str) -> None:
        say, counts = self._say, sending.counts
        with panel(say("count")):
            self._counting = text("", "d-small").props("role=status")
            if counts and sending.counted_at is not None:
                self._counted(sending)
            button(say("count_again" if counts else "count"), "", self._count)
        with panel(say("test")):
            text(say("test_hint"), "d-small")
            with form(self._test):
                field(say("f_to"), "to", own, placeholder="telegram/shop/12345", required=True)
                submit(say("test_send"), "")
        if sending.state == "counted" and sendings.ready(counts):
            with panel(say("confirm")):
                text(say("confirm_hint"), "d-small")
                with form(self._confirm):
                    field(say("f_number"), "number", inputmode="numeric", required=True)
                    submit(say("confirm"))

    def _counted(self, sending: Sending) -> None:
        say, counts = self._say, sending.counts
        assert sending.counted_at is not None
        text(say("ready", count=sendings.ready(counts)), "d-now d-is-open")
        time = say.texts.time(sending.counted_at)
        text(say("of_counted", count=sum(counts.values()), time=time), "d-small")
        heads = [say("c_reason"), say("c_number")]
        with table(heads):
            for reason, count in sorted(counts.items(), key=lambda one: -one[1]):
                row([say.known("reason", reason), str(count)], heads)

    async def _count(self) -> None:
        """Count all of them, some at a time, and say how many there were so far."""
        found: Counter[str] = Counter()
        after: int | None = 0
        planner = self._care.planner
        while after is not None:
            part = await self._visit.show(
                Right.SETTINGS, counting.count_some, planner, self._id, after
            )
            if part is None or self._body.is_deleted:
                return
            found += part[0]
            after = part[1]
            self._counting.text = self._say("counting", count=found.total())
        await self._visit.do(Right.SETTINGS, _counted, self._id, dict(found))
        await self.show()

    async def _test(self, filled: Filled) -> None:
        to = filled.get("to", "").strip()
        count = await self._visit.do(Right.SETTINGS, counting.send_test, self._care, self._name, to)
        if count is not None:
            self._visit.say(self._say("tested"))

    async def _confirm(self, filled: Filled) -> None:
        typed = filled.get("number", "").strip()
        number = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else -1
        voice = self._visit.services.voice
        if await self._visit.do(Right.SETTINGS, sendings.confirm, voice, self._id, number):
            self._visit.say(self._say("confirmed"))
            await self.show()

    async def _show_preview(self) -> None:
        found = await self._visit.show(
            Right.LOOK, counting.previews, self._care, self._name, Wanted(SHOWN)
        )
        if found is None or self._preview.is_deleted:
            return
        say = self._say
        with self._preview:
            text(say("preview"), tag="h2")
            text(say("preview_hint"), "d-small")
            if not found:
                text(say("preview_none"), "d-empty")
            with box("d-versions"):
                for one in found:
                    self._one_preview(one)

    def _one_preview(self, one: Preview) -> None:
        say = self._say
        about = (one.name or f"#{one.customer_id}", say.channel(one.channel),
                 say.texts(f"language_{one.language}"))  # fmt: skip
        with box("d-version"):
            text(" · ".join(about), "d-small")
            text(say.verdict(one.verdict, one.reason), "d-mark", "span")
            if one.has_example:
                text(say("coupon_example"), "d-small")
            text(one.text, "d-says d-pre")

    # -- once it has begun

    def _progress_panel(self, line: SendingLine) -> None:
        with panel(self._say("progress")):
            self._progress = box("")
            with self._progress:
                self._draw_progress(line)

    def _draw_progress(self, line: SendingLine) -> None:
        say = self._say
        most = max(line.counted, line.planned, 1)
        bar = box("d-progress", "progress").props(f"max={most} value={line.decided}")
        bar.props["aria-label"] = say("progress")
        text(say("progress_text", decided=line.decided, planned=most), "d-small")
        with box("n-cards"):
            for name, value in _numbers(line):
                with box("n-card"):
                    text(say(name), "n-label")
                    text(str(value), "n-value")
        reasons = sorted(line.reasons.items(), key=lambda one: -one[1])
        if reasons:
            text(
                " · ".join(f"{say.known('reason', why)} {count}" for why, count in reasons),
                "d-small",
            )
        if line.unknown:
            known = ", ".join(map(str, line.unknown))
            text(f"{say('unknown_lead', count=line.uncertain)} {known}", "d-fact")


def _numbers(line: SendingLine) -> list[tuple[str, int]]:
    """What is counted while it is sent, by the names of the texts."""
    return [
        ("c_sent", line.sent),
        ("c_waiting", line.waiting),
        ("c_not_sent", line.refused),
        ("c_held_out", line.held_out),
        ("c_failed", line.failed),
        ("c_uncertain", line.uncertain),
    ]


def shop_preview(visit: Visit, source: str, language: str) -> str:
    """A text with the shop's values filled in, and those of a customer by their names."""
    return visit.services.voice.words.preview(source, language)


def _look(session: Session, name: str) -> tuple[Sending, SendingLine]:
    sending = sendings.named(session, name)
    return sending, overview.sending_line(session, sending)


def _counted(session: Session, _agent_id: int, sending_id: int, counts: dict[str, int]) -> int:
    sendings.counted(session, sending_id, counts)
    return sending_id
