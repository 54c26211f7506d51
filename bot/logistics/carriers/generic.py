"""Any system that can tell where parcels are by a signed call in JSON of its own form."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from bot.core.json_paths import at, text_at
from bot.logistics.carrier import (
    Carrier,
    CarrierSettings,
    Told,
    Unreadable,
    Wanted,
    moment,
    number_of,
    step,
)
from bot.logistics.status import Status

KIND = "generic"
MOST = 100
"""Steps in one call."""
_Field = Literal["tracking_number", "status", "at", "text", "place", "carrier"]
_NEEDED = {"tracking_number", "status", "at"}


class Settings(CarrierSettings):
    """`secret` signs the calls. `fields` leads from one told step to our fields, `list` to the
    list of them where there are several; `statuses` are their words for ours."""

    kind: Literal["generic"]
    mode: Literal["push"] = "push"
    secret: str = Field(min_length=16, repr=False)
    signature_header: str = Field(default="X-Signature", pattern=r"^[A-Za-z0-9-]{1,64}$")
    timezone: str = "Asia/Shanghai"
    where: str = Field(default="", alias="list")
    fields_: dict[_Field, str] = Field(default_factory=dict, alias="fields")
    statuses: dict[str, Status] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fields_are_enough(self) -> "Settings":
        if self.fields_ and (missing := sorted(_NEEDED - set(self.fields_))):
            raise ValueError(f"fields: missing 缺少 {', '.join(missing)}")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{self.timezone!r} is no time zone / 不是时区") from error
        return self


class Account(Carrier):
    """One system that calls us; it is never asked."""

    thanks: ClassVar[Mapping[str, Any]] = {"ok": True}

    def __init__(self, settings: Settings, hook: str = "") -> None:
        super().__init__(settings, hook)
        self._settings = settings
        self._zone = ZoneInfo(settings.timezone)
        self._fields = {str(name): str(name) for name in get_args(_Field)}
        self._fields |= {str(name): path for name, path in settings.fields_.items()}

    @property
    def subscribes(self) -> bool:
        return False

    def serves(self, wanted: Wanted) -> bool:
        return False

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """The header has the HMAC-SHA256 of the body, in hex, with or without `sha256=`."""
        wanted = hmac.new(self._settings.secret.encode(), body, hashlib.sha256).hexdigest()
        given = headers.get(self._settings.signature_header, "").removeprefix("sha256=").lower()
        return hmac.compare_digest(wanted.encode(), given.encode("latin-1", "replace"))

    def read(self, body: bytes) -> list[Told]:
        try:
            call = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Unreadable("不是 JSON", "this is no JSON") from error
        found = at(call, self._settings.where)
        things = found if isinstance(found, list) else [found]
        told, wrong = [], []
        for thing in things[:MOST]:
            try:
                told.append(self._told(thing))
            except Unreadable as error:
                wrong.append(error)
        if len(things) > MOST:
            wrong.append(Unreadable(f"一次超过 {MOST} 条", f"more than {MOST} steps in one call"))
        if wrong:
            wrong[0].others = told
            raise wrong[0]
        return told

    def _told(self, thing: Any) -> Told:
        told = {name: text_at(thing, path) for name, path in self._fields.items()}
        number = number_of(told["tracking_number"])
        at_ = moment(told["at"], self._zone)
        found = step(
            number, self._status(told["status"]), at_, told["text"], told["place"], told["carrier"]
        )
        if found is None:
            raise Unreadable(
                f"时间读不懂：{told['at'][:40]!r}", f"this is no time: {told['at'][:40]!r}"
            )
        return Told(number, (found,))

    def _status(self, told: str) -> Status:
        if told in self._settings.statuses:
            return self._settings.statuses[told]
        try:
            return Status(told)
        except ValueError as error:
            raise Unreadable(
                f"状态 {told[:40]!r} 不认识，请写进 statuses",
                f"the status {told[:40]!r} is not known: put it into statuses",
            ) from error
