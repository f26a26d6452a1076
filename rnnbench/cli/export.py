"""`rnnbench export`: the records of a suite, one a run."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from rnnbench.cli import app, common, options


@app.command()
def export(
    suite: options.OptionalSuite = None,
    results: options.Results = options.RESULTS,
    output: options.Output = None,
    format: Annotated[
        Literal["json", "csv"], typer.Option("--format", help="One JSON line or one CSV row a run.")
    ] = "json",
    canonical: Annotated[
        bool, typer.Option("--canonical", help="Results alone, sorted, byte-stable: no times, hosts, versions.")
    ] = False,
    curves: Annotated[
        bool, typer.Option("--curves/--no-curves", help="With each run's looks on the way, most of a file's size.")
    ] = True,
    filter: options.Filter = None,
    set: options.Set = None,
    seeds: options.Seeds = None,
) -> None:
    """Write out the records of a suite, one a run."""
    from rnnbench import records
    from rnnbench.plan import plan
    from rnnbench.plan.filter import select
    from rnnbench.plan.ladders import view
    from rnnbench.store import Store

    store = Store(results)
    chosen = select(plan(common.suite(suite, store, set, seeds)), filter)
    climbs = view(chosen, store.records(chosen.runs(), curves=curves))
    found = {r.id: r for c in climbs for r in c.records}
    if format == "csv":
        from rnnbench.report.frame import frame

        common.write(frame(climbs).to_csv(index=False), output)
    elif canonical:
        common.write(records.dump_canonical(found.values()), output)
    else:
        common.write("".join(records.canonical(r.as_dict()) + "\n" for _, r in sorted(found.items())), output)
