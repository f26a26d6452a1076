"""Spans and effects against a factor: a row whatever the factor is, a column each of its values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rnnbench.analysis import effects, factors, spans
from rnnbench.errors import UserError, nearest
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks, tables
from rnnbench.report.model import NBSP, Cell, Column, Report, Table, clean
from rnnbench.report.sections.effects import bound
from rnnbench.suite import Suite, TaskEntry
from rnnbench.suite.points import label
from rnnbench.text import printable

Values = Mapping[str, Any]  # variant -> its value


def report(suite: Suite, climbs: Sequence[Climb], factor: str, notes: Sequence[str] = ()) -> Report:
    """What a report says of one factor of a suite; UserError where that is none."""
    known = factors.factors(suite.variants)
    if factor not in known:
        hint = nearest(printable(factor), known) if known else "it has no grid and no `starts`"
        raise UserError(f"--by: got '{printable(factor, 60)}', expected a factor of {printable(suite.name)}; {hint}")
    whole, climbs = climbs, views.at(climbs)
    every = [(task, [c for c in climbs if c.ladder.task.name == task.name]) for task in suite.tasks]
    drawn: list[Table | None] = []
    for task, own in every:
        found = {c.ladder.variant.name: factors.value(c, factor, suite.variants) for c in own}
        values = {name: value for name, value in found.items() if value is not factors.MISSING}
        if values:
            drawn.append(_spans(task, own, factor, values))
            drawn.append(_effects(task, own, factor, values))
    shown = [table for table in drawn if table is not None]
    return Report(
        title=f"{clean(suite.name)}, by {clean(factor)}",
        about=clean(suite.about.strip()),
        summary=tables.summary(suite, climbs, whole),
        tables=tuple(shown),
        legend=marks.legend(shown),
        notes=tuple(map(clean, notes)),
    )


def _spans(task: TaskEntry, climbs: Sequence[Climb], factor: str, values: Values) -> Table:
    """Variants x values: the span."""
    cells: dict[str, dict[str, Cell]] = {}
    for climb in climbs:
        variant = climb.ladder.variant
        if variant.name in values:
            drawn = marks.span(spans.span(climb), bool(climb.records))
            cells.setdefault(factors.row(variant, factor), {})[label(values[variant.name])] = drawn
    without = [clean(c.ladder.variant.name) for c in climbs if c.ladder.variant.name not in values]
    columns = factors.ordered(list(values.values()))
    return Table(
        title=f"{clean(task.name)}: {task.headline} by {clean(factor)}",
        about=f"the {task.headline} of each variant at each value of {clean(factor)}",
        columns=(Column("", False), *_headings(columns)),
        rows=tuple((_name(row), *_across(own, columns)) for row, own in cells.items()),
        notes=(f"without a value of {clean(factor)}: {', '.join(without)}",) if without else (),
        headline=task.headline,
    )


def _effects(task: TaskEntry, climbs: Sequence[Climb], factor: str, values: Values) -> Table | None:
    """Parts x values: what each part does to the span."""
    variants = {c.ladder.variant.name: c.ladder.variant for c in climbs}
    cells: dict[tuple[str, str], dict[str, Cell]] = {}
    found = [e for e in effects.effects(climbs, estimates=False) if e.n and e.variant in values]
    for e in found:
        names = factors.row(variants[e.variant], factor), factors.row(variants[e.base], factor)
        cells.setdefault(names, {})[label(values[e.variant])] = marks.effect(e.octaves, e.bound)
    if not found:
        return None
    columns = factors.ordered([values[e.variant] for e in found])
    n = sorted({e.n for e in found})
    pairs = f"{n[0]} to {n[-1]}" if n[-1] > n[0] else str(n[0])
    return Table(
        title=f"{clean(task.name)}: effects by {clean(factor)}",
        about=f"{task.headline} of the variant less that of its base, paired by seed, in octaves (log2): mean ± "
        f"half the 95{NBSP}% t interval, n = {pairs}; their p values are in the whole report",
        columns=(Column("", False), Column("against", False), *_headings(columns)),
        rows=tuple((*map(_name, names), *_across(own, columns)) for names, own in cells.items()),
        notes=(bound(task.headline),) if any(e.bound for e in found) else (),
    )


def _name(text: str) -> Cell:
    return Cell((clean(text),), clean(text))


def _headings(labels: Iterable[str]) -> list[Column]:
    return [Column(clean(each)) for each in labels]


def _across(cells: Mapping[str, Cell], labels: Iterable[str]) -> list[Cell]:
    return [cells.get(each, Cell(("",))) for each in labels]
