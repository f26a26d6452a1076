"""A row a variant and task: what it was trained to span."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.plan.ladders import Climb
from rnnbench.report.frames import _headlines
from rnnbench.suite import Suite

COLUMNS = _headlines.columns("span", "as a length: the geometric mean over seeds (Spearman, Kaerber)")


def rows(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """Of the tasks that are trained at each length."""
    yield from _headlines.rows("span", climbs)
