"""The typed configuration: a TOML file plus XIAOER_SECTION__KEY from the environment."""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from rapidfuzz import process

from bot.care_settings import Care
from bot.core.errors import Misread, XiaoerError
from bot.core.roles import Role
from bot.core.spans import ALWAYS, Day, DayPart, Span, joined, read_day_part, read_span
from bot.settings import Language, Localized, Section
from bot.webhook_settings import Webhook
from bot.wechat_settings import WeChat

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "config.example.toml"

PUBLISHED_KEY = "replace-this-key-with-a-long-random-one"
"""Stands in config.example.toml and opens nothing."""

T = TypeVar("T")


class ConfigInvalid(XiaoerError):
    """The configuration cannot be used; the message names the key and shows an example."""


def _both(zh: str, en: str) -> Any:
    """A default text in both languages."""
    return Field(default_factory=lambda: {"zh": zh, "en": en})


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise Misread(
            f"{name!r} 不是 IANA 时区，例如 Asia/Shanghai", f"{name!r} is not an IANA time zone"
        )
    return name


def _origin(address: str) -> str:
    """A site's origin as browsers send it, or `*` for every site."""
    origin = address.rstrip("/")
    if origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin):
        raise ValueError(f"{address!r} is not a site's address such as https://shop.example")
    return origin


class Shop(Section):
    """The shop, and the values that FAQ answers use. Money is in `currency`."""

    name: Localized
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "Asia/Shanghai"
    languages: tuple[Language, ...] = Field(default=("zh", "en"), min_length=1)
    default_language: Language = Field(default="zh", validate_default=True)
    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")

    dispatch_hours: int = Field(default=48, ge=1)
    delivery_days_min: int = Field(default=2, ge=0)
    delivery_days_max: int = Field(default=5, ge=0)
    remote_days_min: int = Field(default=5, ge=0)
    remote_days_max: int = Field(default=10, ge=0)
    express_days_min: int = Field(default=1, ge=0)
    express_days_max: int = Field(default=2, ge=0)
    international: bool = True
    international_days_min: int = Field(default=7, ge=0)
    international_days_max: int = Field(default=20, ge=0)
    shipping_fee: float = Field(default=10, ge=0)
    free_shipping_from: float = Field(default=99, ge=0)
    express_fee: float = Field(default=20, ge=0)
    remote_fee: float = Field(default=15, ge=0)
    international_fee: float = Field(default=80, ge=0)
    carriers: Localized = _both("顺丰速运、中通快递", "SF Express and ZTO Express")
    preorder_days: int = Field(default=15, ge=0)
    hold_days: int = Field(default=7, ge=1)

    return_days: int = Field(default=7, ge=0)
    exchange_days: int = Field(default=15, ge=0)
    return_address: Localized = ""
    return_fee: float = Field(default=12, ge=0)
    refund_days_min: int = Field(default=3, ge=0)
    refund_days_max: int = Field(default=7, ge=0)
    damage_report_hours: int = Field(default=48, ge=1)
    warranty_months: int = Field(default=12, ge=0)
    price_protection_days: int = Field(default=7, ge=0)

    payment_methods: Localized = _both(
        "微信支付、支付宝、银行卡", "WeChat Pay, Alipay and bank cards"
    )
    cash_on_delivery: bool = False
    installments: bool = True
    invoice_days: int = Field(default=3, ge=0)
    points_per_unit: float = Field(default=1, ge=0)
    points_for_one: int = Field(default=100, ge=1)
    birthday_gift: Localized = _both("一张生日优惠券", "a birthday coupon")
    coupon_days: int = Field(default=30, ge=1)
    gift_wrap_fee: float = Field(default=5, ge=0)
    bulk_from: int = Field(default=50, ge=1)
    shelf_months: int = Field(default=24, ge=0)

    opening_hours: Localized = _both("每天 9:00–21:00", "9:00–21:00 every day")
    agent_hours: Localized = _both("每天 9:00–21:00", "9:00–21:00 every day")
    store_address: Localized = ""
    hotline: Localized = ""
    email: Localized = ""
    website: str = ""
    size_guide_url: str = ""
    privacy_url: str = ""
    complaint_hours: int = Field(default=24, ge=1)
    data_request_days: int = Field(default=15, ge=1)
    extra: dict[str, Localized | int | float | bool] = Field(default_factory=dict)

    @field_validator("default_language")
    @classmethod
    def _is_spoken(cls, language: Language, info: ValidationInfo) -> Language:
        if language not in info.data.get("languages", (language,)):
            raise ValueError(f"{language!r} is not among the shop's languages")
        return language

    @model_validator(mode="after")
    def _ranges_are_in_order(self) -> "Shop":
        for way in ("delivery", "remote", "express", "international", "refund"):
            low, high = getattr(self, f"{way}_days_min"), getattr(self, f"{way}_days_max")
            if low > high:
                raise ValueError(f"{way}_days_min ({low}) is more than {way}_days_max ({high})")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.timezone)

    def values(self, language: str) -> dict[str, Any]:
        """All settings as answers see them: texts already in `language`."""
        plain = {name: getattr(self, name) for name in type(self).model_fields}
        plain["extra"] = {key: self._in(value, language) for key, value in self.extra.items()}
        return {key: self._in(value, language) for key, value in plain.items()}

    def _in(self, value: Any, language: str) -> Any:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if not (isinstance(value, dict) and value and set(value) <= {"zh", "en"}):
            return value
        return value.get(language) or value.get(self.default_language) or next(iter(value.values()))


