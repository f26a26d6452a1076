"""`rnnbench report`: how far back each variant remembers, in tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from rnnbench.cli import app, common, options
from rnnbench.errors import Exit, UserError
from rnnbench.report import formats
from rnnbench.report.model import Report, counted

if TYPE_CHECKING:
    from rnnbench.plan import Plan
    from rnnbench.plan.ladders import Climb
    from rnnbench.records import Record
    from rnnbench.report.probed import Probes
    from rnnbench.store import Store

FIGURES = "; figures are a folder: --format svg|pdf|png -o FOLDER"
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
    watch: Annotated[
        bool, typer.Option("--watch", help="Draw it again whenever the store changed, until the run is done or Ctrl-C.")
    ] = False,
) -> None:
    """Tabulate, or draw, how far back each variant remembers, with intervals."""
    from rnnbench.report import files
    from rnnbench.store import Store

    format = format or (common.format_of(output, formats.suffixes(), "table", FIGURES) if output else "table")
    several = hasattr(formats.named(format), "files")  # a wrong name is told before anything is read
    if several and (output is None or by is not None):
        raise UserError(f"--format {format}: makes a file a chart; next: -o FOLDER, without --by")
    parts = _parts(only, whole, format, by)
    asked = _Asked(Store(results), suite, filter, claim, set, seeds, format, by, whole, parts, source)
    if watch:
        _watch(asked, output)
        return
    viewed = asked.viewed(several or format == "html")  # learning curves with the rest
    made = files(viewed.plan.suite, viewed.climbs, format)
    if made is not None and output is not None:
        common.say(f"{output}: {counted(common.write_files(made, output), 'chart')}", err=True)
        return
    common.write(asked.text(viewed, *common.screen(output)), output)


class _Viewed(NamedTuple):
    """What there is to report."""

    plan: Plan
    climbs: list[Climb]
    notes: list[str]


@dataclass(frozen=True)
class _Asked:
    """What the options ask for."""

    store: Store
    suite: str | None
    filter: str | None
    claim: int | None
    set: list[str] | None
    seeds: str | None
    format: str
    by: str | None
    whole: bool
    parts: tuple[str, ...] | None
    source: Path | None

    def viewed(self, curves: bool) -> _Viewed:
        from rnnbench import api
        from rnnbench.plan import plan, reach, selection
        from rnnbench.plan.filter import select

        asked = common.suite(self.suite, self.store, self.set, self.seeds)
        chosen = select(selection.claim(plan(asked), self.claim), self.filter)
        if self.source:
            climbs = api.shown(chosen, _exported(self.source, chosen, curves))
        else:
            climbs = api.climbs(chosen, self.store, curves)
        notes = api.warnings([r for c in climbs for r in reach.folded(c).records])
        return _Viewed(chosen, climbs, notes + ([] if self.source else api.orphaned(asked, self.store)))

    def text(self, viewed: _Viewed, width: int, color: bool) -> str:
        from rnnbench.report import render

        chosen, climbs, notes = viewed
        probed = chosen.suite.probe and self.source is None and self.by is None and self.parts is None
        probes = _probed(chosen, self.store) if probed and self.format in ("html", "markdown", "table") else None
        page = probes if self.format == "html" else None  # which has a place for them; elsewhere they stand below
        at_once = self.format == "table" and not self.whole and self.parts is None and self.by is None
        text = render(
            chosen.suite, climbs, self.format, width=width, color=color, notes=notes, by=self.by, only=self.parts,
            brief=at_once, probes=page,
        )  # fmt: skip
        return text + "\n" + _below(probes.report, self.format, width, color) if probes and not page else text


def _watch(asked: _Asked, output: Path | None) -> None:
    """Draws a report again and again; UserError where that makes no sense, or what is asked for isn't there."""
    from rnnbench.cli import watching

    beside = "-o" if output else "--from" if asked.source else f"--format {asked.format}"
    if output or asked.source or asked.format != "table":
        raise UserError(f"--watch: got it beside {beside}, expected a table for a terminal")
    watching.check()
    if asked.suite is not None:
        asked.viewed(False)  # a mistake is told at once; where nothing ran yet, the last suite may still come

    def draw(width: int, color: bool) -> watching.Drawn:
        viewed = asked.viewed(False)
        broken = sum(rung.tally.broken for climb in viewed.climbs for rung in climb.steps)
        return watching.Drawn(asked.text(viewed, width, color), sum(climb.left for climb in viewed.climbs), broken)

    watching.watch(draw, asked.store)


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
