"""Sections of a report: one file, one statistic, found by its name.

A section has two functions: `table(task, climbs) -> Table | None`, what is known of one task, as a table that every
format draws; and `values(climbs) -> list`, the same as values, which stand in the JSON report under the section's name.
One that looks across tasks has `tables(by_task) -> list[Table]` in place of the first. What it prints is computed in
`analysis/`. Sections are printed in the order of their names.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from rnnbench.plan.ladders import Climb
from rnnbench.report.model import Table
from rnnbench.suite import TaskEntry

FLAT = "without ±: the seeds all came to the same, which does not say how much others would vary"

ByTask = Sequence[tuple[TaskEntry, Sequence[Climb]]]


@cache
def _all() -> dict[str, ModuleType]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    return {name: importlib.import_module(f"rnnbench.report.sections.{name}") for name in names}


def tables(by_task: ByTask) -> list[Table]:
    """Each section's tables."""
    return [table for section in _all().values() for table in _tables(section, by_task)]


def _tables(section: ModuleType, by_task: ByTask) -> Iterator[Table]:
    if hasattr(section, "tables"):
        yield from section.tables(by_task)
    else:
        drawn = (section.table(task, climbs) for task, climbs in by_task)
        yield from (table for table in drawn if table is not None)


def every(by_task: ByTask) -> list[Climb]:
    """The climbs of all tasks."""
    return [climb for _, climbs in by_task for climb in climbs]


def values(climbs: Sequence[Climb]) -> dict[str, list[Any]]:
    """Each section's values, by its name."""
    return {name: section.values(climbs) for name, section in _all().items()}
