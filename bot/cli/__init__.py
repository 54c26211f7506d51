"""The `xiaoer` command. JSON goes to standard output alone, all else to standard error."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bot import config as configuration
from bot.cli import agents, bench, care, coupons, deliveries, faq, imports, webhooks
from bot.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    config_or_example,
    err,
    print_json,
    reader_language,
)
from bot.core.errors import XiaoerError

app = typer.Typer(
    name="xiaoer",
    help="Xiaoer (店小二), the shop assistant that never sleeps.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(agents.app, name="agent")
app.add_typer(faq.app, name="faq")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(bench.app, name="bench")
app.add_typer(imports.app, name="import")
app.add_typer(coupons.app, name="coupons")
app.add_typer(care.app, name="care")
app.add_typer(webhooks.app, name="webhooks")


@app.command()
def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the service until it is told to stop."""
    from bot.serve import serve

    serve(configuration.load(config), pretty=sys.stderr.isatty())


@app.command()
def demo(
    port: Annotated[int, typer.Option(envvar="PORT", help="Port on 127.0.0.1.")] = 8090,
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = Path(".demo"),
) -> None:
    """Run a demo shop that needs nothing: customers, orders, one agent."""
    from bot import demo as demo_shop

    demo_shop.run(folder, port)


@app.command()
def ask(
    text: str,
    lang: Annotated[str | None, typer.Option(help="Answer in zh or en.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    explain: Annotated[bool, typer.Option(help="Show how the question was read.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Ask one question, as a customer would, and print the decision and the answer."""
    from bot import terminal

    if lang not in (None, "zh", "en"):
        raise typer.BadParameter("zh or en", param_hint="--lang")
    reply = asyncio.run(terminal.ask(config_or_example(config), text, lang))
    if as_json:
        print_json(reply.as_json(explain=explain))
    else:
        terminal.show(reply, explain=explain)


@app.command()
def chat(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Chat in the terminal; nothing is kept."""
    from bot import terminal

    asyncio.run(terminal.chat(config_or_example(config)))


@app.command()
def init(
    config: ConfigOption = DEFAULT_CONFIG,
    shop: Annotated[str | None, typer.Option(help="The shop's name; else it is asked.")] = None,
    login: Annotated[str | None, typer.Option(help="The first agent's; else it is asked.")] = None,
) -> None:
    """Write a configuration file and create the first agent."""
    from bot import setup

    setup.refuse_existing(config)
    try:
        shop = typer.prompt("Shop name 店名", err=True) if shop is None else shop
        if login is None:
            login = typer.prompt("First agent's login 第一位客服的登录名", "admin", err=True)
    except typer.Abort as gone:
        raise setup.NobodyAnswers from gone
    setup.init(config, shop, login, err)


@app.command()
def doctor(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check the installation and say what to mend."""
    from bot import setup

    if not setup.doctor(config, err):
        raise typer.Exit(1)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write all data to one file; the service may run meanwhile."""
    from bot import backup as backups

    backups.save(configuration.load(config), file, err, replace=force)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `xiaoer backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the data there is.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put all data of a backup into the database, be it SQLite or PostgreSQL."""
    from bot import backup as backups

    backups.restore(configuration.load(config), file, err, replace=force)


def main() -> NoReturn:
    """Run the command; expected errors are one clear message and exit status 1."""
    try:
        status = app(standalone_mode=False)  # the status of a `typer.Exit`, else None
    except typer.Abort:
        sys.exit(1)
    except XiaoerError as error:
        err.print(error.text(reader_language()), style="red", markup=False)
        sys.exit(1)
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # click: wrong use
            error.show()
            sys.exit(error.exit_code)
        raise
    sys.exit(status or 0)
