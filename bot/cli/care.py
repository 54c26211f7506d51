"""`xiaoer care …`: what the shop tells customers by itself, and what it sends to many."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot import config as configuration
from bot.cli import care_tables
from bot.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    err,
    print_json,
    print_table,
    reader_language,
    say,
)

if TYPE_CHECKING:
    from bot.app import Service
    from bot.care.say import Say
    from bot.words.phrases import Voice

app = typer.Typer(help="Care: journeys, and sending to many.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NameArgument = Annotated[str, typer.Argument(help="A journey or a sending.")]


@contextmanager
def _room(path: Path) -> Iterator["Service"]:
    """The installation, wired and not running, its database up to date."""
    from bot import app as house

    settings = configuration.load(path)
    with house.database(settings):
        pass
    service = house.build(settings)
    try:
        yield service
    finally:
        service.db.close()


def _words(voice: "Voice") -> "Say":
    """The desk's words for states, reasons and the like."""
    from bot.care.say import Say

    return Say(voice, reader_language())


@app.command("list")
def list_journeys(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the journeys: on or off, what sets them off, and what they did in 30 days."""
    from bot.care import overview

    with _room(config) as service:
        found = service.db.run(overview.journeys, service.care.book)
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    care_tables.journeys(_words(service.voice), found)


@app.command()
def check(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check the journeys' files: what is wrong, with file and line."""
    from bot import app as house
    from bot.care import files

    settings = configuration.load(config)
    words = house.content(settings).voice.words
    journeys, problems = files.check(settings.content.templates, words)
    if as_json:
        print_json({
            "journeys": sorted(journeys),
            "problems": [{"file": one.file, "line": one.line, "what": one.text(reader_language())}
                         for one in problems],
        })  # fmt: skip
    for one in problems:
        err.print(one.text(reader_language()), style="red", markup=False)
    err.print(say(f"{len(journeys)} 个旅程可用", f"{len(journeys)} journeys can be used"))
    if problems:
        raise typer.Exit(1)


@app.command()
def preview(
    name: NameArgument,
    customer: Annotated[
        list[str] | None, typer.Option(help="The shop's id of a customer; several times.")
    ] = None,
    language: Annotated[str, typer.Option(help="Only customers of this language.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many customers.")] = 5,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show how it reads for real customers, and what the guard would say. Nothing is sent."""
    from bot.care import counting

    with _room(config) as service:
        wanted = counting.Wanted(limit, language, tuple(customer or ()))
        found = service.db.run(counting.previews, service.care, name, wanted)
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    for one in found:
        care_tables.preview(_words(service.voice), one)
    if not found:
        err.print(say("没有这样的顾客。", "There are no such customers."))


@app.command()
def run(
    what: Annotated[str, typer.Argument(help="A TOML file that describes a sending, or its name.")],
    yes: Annotated[
        int | None, typer.Option("--yes", help="Do not ask: this is the number of customers.")
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not watch it.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Send to many: keep the file, count, ask for the number, begin. The service sends."""
    from bot.cli import sending

    with _room(config) as service:
        words = _words(service.voice)
        sending_id = sending.prepared(service, what)
        counted = sending.count(service, words, sending_id)
        if sending.begin(service, counted, yes) and not no_wait:
            sending.watch(service, words, sending_id)
        if as_json:
            print_json(sending.summary(service, sending_id))


@app.command()
def pause(
    name: NameArgument,
    resume: Annotated[bool, typer.Option("--resume", help="Go on.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End it, or switch it off.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let a journey or a sending rest; with --resume it goes on, with --stop it ends."""
    from bot.care import overview

    if resume and stop:
        raise typer.BadParameter(say("--resume 和 --stop 只能给一个", "--resume or --stop"))
    deed = "resume" if resume else "stop" if stop else "pause"
    with _room(config) as service:
        state = service.db.run(overview.turn, None, service.care.book, name, deed)
    err.print(f"{name}: {_words(service.voice)(f'state_{state}')} ✓", markup=False)


@app.command()
def report(
    name: Annotated[str, typer.Argument(help="A journey or a sending; all, without one.")] = "",
    span: Annotated[int, typer.Option(min=1, max=3650, help="Days back.")] = 30,
    within: Annotated[int, typer.Option(min=1, max=365, help="Days that effects count.")] = 7,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Did it work: replies, stops, orders and revenue, beside those who were not written to."""
    from bot.care import outcomes, overview

    with _room(config) as service:
        found = service.db.run(overview.report, name, span, within)
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    for one in found:
        err.print(one.line(reader_language()), markup=False)
    if not found:
        err.print(_words(service.voice)("outcomes_none"), markup=False)
        return
    words = outcomes.explained(within)
    err.print(say(*words), markup=False)


@app.command()
def sendings(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List what was sent to many: state, numbers, and of which messages nobody knows."""
    from bot.care import overview

    with _room(config) as service:
        found = service.db.run(overview.sendings)
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    if found:
        care_tables.sendings(_words(service.voice), found)
    else:
        err.print(say("还没有群发。", "Nothing was sent to many yet."))


@app.command("test")
def try_out(
    name: Annotated[str, typer.Argument(help="A sending.")],
    to: Annotated[str, typer.Option(help="Your own chat: channel/account/chat.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Send one message of a sending to yourself, in every language that it has."""
    from bot.care import counting

    with _room(config) as service:
        count = service.db.run(counting.send_test, None, service.care, name, to)
    err.print(f"{count} ✓", markup=False)


@app.command()
def birthdays(
    month: Annotated[int, typer.Option(min=0, max=12, help="1 to 12; the next one if 0.")] = 0,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write a table here.")] = None,
    remind: Annotated[bool, typer.Option("--remind", help="Note them for the agents.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List whose birthday it is, for gifts made by hand; without years and addresses."""
    from bot import app as house
    from bot.care import birthdays as days

    settings = configuration.load(config)
    zone, words = settings.shop.zone, _words(house.content(settings).voice)
    with house.database(settings) as db:
        found = db.run(days.listed, month or days.next_month(zone))
        noted = db.run(days.remind, None, found, zone) if remind else 0
    heads, rows = [words(f"b_{name}") for name in days.HEADS], days.rows(found)
    if csv is not None:
        _write(csv, days.to_csv([heads, *rows]))
    if as_json:
        print_json([dict(zip(days.HEADS, row, strict=True)) for row in rows])
    elif rows:
        print_table(heads, rows)
    else:
        err.print(words("b_none"), markup=False)
    if remind and found:
        err.print(days.noted_text(words, found, noted), markup=False)


def _write(path: Path, content: bytes) -> None:
    """Write a private file; one that is there is not replaced."""
    from bot.core.errors import XiaoerError

    try:
        with path.open("xb") as file:
            path.chmod(0o600)
            file.write(content)
    except FileExistsError as error:
        raise XiaoerError(
            f"{path} 已经在了，没有改动它。请换个文件名，或先把它移走。",
            f"{path} is there already and was left as it is. Choose another name, or move it away.",
        ) from error
    except OSError as error:
        raise XiaoerError(f"{path}：{error.strerror}", f"{path}: {error.strerror}") from error
