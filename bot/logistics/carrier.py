"""What every platform that knows where parcels are has in common, and how its settings are read."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from bot.core.clock import now
from bot.core.errors import XiaoerError
from bot.logistics.parcels import Step
from bot.logistics.posting import Client
from bot.logistics.status import Status
from bot.settings import Section

CHINA = ZoneInfo("Asia/Shanghai")
MOST_STEPS = 300
"""Steps that are read of one parcel, the newest."""
_LONGEST_TEXT, _LONGEST_NUMBER = 500, 64
_AHEAD = timedelta(hours=26)
"""A step further in the future is a wrong clock, not another time zone."""


class CarrierSettings(Section):
    """What a `[[carriers]]` section of any kind has. `codes` are the platform's own codes for
    carriers by the shop's names for them, and come before the built-in table."""

    kind: str
    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    mode: Literal["query", "push"] = "push"
    api_base_url: str = Field(default="", pattern=r"^(https?://[^/\s@]+/?)?$")
    codes: dict[str, str | int] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A parcel of which is to be known where it is. `key` is the carrier's (`names`), `name` what
    the shop calls it, `phone` the last four digits of the customer's, `city` where it goes to."""

    number: str
    key: str = ""
    name: str = ""
    phone: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a platform tells about one parcel. `again`: it has given up watching it, and may be
    asked to watch it again."""

    number: str
    steps: tuple[Step, ...] = ()
    again: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing about this parcel; `for_good` where asking again makes no sense."""

    why: str
    for_good: bool = False


Answers = Mapping[str, Told | Refused]
"""By tracking number."""


class Unreadable(XiaoerError):
    """A call that is signed and makes no sense; `others` are the parts of it that do."""

    others: Sequence["Told"] = ()


class AccountRefused(XiaoerError):
    """The platform takes no request of this account: a wrong key, no money, too many."""


class Carrier(ABC):
    """One account at a platform. Nothing here knows tables; requests are made outside of
    transactions."""

    at_once: ClassVar[int] = 1
    """Parcels in one request."""
    per_second: ClassVar[float] = 1.0
    """Requests that the platform takes."""
    server: ClassVar[str] = ""
    thanks: ClassVar[Mapping[str, Any]] = {}
    """What a call is answered with, whatever was in it: a refusal would end the calls."""

    def __init__(self, settings: CarrierSettings, hook: str = "") -> None:
        """`hook` is the public address that the platform calls, empty where there is none."""
        self.name = settings.name
        self.pushes = settings.mode == "push"
        self.hook = hook
        self._own_codes = {key.casefold(): str(code) for key, code in settings.codes.items()}
        self._base = (settings.api_base_url or self.server).rstrip("/")

    @property
    def asks(self) -> bool:
        """Whether it is asked where parcels are."""
        return not self.pushes

    @property
    def subscribes(self) -> bool:
        """Whether it has to be told of each parcel first."""
        return self.pushes

    def client(self) -> Client:
        """For the requests of one run; close it."""
        return Client(self._base)

    def code(self, wanted: Wanted) -> str:
        """The platform's code for the parcel's carrier, empty where none is known."""
        own = self._own_codes.get(wanted.name.casefold()) or self._own_codes.get(wanted.key)
        return own or self.known_codes().get(wanted.key, "")

    def known_codes(self) -> Mapping[str, str]:
        """The platform's codes by our keys of carriers."""
        return {}

    def serves(self, wanted: Wanted) -> bool:
        """Whether the platform can say something about the parcel."""
        return bool(self.code(wanted))

    @abstractmethod
    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether a call is from whoever knows the secret."""

    @abstractmethod
    def read(self, body: bytes) -> list[Told]:
        """What a call tells. Raises `Unreadable`."""

    def subscribe(self, client: Client, wanted: Sequence[Wanted]) -> Answers:
        """Let the platform watch parcels, at most `at_once`. Raises `AccountRefused` and
        `CarrierUnreachable`."""
        raise NotImplementedError

    def ask(self, client: Client, wanted: Sequence[Wanted]) -> Answers:
        """Where parcels are. Raises like `subscribe`."""
        raise NotImplementedError


def step(
    number: str, status: Status, at: datetime | None, text: Any, place: Any, carrier: str = ""
) -> Step | None:
    """A step as a platform tells it, its texts cut to size; None when its moment is impossible."""
    if at is None or at > now() + _AHEAD:
        return None
    return Step(
        status, at, tracking_number=number, carrier=carrier, text=clean(text), place=clean(place)
    )


def clean(value: Any, most: int = _LONGEST_TEXT) -> str:
    """A platform's text in one line."""
    text = value if isinstance(value, str) else ""
    return " ".join(re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", " ", text).split())[:most]


def number_of(value: Any) -> str:
    """A tracking number. Raises `Unreadable`."""
    number = clean(value if isinstance(value, str) else str(value or ""), _LONGEST_NUMBER + 1)
    if not 4 <= len(number) <= _LONGEST_NUMBER:
        raise Unreadable("没有快递单号", "there is no tracking number")
    return number


def moment(value: Any, zone: ZoneInfo) -> datetime | None:
    """A moment as ISO 8601 or in seconds or milliseconds; without an offset it is in `zone`."""
    text = clean(str(value or ""))
    try:
        if re.fullmatch(r"\d{10}(\d{3})?", text):
            return datetime.fromtimestamp(int(text[:10]), UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=zone)
    return at if 2000 < at.year < 9000 else None


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a list; nothing where there is none."""
    found = value if isinstance(value, list) else []
    return (one for one in found[:MOST_STEPS] if isinstance(one, dict))
