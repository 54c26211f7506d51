"""`xiaoer faq …`: check the FAQ, find its gaps, try changes."""

from pathlib import Path
from typing import Annotated

import typer

from bot import config as configuration
from bot.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    config_or_example,
    err,
    print_json,
    reader_language,
)

app = typer.Typer(help="The FAQ: check it, find its gaps, try changes.", no_args_is_help=True)
SinceOption = Annotated[int, typer.Option(min=1, help="How many days to look back.")]


@app.command("check")
def check(
    folder: Annotated[
        Path | None, typer.Option("--faq", help="Another FAQ folder than the shop's.")
    ] = None,
    links: Annotated[bool, typer.Option(help="Try whether the links open.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say what is wrong or weak with the FAQ; status 1 when there are errors."""
    from bot import faq_tools

    settings = config_or_example(config)
    findings = faq_tools.check_faq(settings, folder or settings.content.faq, try_links=links)
    reader = reader_language()
    if as_json:
        print_json([finding.as_dict(reader) for finding in findings])
    for finding in [] if as_json else findings:
        err.print(finding.text(reader), markup=False)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


@app.command("gaps")
def gaps(
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

    settings, reader = configuration.load(config), reader_language()
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
            print_json(found)
        for summary in [] if as_json else found:
            err.print(lines(summary, reader), markup=False)


@app.command("replay")
def replay(
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
        print_json(result.as_dict())
    for line in [] if as_json else result.lines(reader_language()):
        err.print(line, markup=False)
    if result.regressions:
        raise typer.Exit(1)


@app.command("mark")
def mark(
    conversation_id: int,
    off: Annotated[bool, typer.Option("--off", help="Take the mark away.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Mark a conversation as right: `replay` then minds any change of its answers."""
    from bot import faq_tools

    faq_tools.mark_conversation(configuration.load(config), conversation_id, off=off)


@app.command("import")
def import_table(
    table: Annotated[Path, typer.Argument(help="A .csv or .xlsx file.")],
    into: Annotated[Path, typer.Option(help="The FAQ folder.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace what differs.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put the entries of a table into an FAQ folder; nothing when anything is wrong."""
    from bot import faq_tools

    settings = config_or_example(config)
    counts = faq_tools.import_table(settings, table, into, replace=replace, dry_run=dry_run)
    err.print("  ".join(f"{name} {number}" for name, number in counts.items()), markup=False)


@app.command("export")
def export_table(
    table: Annotated[Path, typer.Argument(help="The .csv or .xlsx file to write.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write the FAQ to a table, one row per entry and language."""
    from bot import faq_tools

    number = faq_tools.export_table(config_or_example(config), table, reader_language())
    err.print(f"{table}: {number}", markup=False)
