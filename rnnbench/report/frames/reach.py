"""A row a variant and task: how far beyond what it was trained on it reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.plan.ladders import Climb
from rnnbench.report.frames import _headlines
from rnnbench.suite import Suite

COLUMNS = _headlines.columns("reach", "as a length: the geometric mean over seeds of the longest up to which all are "
                             "solved")  # fmt: skip


def rows(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """Of the tasks that are trained up to one length and tested at many."""
    yield from _headlines.rows("reach", climbs)
