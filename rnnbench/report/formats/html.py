"""A report as one HTML file, which works offline and without script."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.plan.ladders import Climb
from rnnbench.report import page
from rnnbench.report.probed import Probes
from rnnbench.suite import Suite

SUFFIXES = (".html", ".htm")


def render(
    suite: Suite,
    climbs: Sequence[Climb],
    *,
    width: int | None = None,
    color: bool = False,
    notes: Sequence[str] = (),
    probes: Probes | None = None,
) -> str:
    return page.made(suite, climbs, notes, probes)
