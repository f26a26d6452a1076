"""`rnnbench report`, `plan`, `list`, `export`: what is there and what it says."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rnnbench import environment
from rnnbench.cli import app, options
from rnnbench.report import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rnnbench.plan.ladders import Climb
    from rnnbench.store import Store
    from rnnbench.suite import Suite

FORMATS = f"How to print it: {', '.join(formats.names())}."


def _suite(name: str | None, store: Store, overrides: list[str] | None, seeds: str | None) -> Suite:
    from rnnbench import api

    if name is None:
        return api.last_suite(store)
    return api.load(name, overrides or (), seeds)


def write(text: str, output: Path | None) -> None:
    """To a file or to stdout, ending in one newline."""
    text = text.rstrip("\n") + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        with options.writing(output):
            output.write_text(text, "utf-8")


@app.command()
def report(
    suite: options.OptionalSuite = None,
    results: options.Results = options.RESULTS,
    output: options.Output = None,
    format: Annotated[str, typer.Option("--format", envvar="RNNBENCH_FORMAT", help=FORMATS)] = "table",
    filter: options.Filter = None,
    set: options.Set = None,
    seeds: options.Seeds = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Take the records from a JSON export (.gz too), not the results."),
    ] = None,
) -> None:
    """Tabulate how far back each variant remembers, with intervals."""
    from rnnbench import api
    from rnnbench.plan import plan
    from rnnbench.plan.filter import select
    from rnnbench.plan.ladders import view
    from rnnbench.report import render
    from rnnbench.store import Store

    formats.named(format)  # a wrong name is told before anything is read
    store = Store(results)
    chosen = select(plan(_suite(suite, store, set, seeds)), filter)
    climbs = view(chosen, api.exported(source)) if source else api.climbs(chosen, store)
    notes = api.warnings([r for c in climbs for r in c.records])
    terminal = output is None and sys.stdout.isatty()
    width = environment.columns() or (os.get_terminal_size().columns if terminal else 100)
    color = terminal and environment.color()
    write(render(chosen.suite, climbs, format, width=width, color=color, notes=notes), output)


@app.command()
def plan(
    suite: options.Suite,
    results: options.Results = options.RESULTS,
    filter: options.Filter = None,
    set: options.Set = None,
    seeds: options.Seeds = None,
    power: Annotated[
        bool, typer.Option("--power", help="How many seeds an effect of one octave needs, from the records there are.")
    ] = False,
) -> None:
    """Count a suite's runs, ladder by ladder, and say what is known of them."""
    from rnnbench import api
    from rnnbench import plan as planning
    from rnnbench.cli.run import describe
    from rnnbench.plan import ladders
    from rnnbench.plan.filter import select
    from rnnbench.store import Store

    chosen = select(planning.plan(api.load(suite, set or (), seeds)), filter)
    records = Store(results).records(chosen.runs())
    counts: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    lines = []
    for ladder in chosen.ladders:
        if ladder.reason:
            lines.append(f"{ladder.variant.name} on {ladder.task.name}: n/a, {ladder.task.name} {ladder.reason}")
        else:
            rungs = tuple(r.length for r in ladder.rungs)
            counts.setdefault((ladder.task.name, rungs), []).append(ladder.variant.name)
    for (task, rungs), variants in counts.items():
        shown = ", ".join(map(str, rungs if len(rungs) <= 12 else (*rungs[:5], "...", *rungs[-5:])))
        names = ", ".join(variants if len(variants) <= 20 else (*variants[:20], f"and {len(variants) - 20} more"))
        typer.echo(f"{task}: {len(variants)} variants ({names}) x {len(rungs)} lengths ({shown})")
    for line in lines:
        typer.echo(line)
    typer.echo(f"seeds: {len(chosen.suite.seeds)}")
    if (more := chosen.suite.more_steps) is not None:
        what = f"the first length that stays unsolved is trained again with {more.times} times the steps"
        typer.echo(f"more steps: {what}, at most {chosen.possible:,} runs")
    typer.echo(describe(chosen.suite.name, api.Forecast.of(chosen, records), api.cores()))
    if power:
        _power(ladders.view(chosen, records))


def _power(climbs: Sequence[Climb]) -> None:
    """The seeds that effects need, a line each."""
    from rnnbench.analysis import effects

    found = effects.powers(climbs)
    typer.echo("seeds to find one octave: 80 % power at two-sided 5 %, 6 or more; cautious: if they vary as they may")
    for p in found:
        at_end = "; some at an end of the ladder: may be more" if p.bound else ""
        needed = f"{_count(p.seeds)} seeds, cautious {_count(p.cautious)}"
        known = f"{p.n} pairs, deviation {p.deviation:.2f} octaves{at_end}"
        unknown = "can't be told: every span is at the same end of the ladder"
        typer.echo(f"{p.variant} on {p.task}: " + (unknown if p.flat else f"{needed} ({known})"))
    if not found:
        typer.echo("no part has two seeds whose spans are known; next: rnnbench run SUITE")


def _count(seeds: int) -> str:
    return "1000 or more" if seeds >= 1000 else str(seeds)


@app.command(name="list")
def list_(
    what: Annotated[
        Literal["cells", "layers", "tasks", "suites", "plugins"] | None,
        typer.Argument(help="cells, layers, tasks, suites or plugins; all of them without it."),
    ] = None,
) -> None:
    """List the cells, layers, tasks and suites that a suite or a command can name, each with its first line."""
    from rnnbench import plugins, registry
    from rnnbench.suite import load

    added = {
        f"{kind[:-1]} {name}": plugins.about(kind, name) for kind in plugins.GROUPS for name in plugins.named(kind)
    }
    kinds = (what,) if what else ("cells", "layers", "tasks", "suites", *(["plugins"] if added else []))
    for kind in kinds:
        if len(kinds) > 1:
            typer.echo(f"{kind}:")
        if kind == "plugins":
            about = added or {"none": "no installed package adds anything"}
        elif kind == "suites":
            about = {name: load.load(path).about.split(". ")[0] for name, path in load.shipped().items()}
        else:
            about = {name: registry.about(kind, name) for name in registry.known(kind)}
        width = max(map(len, about))
        for name, text in about.items():
            typer.echo(f"{'  ' * (len(kinds) > 1)}{name:<{width}}  {text}")


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

    formats.named(format)  # a wrong name is told before anything is read
    store = Store(results)
    chosen = select(plan(_suite(suite, store, set, seeds)), filter)
    climbs = view(chosen, store.records(chosen.runs(), curves=curves))
    found = {r.id: r for c in climbs for r in c.records}
    if format == "csv":
        from rnnbench.report.frame import frame

        write(frame(climbs).to_csv(index=False), output)
    elif canonical:
        write(records.dump_canonical(found.values()), output)
    else:
        write("".join(records.canonical(r.as_dict()) + "\n" for _, r in sorted(found.items())), output)
