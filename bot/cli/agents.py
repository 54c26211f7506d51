"""`xiaoer agent …`: who may log in at the desk."""

from typing import Annotated

import typer

from bot import config as configuration
from bot.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    err,
    print_json,
)
from bot.core.roles import Role

app = typer.Typer(help="People who answer at the desk.", no_args_is_help=True)


@app.command("add")
def add(
    login: str,
    name: Annotated[str, typer.Option(help="Shown to colleagues.")] = "",
    role: Annotated[
        Role | None, typer.Option(help="Else agent, or owner for the first one.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add an agent; the first password is printed once."""
    from bot import setup

    password = setup.add_agent(configuration.load(config), login, name or login, role)
    err.print(f"login 登录名: {login}\npassword 密码: {password}", markup=False)


@app.command("list")
def list_all(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the agents as JSON."""
    from bot import setup

    print_json(setup.list_agents(configuration.load(config)))


List = Annotated[str | None, typer.Option(help="Separated by commas; '' for none.")]


@app.command("set")
def change(
    login: str,
    name: Annotated[str, typer.Option(help="Shown to colleagues.")] = "",
    role: Annotated[Role | None, typer.Option(help="What they are at the desk.")] = None,
    capacity: Annotated[
        int | None, typer.Option(help="Open conversations at once; 0: as many as come.")
    ] = None,
    languages: List = None,
    skills: List = None,
    teams: List = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change an agent's name, role (which ends their logins), and whom they serve."""
    from bot import setup

    served = (capacity, languages, skills, teams)
    if not (name or role) and all(one is None for one in served):
        raise typer.BadParameter("nothing to set 请写要设置的内容，例如 --capacity 8")
    loaded = configuration.load(config)
    if name or role:
        setup.set_agent(loaded, login, name, role)
    lists = {"languages": languages, "skills": skills, "teams": teams}
    wanted = {key: None if one is None else _words(one) for key, one in lists.items()}
    print_json(setup.equip_agent(loaded, login, capacity, **wanted))


def _words(listed: str) -> list[str]:
    return [word for word in (part.strip() for part in listed.split(",")) if word]


WeCom = Annotated[str, typer.Option(help="Their user id in WeCom (企业微信账号).")]


@app.command("link")
def link(
    login: str,
    telegram_id: Annotated[str, typer.Argument(help="Their id on Telegram, a number.")] = "",
    wecom: WeCom = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say who an agent is: on Telegram, to answer in its forum; in WeCom, to be notified there."""
    from bot import setup

    if bool(telegram_id) == bool(wecom):
        raise typer.BadParameter("give a Telegram id or --wecom USER 请写 Telegram ID 或 --wecom")
    setup.link_agent(configuration.load(config), login, telegram_id or None, wecom or None)
    where = f"Telegram {telegram_id}" if telegram_id else f"WeCom {wecom}"
    err.print(f"{login}: {where}", markup=False)


@app.command("unlink")
def unlink(
    login: str,
    wecom: Annotated[bool, typer.Option("--wecom", help="From WeCom instead.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let an agent no longer answer in the Telegram forum, or (--wecom) not be notified."""
    from bot import setup

    nobody = (None, "") if wecom else ("", None)
    setup.link_agent(configuration.load(config), login, *nobody)
    err.print(f"{login}: no {'WeCom' if wecom else 'Telegram'} 已解除绑定", markup=False)


@app.command("password")
def password(login: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Give an agent a new password, printed once, which they change when they log in with it."""
    from bot import setup

    fresh = setup.reset_password(configuration.load(config), login)
    err.print(f"login 登录名: {login}\npassword 密码: {fresh}", markup=False)


@app.command("reset-factor")
def reset_factor(login: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let an agent who lost phone and recovery codes log in by the password alone."""
    from bot import setup

    setup.drop_factor(configuration.load(config), login)
    err.print(f"{login}: two-step login reset 已取消二次验证", markup=False)


@app.command("enable")
def enable(login: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let an agent who was disabled log in again."""
    from bot import setup

    setup.enable_agent(configuration.load(config), login)
    err.print(f"{login}: enabled 已恢复", markup=False)


@app.command("disable")
def disable(login: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Stop an agent from logging in, and end their sessions."""
    from bot import setup

    setup.disable_agent(configuration.load(config), login)
    err.print(f"{login}: disabled 已停用", markup=False)
