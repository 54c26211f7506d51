"""`xiaoer bench …`: measurements on the shop's own texts."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.common import (
    err,
    print_json,
)

app = typer.Typer(help="Measurements.", no_args_is_help=True)


@app.command("answers")
def answers(
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
        print_json(result)
    else:
        for name, value in result.items():
            err.print(f"{name:>12}  {value}", markup=False)