_DATABASE_URL = "sqlite:///data/xiaoer.db"


class DatabaseSection(Section):
    """Where the data is kept."""

    url: str = Field(default=_DATABASE_URL, pattern=r"^(sqlite|postgresql)")


class Web(Section):
    """Where the service listens, and which sites may embed the chat."""

    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    public_url: str = ""
    allowed_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()


class Content(Section):
    """Where the words are; folders are relative to the configuration file."""

    faq: Path = ROOT / "faq"
    templates: Path = ROOT / "templates"


Scope = Literal[
    "events",
    "conversations:read",
    "conversations:write",
    "customers:read",
    "reports:read",
    "settings:write",
]
"""What a route of the HTTP API asks of a key."""


class ApiKey(Section):
    """A key for the HTTP API. `scopes`: `events` for the shop's system; the others for programs
    that do what agents do. `desk` means all of those others."""

    name: str = Field(min_length=1)
    key: str = Field(min_length=16)
    scopes: tuple[Scope | Literal["desk"], ...] = ("events",)

    def may(self, scope: Scope) -> bool:
        """Whether the key opens routes that ask for `scope`."""
        return scope in self.scopes or (scope != "events" and "desk" in self.scopes)


def _within(low: int, high: int) -> AfterValidator:
    """A whole number from `low` to `high`, or words in both languages."""

    def check(value: int) -> int:
        if not low <= value <= high:
            raise Misread(f"应在 {low} 到 {high} 之间", f"{value} is not from {low} to {high}")
        return value

    return AfterValidator(check)


def _group_id(value: int) -> int:
    """Telegram's groups have negative ids, its people positive ones."""
    if value >= 0:
        raise ValueError(
            f"{value} is no group: a group's id is negative, such as -1001234567890 / "
            f"{value} 不是群：群的 id 是负数，例如 -1001234567890"
        )
    return value


GroupId = Annotated[int, AfterValidator(_group_id)]


