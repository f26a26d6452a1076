"""Suites whose truth is known: drawn spans, scores and steps, and the view of the records that such runs would leave.

On each variant and task seed k has a latent span, in octaves (log2 of a length),

    truth + between b_k + own e_k,

b_k shared by all variants of a task (it is what pairing takes out), e_k each one's own; and a rung is solved iff log2
of its length lies below that plus run r, r another for every run. A score is the logistic function of a normal number,
or, in a part of the runs, that of one that failed; steps to solve are censored at the budget. b, e, r are standard
normal. Everything is drawn from a `Stream`, so a simulation comes out the same each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from rnnbench.plan import Plan, plan
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Record, Run, Status
from rnnbench.rng import Stream
from rnnbench.settings import LOOK
from rnnbench.suite import Claim, Suite, TaskEntry, Variant

Floats = NDArray[np.float64]

BAR = 0.97  # a score that counts as solved
BUDGET = 1500  # steps
LENGTH = 10  # of tasks with a single rung
BASE = "base"  # the variant that all others differ from


def ladder(low: float, high: float, an_octave: int) -> tuple[int, ...]:
    """Lengths from 2**low to 2**high, so many an octave.

    >>> ladder(3, 5, 2)
    (8, 11, 16, 23, 32)
    """
    return tuple(round(2 ** (low + i / an_octave)) for i in range(int((high - low) * an_octave) + 1))


@dataclass(frozen=True)
class Spread:
    """Standard deviations in octaves: of seeds, of a variant's own seeds, of runs."""

    between: float
    own: float
    run: float


@dataclass(frozen=True)
class Scores:
    """How scores are distributed: the logistic function of centre + width z; of z - 1 for the share that fails."""

    centre: float
    width: float
    failing: float = 0.0

    def of(self, z: Floats, u: Floats) -> Floats:
        """z (n,) standard normal, u (n,) uniform in [0, 1) -> scores (n,)."""
        return np.asarray(expit(np.where(u < self.failing, z - 1, self.centre + self.width * z)), dtype=np.float64)

    @cached_property
    def _truth(self) -> tuple[float, float]:
        z = np.asarray(ndtri((np.arange(100_000) + 0.5) / 100_000), dtype=np.float64)
        fails, works = self.of(z, np.full(z.shape, -1.0)), self.of(z, np.ones(z.shape))
        parts = (self.failing, fails) if self.failing else (0.0, works), (1 - self.failing, works)
        return sum(w * float(x.mean()) for w, x in parts), sum(w * float((x >= BAR).mean()) for w, x in parts)

    @property
    def mean(self) -> float:
        """The true mean."""
        return self._truth[0]

    @property
    def share(self) -> float:
        """The true share of solved runs."""
        return self._truth[1]


class Outcome(NamedTuple):
    """What became of the runs of one variant on one task, each (rungs, n); steps inf where never solved."""

    solved: NDArray[np.bool_]
    scores: Floats
    steps: Floats


def climbed(rng: Stream, truth: Floats, lengths: Sequence[int], run: float) -> Outcome:
    """truth (n,): each seed's latent span -> a ladder on which only what was solved matters."""
    reach = truth + run * rng.normal((len(lengths), truth.size))
    solved = np.log2(lengths)[:, None] < reach
    return Outcome(solved, np.where(solved, 0.99, 0.3), np.where(solved, 500.0, np.inf))


def scored(scores: Floats) -> Outcome:
    """A single rung with these scores (n,)."""
    solved = scores >= BAR
    return Outcome(solved[None], scores[None], np.where(solved, 500.0, np.inf)[None])


def timed(steps: Floats) -> Outcome:
    """A single rung that is solved after so many steps (n,), if the budget lasts."""
    solved = steps <= BUDGET
    return Outcome(solved[None], np.where(solved, 0.99, 0.3)[None], np.where(solved, steps, np.inf)[None])


def asked(parts: Sequence[str], tasks: Mapping[str, tuple[int, ...]], n: int, that: Sequence[str] = ()) -> Plan:
    """The plan of a suite of n seeds: a base, its parts, and what is claimed of them."""
    variants = [Variant(BASE, {"cell": "lstm"})]
    variants += [Variant(part, {"cell": "lstm", "part": part}, base=BASE, part=part) for part in parts]
    entries = tuple(TaskEntry(name, {"task": "adding", "name": name}, lengths) for name, lengths in tasks.items())
    defaults = {"steps": BUDGET, "stop": "never"}
    found = tuple(Claim(text, text) for text in that)
    return plan(Suite("simulated", tuple(variants), entries, tuple(range(n)), defaults=defaults, claims=found))


def seen(asked: Plan, outcomes: Mapping[tuple[str, str], Outcome]) -> list[Climb]:
    """The view of the records that runs with these outcomes, by variant and task, would leave."""
    records = {}
    for planned in asked.ladders:
        found = outcomes[planned.variant.name, planned.task.name]
        rows = zip(planned.rungs, found.solved.tolist(), found.scores.tolist(), found.steps.tolist(), strict=True)
        for rung, *row in rows:
            for seed, passed, score, steps in zip(asked.suite.seeds, *row, strict=True):
                run = Run(rung, seed)
                status: Status = "solved" if passed else "unsolved"
                at = -(-int(steps) // LOOK) * LOOK if passed else None
                records[run.id] = Record(run, status, score, steps=BUDGET, solved_at=at)
    return view(asked, records)
