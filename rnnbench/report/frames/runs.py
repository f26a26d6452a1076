"""A row a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.report import frame
from rnnbench.report.frames import Column
from rnnbench.suite import Suite

ABOUT = {
    "variant": "its name in the suite",
    "task": "its name in the suite",
    "length": "of the input, as the task counts it; one row for each that one training is tested at",
    "seed": "of the parameters and the data",
    "status": "solved, unsolved, diverged; failed, crashed, timeout of one that broke",
    "score": "on held-out examples, in [0, 1]: 0 is the best shortcut, 1 is perfect; nan of one that broke",
    "steps": "that were trained",
    "solved_at": "the step by which it was solved, known to the look; NA where it was not within its budget",
    "parameters": "how many numbers are trained",
    "seconds": "of training",
    "id": "the hash of what is asked for",
    "budget": "the steps that it might take",
    "choice": "whose choice of what is tuned: own",
    "examples": "on how many it trained, drawn once a seed; NA of one on fresh ones at each step",
}
COLUMNS = {name: Column(kind, ABOUT[name]) for name, kind in frame.COLUMNS.items()}


def rows(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """Those with the stated steps, each variant at its own choice of what is tuned."""
    yield from frame.rows(views.at(climbs))
