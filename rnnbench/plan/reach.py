"""Ladders of one training that is tested at many lengths, unfolded: a rung for each of these lengths, whose records are
the training's own with the score at that length. So what is made of lengths (spans, reaches, scores, effects, claims,
baselines) is made alike, whether each was trained or only tested.

The driver trains what is folded; what is shown and judged is unfolded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from rnnbench import registry
from rnnbench.plan import Ladder
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.records import Record, Run, Rung


@dataclass(frozen=True)
class Tested(Rung):
    """A rung at one of the lengths at which its runs are tested; they are known by the ids of the training, `of`."""

    of: Rung | None = None

    @property
    def upto(self) -> int:
        """The longest length that is trained on."""
        return self.of.length if self.of else self.length

    @classmethod
    def at(cls, rung: Rung, length: int) -> Tested:
        return cls(rung.model, rung.task, length, rung.settings, rung.train, rung)

    def as_dict(self) -> dict[str, Any]:
        return self.of.as_dict() if self.of else super().as_dict()


@dataclass(frozen=True)
class Unfolded(Climb):
    """A climb with a step for each tested length of one training, `folded`."""

    folded: Climb | None = None


def rungs(ladder: Ladder) -> tuple[Rung, ...]:
    """A ladder's rungs, or, of one training, those at which it is tested; shortest first."""
    return tuple(
        each
        for rung in ladder.rungs
        for each in ([Tested.at(rung, length) for length in rung.tested] if rung.tested else [rung])
    )


def unfolded(climbs: Iterable[Climb]) -> list[Climb]:
    """Climbs as they are shown and judged."""
    return [_unfolded(climb) for climb in climbs]


def folded(climb: Climb) -> Climb:
    """A climb with a step for each training, as they are counted."""
    return climb.folded or climb if isinstance(climb, Unfolded) else climb


def _unfolded(climb: Climb) -> Climb:
    if isinstance(climb, Unfolded) or not any(step.rung.tested for step in climb.steps):
        return climb
    steps = (_tested(step, rung) for step in climb.steps for rung in rungs(replace(climb.ladder, rungs=(step.rung,))))
    return Unfolded(climb.ladder, tuple(steps), folded=climb)


def _tested(step: RungState, rung: Rung) -> RungState:
    return RungState(rung, tuple(r and at(r, rung) for r in step.records), step.state)


def at(record: Record, rung: Rung) -> Record:
    """A training's record as its test at a rung's length alone: solved if that score is at the task's bar. A run that
    diverged or broke did so at every length. Since when it was solved is known of lengths that decide when to stop."""
    run = Run(rung, record.run.seed)
    if not record.scores:
        return replace(record, run=run)
    score = dict(record.scores)[rung.length]
    solved = score >= registry.task_class(rung.task["task"]).bar
    known = record.solved_at if solved and not (isinstance(rung, Tested) and rung.length > rung.upto) else None
    return replace(
        record,
        run=run,
        status="solved" if solved else "unsolved",
        score=score,
        solved_at=known,
        scores=(),
        positions=(),
    )
