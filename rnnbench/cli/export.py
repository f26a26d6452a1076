"""`rnnbench export`: the records of a suite, one a run."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from rnnbench.cli import app, common, options
from rnnbench.errors import UserError
from rnnbench.text import printable

SUFFIXES = {".json": "json", ".jsonl": "json", ".csv": "csv", ".parquet": "parquet"}


@app.command()
def export(
    suite: options.OptionalSuite = None,
    results: options.Results = options.RESULTS,
    output: options.Output = None,
    format: Annotated[
        Literal["json", "csv", "parquet"] | None,
        typer.Option(
            "--format",
            help="A JSON line a run, or a row of CSV or Parquet; else as the output file's name ends, or JSON.",
        ),
    ] = None,
    canonical: Annotated[
        bool, typer.Option("--canonical", help="Results alone, sorted, byte-stable: no times, hosts, versions.")
    ] = False,
    curves: Annotated[
        bool | None,
        typer.Option(
            "--curves/--no-curves",
            help="With each run's looks on the way, most of a file's size; JSON alone has them, and by default.",
            show_default=False,
        ),
    ] = None,
    filter: options.Filter = None,
    set: options.Set = None,
    seeds: options.Seeds = None,
) -> None:
    """Write out the records of a suite, one a run; packed by gzip where the file's name ends in .gz."""
    from rnnbench import api
    from rnnbench.plan import plan
    from rnnbench.plan.filter import select
    from rnnbench.plan.ladders import view
    from rnnbench.records import canonical as as_json
    from rnnbench.report import frame, parquet
    from rnnbench.store import Store, bulk

    plain = output.with_suffix("") if output is not None and common.packed(output) else output
    kind = format or common.format_of(plain, SUFFIXES, "json")
    if canonical and kind != "json":
        raise UserError(f"--canonical: got it beside the format {kind}, expected json")
    if curves and kind != "json":
        raise UserError(f"--curves: got it beside the format {kind}, which has a row a run; expected json")
    if kind == "parquet":
        if plain != output:
            raise UserError(
                f"--output: got '{printable(str(output), 200)}', expected FILE.parquet, which is packed itself"
            )
        parquet.here()
        if output is None:
            raise UserError("--format parquet: makes a file of bytes; next: -o FILE.parquet")
    store = Store(results)
    chosen = select(plan(common.suite(suite, store, set, seeds)), filter)
    known = api.records(chosen, store)
    if kind == "csv":
        common.write_lines(frame.csv(api.shown(chosen, known)), output)
        return
    if kind == "parquet" and output is not None:
        with common.writing(output):
            parquet.write(api.shown(chosen, known), output)
        return
    if chosen.pilots is not None:  # of what could have been chosen only what was
        known = {record.id: record for climb in view(chosen, known) for record in climb.records}
    found = bulk.by_id(store, known, curves is not False)
    common.write_lines((as_json(r.results() if canonical else r.as_dict()) for r in found), output)
