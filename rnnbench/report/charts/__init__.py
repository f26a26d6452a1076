"""Charts of a report: one file, one kind of picture, found by its name; a picture is a Vega-Lite specification.

A chart has a function `chart(task, study, series, look) -> Chart | None`: what is known of one task, as a plain dict
that `draw.py` makes SVG, PDF or PNG of; None where there is nothing to draw. It is pure: no file, no font, no package
is touched by it. One that draws learning curves says CURVES = True. Each variant's marks are layers of their own, named
after its series (`s3`, `s3_band`), which become classes in the SVG: so a page can switch a variant off everywhere. What
a chart shows is computed in `analysis/`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from rnnbench.report.looks import Look, Series
from rnnbench.report.study import Study
from rnnbench.suite import TaskEntry

Spec = dict[str, Any]
ORDER = (
    "spans",
    "scores",
    "solved",
    "effects",
    "interactions",
    "steps",
    "tuning",
    "trials",
    "curves",
)  # what comes first on a page; others after
ON_DEMAND = {"curves"}  # large, and wanted seldom: a page shows them when asked


@dataclass(frozen=True)
class Chart:
    """A picture: its specification, its title, what its marks mean, and a text that says what it shows to who can't see
    it."""

    spec: Spec
    title: str
    about: str
    alt: str


@cache
def names() -> tuple[str, ...]:
    """The names of all charts, in the order in which they are shown."""
    found = {path.stem for path in Path(__file__).parent.glob("[a-z]*.py")}
    return (*(name for name in ORDER if name in found), *sorted(found - set(ORDER)))


@cache
def _all() -> dict[str, ModuleType]:
    return {name: importlib.import_module(f"rnnbench.report.charts.{name}") for name in names()}


def named(name: str) -> ModuleType:
    """The chart of that name, one of `names()`."""
    return _all()[name]


def charts(task: TaskEntry, study: Study, series: Mapping[str, Series], look: Look) -> dict[str, Chart]:
    """Every chart of one task, by its name."""
    drawn = {name: module.chart(task, study, series, look) for name, module in _all().items()}
    return {name: each for name, each in drawn.items() if each is not None}