class Group(Section):
    """One Telegram group that the bot keeps clean and answers in; see docs/telegram-groups.md."""

    id: GroupId
    admin_chat_id: GroupId | None = None
    dry_run: bool = False
    language: Language | None = None
    rules: Localized = ""
    words: tuple[str, ...] = ()
    words_action: Literal["delete", "warn", "mute", "ban"] = "warn"
    captcha_seconds: Annotated[int, _within(5, 86400)] = 120
    flood_messages: Annotated[int, _within(3, 100)] = 8
    flood_seconds: Annotated[int, _within(2, 600)] = 10
    repeat_messages: Annotated[int, _within(2, 100)] = 3
    repeat_seconds: Annotated[int, _within(10, 86400)] = 600
    newcomer_hours: Annotated[int, _within(0, 720)] = 24
    newcomer_messages: Annotated[int, _within(0, 100)] = 3

    @field_validator("words")
    @classmethod
    def _words_say_something(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if any(not word.strip() for word in words):
            raise ValueError(
                "an empty word would match every message / 空的词会匹配所有消息，请删掉"
            )
        return words

    def rules_in(self, language: str) -> str:
        """The group's rules for readers of `language`; empty without any."""
        if isinstance(self.rules, str):
            return self.rules
        texts = {str(key): text for key, text in self.rules.items()}
        return texts.get(language) or next(iter(texts.values()), "")


def _group(value: Any) -> Any:
    """An id alone means a group with the defaults."""
    is_id = isinstance(value, int) and not isinstance(value, bool)
    return {"id": value} if is_id else value


class Telegram(Section):
    """One Telegram bot. `api_base_url` is another Bot API server, such as a local one.

    `webhook_secret` is what Telegram sends along with each update
    (core.telegram.org/bots/api#setwebhook: 1–256 of `A-Z a-z 0-9 _ -`).
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    token: str = Field(pattern=r"^\d+:[A-Za-z0-9_-]+$", repr=False)
    mode: Literal["polling", "webhook"] = "polling"
    api_base_url: str = Field(default="https://api.telegram.org", pattern=r"^https?://[^/\s]+")
    webhook_secret: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,256}$", repr=False)
    desk_chat_id: Annotated[int, Field(lt=0)] | None = None
    groups: tuple[Annotated[Group, BeforeValidator(_group)], ...] = ()

    @field_validator("groups")
    @classmethod
    def _groups_differ(cls, groups: tuple[Group, ...]) -> tuple[Group, ...]:
        ids = [group.id for group in groups]
        if len(set(ids)) < len(ids):
            raise ValueError("the same group stands here twice / 同一个群写了两次")
        return groups

    @model_validator(mode="after")
    def _admins_have_a_chat_of_their_own(self) -> "Telegram":
        taken = {group.id for group in self.groups} | {self.desk_chat_id}
        for group in self.groups:
            if group.admin_chat_id is not None and group.admin_chat_id in taken:
                raise ValueError(
                    f"groups: admin_chat_id {group.admin_chat_id} is a moderated group or the "
                    "desk: admins need a chat of their own / "
                    f"admin_chat_id {group.admin_chat_id} 不能是被管理的群或客服台"
                )
        return self

    @model_validator(mode="after")
    def _webhook_needs_a_secret(self) -> "Telegram":
        if self.mode == "webhook" and not self.webhook_secret:
            raise ValueError(
                f"the bot {self.name!r} uses a webhook, which needs a webhook_secret: without one "
                "anybody could write in your customers' names / "
                f"机器人 {self.name!r} 使用 webhook，必须设置 webhook_secret，"
                "否则任何人都能冒充顾客"
            )
        return self


def _read(read: Callable[[str], T]) -> Callable[[Any], T]:
    """For a field whose text in the file is read as a value; a value stays what it is."""
    return lambda value: read(value) if isinstance(value, str) else value


def _known_country(code: str) -> str:
    """A country, or a part of one, that the library of holidays knows."""
    if code:
        import holidays  # slow to load, and only needed where a country is named

        country, _, part = code.partition("-")
        try:
            holidays.country_holidays(country, subdiv=part or None)
        except NotImplementedError as error:
            raise Misread(
                f"不认识 {code!r}：请写 ISO 代码，例如 CN、US、DE-BY",
                f"{code!r} is no country whose holidays are known: use its ISO code, such as CN, "
                "US or DE-BY",
            ) from error
    return code


class Source(Section):
    """Where orders and products come from besides the events API; see docs/orders.md.

    `shopify` and `woocommerce` call us at /sources/<name> and sign with `secret`; from `json` we
    fetch `url` every so many seconds and read it as the file `mapping` says.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    kind: Literal["shopify", "woocommerce", "json"]
    secret: str = Field(default="", repr=False)
    url: str = Field(default="", pattern=r"^(https?://[^/\s@]+(/\S*)?)?$")
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    every: int = Field(default=300, ge=30, le=86400)
    mapping: Path | None = None

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "Source":
        if self.kind == "json" and not (self.url and self.mapping):
            raise ValueError(
                f"the source {self.name!r} needs url and mapping / "
                f"来源 {self.name!r} 需要 url 和 mapping"
            )
        if self.kind != "json" and len(self.secret) < 8:
            raise ValueError(
                f"the source {self.name!r} needs the secret that its webhooks are signed with, of "
                f"at least 8 characters / 来源 {self.name!r} 需要 webhook 的签名密钥 secret"
                "（至少 8 位）"
            )
        return self


def _time_of_day(text: str) -> str:
    """`09:00`, or nothing at all."""
    if text and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f"{text!r} is not a time such as 09:00 / {text!r} 应写成 09:00")
    return text


