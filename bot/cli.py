"""The `xiaoer` command. JSON goes to standard output alone, all else to standard error."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from bot import config as configuration
from bot.core.errors import XiaoerError

app = typer.Typer(
    name="xiaoer",
    help="Xiaoer (店小二), the shop assistant that never sleeps.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
agents = typer.Typer(help="People who answer at the desk.", no_args_is_help=True)
app.add_typer(agents, name="agent")
faq = typer.Typer(help="The FAQ: check it, find its gaps, try changes.", no_args_is_help=True)
app.add_typer(faq, name="faq")
bench = typer.Typer(help="Measurements.", no_args_is_help=True)
app.add_typer(bench, name="bench")

err = Console(stderr=True, highlight=False, soft_wrap=True)

ConfigOption = Annotated[
    Path,
    typer.Option("--config", envvar="XIAOER_CONFIG", help="The configuration file."),
]
SinceOption = Annotated[int, typer.Option(min=1, help="How many days to look back.")]
DEFAULT_CONFIG = Path("config.toml")


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
    reply = asyncio.run(terminal.ask(_config_or_example(config), text, lang))
    if as_json:
        _print_json(reply.as_json(explain=explain))
    else:
        terminal.show(reply, explain=explain)


@app.command()
def chat(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Chat in the terminal; nothing is kept."""
    from bot import terminal

    asyncio.run(terminal.chat(_config_or_example(config)))


@app.command()
def init(
    config: ConfigOption = DEFAULT_CONFIG,
    shop: Annotated[str, typer.Option(prompt="Shop name 店名")] = "",
    login: Annotated[str, typer.Option(prompt="First agent's login 第一位客服的登录名")] = "admin",
) -> None:
    """Write a configuration file and create the first agent."""
    from bot import setup

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


@agents.command("add")
def agent_add(
    login: str,
    name: Annotated[str, typer.Option(help="Shown to colleagues.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add an agent; the first password is printed once."""
    from bot import setup

    password = setup.add_agent(configuration.load(config), login, name or login)
    err.print(f"login 登录名: {login}\npassword 密码: {password}", markup=False)


@agents.command("list")
def agent_list(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the agents as JSON."""
    from bot import setup

    _print_json(setup.list_agents(configuration.load(config)))


@agents.command("disable")
def agent_disable(login: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Stop an agent from logging in, and end their sessions."""
    from bot import setup

    setup.disable_agent(configuration.load(config), login)
    err.print(f"{login}: disabled 已停用", markup=False)


@faq.command("check")
def faq_check(
    folder: Annotated[
        Path | None, typer.Option("--faq", help="Another FAQ folder than the shop's.")
    ] = None,
    links: Annotated[bool, typer.Option(help="Try whether the links open.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say what is wrong or weak with the FAQ; status 1 when there are errors."""
    from bot import faq_tools

    settings = _config_or_example(config)
    findings = faq_tools.check_faq(settings, folder or settings.content.faq, try_links=links)
    reader = _reader_language()
    if as_json:
        _print_json([finding.as_dict(reader) for finding in findings])
    for finding in [] if as_json else findings:
        err.print(finding.text(reader), markup=False)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


@faq.command("gaps")
def faq_gaps(
    since: SinceOption = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    draft: Annotated[int | None, typer.Option(help="Draft an entry for this gap.")] = None,
    into: Annotated[Path | None, typer.Option(help="The FAQ folder for the draft.")] = None,
    close: Annotated[int | None, typer.Option(help="Mark this gap as dealt with.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the questions that were not settled, those that mean the same together."""
    from bot import faq_tools
    from bot.answering.gaps import lines

    settings, reader = configuration.load(config), _reader_language()
    if (draft is None) != (into is None):
        raise typer.BadParameter("--draft GAP --into FOLDER", param_hint="--draft, --into")
    if draft is not None and into is not None:
        for entry in faq_tools.draft(settings, draft, into, since):
            err.print(f"{into / entry.source.file}: {entry.id}", markup=False)
    elif close is not None:
        err.print(f"{faq_tools.close_gap(settings, close, since)} ✓", markup=False)
    else:
        found = faq_tools.gaps(settings, since)
        if as_json:
            _print_json(found)
        for summary in [] if as_json else found:
            err.print(lines(summary, reader), markup=False)


@faq.command("replay")
def faq_replay(
    candidate: Annotated[
        Path, typer.Option("--faq", exists=True, file_okay=False, help="The FAQ folder to try.")
    ],
    since: SinceOption = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Ask past questions of another FAQ; status 1 when a marked conversation would change."""
    from bot import faq_tools

    result = faq_tools.replay_log(configuration.load(config), candidate, since)
    if as_json:
        _print_json(result.as_dict())
    for line in [] if as_json else result.lines(_reader_language()):
        err.print(line, markup=False)
    if result.regressions:
        raise typer.Exit(1)


@faq.command("mark")
def faq_mark(
    conversation_id: int,
    off: Annotated[bool, typer.Option("--off", help="Take the mark away.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Mark a conversation as right: `replay` then minds any change of its answers."""
    from bot import faq_tools

    faq_tools.mark_conversation(configuration.load(config), conversation_id, off=off)


@faq.command("import")
def faq_import(
    table: Annotated[Path, typer.Argument(help="A .csv or .xlsx file.")],
    into: Annotated[Path, typer.Option(help="The FAQ folder.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace what differs.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put the entries of a table into an FAQ folder; nothing when anything is wrong."""
    from bot import faq_tools

    settings = _config_or_example(config)
    counts = faq_tools.import_table(settings, table, into, replace=replace, dry_run=dry_run)
    err.print("  ".join(f"{name} {number}" for name, number in counts.items()), markup=False)


@faq.command("export")
def faq_export(
    table: Annotated[Path, typer.Argument(help="The .csv or .xlsx file to write.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write the FAQ to a table, one row per entry and language."""
    from bot import faq_tools

    number = faq_tools.export_table(_config_or_example(config), table, _reader_language())
    err.print(f"{table}: {number}", markup=False)


@bench.command("answers")
def bench_answers(
    train: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="text<TAB>label")],
    test: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="text<TAB>label")],
    oos: Annotated[Path | None, typer.Option(exists=True, help="Out-of-scope texts.")] = None,
    shots: Annotated[int | None, typer.Option(min=1, help="Phrasings per entry.")] = None,
    seed: int = 0,
    engine: Annotated[str, typer.Option(help="xiaoer or rapidfuzz")] = "xiaoer",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure the answering engine on labelled texts."""
    from bot.answering import benchmark

    if engine not in ("xiaoer", "rapidfuzz"):
        raise typer.BadParameter("xiaoer or rapidfuzz", param_hint="--engine")
    result = benchmark.bench_answers(train, test, oos, shots, seed, engine)
    if as_json:
        _print_json(result)
    else:
        for name, value in result.items():
            err.print(f"{name:>12}  {value}", markup=False)


def main() -> NoReturn:
    """Run the command; expected errors are one clear message and exit status 1."""
    try:
        status = app(standalone_mode=False)  # the status of a `typer.Exit`, else None
    except typer.Abort:
        sys.exit(1)
    except XiaoerError as error:
        err.print(error.text(_reader_language()), style="red", markup=False)
        sys.exit(1)
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # click: wrong use
            error.show()
            sys.exit(error.exit_code)
        raise
    sys.exit(status or 0)


def _config_or_example(path: Path) -> configuration.Config:
    """The installation's configuration, or the example's, so that a question needs no set-up."""
    return configuration.load(path if path.exists() else configuration.EXAMPLE)


def _reader_language() -> str:
    return "zh" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("zh") else "en"


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
