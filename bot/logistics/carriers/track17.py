"""17TRACK: numbers are registered, then asked about or told of by its webhook (API v2.2).

api.17track.net/en/doc?version=v2.2
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from bot.logistics.carrier import (
    AccountRefused,
    Answers,
    Carrier,
    CarrierSettings,
    Refused,
    Told,
    Unreadable,
    Wanted,
    clean,
    moment,
    number_of,
    objects,
    step,
)
from bot.logistics.parcels import Step
from bot.logistics.posting import CarrierUnreachable, Client
from bot.logistics.status import Status

KIND = "17track"
SIGNATURE = "sign"
UTC = ZoneInfo("UTC")
STATUSES: Mapping[str, Status | None] = {
    "NotFound": None,
    "InfoReceived": None,
    "InTransit": Status.IN_TRANSIT,
    "InTransit_PickedUp": Status.COLLECTED,
    "InTransit_CustomsRequiringInformation": Status.EXCEPTION,
    "Expired": Status.EXCEPTION,
    "AvailableForPickup": Status.OUT_FOR_DELIVERY,
    "OutForDelivery": Status.OUT_FOR_DELIVERY,
    "DeliveryFailure": Status.EXCEPTION,
    "Delivered": Status.DELIVERED,
    "Exception": Status.EXCEPTION,
    "Exception_Returning": Status.RETURNING,
    "Exception_Returned": Status.RETURNING,
    "PickedUp": Status.COLLECTED,
    "Departure": Status.IN_TRANSIT,
    "Arrival": Status.IN_TRANSIT,
    "Returning": Status.RETURNING,
    "Returned": Status.RETURNING,
}
"""Statuses, the sub-statuses that differ from theirs, and the milestones of single steps; None
before the carrier has the parcel. `Arrival` is at a port of the country, not in the city."""
CODES = {
    "sf": "100012", "chinapost": "3011", "ems": "3013", "usps": "21051", "ups": "100002",
    "fedex": "100003", "dhl": "100001", "royalmail": "11031", "japanpost": "10021",
    "cainiao": "190271",
}  # fmt: skip
"""Carriers by the platform's numbers; it finds out the others by itself."""
_KNOWN_ALREADY = -18019901
_ACCOUNT = {-18010001, -18010002, -18010004, -18010005, -18019907, -18019908, -18019912}
"""Address not allowed, wrong key, account closed, no right to this, the day's or the whole quota
used up."""
_NOT_REGISTERED, _NOTHING_YET = -18019902, -18019909
_NEVER = {-18010012, -18010013, -18019903, -18019910}
"""A number that is none, and carriers that cannot be found out or do not exist."""


class Settings(CarrierSettings):
    """`key` is the account's API key; it signs the webhook, too."""

    kind: Literal["17track"]
    key: str = Field(min_length=8, repr=False)


class Account(Carrier):
    """One account."""

    at_once = 40
    per_second = 3.0
    server = "https://api.17track.net"
    thanks: ClassVar[Mapping[str, Any]] = {"code": 0}

    def __init__(self, settings: Settings, hook: str = "") -> None:
        super().__init__(settings, hook)
        self._key = settings.key

    @property
    def subscribes(self) -> bool:
        """Also what is asked about has to be registered before."""
        return True

    def known_codes(self) -> Mapping[str, str]:
        return CODES

    def serves(self, wanted: Wanted) -> bool:
        return True

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """`sign` is the SHA-256 of the body, a slash and the key."""
        wanted = hashlib.sha256(body + b"/" + self._key.encode()).hexdigest()
        given = headers.get(SIGNATURE, "").lower().encode("latin-1", "replace")
        return self.pushes and hmac.compare_digest(wanted.encode(), given)

    def read(self, body: bytes) -> list[Told]:
        try:
            call = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Unreadable("不是 JSON", "this is no JSON") from error
        data = call.get("data") if isinstance(call, dict) else None
        if not isinstance(data, dict):
            raise Unreadable("没有 data", "there is no data")
        return [read_parcel(data)]

    def subscribe(self, client: Client, wanted: Sequence[Wanted]) -> Answers:
        def registered(one: dict[str, Any]) -> Told:
            return Told(number_of(one.get("number")))

        known = {one.number: one for one in wanted}
        return self._post(
            client, "register", [self._named(one) for one in known.values()], registered
        )

    def ask(self, client: Client, wanted: Sequence[Wanted]) -> Answers:
        return self._post(
            client, "gettrackinfo", [{"number": one.number} for one in wanted], read_parcel
        )

    def _named(self, wanted: Wanted) -> dict[str, Any]:
        code = self.code(wanted)
        named: dict[str, Any] = {"number": wanted.number}
        if code:
            named["carrier"] = int(code) if code.isdecimal() else code
        if wanted.key == "sf" and wanted.phone:
            named["param"] = wanted.phone  # without which 顺丰 tells nothing
        return named

    def _post(
        self,
        client: Client,
        deed: str,
        numbers: list[dict[str, Any]],
        accepted: Callable[[dict[str, Any]], Told],
    ) -> Answers:
        headers = {"17token": self._key}
        answer = client.post(f"/track/v2.2/{deed}", value=numbers, headers=headers)
        _refuse(answer)
        data = _object(answer.get("data"))
        found: dict[str, Told | Refused] = {}
        for one in objects(data.get("accepted")):
            told = accepted(one)
            found[told.number] = told
        for one in objects(data.get("rejected")):
            number = clean(one.get("number"))
            found[number] = _rejected(number, _object(one.get("error")))
        return found


