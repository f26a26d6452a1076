"""Sections of a report: one file, one statistic, found by its name.

A section has two functions: `table(task, climbs) -> Table | None`, what is known of one task, as a table that every
format draws; and `values(climbs) -> list`, the same as values, which stand in the JSON report under the section's name.
One that looks across tasks has `tables(by_task) -> list[Table]` in place of the first. What it prints is computed in
`analysis/`. Sections are printed in the order of their names. One climb a (variant, task) is what a section is given,
that of the stated steps; one that says `EVERY = True` is given all that there are.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.report.model import Table
from rnnbench.suite import TaskEntry, rungs

FLAT = "without ±: the seeds all came to the same, which does not say how much others would vary"

ByTask = Sequence[tuple[TaskEntry, Sequence[Climb]]]


@cache
def _all() -> dict[str, ModuleType]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    return {name: importlib.import_module(f"rnnbench.report.sections.{name}") for name in names}


def _given(section: ModuleType, climbs: Sequence[Climb]) -> Sequence[Climb]:
    return climbs if getattr(section, "EVERY", False) else views.at(climbs)


def tables(tasks: Sequence[TaskEntry], climbs: Sequence[Climb], wanted: Container[str]) -> list[Table]:
    """The tables of each section that is wanted, of all climbs."""
    chosen = {name: section for name, section in _all().items() if name in wanted}
    return [replace(table, kind=name) for name, section in chosen.items() for table in _tables(section, tasks, climbs)]


def _tables(section: ModuleType, tasks: Sequence[TaskEntry], climbs: Sequence[Climb]) -> Iterator[Table]:
    given = _given(section, climbs)
    by_task = [(task, [c for c in given if c.ladder.task.name == task.name]) for task in tasks]
    if hasattr(section, "tables"):
        yield from section.tables(by_task)
    else:
        drawn = (section.table(task, own) for task, own in by_task)
        yield from (table for table in drawn if table is not None)


def names() -> tuple[str, ...]:
    """Those of all sections."""
    return tuple(_all())


def every(by_task: ByTask) -> list[Climb]:
    """The climbs of all tasks."""
    return [climb for _, climbs in by_task for climb in climbs]


def keys(climbs: Sequence[Climb]) -> dict[str, str]:
    """By task, the key under which values have the place of a rung: `length`, or `examples`."""
    return {climb.ladder.task.name: rungs.words(climb.ladder.task).name for climb in climbs}


def placed(found: Any, key: str) -> dict[str, Any]:
    """What is known of one place of a ladder, a dataclass, as values, with that place under such a key."""
    return {key if name == "place" else name: value for name, value in dataclasses.asdict(found).items()}


def values(climbs: Sequence[Climb]) -> dict[str, list[Any]]:
    """Each section's values, by its name, of all climbs."""
    return {name: section.values(_given(section, climbs)) for name, section in _all().items()}
