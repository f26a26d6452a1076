"""A row a look at a run under way: its learning curve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.plan import views
from rnnbench.plan.budgets import derived
from rnnbench.plan.ladders import Climb
from rnnbench.plan.reach import folded
from rnnbench.report.frames import Column
from rnnbench.suite import Suite

COLUMNS = {
    "variant": Column("str", "its name in the suite"),
    "task": Column("str", "its name in the suite"),
    "length": Column("int64", "that was trained; the longest, of one training at many"),
    "seed": Column("int64", "of the parameters and the data"),
    "step": Column("int64", "how many steps of training were done by then"),
    "loss": Column("float64", "mean training loss since the look before, in nats or the task's own unit"),
    "score": Column("float64", "mean score of the training batches since the look before, in [0, 1]"),
    "validation": Column("float64", "score on the validation split, in [0, 1]; nan at looks that had none"),
    "id": Column("str", "the run's"),
    "examples": Column("Int64", "on how many it trains, drawn once a seed; NA of fresh ones at each step"),
}


def rows(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """Of every run that the frame of runs has; none of an export without curves."""
    for climb in map(folded, views.at(climbs)):
        names = climb.ladder.variant.name, climb.ladder.task.name
        for step in climb.steps:
            for r in step.records:
                if r is not None and not derived(step.rung, r):
                    run = r.run.rung.length, r.run.seed
                    few = r.run.rung.train.get("examples")
                    for p in r.curve:
                        yield (*names, *run, p.step, p.loss, p.score, p.select, r.id, few)