def read_parcel(data: Mapping[str, Any]) -> Told:
    """What is told of one parcel. Raises `Unreadable`."""
    number = number_of(data.get("number"))
    info = data.get("track_info")
    if not isinstance(info, dict):
        return Told(number)  # nothing but that it is no longer watched
    latest = _object(info.get("latest_status"))
    overall = clean(latest.get("sub_status") or latest.get("status"))
    events = [
        (provider, event)
        for provider in objects(_object(info.get("tracking")).get("providers"))
        for event in objects(provider.get("events"))
    ]
    newest = max((_at(event) for _, event in events), default="")
    steps = []
    for provider, event in events:
        own = _own(event) or (overall if _at(event) == newest else "") or "InTransit"
        found = _step(number, event, _name(provider), status_of(own))
        if found is not None:
            steps.append(found)
    return Told(number, tuple(steps))


def status_of(told: str) -> Status | None:
    """Our word for a status, sub-status or milestone."""
    if told in STATUSES:
        return STATUSES[told]
    return STATUSES.get(told.partition("_")[0], Status.IN_TRANSIT)


def _step(number: str, event: dict[str, Any], carrier: str, status: Status | None) -> Step | None:
    if status is None:
        return None
    city = _object(event.get("address")).get("city")
    where = event.get("location") or city
    at = moment(_at(event), UTC)
    return step(number, status, at, event.get("description"), where, carrier)


def _own(event: Mapping[str, Any]) -> str:
    return clean(event.get("sub_status")) or clean(event.get("stage"))


def _at(event: Mapping[str, Any]) -> str:
    return clean(event.get("time_utc") or event.get("time_iso"))


def _name(provider: Mapping[str, Any]) -> str:
    return clean(_object(provider.get("provider")).get("name"), 60)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _refuse(answer: Mapping[str, Any]) -> None:
    """The whole request was refused."""
    errors = list(objects(_object(answer.get("data")).get("errors")))
    first = errors[0] if errors else {"code": answer.get("code"), "message": ""}
    if answer.get("code") == 0 and not errors:
        return
    why = f"{first.get('code')} {clean(first.get('message'), 200)}"
    if first.get("code") in _ACCOUNT or answer.get("code") in {401, 403, *_ACCOUNT}:
        raise AccountRefused(f"17TRACK 拒绝了：{why}", f"17TRACK refuses: {why}")
    raise CarrierUnreachable(f"17TRACK 出错：{why}", f"17TRACK fails: {why}")


def _rejected(number: str, error: Mapping[str, Any]) -> Told | Refused:
    code = error.get("code")
    why = f"{code} {clean(error.get('message'), 200)}"
    if code in {_KNOWN_ALREADY, _NOTHING_YET}:
        return Told(number)
    if code == _NOT_REGISTERED:
        return Told(number, again=True)
    if code in _ACCOUNT:
        raise AccountRefused(f"17TRACK 拒绝了：{why}", f"17TRACK refuses: {why}")
    return Refused(why, for_good=code in _NEVER)
