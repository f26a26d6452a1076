"""How many runs of each variant solved their task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnbench.plan.ladders import Climb
from rnnbench.suite import Suite


def render(suite: Suite, climbs: Sequence[Climb], **options: Any) -> str:
    lines = [suite.name]
    for climb in climbs:
        solved = sum(step.solved for step in climb.steps)
        lines.append(f"{climb.ladder.variant.name} on {climb.ladder.task.name}: {solved} of {len(climb.records)}")
    return "\n".join(lines) + "\n"
