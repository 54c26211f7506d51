"""`xiaoer deliveries …`: what could not be sent is seen, tried again or given up."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot import config as configuration
from bot.cli.common import DEFAULT_CONFIG, ConfigOption, err, print_json, say
from bot.core.messages import Progress

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.db import Database

app = typer.Typer(help="Messages that were not sent: see, retry, drop.", no_args_is_help=True)

Deed = Callable[["Session", Sequence[int]], list[int]]
_AT_ONCE = 500

StateOption = Annotated[
    list[Progress] | None, typer.Option("--state", help="Only these; may be given several times.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
IdsArgument = Annotated[list[int] | None, typer.Argument(help="Numbers from `list`.")]


@app.command("list")
def list_some(
    state: StateOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    after: Annotated[int, typer.Option(min=0, help="Only those with greater numbers.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List what failed, is uncertain or is held, with the reason, oldest first."""
    from bot import app as house
    from bot.delivery import dead_letters

    with house.database(configuration.load(config)) as db:
        letters = db.run(dead_letters.listing, state or dead_letters.STUCK, limit, after)
        counts = db.run(dead_letters.counts)
    if as_json:
        print_json([letter.as_dict() for letter in letters])
        return
    for letter in letters:
        err.print(letter.line(), markup=False)
    summary = "  ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    nothing = say("没有需要推送的消息。", "There never was a message to push.")
    err.print(summary or nothing, markup=False)


@app.command()
def retry(
    ids: IdsArgument = None,
    state: StateOption = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Send stuck messages again, by number or by state. Uncertain ones may arrive twice."""
    from bot.delivery import dead_letters

    _act(config, ids, state, dead_letters.retry, say("重新发送", "to send again"), yes=yes)


@app.command()
def drop(
    ids: IdsArgument = None,
    state: StateOption = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give up messages, by number or by state; they are kept as failed."""
    from bot.delivery import dead_letters

    _act(config, ids, state, dead_letters.drop, say("放弃", "to give up"), yes=yes)


def _act(
    config: Path,
    ids: list[int] | None,
    state: list[Progress] | None,
    deed: Deed,
    what: str,
    *,
    yes: bool,
) -> None:
    """Count, ask, and do it some at a time: what is done stays done when it is interrupted."""
    from bot import app as house

    if not ids and not state:
        raise typer.BadParameter(say("给出编号或 --state", "give numbers, or --state"))
    with house.database(configuration.load(config)) as db:
        chosen = ids or _all_in(db, state or [])
        if not yes:
            typer.confirm(f"{len(chosen)} {what}?", abort=True, err=True)
        done = [one for part in _parts(chosen) for one in db.run(deed, part)]
    err.print(f"{len(done)} / {len(chosen)} ✓", markup=False)
    if len(done) < len(chosen) and ids:
        left = sorted(set(chosen) - set(done))
        reason = say("不存在，或不在可处理的状态", "do not exist, or are in another state")
        err.print(f"{left}: {reason}", markup=False)
        raise typer.Exit(1)


def _all_in(db: "Database", state: list[Progress]) -> list[int]:
    from bot.delivery import dead_letters

    found: list[int] = []
    while part := db.run(dead_letters.listing, state, _AT_ONCE, found[-1] if found else 0):
        found += [letter.id for letter in part]
    return found


def _parts(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
