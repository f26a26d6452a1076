"""The charts of a report as files: one a task, a kind and a size, ready for a paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from rnnbench.plan.ladders import Climb
from rnnbench.report import charts, looks
from rnnbench.report.study import Study
from rnnbench.suite import Suite

SIZES = {"1col": looks.COLUMN, "2col": looks.COLUMNS}


def files(
    suite: Suite, climbs: Sequence[Climb], ending: str, draw: Callable[[charts.Spec], bytes]
) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each: `adding-scores-1col.pdf`, 3.5 inches wide, and `-2col`, 7.2."""
    every, study = looks.series(suite.variants), Study(climbs)
    given: set[str] = set()
    for task in suite.tasks:
        stem = _stem(task.name, given)
        for size, look in SIZES.items():
            for name, chart in charts.charts(task, study, every, look).items():
                yield f"{stem}-{name}-{size}.{ending}", draw(chart.spec)


def _stem(name: str, given: set[str]) -> str:
    """A name as that of a file, wherever it came from, unlike those that were given before."""
    stem = re.sub(r"[^A-Za-z0-9_.+-]", "_", name).lstrip(".-") or "task"
    while stem in given:
        stem += "_"
    given.add(stem)
    return stem
