"""A row a variant, task and rung: the mean score of the seeds, and the share of them that solve it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.analysis import spans
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.report.frames import Column
from rnnbench.suite import Suite

COLUMNS = {
    "variant": Column("str", "its name in the suite"),
    "task": Column("str", "its name in the suite"),
    "length": Column("int64", "of the input, as the task counts it"),
    "state": Column("str", "done; open: runs are missing; pruned: not to be run; implied: by other lengths"),
    "score": Column("float64", "mean over the seeds that finished, in [0, 1], a diverged one as 0; nan where none is"),
    "low": Column("float64", "the lower end of its 95 % t interval; nan unless all steps were spent (`stop: never`)"),
    "high": Column("float64", "the upper end"),
    "n": Column("int64", "seeds that finished"),
    "solved": Column("int64", "seeds that solve it"),
    "share": Column("float64", "of the seeds that finished, solve it"),
    "share_low": Column("float64", "the lower end of its 95 % interval (Jeffreys)"),
    "share_high": Column("float64", "the upper end"),
    "diverged": Column("int64", "seeds"),
    "failed": Column("int64", "seeds whose run broke: in neither n nor the mean"),
    "missing": Column("int64", "seeds that are not run yet, or pruned"),
    "examples": Column("Int64", "on how many runs train, drawn once a seed; NA of fresh ones at each step"),
}


def rows(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """Of what a variant can do."""
    for climb in views.at(climbs):
        for step in climb.steps:
            found = spans.score(step)
            yield (
                climb.ladder.variant.name,
                climb.ladder.task.name,
                step.rung.length,
                step.state,
                *found.score,
                found.n,
                found.solved,
                *found.share,
                found.diverged,
                found.failed,
                found.missing,
                step.rung.train.get("examples"),
            )
