"""Sections of a report: one file, one statistic, found by its name.

A section has two functions: `table(task, climbs) -> Table | None`, what is known of one task, as a table that every
format draws; and `values(climbs) -> list`, the same as values, which stand in the JSON report under the section's name.
What it prints is computed in `analysis/`. Sections are printed in the order of their names.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from rnnbench.plan.ladders import Climb
from rnnbench.report.model import Table
from rnnbench.suite import TaskEntry

FLAT = "without ±: the seeds all came to the same, which does not say how much others would vary"


@cache
def _all() -> dict[str, ModuleType]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    return {name: importlib.import_module(f"rnnbench.report.sections.{name}") for name in names}


def tables(by_task: Sequence[tuple[TaskEntry, Sequence[Climb]]]) -> list[Table]:
    """Each section's tables, task by task."""
    drawn = (section.table(task, climbs) for section in _all().values() for task, climbs in by_task)
    return [table for table in drawn if table is not None]


def values(climbs: Sequence[Climb]) -> dict[str, list[Any]]:
    """Each section's values, by its name."""
    return {name: section.values(climbs) for name, section in _all().items()}
