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


@app.command("link")
def link(login: str, telegram_id: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let an agent answer customers in the Telegram forum."""
    from bot import setup

    setup.link_agent(configuration.load(config), login, telegram_id)
    err.print(f"{login}: Telegram {telegram_id}", markup=False)


@app.command("unlink")
def unlink(login: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let an agent no longer answer in the Telegram forum."""
    from bot import setup

    setup.link_agent(configuration.load(config), login, "")
    err.print(f"{login}: no Telegram 已解除绑定", markup=False)


@app.command("disable")
def disable(login: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Stop an agent from logging in, and end their sessions."""
    from bot import setup

    setup.disable_agent(configuration.load(config), login)
    err.print(f"{login}: disabled 已停用", markup=False)
