"""`xiaoer coupons …`: codes that the shop made, kept in pools, and how many are left."""

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot import config as configuration
from bot.cli import imports
from bot.cli.common import DEFAULT_CONFIG, ConfigOption, err, print_json, say

if TYPE_CHECKING:
    from storage.models.coupons import Pool

app = typer.Typer(help="Coupons: codes that are given to customers.", no_args_is_help=True)
_NAME = re.compile(r"[^\W_][\w-]{0,31}")


@app.command("import")
def import_(
    pool: Annotated[str, typer.Argument(help="The pool that they go into; made when new.")],
    file: imports.FileArgument,
    dry_run: imports.DryOption = False,
    errors: imports.ErrorsOption = None,
    again: imports.AgainOption = False,
    as_json: imports.JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Import codes: columns code, value and expires_at, or a list without a header."""
    if not _NAME.fullmatch(pool):
        what = say("券池名只能用文字、数字、- 和 _", "a pool's name has letters, digits, - and _")
        raise typer.BadParameter(what)
    imports.run(
        "coupons", file, errors, config, dry_run=dry_run, again=again, as_json=as_json, pool=pool
    )


@app.command("list")
def list_pools(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the pools: how many codes are left, were given, and have expired."""
    from bot import app as house
    from bot.shop import coupons

    with house.database(configuration.load(config)) as db:
        found = db.run(coupons.pools)
    if as_json:
        print_json([_as_dict(one) | {"low": coupons.is_low(one)} for one in found])
        return
    for one in found:
        low = say("  所剩不多", "  few are left") if coupons.is_low(one) else ""
        words = say(
            f"剩 {one.free}，已发 {one.given}，过期 {one.expired}",
            f"{one.free} left, {one.given} given, {one.expired} expired",
        )
        err.print(f"{one.name}: {words}{low}", markup=False)
    if not found:
        err.print(say("还没有优惠券。", "There are no coupons yet."), markup=False)


def _as_dict(pool: "Pool") -> dict[str, Any]:
    expires = pool.expires_at.isoformat() if pool.expires_at else None
    return asdict(pool) | {"expires_at": expires}
