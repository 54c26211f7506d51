"""The `[[wechat]]` sections of the configuration: what each kind of account needs."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from bot.settings import Section

MENU_ROWS, MENU_DEPTH = 3, 5
"""Buttons of an account's menu, and of the list behind one
(developers.weixin.qq.com/doc/offiaccount/Custom_Menus/Creating_Custom-Defined_Menu.html)."""
_ROW_BYTES, _NAME_BYTES = 16, 60
SERVERS = {
    "official": "https://api.weixin.qq.com",
    "kf": "https://qyapi.weixin.qq.com",
    "wecom": "https://qyapi.weixin.qq.com",
}
"""Where each kind's API is."""


def _aes_key(value: str) -> str:
    """The console's EncodingAESKey: 32 bytes in base64 without the last `=`."""
    if value and not (len(value) == 43 and value.isascii() and value.isalnum()):
        raise ValueError(
            f"an EncodingAESKey has 43 letters and digits, this one has {len(value)} characters: "
            "copy it from the console / "
            f"EncodingAESKey 是 43 位字母和数字，这里有 {len(value)} 个字符，请从后台重新复制"
        )
    return value


AesKey = Annotated[str, AfterValidator(_aes_key), Field(repr=False)]


class MenuButton(Section):
    """One button of the menu: says `choice` to the bot, opens `url`, or shows `buttons`."""

    name: str = Field(min_length=1)
    choice: str = Field(default="", max_length=128)
    url: str = Field(default="", pattern=r"^(https?://\S+)?$", max_length=1024)
    buttons: tuple["MenuButton", ...] = Field(default=(), max_length=MENU_DEPTH)

    @model_validator(mode="after")
    def _does_one_thing(self) -> "MenuButton":
        if sum(map(bool, (self.choice, self.url, self.buttons))) != 1:
            raise ValueError(
                f"the button {self.name!r} needs exactly one of choice, url and buttons / "
                f"菜单按钮 {self.name!r} 必须且只能写 choice、url、buttons 中的一个"
            )
        if not self.buttons and not self.url and len(self.choice.encode()) > 128:
            raise ValueError("a choice has 128 bytes at most / choice 最多 128 字节")
        if any(one.buttons for one in self.buttons):
            raise ValueError("a menu has two levels at most / 菜单最多两级")
        if len(self.name.encode()) > _NAME_BYTES:
            raise ValueError(f"the button's name {self.name!r} is too long / 菜单名太长")
        return self


class Template(Section):
    """A message outside the window: `template` as the account's templates, `subscribe` where the
    customer has agreed to each single one.

    `data` fills the template's fields; `{text}`, `{shop}` and `{time}` stand for what is said, by
    whom and when. WeChat forbids advertising here, so the only purpose is `transactional`.
    """

    id: str = Field(min_length=1)
    kind: Literal["template", "subscribe"] = "template"
    purposes: tuple[Literal["transactional"], ...] = Field(default=("transactional",), min_length=1)
    data: dict[str, str] = Field(min_length=1)
    url: str = Field(default="", pattern=r"^(https?://\S+)?$")

    @field_validator("data")
    @classmethod
    def _says_something(cls, data: dict[str, str]) -> dict[str, str]:
        if not any("{text}" in value for value in data.values()):
            raise ValueError(
                "one of the fields has to hold {text} / data 里至少一个字段要写 {text}"
            )
        return data


class WeChat(Section):
    """One WeChat account: an official account (公众号), 微信客服 (`kf`) or a WeCom app.

    `app_id` is the corp's id for `kf` and `wecom`. `service_messages`: the account may send by the
    customer-message API; without, it answers only in the platform's own request.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    kind: Literal["official", "kf", "wecom"] = "official"
    app_id: str = Field(pattern=r"^w[wx][A-Za-z0-9]{4,30}$")
    secret: str = Field(min_length=8, pattern=r"^\S+$", repr=False)
    token: str = Field(pattern=r"^[A-Za-z0-9]{3,32}$", repr=False)
    aes_key: AesKey = ""
    previous_aes_key: AesKey = ""
    mode: Literal["plain", "compatible", "safe"] = "safe"
    service_messages: bool = True
    open_kfid: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    agent_id: int | None = Field(default=None, ge=0)
    api_base_url: str = Field(default="", pattern=r"^(https?://[^/\s]+/?)?$")
    menu: tuple[MenuButton, ...] = Field(default=(), max_length=MENU_ROWS)
    templates: tuple[Template, ...] = ()

    @property
    def server(self) -> str:
        """Where the API is, without a slash at the end."""
        return (self.api_base_url or SERVERS[self.kind]).rstrip("/")

    @property
    def path(self) -> str:
        """Where the platform calls us, below the public address."""
        return f"/wechat/{self.name}"

    @field_validator("menu")
    @classmethod
    def _rows_are_short(cls, menu: tuple[MenuButton, ...]) -> tuple[MenuButton, ...]:
        for button in menu:
            if len(button.name.encode()) > _ROW_BYTES:
                raise ValueError(
                    f"the button's name {button.name!r} is too long: five Chinese characters / "
                    f"一级菜单名 {button.name!r} 太长：最多 5 个汉字"
                )
        return menu

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "WeChat":
        for problem in _problems(self):
            raise ValueError(problem)
        return self


def _problems(account: WeChat) -> Iterator[str]:
    name = account.name
    if account.mode != "plain" and not account.aes_key:
        yield (
            f"the account {name!r} in {account.mode} mode needs the aes_key of its console / "
            f"账号 {name!r} 使用{account.mode}模式，必须填后台的 EncodingAESKey（aes_key）"
        )
    if account.previous_aes_key and not account.aes_key:
        yield "previous_aes_key without aes_key / 只写了 previous_aes_key，没有 aes_key"
    if account.kind != "official" and account.mode != "safe":
        yield (
            f'WeCom always encrypts: mode of {name!r} must be "safe" / '
            f'企业微信的回调总是加密的：{name!r} 的 mode 只能是 "safe"'
        )
    if account.kind == "kf" and not account.open_kfid:
        yield (
            f"the account {name!r} of kind kf needs open_kfid / "
            f"微信客服账号 {name!r} 必须填 open_kfid（客服账号 ID）"
        )
    if account.kind == "wecom" and account.agent_id is None:
        yield (
            f"the account {name!r} of kind wecom needs agent_id / "
            f"企业微信应用 {name!r} 必须填 agent_id（AgentId）"
        )
    if account.kind != "official" and (account.menu or account.templates):
        yield (
            f"menu and templates are for official accounts, {name!r} is none / "
            f"menu 和 templates 只用于公众号，{name!r} 不是公众号"
        )