class Files(Section):
    """What customers send besides text: where and how long it is kept, how large it may be."""

    folder: Path | None = None
    max_megabytes: int = Field(default=20, ge=1, le=2000)
    keep_days: int = Field(default=365, ge=1, le=36500)


OpenPart = Annotated[Span, BeforeValidator(_read(read_span))]
DatedPart = Annotated[DayPart, BeforeValidator(_read(read_day_part))]
Minutes = Annotated[int, _within(1, 60 * 24 * 60)] | None
"""A target in minutes of working time; None where nothing is promised."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Team(Section):
    """The people who take over: when they work, and how soon they answer; see docs/hours.md.

    `title` is what colleagues read in place of the name. Without any day of the week they are there
    round the clock. The last four say which conversations are theirs; see docs/teams.md.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    title: str = Field(default="", max_length=40)
    timezone: Annotated[str, AfterValidator(_known_timezone)] | None = None
    mon: tuple[OpenPart, ...] = ()
    tue: tuple[OpenPart, ...] = ()
    wed: tuple[OpenPart, ...] = ()
    thu: tuple[OpenPart, ...] = ()
    fri: tuple[OpenPart, ...] = ()
    sat: tuple[OpenPart, ...] = ()
    sun: tuple[OpenPart, ...] = ()
    holidays: Annotated[str, AfterValidator(_known_country)] = ""
    closings: tuple[DatedPart, ...] = ()
    openings: tuple[DatedPart, ...] = ()
    first_response_minutes: Minutes = None
    next_response_minutes: Minutes = None
    resolution_minutes: Minutes = None
    warn_at_percent: Annotated[int, _within(1, 100)] = 80
    reasons: tuple[str, ...] = ()
    languages: tuple[Language, ...] = ()
    channels: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()

    @property
    def has_hours(self) -> bool:
        """Whether the team's week is set."""
        return any(getattr(self, day) for day in WEEKDAYS)

    @property
    def week(self) -> tuple[Day, ...]:
        """The open parts of each day, Monday's first."""
        return tuple(joined(getattr(self, day)) for day in WEEKDAYS) if self.has_hours else ALWAYS


class Desk(Section):
    """The agents' desk: whose login needs a second factor, how long its audit log is kept, and who
    serves whom; see docs/access.md and docs/teams.md.

    At `summary_at`, the shop's time, the day before is told in figures to the owners in WeCom and
    to the agents' forum; empty: never. `needs` is the skill that it takes, by topic of the FAQ or
    reason of the hand-over.
    """

    require_totp: tuple[Role, ...] = ()
    audit_days: int = Field(default=365, ge=30, le=36500)
    summary_at: Annotated[str, AfterValidator(_time_of_day)] = ""
    assign: Literal["manual", "automatic"] = "manual"
    own_teams_only: bool = False
    same_agent_days: Annotated[int, _within(0, 365)] = 30
    reassign_minutes: Minutes = None
    on_breach: Literal["notify", "reassign"] = "notify"
    needs: dict[str, str] = Field(default_factory=dict)


