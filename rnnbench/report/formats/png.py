"""The charts of a report as files: PNG, 300 pixels an inch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnnbench.plan.ladders import Climb
from rnnbench.report import draw, figures
from rnnbench.suite import Suite


def files(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[str, bytes]]:
    return figures.files(suite, climbs, "png", draw.png)
