"""`rnnbench verify`: does an export hold what its runs come to?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rnnbench.cli import app, options
from rnnbench.errors import Exit, UserError


@app.command()
def verify(
    export: Annotated[Path, typer.Argument(help="A JSON export (.gz too), as `rnnbench export` writes it.")],
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="So many runs, drawn at random; else all.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which runs --sample draws.")] = 0,
    jobs: options.Jobs = 0,
) -> None:
    """Train runs of an export again and compare the records, bit for bit."""
    from rnnbench import api
    from rnnbench.check import again

    chosen = again.sample(api.exported(export), sample, seed)
    if not chosen:
        raise UserError(f"{export}: no run in it finished, expected some to train again", code=Exit.NOTHING_SELECTED)
    now = {}
    for record in api.train_again([record.run for record in chosen], jobs):
        now[record.id] = record
        print(f"[{len(now)}/{len(chosen)}] {again.label(record)}: {record.status}", file=sys.stderr)
    found = again.differences(chosen, now)
    for each in found:
        print(f"differs: {each.run}: {each.text}")
    promised = sum(each.promised for each in found)
    told = f", {promised} of them against their promise" if found else ", bit for bit"
    print(f"{export}: {len(chosen) - len(found)} of {len(chosen)} runs equal{told}")
    if found:
        raise typer.Exit(Exit.FAILED)
