"""`xiaoer import …`: orders and products from a table, and how any table is imported."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot import config as configuration
from bot.bars import progress
from bot.cli.common import DEFAULT_CONFIG, ConfigOption, err, print_json, reader_language, say

if TYPE_CHECKING:
    from bot.shop.sources.columns import Kind
    from bot.shop.sources.csv_file import Table
    from bot.shop.sources.importing import Summary

app = typer.Typer(help="Orders and products from a CSV file.", no_args_is_help=True)
BESIDE_A_SERVICE = (20, 0.12)
"""Orders in a transaction and seconds after it. So a service that writes to the same
SQLite file is let through: SQLite looks at most every 0.1 s whether the file is free."""

FileArgument = Annotated[Path, typer.Argument(help="CSV; UTF-8 or GB18030; , ; or tab.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be refused.")]
ErrorsOption = Annotated[
    Path | None, typer.Option("--errors", help="Write refused lines here, with the reason.")
]
AgainOption = Annotated[bool, typer.Option("--again", help="Even if it was imported before.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")]


@app.command()
def orders(
    file: FileArgument,
    dry_run: DryOption = False,
    errors: ErrorsOption = None,
    again: AgainOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Import orders. Interrupted, it goes on where it was when it is run again."""
    run("orders", file, errors, config, dry_run=dry_run, again=again, as_json=as_json)


@app.command()
def products(
    file: FileArgument,
    dry_run: DryOption = False,
    errors: ErrorsOption = None,
    again: AgainOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Import products. Interrupted, it goes on where it was when it is run again."""
    run("products", file, errors, config, dry_run=dry_run, again=again, as_json=as_json)


def run(
    kind: "Kind",
    file: Path,
    errors: Path | None,
    config: Path,
    *,
    dry_run: bool,
    again: bool,
    as_json: bool,
    pool: str = "",
) -> None:
    """Import a table of `kind`; coupons go into `pool`."""
    from bot import app as house
    from bot.shop.sources import csv_file, importing

    settings = configuration.load(config)
    table = csv_file.examine(file, kind, pool)
    _tell_columns(table)
    with progress(err) as bars:
        bar = bars.add_task(say("导入", "import"), total=table.lines)

        def meter(rows: int) -> None:
            bars.update(bar, completed=rows)

        if dry_run:
            with house.database(settings) if pool else nullcontext() as doubles:
                summary = importing.check(table, settings.shop.zone, meter, doubles)
        else:
            options = importing.Options(settings.shop.zone, reader_language(), errors, again)
            if house.is_running(settings):
                options = replace(options, at_once=BESIDE_A_SERVICE[0], pause=BESIDE_A_SERVICE[1])
            with house.database(settings) as db:
                try:
                    summary = importing.run(db, table, options, meter)
                except KeyboardInterrupt:
                    err.print(
                        say(
                            "已停下。再运行同一条命令，会从停下的地方继续。",
                            "Stopped. Run the same command again to go on from here.",
                        )
                    )
                    raise typer.Exit(130) from None
    _report(table, summary, dry_run=dry_run, as_json=as_json)


def _tell_columns(table: "Table") -> None:
    known = [
        f"{name} → {field}"
        for name, field in zip(table.header, table.fields, strict=True)
        if field and not field.startswith("+")
    ]
    passed = [name for name, field in zip(table.header, table.fields, strict=True) if not field]
    err.print(f"{table.path.name}: {table.encoding}, {', '.join(known)}", markup=False)
    if passed:
        err.print(
            f"{say('不认识、已略过的列', 'columns passed over')}: {', '.join(passed)}",
            markup=False,
        )


def _report(table: "Table", summary: "Summary", *, dry_run: bool, as_json: bool) -> None:
    for one in summary.errors:
        where = say(f"第 {one.line.number} 行", f"line {one.line.number}")
        err.print(f"{where}: {one.error.text(reader_language())}", style="red", markup=False)
    if as_json:
        print_json(_as_dict(table, summary, dry_run=dry_run))
    if summary.was_done or not as_json:
        said = _done_before(summary) if summary.was_done else _done(summary, dry_run=dry_run)
        err.print(said, markup=False)
    if summary.refused:
        raise typer.Exit(1)


def _done_before(summary: "Summary") -> str:
    return say(
        f"这个文件之前已经导入过（当时导入 {summary.stored} 条，{summary.refused} 行有误），"
        "这次什么也没做；要再来一次，请加 --again。",
        f"This file was imported before ({summary.stored} stored, {summary.refused} lines refused)"
        ", and nothing was done now; add --again to do it anew.",
    )


def _done(summary: "Summary", *, dry_run: bool) -> str:
    words = ("可导入", "would be stored") if dry_run else ("已导入", "stored")
    refused = say(f"{summary.refused} 行有误", f"{summary.refused} lines refused")
    return f"{say(*words)}: {summary.stored}, {refused}"


def _as_dict(table: "Table", summary: "Summary", *, dry_run: bool) -> dict[str, Any]:
    about = {
        "file": str(table.path), "kind": table.kind, "dry_run": dry_run,
        "encoding": table.encoding, "delimiter": table.delimiter,
    }  # fmt: skip
    return about | summary.as_dict(reader_language())
