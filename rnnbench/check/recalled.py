"""A baseline as a view: of each seed's span the runs that it must have come from, solved or not and nothing more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from rnnbench import strict
from rnnbench.check.baseline import LARGEST, Baseline, asked, cure
from rnnbench.errors import UserError
from rnnbench.plan import Plan, reach
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.records import Record, Run


def is_baseline(path: Path) -> bool:
    """Whether a file is one, of whatever version, rather than an export's lines."""
    try:
        with strict.opened(path) as file:
            value = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "variants" in value


def climbs(was: Baseline, plan: Plan, path: Path) -> Iterator[Climb]:
    """The ladders of a plan that it holds. UserError where they have come to ask for other runs."""
    for ladder in plan.ladders:
        cell = was.variants.get(ladder.variant.name, {}).get(ladder.task.name)
        if cell is None:
            continue
        if cell.asked != asked(ladder):
            name = f"{ladder.variant.name} on {ladder.task.name}"
            raise UserError(f"{path}: {name}: it is of other runs than {plan.suite.name} asks for; "
                            f"{cure()}")  # fmt: skip
        steps = tuple(
            RungState(
                rung,
                tuple(
                    Record(Run(rung, seed), "solved" if k < reached else "unsolved", score=float(k < reached))
                    for seed, reached in zip(was.seeds, cell.spans, strict=True)
                ),
                "done",
            )
            for k, rung in enumerate(reach.rungs(ladder))
        )
        yield Climb(ladder, steps)
