"""How far ladders have been climbed: the view of a store that a suite is.

After two rungs in a row that no seed solved the rest of a ladder is pruned; the first rung that fewer than half of its
seeds solved may get more steps. Both are derived here from the records whenever somebody looks, never stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rnnbench.plan import Ladder, Plan
from rnnbench.records import Record, Run, Rung

PATIENCE = 2  # rungs in a row that no seed solved, after which a ladder is left

State = Literal["done", "open", "pruned"]


@dataclass(frozen=True)
class RungState:
    """A rung as a view shows it: its records in the order of the suite's seeds, None where there is none.

    `done`: every seed has a record that finished or broke; `open`: some are missing; `pruned`: not to be run.
    `more`: the same rung with more steps, on the first few seeds, where it is the one that gets them.
    """

    rung: Rung
    records: tuple[Record | None, ...]
    state: State
    more: RungState | None = None

    @property
    def finished(self) -> list[Record]:
        return [r for r in self.records if r is not None and r.finished]

    @property
    def broken(self) -> list[Record]:
        return [r for r in self.records if r is not None and not r.finished]

    @property
    def solved(self) -> int:
        return sum(r.status == "solved" for r in self.finished)

    @property
    def missing(self) -> int:
        return sum(r is None for r in self.records)

    @property
    def passed(self) -> bool | None:
        """Whether at least half of the seeds solved it; None where seeds that are missing or broke could decide that
        either way."""
        if self.state == "pruned":
            return False
        unknown = len(self.records) - len(self.finished)
        if 2 * self.solved >= len(self.records):
            return True
        return False if 2 * (self.solved + unknown) < len(self.records) else None

    @property
    def flipped(self) -> bool:
        """Whether more steps made the difference: at least half of the seeds that got them solve it with them, and
        fewer of the same seeds did without (those few may be better than all)."""
        if self.more is None or not self.more.passed:
            return False
        return 2 * self.solved_of(len(self.more.records)) < len(self.more.records)

    def solved_of(self, first: int) -> int:
        """How many of the first so many seeds solved it."""
        return sum(r is not None and r.status == "solved" for r in self.records[:first])

    def todo(self, seeds: tuple[int, ...]) -> list[Run]:
        """The runs without a record; `seeds` are the suite's, of which a rung with more steps has the first few."""
        return [Run(self.rung, seed) for seed, r in zip(seeds, self.records, strict=False) if r is None]


@dataclass(frozen=True)
class Climb:
    """A ladder and how far it has been climbed."""

    ladder: Ladder
    steps: tuple[RungState, ...]

    @property
    def more(self) -> RungState | None:
        """The rung with more steps, once it is known which one gets them."""
        return next((s.more for s in self.steps if s.more), None)

    @property
    def every(self) -> tuple[RungState, ...]:
        """The ladder's rungs, and the one with more steps."""
        return (*self.steps, self.more) if self.more else self.steps

    @property
    def open(self) -> tuple[RungState, ...]:
        """What has runs to do now: the lowest such rung, which is a barrier, since no rung above it may start before;
        and the one with more steps, which is none."""
        lowest = next((s for s in self.steps if s.state == "open"), None)
        return tuple(s for s in (lowest, self.more) if s is not None and s.state == "open")

    @property
    def undecided(self) -> bool:
        """Whether it is still to be seen if a rung gets more steps, and which."""
        first = first_unsolved(self.steps)
        return bool(self.ladder.possible and first and first.state == "open")

    @property
    def records(self) -> list[Record]:
        """All records that the view shows."""
        return [r for s in self.every for r in s.records if r is not None]


def first_unsolved(steps: Sequence[RungState]) -> RungState | None:
    """The lowest rung that isn't known to be solved by at least half of its seeds."""
    return next((s for s in steps if not s.passed), None)


def climb(ladder: Ladder, seeds: tuple[int, ...], records: Mapping[str, Record], prune: bool) -> Climb:
    """How far a ladder has been climbed, given the records by id."""
    steps: list[RungState] = []
    failures = 0
    for r in ladder.rungs:
        found = tuple(records.get(r.id(seed)) for seed in seeds)
        if prune and failures >= PATIENCE:
            state: State = "pruned"
        else:
            state = "open" if None in found else "done"
        step = RungState(r, found, state)
        steps.append(step)
        if step.state == "done" and step.finished:
            failures = 0 if step.solved else failures + 1
    first = first_unsolved(steps)
    # not before its last run is there, and not where a run that broke could yet have made the half
    if ladder.more and first and first.state == "done" and first.passed is False:
        k = steps.index(first)
        again = ladder.more.rungs[k]
        found = tuple(records.get(again.id(seed)) for seed in ladder.more.seeds)
        steps[k] = replace(first, more=RungState(again, found, "open" if None in found else "done"))
    return Climb(ladder, tuple(steps))


def view(plan: Plan, records: Mapping[str, Record]) -> list[Climb]:
    """A suite's view of a store: every ladder with what is known of it."""
    return [climb(ladder, plan.suite.seeds, records, plan.suite.prune) for ladder in plan.ladders]
