"""Suite -> ladders of rungs -> runs; and the view of a store that a suite is.

The lengths of one (variant, task) are rungs, climbed from the shortest. After two rungs in a row that no seed
solved the rest is pruned. Where a suite asks for it (`more_steps`), the first rung that fewer than half of its seeds
solved is trained again with more steps, beside whatever goes on above it. Both are derived here from the records
whenever somebody looks, never stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rnnbench import find
from rnnbench.records import Record, Run, Rung, given
from rnnbench.suite import Suite, TaskEntry, Variant

PATIENCE = 2  # rungs in a row that no seed solved, after which a ladder is left

State = Literal["done", "open", "pruned"]


@dataclass(frozen=True)
class More:
    """The rungs of a ladder, each with more steps, and the seeds of it: one of them at most is trained."""

    rungs: tuple[Rung, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Ladder:
    """The rungs of one variant on one task, shortest first; none where the variant can't do the task, and `reason`
    says why. `more` is None where no rung is to get more steps."""

    variant: Variant
    task: TaskEntry
    rungs: tuple[Rung, ...]
    reason: str = ""
    more: More | None = None

    @property
    def possible(self) -> int:
        """How many runs more steps may come to, at most."""
        return len(self.more.seeds) if self.more else 0

    def runs(self, seeds: tuple[int, ...]) -> Iterator[Run]:
        """The runs of its rungs."""
        return (Run(rung, seed) for rung in self.rungs for seed in seeds)

    def more_runs(self) -> Iterator[Run]:
        """The runs that more steps may come to: those of every rung, of which one at most gets them."""
        if self.more is not None:
            yield from (Run(rung, seed) for rung in self.more.rungs for seed in self.more.seeds)


@dataclass(frozen=True)
class Plan:
    """All that a suite asks for. `count`, and how many runs more steps may add at most, are known without making a
    single run."""

    suite: Suite
    ladders: tuple[Ladder, ...]

    @property
    def count(self) -> int:
        return sum(len(ladder.rungs) for ladder in self.ladders) * len(self.suite.seeds)

    @property
    def possible(self) -> int:
        return sum(ladder.possible for ladder in self.ladders)

    def runs(self) -> Iterator[Run]:
        """Every run that may be asked for: those of the rungs, then those that a rung with more steps may come to."""
        for ladder in self.ladders:
            yield from ladder.runs(self.suite.seeds)
        for ladder in self.ladders:
            yield from ladder.more_runs()

    def without_more(self) -> Plan:
        """The plan at the stated budget of steps alone."""
        return replace(self, ladders=tuple(replace(ladder, more=None) for ladder in self.ladders))


def rung(suite: Suite, variant: Variant, entry: TaskEntry, length: int) -> Rung:
    """One rung, with everything resolved that depends on its length: chrono's `true` becomes the longest lag."""
    model = variant.model
    if model.get("chrono") is True:
        model = model | {"chrono": max(3, find.task(entry.task).lag(length).most)}
    return Rung(model, entry.task, length, given(suite.settings(variant, entry)))


def impossible(suite: Suite, variant: Variant, entry: TaskEntry) -> str:
    """Why a variant can't do a task; empty if it can."""
    if find.task_class(entry.task["task"]).causal and suite.settings(variant, entry).bidirectional:
        return "answers while reading: a backward direction would see them"
    return ""


def plan(suite: Suite) -> Plan:
    """The ladders of every variant on every task, in the suite's order."""
    ladders = []
    for entry in suite.tasks:
        for variant in suite.variants:
            reason = impossible(suite, variant, entry)
            rungs = () if reason else tuple(rung(suite, variant, entry, length) for length in entry.lengths)
            ladders.append(Ladder(variant, entry, rungs, reason, _more(suite, variant, entry, rungs)))
    return Plan(suite, tuple(ladders))


def _more(suite: Suite, variant: Variant, entry: TaskEntry, rungs: tuple[Rung, ...]) -> More | None:
    if suite.more_steps is None or not rungs:
        return None
    stated = suite.settings(variant, entry)
    settings = given(replace(stated, steps=stated.steps * suite.more_steps.times))  # so that ids are any run's
    # --seeds may have left fewer than the suite asks for
    seeds = suite.seeds[: suite.more_steps.seeds]
    return More(tuple(replace(r, settings=settings) for r in rungs), seeds)


@dataclass(frozen=True)
class Step:
    """A rung as a view shows it: its records in the order of the suite's seeds, None where there is none.

    `done`: every seed has a record that finished or broke; `open`: some are missing; `pruned`: not to be run.
    `more`: the same rung with more steps, on the first few seeds, where it is the one that gets them.
    """

    rung: Rung
    records: tuple[Record | None, ...]
    state: State
    more: Step | None = None

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
    steps: tuple[Step, ...]

    @property
    def more(self) -> Step | None:
        """The rung with more steps, once it is known which one gets them."""
        return next((s.more for s in self.steps if s.more), None)

    @property
    def every(self) -> tuple[Step, ...]:
        """The ladder's rungs, and the one with more steps."""
        return (*self.steps, self.more) if self.more else self.steps

    @property
    def open(self) -> tuple[Step, ...]:
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


def first_unsolved(steps: Sequence[Step]) -> Step | None:
    """The lowest rung that isn't known to be solved by at least half of its seeds."""
    return next((s for s in steps if not s.passed), None)


def climb(ladder: Ladder, seeds: tuple[int, ...], records: Mapping[str, Record], prune: bool) -> Climb:
    """How far a ladder has been climbed, given the records by id."""
    steps: list[Step] = []
    failures = 0
    for r in ladder.rungs:
        found = tuple(records.get(r.id(seed)) for seed in seeds)
        if prune and failures >= PATIENCE:
            state: State = "pruned"
        else:
            state = "open" if None in found else "done"
        step = Step(r, found, state)
        steps.append(step)
        if step.state == "done" and step.finished:
            failures = 0 if step.solved else failures + 1
    first = first_unsolved(steps)
    # not before its last run is there, and not where a run that broke could yet have made the half
    if ladder.more and first and first.state == "done" and first.passed is False:
        k = steps.index(first)
        again = ladder.more.rungs[k]
        found = tuple(records.get(again.id(seed)) for seed in ladder.more.seeds)
        steps[k] = replace(first, more=Step(again, found, "open" if None in found else "done"))
    return Climb(ladder, tuple(steps))


def view(plan: Plan, records: Mapping[str, Record]) -> list[Climb]:
    """A suite's view of a store: every ladder with what is known of it."""
    return [climb(ladder, plan.suite.seeds, records, plan.suite.prune) for ladder in plan.ladders]
