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

app = typer.Typer(help="People who answer at the desk.", no_args_is_help=True)


@app.command("add")
def add(
    login: str,
    name: Annotated[str, typer.Option(help="Shown to colleagues.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add an agent; the first password is printed once."""
    from bot import setup

    password = setup.add_agent(configuration.load(config), login, name or login)
    err.print(f"login 登录名: {login}\npassword 密码: {password}", markup=False)


@app.command("list")
def list_all(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the agents as JSON."""
    from bot import setup

    print_json(setup.list_agents(configuration.load(config)))


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


@app.command("disable")
def disable(login: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Stop an agent from logging in, and end their sessions."""
    from bot import setup

    setup.disable_agent(configuration.load(config), login)
    err.print(f"{login}: disabled 已停用", markup=False)
