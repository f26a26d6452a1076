"""The runs that broke, in a few lines, and why; and what mostly diverged."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.plan.ladders import Climb
from rnnbench.plan.reach import folded
from rnnbench.records import Record
from rnnbench.report import marks
from rnnbench.report.model import clean, counted
from rnnbench.settings import Settings
from rnnbench.suite import rungs
from rnnbench.text import raised

ERRORS = 3  # how many failed runs of a task are quoted


def notes(climbs: Sequence[Climb]) -> list[str]:
    """What broke, and what mostly diverged. Of pilots the latter says nothing: a sweep tries what may be too much."""
    return failed(climbs) + [line for climb in climbs if (line := _diverged(folded(climb)))]


def failed(climbs: Sequence[Climb]) -> list[str]:
    """A line for each of the first few that broke, and how many there are besides."""
    trained = map(folded, climbs)
    runs = [(climb, r) for climb in trained for step in climb.steps if step.state != "pruned" for r in step.broken]
    out = [f"{marks.FAILED} {_where(climb, r)}: {r.status}{_why(r)}" for climb, r in runs[:ERRORS]]
    return out + ([f"{marks.FAILED} and {len(runs) - ERRORS} more"] if len(runs) > ERRORS else [])


def _diverged(climb: Climb) -> str:
    """A line where half or more of a variant's runs on a task diverged: their scores don't say what it could learn."""
    done = [r for step in climb.steps if step.state != "pruned" for r in step.finished]
    lost = [r for r in done if r.status == "diverged"]
    if not lost or 2 * len(lost) < len(done):
        return ""
    rates = " or ".join(sorted({f"{Settings.of(r.run.rung).lr:g}" for r in lost}))
    who = f"{clean(climb.ladder.variant.name)} on {clean(climb.ladder.task.name)}"
    return f"{marks.DIVERGED} {who}: {len(lost)} of {counted(len(done), 'run')} diverged, at lr {rates}; try a lower"


def _where(climb: Climb, record: Record) -> str:
    more = f", {climb.ladder.budget} times the steps" if climb.ladder.budget > 1 else ""
    more += ", a pilot" if climb.ladder.choice == "pilot" else ""
    at = rungs.at(climb.ladder.task, climb.ladder.place(record.run.rung))
    return f"{clean(climb.ladder.variant.name)} {at}, seed {record.run.seed}{more}"


def _why(record: Record) -> str:
    why = clean(raised(record.error or "", 200))
    return f": {why}" if why else ""
