"""First steps and check-ups: `xiaoer init`, `xiaoer doctor`, `xiaoer agent …`."""

import asyncio
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from sqlmodel import Session

from bot import app
from bot.answering.load import load as load_faq
from bot.care.house import House
from bot.channels import webhook
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
from bot.core.clock import now
from bot.core.errors import NotAllowed, XiaoerError
from bot.core.ids import password, token
from bot.core.roles import Role
from bot.desk import accounts, staff
from bot.escalation import presence
from bot.escalation.agents import named
from bot.escalation.in_force import in_force
from bot.logistics import carriers
from bot.logistics import checkup as carriers_checkup
from bot.shop import coupons
from bot.shop.sources import checkup as sources_checkup
from bot.webhook_settings import Webhook
from bot.wechat_settings import WeChat
from storage.models.agents import Agent, all_agents
from storage.models.routing import teams_of
from storage.models.teams import team_edits


class AlreadyThere(XiaoerError):
    """`init` never overwrites a configuration."""


class NobodyAnswers(XiaoerError):
    """`init` has questions, and nobody is there to answer them."""

    def __init__(self) -> None:
        super().__init__(
            "没有输入，什么都没有写。请在终端里运行，或者直接写明："
            "xiaoer init --shop 店名 --login 登录名",
            "Nobody answered, and nothing was written. Run it in a terminal, or say it at once: "
            "xiaoer init --shop NAME --login LOGIN",
        )


def refuse_existing(path: Path) -> None:
    """Raise `AlreadyThere` where there is a configuration."""
    if path.exists():
        raise AlreadyThere(
            f"{path} 已存在，没有改动它。用 `xiaoer agent add` 添加客服，用 `xiaoer doctor` 检查。",
            f"{path} exists and was left alone. Add agents with `xiaoer agent add`; check with "
            "`xiaoer doctor`.",
        )


def init(path: Path, shop: str, login: str, console: Console) -> None:
    """Write a configuration to `path` and create the first agent; prints the login once."""
    refuse_existing(path)
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


def add_agent(config: Config, login: str, name: str, role: Role | None = None) -> str:
    """Create an agent; returns the first password, which is stored only as a hash.

    Without a `role`, whoever is first is the owner, and the others are agents.
    """
    first = password()
    with app.database(config) as db:
        db.run(accounts.create_agent, login, name, first, role)
    return first


def list_agents(config: Config) -> list[dict[str, Any]]:
    """All agents, without their secrets."""
    with app.database(config) as db:
        return db.run(lambda session: [_shown(session, one) for one in all_agents(session)])


def equip_agent(
    config: Config,
    login: str,
    capacity: int | None,
    languages: list[str] | None,
    skills: list[str] | None,
    teams: list[str] | None,
) -> dict[str, Any]:
    """Set what an agent can do; None leaves it. Returns how the agent is then.

    Raises `NotFound`, and `NotAllowed` for a language or a team that the shop does not have.
    """
    _are_known(languages, config.shop.languages, _LANGUAGE)

    def work(session: Session) -> dict[str, Any]:
        there = in_force(config.teams, team_edits(session))
        _are_known(teams, [one.name for one in there], _TEAM)
        agent = presence.equip(
            session, login, capacity=capacity, languages=languages, skills=skills, teams=teams
        )
        return _shown(session, agent)

    with app.database(config) as db:
        return db.run(work)


Kind = tuple[tuple[str, str], tuple[str, str]]
"""What something is called and where it is set, in Chinese and in English."""
_LANGUAGE: Kind = (
    ("语言", "语言在 config.toml 的 [shop] languages 里设置。"),
    ("language", "They are set in config.toml: [shop] languages."),
)
_TEAM: Kind = (
    ("团队", "新团队在工作台的“团队与时间”里添加，或写在 config.toml 的 [[teams]] 里。"),
    ("team", "Make one at the desk (Teams and hours), or in config.toml: [[teams]]."),
)


