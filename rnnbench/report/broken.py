"""The runs that broke, in a few lines, and why."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.plan.ladders import Climb
from rnnbench.plan.reach import folded
from rnnbench.records import Record
from rnnbench.report import marks
from rnnbench.report.model import clean
from rnnbench.suite import rungs
from rnnbench.text import raised

ERRORS = 3  # how many failed runs of a task are quoted


def notes(climbs: Sequence[Climb]) -> list[str]:
    """A line for each of the first few, and how many there are besides."""
    trained = map(folded, climbs)
    runs = [(climb, r) for climb in trained for step in climb.steps if step.state != "pruned" for r in step.broken]
    out = [f"{marks.FAILED} {_where(climb, r)}: {r.status}{_why(r)}" for climb, r in runs[:ERRORS]]
    return out + ([f"{marks.FAILED} and {len(runs) - ERRORS} more"] if len(runs) > ERRORS else [])


def _where(climb: Climb, record: Record) -> str:
    more = f", {climb.ladder.budget} times the steps" if climb.ladder.budget > 1 else ""
    at = rungs.at(climb.ladder.task, climb.ladder.place(record.run.rung))
    return f"{clean(climb.ladder.variant.name)} {at}, seed {record.run.seed}{more}"


def _why(record: Record) -> str:
    why = clean(raised(record.error or "", 200))
    return f": {why}" if why else ""
