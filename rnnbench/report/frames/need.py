"""A row a variant and task: how many examples it needs to train on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.plan.ladders import Climb
from rnnbench.report.frames import _headlines
from rnnbench.suite import Suite

COLUMNS = _headlines.columns("need", "in examples: the geometric mean over seeds of the fewest down to which all are "
                             "solved")  # fmt: skip


def rows(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """Of the tasks that have a ladder of examples."""
    yield from _headlines.rows("need", climbs)
