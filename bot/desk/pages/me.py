"""An agent's own account: password, second factor, and where they are logged in."""

from bot.core.roles import Right
from bot.desk import mine, second
from bot.desk.accounts import MAX_PASSWORD, MIN_PASSWORD
from bot.desk.devices import device_text
from bot.desk.door import Attempt
from bot.desk.elements import SureButton, box, button, text
from bot.desk.forms import Filled, field, form, panel, posted, row, secret, submit, table
from bot.desk.mine import Device, Mine
from bot.desk.visit import Place, Visit

PLACE = Place("/me", "me", Right.LOOK, own=True)
ORDER = 100
_SAID = frozenset(
    {"password_changed", "password_wrong", "password_bad", "password_locked", "stale", "later"}
)


async def build(visit: Visit) -> None:
    """Draw the page."""
    text(visit.texts("me"), tag="h1")
    said = visit.asked.get("said", "")
    if said in _SAID:
        good = "" if said == "password_changed" else "d-bad"
        text(visit.texts(f"said_{said}"), f"d-said {good}").props("role=status")
    await _Me(visit).show()


class _Me:
    """The page in one tab."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._texts = visit.texts
        with panel(self._texts("password")):
            self._password()
        with panel(self._texts("factor")):
            self._factor = box("")
        with panel(self._texts("devices")):
            self._devices = box("")

    async def show(self) -> None:
        """Read the account again, and draw."""
        found = await self._read()
        if found is None:
            return
        self._factor.clear()
        with self._factor:
            if found.has_factor:
                self._factor_on(found)
            else:
                text(self._texts("factor_off"))
                button(self._texts("factor_begin"), "d-primary", self._begin)
        self._devices.clear()
        with self._devices:
            self._list(found.devices)

    async def _read(self) -> Mine | None:
        visit = self._visit
        visitor = visit.visitor
        assert visitor is not None
        return await visit.told(
            lambda: visit.read(Right.LOOK, mine.mine, visitor.id, visit.login.token)
        )

    def _password(self) -> None:
        texts = self._texts
        with posted("/desk/me/password", self._visit.form_token):
            old = field(texts("old_password"), "old", kind="password")
            old.props(f"required maxlength={MAX_PASSWORD} autocomplete=current-password")
            fresh = field(texts("new_password"), "fresh", kind="password")
            fresh.props(f"required minlength={MIN_PASSWORD} maxlength={MAX_PASSWORD}")
            fresh.props("autocomplete=new-password")
            submit(texts("password_change"))
        text(texts("password_hint", count=MIN_PASSWORD), "d-small")

    async def _begin(self) -> None:
        """Show what the phone has to know."""
        shared = await self._visit.do(Right.LOOK, second.begin)
        found = await self._read()
        if shared is None or found is None:
            return
        shop = self._visit.services.voice.words.shop
        name = str(shop.values(shop.default_language)["name"])
        self._factor.clear()
        with self._factor:
            text(self._texts("step_enrol_lead"))
            picture = box("d-qr", "img")
            picture.props["src"] = second.qr(shared, found.login, name)
            picture.props["alt"] = self._texts("qr")
            text(self._texts("qr_by_hand"), "d-small")
            secret(shared)
            with form(self._confirm):
                self._code("code_shown")
                submit(self._texts("next_step"))

    def _code(self, label: str = "code") -> None:
        field(self._texts(label), "code", autocomplete="one-time-code", maxlength=40, required=True)

    def _factor_on(self, found: Mine) -> None:
        texts = self._texts
        text(texts("factor_on", count=found.codes_left))
        with form(self._fresh_codes):
            self._code()
            submit(texts("codes_renew"), "")
        with form(self._turn_off):
            self._code()
            submit(texts("factor_turn_off"), "")

    async def _confirm(self, filled: Filled) -> None:
        await self._told(await self._visit.do(Right.LOOK, mine.confirm, filled.get("code", "")))

    async def _fresh_codes(self, filled: Filled) -> None:
        code = filled.get("code", "")
        await self._told(await self._visit.do(Right.LOOK, mine.fresh_codes, code))

    async def _turn_off(self, filled: Filled) -> None:
        code, strict = filled.get("code", ""), self._visit.services.strict
        await self._told(await self._visit.do(Right.LOOK, mine.turn_off, code, strict))

    async def _told(self, attempt: Attempt | None) -> None:
        """Say what became of a code; recovery codes are shown until the page is left."""
        if attempt is None:
            return
        if attempt.agent is None:
            wrong = "said_password_locked" if attempt.locked_until else "code_wrong"
            self._visit.say(self._texts(wrong), "warning")
            return
        await self.show()
        self._visit.say(self._texts("saved"))
        if attempt.codes:
            with self._factor, box("d-once"):
                text(self._texts("step_codes_lead"))
                with box("d-codes", "ul"):
                    for code in attempt.codes:
                        text(code, tag="li")

    def _list(self, devices: tuple[Device, ...]) -> None:
        texts = self._texts
        heads = [texts(f"device_{one}") for one in ("name", "since", "seen")]
        with table([*heads, ""]):
            for one in devices:
                name = device_text(texts, one.device)
                cells = [name, texts.time(one.since), texts.time(one.seen_at)]
                with row(cells, heads), box("", "td"):
                    if one.here:
                        text(texts("device_here"), "d-mark", "span")
                    else:
                        self._ending(one)
        if len(devices) > 1:
            SureButton("", self._end_others).show(texts("devices_end"), texts("sure"))

    def _ending(self, device: Device) -> None:
        async def end() -> None:
            if await self._visit.do(Right.LOOK, mine.end, device.login) is not None:
                await self.show()

        SureButton("d-edit", end).show(self._texts("device_end"), self._texts("sure"))

    async def _end_others(self) -> None:
        token = self._visit.login.token
        if await self._visit.do(Right.LOOK, mine.end_others, token) is not None:
            await self.show()