class Handover(Section):
    """When a person is brought without being asked for; all that is set has to be so."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    tag: str = ""
    order_over: Annotated[float, Field(ge=0)] | None = None
    order_days: Annotated[int, _within(1, 3650)] = 30
    parcel_lost_days: Annotated[int, _within(1, 365)] | None = None
    topics: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Handover":
        if not (self.tag or self.topics) and self.order_over is self.parcel_lost_days is None:
            raise ValueError(
                f"the rule {self.name!r} would be about everybody: set tag, order_over, "
                f"parcel_lost_days or topics / 规则 {self.name!r} 会对所有人生效："
                "请设置 tag、order_over、parcel_lost_days 或 topics"
            )
        return self


_TWINS = {
    "teams": ("teams", "团队"),
    "handover": ("rules", "规则"),
    "telegram": ("bots", "机器人"),
    "wechat": ("accounts", "微信账号"),
    "sources": ("sources", "来源"),
    "webhooks": ("webhooks", " webhook "),
}
"""What the sections are called that must differ from each other."""


class Config(BaseSettings):
    """Everything that an installation sets."""

    model_config = SettingsConfigDict(
        env_prefix="XIAOER_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    shop: Shop
    database: DatabaseSection = DatabaseSection()
    web: Web = Web()
    content: Content = Content()
    files: Files = Files()
    desk: Desk = Desk()
    care: Care = Care()
    api_keys: tuple[ApiKey, ...] = ()
    telegram: tuple[Telegram, ...] = ()
    wechat: tuple[WeChat, ...] = ()
    teams: tuple[Team, ...] = ()
    handover: tuple[Handover, ...] = ()
    sources: tuple[Source, ...] = ()
    webhooks: tuple[Webhook, ...] = ()

    @field_validator("telegram", "wechat", "sources", "teams", "handover", "webhooks")
    @classmethod
    def _they_differ(cls, sections: tuple[Any, ...], about: ValidationInfo) -> tuple[Any, ...]:
        en, zh = _TWINS[str(about.field_name)]
        for key in ("name", "token") if about.field_name == "telegram" else ("name",):
            values = [getattr(section, key) for section in sections]
            if len(set(values)) < len(values):
                raise ValueError(
                    f"two {en} have the same {key}: each needs its own / "
                    f"两个{zh}的 {key} 相同：每个都要有自己的"
                )
        return sections

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        return env_settings, init_settings


def load(path: Path) -> Config:
    """Read and validate the file at `path`.

    Raises `ConfigInvalid`, whose text names each wrong key and shows an example.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigInvalid(
            f"找不到配置文件 {path}。运行 `xiaoer init` 创建一个。",
            f"There is no configuration file {path}. Run `xiaoer init` to make one.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(
            f"{path} 不是有效的 TOML：{error}", f"{path} is not valid TOML: {error}"
        ) from error
    return validate(_absolute_paths(raw, path.resolve().parent), str(path))


def refuse_published_key(config: Config) -> None:
    """Raise `ConfigInvalid` when the example's key, which everybody knows, would open the API."""
    for key in config.api_keys:
        if key.key == PUBLISHED_KEY:
            raise ConfigInvalid(
                f"api_keys 里的 {key.name!r} 还是示例密钥，人人都知道。请换成自己的长随机串。",
                f"The key {key.name!r} in api_keys is the published example, which everybody "
                "knows. Put a long random key of your own there.",
            )


