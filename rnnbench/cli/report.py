"""`rnnbench report`: how far back each variant remembers, in tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnbench.cli import app, common, options
from rnnbench.errors import Exit, UserError
from rnnbench.report import formats
from rnnbench.report.model import Report, counted

if TYPE_CHECKING:
    from rnnbench.plan import Plan
    from rnnbench.records import Record
    from rnnbench.report.probed import Probes
    from rnnbench.store import Store

FORMATS = (
    f"How to print it: {', '.join(formats.names())}; else as the output file's name ends, or as a table. "
    "pdf, png and svg are charts: -o names a folder."
)


@app.command()
def report(
    suite: options.OptionalSuite = None,
    results: options.Results = options.RESULTS,
    output: options.Output = None,
    format: Annotated[str | None, typer.Option("--format", envvar="RNNBENCH_FORMAT", help=FORMATS)] = None,
    filter: options.Filter = None,
    claim: options.Claim = None,
    set: options.Set = None,
    seeds: options.Seeds = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="FACTOR", help="Spans and effects by a factor of the suite's grids, `hidden`."),
    ] = None,
    whole: Annotated[
        bool,
        typer.Option("--all", help="Everything: scores at each length, every effect, steps, costs."),
    ] = False,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="PARTS", help="Some parts of it, with commas between: spans,effects."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Take the records from a JSON export (.gz too), not the results."),
    ] = None,
) -> None:
    """Tabulate, or draw, how far back each variant remembers, with intervals."""
    from rnnbench import api
    from rnnbench.plan import plan, reach, selection
    from rnnbench.plan.filter import select
    from rnnbench.report import files, render
    from rnnbench.store import Store

    format = format or (common.format_of(output, formats.suffixes(), "table") if output else "table")
    several = hasattr(formats.named(format), "files")  # a wrong name is told before anything is read
    if several and (output is None or by is not None):
        raise UserError(f"--format {format}: makes a file a chart; next: -o FOLDER, without --by")
    parts = _parts(only, whole, format, by)
    store = Store(results)
    asked = common.suite(suite, store, set, seeds)
    chosen = select(selection.claim(plan(asked), claim), filter)
    drawn = several or format == "html"  # learning curves with the rest
    climbs = api.shown(chosen, _exported(source, chosen, drawn)) if source else api.climbs(chosen, store, drawn)
    notes = api.warnings([r for c in climbs for r in reach.folded(c).records])
    notes += [] if source else api.orphaned(asked, store)
    made = files(chosen.suite, climbs, format)
    if made is not None and output is not None:
        common.say(f"{output}: {counted(common.write_files(made, output), 'chart')}", err=True)
        return
    width, color = common.screen(output)
    probed = chosen.suite.probe and source is None and by is None and parts is None
    probes = _probed(chosen, store) if probed and format in ("html", "markdown", "table") else None
    page = probes if format == "html" else None  # which has a place for them; elsewhere they are a report of their own
    at_once = format == "table" and not whole and parts is None and by is None
    text = render(
        chosen.suite, climbs, format, width=width, color=color, notes=notes, by=by, only=parts, brief=at_once,
        probes=page,
    )  # fmt: skip
    if probes and not page:
        text += "\n" + _below(probes.report, format, width, color)
    common.write(text, output)


def _parts(only: str | None, whole: bool, format: str, by: str | None) -> tuple[str, ...] | None:
    """The parts that are asked for; None where none is named. UserError where they can't be had."""
    if only is None:
        return None
    from rnnbench.report import brief

    beside = "--all" if whole else "--by" if by else f"--format {format}"
    if whole or by or format not in ("table", "markdown", "latex"):
        raise UserError(f"--only: got it beside {beside}, expected it alone, as a table, markdown or latex")
    return brief.chosen(only)


def _probed(chosen: Plan, store: Store) -> Probes:
    """The probes of a suite that asks for them, as far as they were made."""
    from rnnbench import api
    from rnnbench.probing import Asked, after
    from rnnbench.report import probed

    assert chosen.suite.probe is not None
    asked = Asked(after(chosen.suite.probe.at))
    wanted = api.to_probe(chosen, store, chosen.suite.probe.seeds)
    found = api.kept_probes(wanted, store, asked)
    lacking = len(wanted) - len(found)
    note = f"{lacking} of {len(wanted)} runs are not probed yet; next: rnnbench probe SUITE"
    report = probed.report(chosen.suite.name, found, asked)
    return probed.Probes(replace(report, notes=(note, *report.notes)) if lacking else report, tuple(found))


def _below(probes: Report, format: str, width: int, color: bool) -> str:
    """Probes below another report; only what is still to be done where there are none."""
    from rnnbench.report.formats import markdown, table

    if not probes.tables:
        return "".join(f"note: {note}\n" for note in probes.notes)
    return markdown.show(probes) if format == "markdown" else table.show(probes, width, color)


def _exported(source: Path, chosen: Plan, curves: bool) -> dict[str, Record]:
    """The records of an export; UserError where none is of a run that the suite names."""
    from rnnbench import api

    found = api.exported(source, curves=curves or chosen.pilots is not None)
    if found and not any(run.id in found for run in chosen.runs()):
        raise UserError(
            f"{source}: none of its {len(found)} runs is one of {chosen.suite.name}'s; name the suite that it is of",
            code=Exit.NOTHING_SELECTED,
        )
    return found
