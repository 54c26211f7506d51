"""First steps and check-ups: `xiaoer init`, `xiaoer doctor`, `xiaoer agent …`."""

import asyncio
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from rich.console import Console

from bot import app
from bot.answering.load import load as load_faq
from bot.channels.telegram import checkup, rights
from bot.channels.wechat import checkup as wechat_checkup
from bot.config import (
    EXAMPLE,
    PUBLISHED_KEY,
    Config,
    Shop,
    Source,
    Telegram,
    load,
    refuse_published_key,
)
from bot.core.errors import XiaoerError
from bot.core.ids import password, token
from bot.desk import accounts
from bot.shop.sources import checkup as sources_checkup
from bot.wechat_settings import WeChat
from storage.models.agents import all_agents


class AlreadyThere(XiaoerError):
    """`init` never overwrites a configuration."""


def init(path: Path, shop: str, login: str, console: Console) -> None:
    """Write a configuration to `path` and create the first agent; prints the login once."""
    if path.exists():
        raise AlreadyThere(
            f"{path} 已存在，没有改动它。用 `xiaoer agent add` 添加客服，用 `xiaoer doctor` 检查。",
            f"{path} exists and was left alone. Add agents with `xiaoer agent add`; check with "
            "`xiaoer doctor`.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_first_config(shop))
    try:
        first = add_agent(load(path), login, login)
    except XiaoerError:  # mend what was wrong and run it again
        path.unlink()
        raise
    me = sys.argv[0] if sys.argv[0].endswith("xiaoer") else "xiaoer"
    console.print(
        f"{path}: written 已写入\nlogin 登录名: {login}\npassword 密码: {first}\n"
        f"next 下一步: {me} doctor --config {path} && {me} run --config {path}",
        markup=False,
    )


_NOT_THEIRS = ("return_address", "hotline", "email", "website", "size_guide_url", "privacy_url")
"""What the example invents; customers must not be sent there."""


def _first_config(shop: str) -> str:
    """The example with the shop's own name, a key of its own, and no invented address."""
    own = {
        r"(?m)^name = \{.*$": f"name = {_toml(shop.strip() or 'My shop')}",
        PUBLISHED_KEY: token(),
        r"(?m)^public_url = .*$": 'public_url = ""',
        r"(?m)^allowed_origins = .*$": "allowed_origins = []",
    }
    text = EXAMPLE.read_text(encoding="utf-8")
    for pattern, line in own.items():
        before, after = re.split(pattern, text, maxsplit=1)
        text = before + line + after
    return re.sub(rf"(?m)^({'|'.join(_NOT_THEIRS)}) = .*$", r'\1 = ""', text)


def add_agent(config: Config, login: str, name: str) -> str:
    """Create an agent; returns the first password, which is stored only as a hash."""
    first = password()
    with app.database(config) as db:
        db.run(accounts.create_agent, login, name, first)
    return first


def list_agents(config: Config) -> list[dict[str, Any]]:
    """All agents, without their secrets."""
    with app.database(config) as db:
        return [
            {"login": agent.login, "name": agent.name, "active": agent.active}
            for agent in db.run(all_agents)
        ]


def link_agent(config: Config, login: str, telegram_id: str | None, wecom_id: str | None) -> None:
    """Say who an agent is on Telegram or in WeCom; an empty id: nobody there any more."""
    with app.database(config) as db:
        if telegram_id is not None:
            db.run(accounts.link, login, telegram_id)
        if wecom_id is not None:
            db.run(accounts.link_wecom, login, wecom_id)


def disable_agent(config: Config, login: str) -> None:
    """Stop an agent from logging in, and end the sessions they have."""
    with app.database(config) as db:
        db.run(accounts.disable, login)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `doctor` looks at: returns what it found, or raises with what is wrong."""

    name: str
    look: Callable[[], str]


def doctor(path: Path, console: Console) -> bool:
    """Check the installation. Prints one line per check; True when all is well."""
    try:
        config = load(path)
    except XiaoerError as error:
        console.print(f"✗ configuration 配置\n{error}", style="red", markup=False)
        return False
    console.print(f"✓ configuration 配置: {path}", markup=False)
    console.print(_facts(config.shop), markup=False)
    passed = [_passes(check, console) for check in _checks(config)]  # all, not up to the first
    return all(passed)


def _facts(shop: Shop) -> str:
    """What customers will be told that nobody has set for this shop: a reminder, no failure."""
    example = load(EXAMPLE).shop
    names = [name for name in Shop.model_fields if name != "extra"]
    unset = [name for name in names if name not in shop.model_fields_set]
    invented = [
        name
        for name in names
        if getattr(shop, name) == getattr(example, name) != _default(Shop.model_fields[name])
    ]
    notes = [
        f"! facts 店铺信息: {len(found)} {what}: {', '.join(found)}"
        for what, found in (
            ("settings use defaults 项使用默认值", unset),
            ("settings are still the example's 项仍是示例里的值", invented),
        )
        if found
    ]
    return "\n".join(notes) or f"✓ facts 店铺信息: {len(names)} set 已设置"


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True, validated_data={})


def _passes(check: Check, console: Console) -> bool:
    try:
        found = check.look()
    except (XiaoerError, OSError) as error:
        console.print(f"✗ {check.name}: {error}", style="red", markup=False)
        return False
    console.print(f"✓ {check.name}: {found}", markup=False)
    return True


def _checks(config: Config) -> Iterator[Check]:
    yield Check("API keys 接口密钥", lambda: _keys(config))
    yield Check("words 文案", lambda: _words(config))
    yield Check("FAQ", lambda: _faq(config))
    yield Check("database 数据库", lambda: _open_database(config))
    yield Check("agents 客服", lambda: _has_agents(config))
    yield Check("port 端口", lambda: _port_free(config))
    yield Check("disk 磁盘", lambda: _disk(config))
    for bot in config.telegram:
        yield Check(f"Telegram {bot.name}", partial(_telegram, bot, config.web.public_url))
        for place in rights.places(bot):
            name = f"Telegram {bot.name}, {place.what} {place.chat}"
            yield Check(name, partial(_rights, bot, place))
    for account in config.wechat:
        yield Check(f"WeChat 微信 {account.name}", partial(_wechat, account, config.web.public_url))
    for source in config.sources:
        yield Check(f"source 来源 {source.name}", partial(_source, config, source))


def _source(config: Config, source: Source) -> str:
    with app.database(config) as db:
        return sources_checkup.check(db, source)


def _keys(config: Config) -> str:
    refuse_published_key(config)
    return ", ".join(key.name for key in config.api_keys) or "none 没有"


def _words(config: Config) -> str:
    return ", ".join(app.content(config).voice.words.shop.languages)


def _faq(config: Config) -> str:
    entries = load_faq(config.content.faq, app.content(config).voice.words.check)
    return f"{len(entries)} entries 条"


def _open_database(config: Config) -> str:
    with app.database(config) as db:
        return str(db.url.render_as_string())


def _has_agents(config: Config) -> str:
    active = [agent["login"] for agent in list_agents(config) if agent["active"]]
    if not active:
        raise XiaoerError(
            "还没有客服账号：xiaoer agent add <登录名>", "none yet: xiaoer agent add LOGIN"
        )
    return ", ".join(active)


def _port_free(config: Config) -> str:
    where = f"{config.web.host}:{config.web.port}"
    if app.is_running(config):
        return f"{where} used by the running service 服务正在运行"
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((config.web.host, config.web.port))
    except OSError as error:
        raise XiaoerError(
            f"{where} 不能用：{error.strerror}。换一个端口（[web] port），或停掉占用它的程序。",
            f"{where} cannot be used: {error.strerror}. Choose another port ([web] port), or stop "
            "the program that uses it.",
        ) from error
    return f"{where} free 可用"


def _disk(config: Config) -> str:
    folder = app.cache_folder(config)
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / 1e9
    if free < 1:
        raise XiaoerError(f"磁盘只剩 {free:.1f} GB，请清理", f"only {free:.1f} GB left: make room")
    return f"{free:.0f} GB free 可用"


def _telegram(bot: Telegram, public_url: str) -> str:
    return asyncio.run(checkup.check(bot, public_url))


def _rights(bot: Telegram, place: rights.Place) -> str:
    return asyncio.run(rights.check(bot, place))


def _wechat(account: WeChat, public_url: str) -> str:
    return asyncio.run(wechat_checkup.check(account, public_url))


def _toml(text: str) -> str:
    """A TOML string; its escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
