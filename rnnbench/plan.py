"""Suite -> ladders of rungs -> runs; and the view of a store that a suite is.

The lengths of one (variant, task) are rungs, climbed from the shortest. After two rungs in a row that no seed
solved the rest is pruned: derived here from the records whenever somebody looks, never stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from rnnbench import find
from rnnbench.records import Record, Run, Rung, given
from rnnbench.suite import Suite, TaskEntry, Variant

PATIENCE = 2  # rungs in a row that no seed solved, after which a ladder is left

State = Literal["done", "open", "pruned"]


@dataclass(frozen=True)
class Ladder:
    """The rungs of one variant on one task, shortest first; none where the variant can't do the task, and `reason`
    says why."""

    variant: Variant
    task: TaskEntry
    rungs: tuple[Rung, ...]
    reason: str = ""


@dataclass(frozen=True)
class Plan:
    """All that a suite asks for. `count` is known without making a single run."""

    suite: Suite
    ladders: tuple[Ladder, ...]

    @property
    def count(self) -> int:
        return sum(len(ladder.rungs) for ladder in self.ladders) * len(self.suite.seeds)

    def runs(self) -> Iterator[Run]:
        for ladder in self.ladders:
            for rung in ladder.rungs:
                for seed in self.suite.seeds:
                    yield Run(rung, seed)


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
            ladders.append(Ladder(variant, entry, rungs, reason))
    return Plan(suite, tuple(ladders))


@dataclass(frozen=True)
class Step:
    """A rung as a view shows it: its records in the order of the suite's seeds, None where there is none.

    `done`: every seed has a record that finished or broke; `open`: some are missing; `pruned`: not to be run.
    """

    rung: Rung
    records: tuple[Record | None, ...]
    state: State

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


@dataclass(frozen=True)
class Climb:
    """A ladder and how far it has been climbed."""

    ladder: Ladder
    steps: tuple[Step, ...]

    @property
    def next(self) -> Step | None:
        """The lowest rung with runs to do: the barrier, since no rung above it may start before."""
        return next((s for s in self.steps if s.state == "open"), None)


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
    return Climb(ladder, tuple(steps))


def view(plan: Plan, records: Mapping[str, Record]) -> list[Climb]:
    """A suite's view of a store: every ladder with what is known of it."""
    return [climb(ladder, plan.suite.seeds, records, plan.suite.prune) for ladder in plan.ladders]
