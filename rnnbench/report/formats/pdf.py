"""The charts of a report as files: PDF, of the size of the chart, fonts embedded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnnbench.plan.ladders import Climb
from rnnbench.report import draw, figures
from rnnbench.suite import Suite


def files(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[str, bytes]]:
    return figures.files(suite, climbs, "pdf", draw.pdf)
