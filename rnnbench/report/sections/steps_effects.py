"""What each part does to the steps to solve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import effort, stats, verdicts
from rnnbench.analysis.effort import Pace
from rnnbench.analysis.ranges import Range
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks, sections
from rnnbench.report.model import NBSP, Cell, Column, Table, clean, counted
from rnnbench.report.sections import ByTask
from rnnbench.settings import LOOK
from rnnbench.suite import TaskEntry, rungs


def tables(by_task: ByTask) -> list[Table]:
    """Parts x rungs, task by task: how much longer it takes to solve it without, or with, each part; rungs and
    parts of which nothing is known are left out. p is adjusted over the parts of all tasks."""
    every = effort.paces(sections.every(by_task))
    tests = sum(pace.place is not None for pace in every)
    drawn = [_table(task, climbs, [p for p in every if p.task == task.name], tests) for task, climbs in by_task]
    return [table for table in drawn if table is not None]


def _table(task: TaskEntry, climbs: Sequence[Climb], paces: Sequence[Pace], tests: int) -> Table | None:
    known = [pace for pace in paces if any(ratio.told for ratio in pace.ratios)]
    if not known:
        return None
    seeds = max(len(step.records) for climb in climbs for step in climb.steps)
    ratios = [{ratio.place: ratio for ratio in pace.ratios} for pace in known]
    shown = {place for own in ratios for place, ratio in own.items() if ratio.told}
    places = rungs.ordered(task, shown)
    tell = any(pace.least <= 1 - stats.LEVEL for pace in known)
    rows = []
    for pace, own in zip(known, ratios, strict=True):
        names = Cell((clean(pace.variant),), clean(pace.variant)), Cell((clean(pace.base),), clean(pace.base))
        chances = [marks.p_value(p) for p in (pace.p, pace.adjusted)]
        test = [Cell((str(pace.place),), pace.place), *chances] if pace.place is not None else [Cell(("",))] * 3
        cells = [marks.ratio(own[place], seeds) if place in own else Cell(("",)) for place in places]
        rows.append((*names, *cells, *(test if tell else ())))
    headings = (*(rungs.heading(task, place) for place in places), *(("at", "p", "adjusted") if tell else ()))
    enough = seeds >= verdicts.MINIMUM
    words = rungs.words(task)
    by = "" if words is rungs.LENGTHS else f" by {words.name}"
    tested = f"; two-sided sign test at one {words.one}; adjusted over {counted(tests, 'effect')} (step-down max-T)"
    return Table(
        title=f"{clean(task.name)}: effects on the steps to solve",
        about=f"steps of the variant over those of its base{by}, paired by seed: median ratio of "
        f"{counted(seeds, 'seed')}"
        + (f" and its 95{NBSP}% interval" if enough else "")
        + f"; to, ≥, ≤, ?: known to the look, one every {LOOK}; runs that did not solve took more than they had"
        + (tested if tell else ""),
        columns=(Column("", False), Column("against", False), *(Column(title) for title in headings)),
        rows=tuple(rows),
        notes=() if enough else (f"n too small for intervals and p: {verdicts.MINIMUM} seeds needed",),
    )


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    keys = sections.keys(climbs)
    return [_pace(pace, keys[pace.task]) for pace in effort.paces(climbs)]


def _pace(pace: Pace, key: str) -> dict[str, Any]:
    """`key` is what its rungs are told apart by."""
    ends = [{name: _ends(getattr(ratio, name)) for name in ("median", "interval")} for ratio in pace.ratios]
    ratios = [sections.placed(ratio, key) | each for ratio, each in zip(pace.ratios, ends, strict=True)]
    return sections.placed(pace, key) | {"ratios": ratios}


def _ends(found: Range) -> dict[str, float | None]:
    """The ends of a ratio, null where it has none."""
    return {"low": found.low or None, "high": found.high}