def _are_known(given: list[str] | None, known: Sequence[str], what: Kind) -> None:
    for one in given or ():
        if one not in known:
            (zh, how_zh), (en, how_en) = what
            raise NotAllowed(
                f"没有这个{zh}：{one}。已有：{'、'.join(known) or '无'}。{how_zh}",
                f"There is no {en} {one}. There are: {', '.join(known) or 'none'}. {how_en}",
            )


def _number(session: Session, login: str) -> int:
    """The id of the agent with this login. Raises `NotFound`."""
    return named(session, login).id or 0


def _shown(session: Session, agent: Agent) -> dict[str, Any]:
    assert agent.id is not None
    return {
        "login": agent.login,
        "name": agent.name,
        "role": agent.role,
        "active": agent.active,
        "presence": presence.shown(agent, now()),
        "capacity": agent.capacity,
        "languages": agent.languages,
        "skills": agent.skills,
        "teams": sorted(teams_of(session, agent.id)),
    }


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


def enable_agent(config: Config, login: str) -> None:
    """Let an agent who was disabled log in again."""

    def enable(session: Session) -> None:
        staff.set_active(session, None, _number(session, login), active=True)

    with app.database(config) as db:
        db.run(enable)


def set_agent(config: Config, login: str, name: str, role: Role | None) -> Agent:
    """Give an agent another name or role; what is empty stays. Returns the agent."""

    def change(session: Session) -> Agent:
        agent = named(session, login)
        wanted = role or Role(agent.role)
        return staff.change(session, None, agent.id or 0, name or agent.name, wanted)

    with app.database(config) as db:
        return db.run(change)


def reset_password(config: Config, login: str) -> str:
    """Give an agent a new password, to be changed at the next login; returns it."""
    fresh = password()
    kept = accounts.hashed(fresh)
    with app.database(config) as db:
        db.run(lambda session: staff.renew(session, None, _number(session, login), kept))
    return fresh


def drop_factor(config: Config, login: str) -> None:
    """Let an agent log in by the password alone."""
    with app.database(config) as db:
        db.run(lambda session: staff.drop_factor(session, None, _number(session, login)))


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
        if name in shop.model_fields_set and (value := getattr(shop, name)) not in ("", None, [])
        if value == getattr(example, name)
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
    for number, section in enumerate(config.carriers):
        name = f"carrier 物流平台 {section.get('name', number)}"
        yield Check(name, partial(_carrier, config, number))
    for one in config.webhooks:
        yield Check(f"webhook {one.name}", partial(_webhook, one))
    yield Check("coupons 优惠券", lambda: _coupons(config))
    yield Check("journeys 关怀旅程", lambda: _journeys(config))


def _source(config: Config, source: Source) -> str:
    with app.database(config) as db:
        return sources_checkup.check(db, source)


def _carrier(config: Config, number: int) -> str:
    accounts = carriers.accounts(config.carriers, config.web.public_url)
    with app.database(config) as db:
        return carriers_checkup.check(db, accounts[number])


def _coupons(config: Config) -> str:
    with app.database(config) as db:
        found = db.run(coupons.pools)
    if low := ", ".join(f"{one.name} ({one.free})" for one in found if coupons.is_low(one)):
        raise XiaoerError(
            f"所剩不多：{low}。用 xiaoer coupons import 补充。",
            f"few are left: {low}. Add some with `xiaoer coupons import`.",
        )
    return ", ".join(f"{one.name}: {one.free}" for one in found) or "none 没有"


def _journeys(config: Config) -> str:
    book = House.of(config, app.content(config).voice).book
    with app.database(config) as db:
        on = [one for one in db.run(book.find, list(book.journeys)).values() if one.enabled]
        filled = {one.name for one in db.run(coupons.pools) if one.free}
    if empty := ", ".join(f"{one.name} ({one.pool})" for one in on if {one.pool} - {"", *filled}):
        raise XiaoerError(
            f"券池里没有券，旅程会一直等：{empty}。用 xiaoer coupons import 补充。",
            f"the pool has no codes, so the journey waits: {empty}. "
            "Add some with `xiaoer coupons import`.",
        )
    return f"{len(on)} on 启用"


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


def _webhook(one: Webhook) -> str:
    return asyncio.run(webhook.check(one))


def _toml(text: str) -> str:
    """A TOML string; its escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
