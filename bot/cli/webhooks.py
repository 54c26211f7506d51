"""`xiaoer webhooks …`: what other systems were told is seen, told again and tried out."""

import asyncio
import re
from datetime import timedelta
from typing import Annotated

import typer

from bot import config as configuration
from bot.cli.common import DEFAULT_CONFIG, ConfigOption, err, print_json, say
from bot.core.messages import Progress

app = typer.Typer(help="Other systems that are told what happens.", no_args_is_help=True)

FailedOption = Annotated[bool, typer.Option("--failed", help="Only what was given up.")]
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@app.command("list")
def list_some(
    failed: FailedOption = False,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List what was told, or is to be, newest first: state, tries, reason, next try."""
    from bot import app as house
    from bot.webhooks import ledger

    states = ledger.FAILED if failed else tuple(Progress)
    with house.database(configuration.load(config)) as db:
        found = db.run(ledger.listing, states, limit)
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    for one in found:
        err.print(one.line(), markup=False)
    if not found:
        err.print(say("没有。", "None."), markup=False)


@app.command()
def replay(
    ids: Annotated[list[int] | None, typer.Argument(help="Numbers from `list`.")] = None,
    since: Annotated[str, typer.Option(help="All of the last so long: 30m, 2h, 1d.")] = "",
    name: Annotated[str, typer.Option(help="Only of this webhook.")] = "",
    failed: FailedOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Tell again, under the same webhook-id: whoever had it knows it."""
    from bot import app as house
    from bot.core.clock import now
    from bot.webhooks import ledger

    if bool(ids) == bool(since):
        raise typer.BadParameter(say("给出编号或 --since", "give numbers, or --since"))
    moment = now() - _span(since) if since else None
    with house.database(configuration.load(config)) as db:
        count = db.run(ledger.replay, failed=failed, ids=ids or None, since=moment, name=name)
    err.print(f"{count} ✓", markup=False)
    if ids and count < len(ids):
        err.print(say("其余不存在，或正在发送", "the others do not exist, or are on their way"))
        raise typer.Exit(1)


@app.command("test")
def try_out(name: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Call a webhook now with a signed event of the type `webhook.test`."""
    from bot.webhooks import ledger

    known = {one.name: one for one in configuration.load(config).webhooks}
    if name not in known:
        names = ", ".join(known) or "-"
        raise typer.BadParameter(say(f"没有 {name}；有：{names}", f"no {name}; there are: {names}"))
    err.print(f"✓ {asyncio.run(ledger.try_out(known[name]))}", markup=False)


def _span(text: str) -> timedelta:
    """`30m`, `2h`, `1d`."""
    found = re.fullmatch(r"(\d{1,5})([mhd])", text)
    if found is None:
        raise typer.BadParameter(say("应写成 30m、2h 或 1d", "write 30m, 2h or 1d"))
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