def validate(raw: Mapping[str, Any], where: str = "configuration") -> Config:
    """A `Config` from plain values; raises `ConfigInvalid` like `load`."""
    _refuse_unknown_environment(where)
    try:
        return Config(**raw)
    except ValidationError as error:
        lines = dict.fromkeys(_explain(problem) for problem in error.errors(include_url=False))
        raise ConfigInvalid(
            f"{where} 有误：\n" + "\n".join(lines), f"{where} is not valid:\n" + "\n".join(lines)
        ) from error
    except SettingsError as error:
        raise ConfigInvalid(
            f"{where}：环境变量里的列表应写成 JSON，例如 {_LIST_EXAMPLE}（{error}）",
            f"{where}: lists in the environment are JSON, such as {_LIST_EXAMPLE} ({error})",
        ) from error


_LIST_EXAMPLE = """XIAOER_WEB__ALLOWED_ORIGINS='["https://shop.example"]'"""


def _refuse_unknown_environment(where: str) -> None:
    """pydantic-settings ignores unknown sections in the environment; a typo must not pass."""
    for name in os.environ:
        section = name.removeprefix("XIAOER_").split("__")[0].lower()
        if name.startswith("XIAOER_") and "__" in name and section not in Config.model_fields:
            raise ConfigInvalid(
                f"{where}：环境变量 {name} 不对应任何配置项，例如 XIAOER_WEB__PORT=8090。",
                f"{where}: the environment variable {name} matches no setting; an example is "
                "XIAOER_WEB__PORT=8090.",
            )


def _explain(problem: Any) -> str:
    keys = [str(part) for part in problem["loc"]]
    keys = keys[: _depth(keys)]  # what follows are types
    message = {
        "extra_forbidden": "unknown key 未知的键",
        "missing": "missing 缺少",
    }.get(problem["type"], problem["msg"])
    return f"  {'.'.join(keys)}: {message}  (example 示例: {_example(keys)})"


def _depth(keys: list[str]) -> int:
    """How many of a problem's keys name a setting: `web.port`, `telegram.0.groups.1.rules`."""
    numbered = [at for at in (1, 3) if len(keys) > at and keys[at].isdigit()]
    return 2 * len(numbered) + (1 if numbered else 2)


def _example(keys: list[str]) -> str:
    """The line of config.example.toml that sets the key, or what may stand in its place."""
    known = _documented()
    names = [key for key in keys if not key.isdigit()]
    if len(names) > 1 and f"{names[0]}.{names[1]}" in known:
        names = [f"{names[0]}.{names[1]}", *names[2:]]
    if names[0] not in known:
        return ", ".join(f"[{section}]" for section in known)
    settings = known[names[0]]
    if len(names) > 1 and (alike := process.extractOne(names[1], list(settings), score_cutoff=80)):
        return f"[{names[0]}] {settings[alike[0]]}"
    return f"[{names[0]}] {', '.join(settings)}"


def _documented() -> dict[str, dict[str, str]]:
    """The sections of config.example.toml, and in each the line that sets a key."""
    sections: dict[str, dict[str, str]] = {}
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        bare = line.lstrip("# ").strip()
        if bare.startswith("["):
            sections[bare.strip("[]")] = {}
        elif sections and (key := re.match(r"(\w+) = ", bare)):
            sections[list(sections)[-1]][key[1]] = bare
    return sections


def _absolute_paths(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths in the file are relative to the file, not to where the command was started."""
    content, database = raw.get("content"), raw.setdefault("database", {})
    if isinstance(content, dict):
        raw["content"] = {
            key: str(folder / value) if isinstance(value, str) else value
            for key, value in content.items()
        }
    files = raw.get("files")
    if isinstance(files, dict) and isinstance(files.get("folder"), str):
        files["folder"] = str(folder / files["folder"])
    sources = raw.get("sources")
    for source in sources if isinstance(sources, list) else ():
        if isinstance(source, dict) and isinstance(source.get("mapping"), str):
            source["mapping"] = str(folder / source["mapping"])
    url = database.setdefault("url", _DATABASE_URL) if isinstance(database, dict) else None
    prefix = "sqlite:///"
    if isinstance(url, str) and url.startswith(prefix) and not url.startswith(prefix + "/"):
        database["url"] = prefix + str(folder / url.removeprefix(prefix))
    return raw
