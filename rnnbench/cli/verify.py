"""`rnnbench verify`: does an export hold what its runs come to?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rnnbench.cli import app, common, options
from rnnbench.errors import Exit, UserError


@app.command()
def verify(
    export: Annotated[Path, typer.Argument(help="A JSON export (.gz too), as `rnnbench export` writes it.")],
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="So many runs, drawn at random; else all.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which runs --sample draws.")] = 0,
    suite: Annotated[
        str | None,
        typer.Option("--suite", metavar="SUITE", help="Whose files the runs are of, where some are ./FILE.py."),
    ] = None,
    jobs: options.Jobs = 0,
) -> None:
    """Train runs of an export again and compare the records, bit for bit."""
    from rnnbench import api, registry
    from rnnbench.check import again

    if suite is not None:
        api.load(suite)  # which says where its files are
    chosen = again.sample(api.exported(export), sample, seed)
    if not chosen:
        raise UserError(f"{export}: no run in it finished, expected some to train again", code=Exit.NOTHING_SELECTED)
    named = {str(v) for r in chosen for entry in (r.run.rung.model, r.run.rung.task) for v in entry.values()}
    if lost := sorted(name for name in named if registry.file_name(name) and name not in registry.placed()):
        raise UserError(
            f"{export}: got runs of {', '.join(lost)}, which can't be found; next: --suite SUITE, which names it"
        )
    now = {}
    for record in api.train_again([record.run for record in chosen], jobs):
        now[record.id] = record
        common.say(f"[{len(now)}/{len(chosen)}] {again.label(record)}: {record.status}", err=True)
    found = again.differences(chosen, now)
    for each in found:
        common.say(f"differs: {each.run}: {each.text}")
    promised = sum(each.promised for each in found)
    told = f", {promised} of them against their promise" if found else ", bit for bit"
    common.say(f"{export}: {len(chosen) - len(found)} of {len(chosen)} runs equal{told}")
    if found:
        raise typer.Exit(Exit.FAILED)
