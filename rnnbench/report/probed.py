"""Probes as a report: side by side for a base and its variants, task by task and rung by rung.

A cell is the median over seeds; what stands in brackets beside it goes from the least to the most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnnbench.probing import Asked, Probed
from rnnbench.report import probe_tables, probe_values
from rnnbench.report.formats import markdown, table
from rnnbench.report.model import Report, clean, counted
from rnnbench.report.probe_rows import rows
from rnnbench.suite import rungs


@dataclass(frozen=True)
class Probes:
    """Runs that were probed, and what is reported of them."""

    report: Report
    made: tuple[Probed, ...]


FORMATS = ("csv", "json", "markdown", "table")
CURVE = (
    "gradient: J(k), the mean norm of d answer / d state k steps before the answer; a full block: J(k) / J(0) over .3, "
    "each block less: a third of that"
)
LEGEND = (
    CURVE,
    "tau: steps in which J falls by a factor of e, over lags T/8 to 7T/8; flat: |T / tau| < .5; negative: it grows",
)


def render(
    name: str, made: Sequence[Probed], asked: Asked, format: str, *, width: int | None = None, color: bool = False
) -> str:
    """Probes in one of FORMATS."""
    if format == "json":
        return probe_values.as_json(name, made, asked)
    if format == "csv":
        return probe_values.as_csv(made)
    told = report(name, made, asked)
    return markdown.show(told) if format == "markdown" else table.show(told, width, color)


def label(each: Probed) -> str:
    """A run in a few words."""
    return f"{each.variant} on {each.task} {rungs.named(each.run.rung)}, seed {each.run.seed}"


def report(name: str, made: Sequence[Probed], asked: Asked) -> Report:
    """All that was probed."""
    runs = counted(len({each.run.id for each in made}), "run")
    of = "answer" if asked.of == "answer" else "answer's loss"
    tables = []
    for task, rung in dict.fromkeys((each.task, rungs.named(each.run.rung)) for each in made):
        here = [each for each in made if (each.task, rungs.named(each.run.rung)) == (task, rung)]
        tables += probe_tables.tables(f"{clean(task)} {rung}", list(rows(here)))
    return Report(
        title=f"{clean(name)}: probes",
        about="",
        summary=f"{runs} trained again; gradient of the {of} over {asked.sequences} test sequences, by the cells' own "
        "equations in float64; median over seeds (least to most)",
        tables=tuple(tables),
        legend=LEGEND if any(probe.gradients for each in made for probe in each.probes) else (),
        notes=tuple(f"{label(each)}: {why}" for each in made if (why := _why(each))),
    )


def _why(each: Probed) -> str:
    if each.record is not None and not each.record.finished:
        return f"{each.record.status}: nothing to probe"
    return "; ".join(dict.fromkeys(probe.why for probe in each.probes if probe.why))
