"""A row a variant, task and candidate of what is tuned: how its pilots came out, and which one is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.analysis import tuning
from rnnbench.plan.ladders import Climb
from rnnbench.report.frames import Column
from rnnbench.suite import Suite
from rnnbench.suite.tuning import label

COLUMNS = {
    "variant": Column("str", "its name in the suite"),
    "task": Column("str", "its name in the suite"),
    "candidate": Column("str", "the settings that were tried: `lr 0.01, clip 1.0`"),
    "chosen": Column("bool", "whether the variant trains with these"),
    "edge": Column("bool", "whether a chosen setting is the least or the largest that was tried"),
    "validation": Column("float64", "mean over the pilots' lengths and seeds, in [0, 1]; nan while some lack or broke"),
    "steps": Column("float64", "mean steps to solve, or all; equals in validation are told apart by it"),
    "loss": Column("float64", "mean training loss at the last look, in nats or the task's own unit"),
    "missing": Column("int64", "pilots that are not run yet"),
    "broken": Column("int64", "pilots that broke"),
}


def rows(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """None of a suite that tunes nothing."""
    for sweep in tuning.sweeps(climbs):
        for k, trial in enumerate(sweep.chosen.trials):
            chosen = k == sweep.chosen.best
            told = trial.score, trial.steps, trial.loss_nats, trial.missing, trial.broken
            yield (sweep.variant, sweep.task, label(trial.candidate), chosen, chosen and bool(sweep.edges), *told)
