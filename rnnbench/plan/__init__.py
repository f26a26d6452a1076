"""Suite -> ladders of rungs -> runs; `ladders.py` says how far they have been climbed.

The lengths of one (variant, task) are rungs, climbed from the shortest. After two rungs in a row that no seed
solved the rest is pruned, which is derived from the records whenever somebody looks, never stored. Where a suite has
several `budgets` there is a ladder for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rnnbench import registry
from rnnbench.records import Run, Rung, given
from rnnbench.settings import Settings
from rnnbench.suite import Suite, TaskEntry, Variant


@dataclass(frozen=True)
class Ladder:
    """The rungs of one variant on one task, shortest first; none where the variant can't do the task, and `reason`
    says why. `budget`: with how many times the steps that the suite states. `seeds`: on so many of the suite's, the
    first ones; None: on all."""

    variant: Variant
    task: TaskEntry
    rungs: tuple[Rung, ...]
    reason: str = ""
    budget: int = 1
    seeds: int | None = None

    def runs(self, seeds: tuple[int, ...]) -> Iterator[Run]:
        """The runs of its rungs; `seeds` are the suite's."""
        return (Run(rung, seed) for rung in self.rungs for seed in seeds[: self.seeds])

    def at(self, budget: int, seeds: int | None) -> Ladder:
        """The same with so many times the steps. These are ordinary runs, whose ids are any run's with so many."""

        def longer(rung: Rung) -> Rung:
            stated = Settings.of(rung)
            return replace(rung, settings=given(replace(stated, steps=budget * stated.steps)))

        return replace(self, rungs=tuple(map(longer, self.rungs)), budget=budget, seeds=seeds)


@dataclass(frozen=True)
class Plan:
    """All that a suite asks for. `count` is known without making a single run."""

    suite: Suite
    ladders: tuple[Ladder, ...]

    @property
    def count(self) -> int:
        return sum(len(ladder.rungs) * len(self.suite.seeds[: ladder.seeds]) for ladder in self.ladders)

    def runs(self) -> Iterator[Run]:
        """Every run that may be asked for."""
        for ladder in self.ladders:
            yield from ladder.runs(self.suite.seeds)

    def stated(self) -> Plan:
        """The plan with the steps that the suite states, alone: what baselines and comparisons are of."""
        return replace(self, ladders=tuple(ladder for ladder in self.ladders if ladder.budget == 1))


def rung(suite: Suite, variant: Variant, entry: TaskEntry, length: int) -> Rung:
    """One rung, with everything resolved that depends on its length: chrono's `true` becomes the longest lag."""
    model = suite.model(variant, entry)
    if model.get("chrono") is True:
        model = model | {"chrono": max(3, registry.task(entry.task).lag(length).most)}
    return Rung(model, entry.task, length, given(suite.settings(variant, entry)))


def impossible(suite: Suite, variant: Variant, entry: TaskEntry) -> str:
    """Why a variant can't do a task; empty if it can."""
    if registry.task_class(entry.task["task"]).causal and suite.settings(variant, entry).bidirectional:
        return "answers while reading: a backward direction would see them"
    return ""


def plan(suite: Suite) -> Plan:
    """The ladders of every variant on every task, in the suite's order; then those with more steps, where it has
    several budgets."""
    registry.place(suite.files)
    ladders = []
    for entry in suite.tasks:
        for variant in suite.variants:
            reason = impossible(suite, variant, entry)
            rungs = () if reason else tuple(rung(suite, variant, entry, length) for length in entry.lengths)
            ladders.append(Ladder(variant, entry, rungs, reason))
    larger = [
        ladder.at(times, suite.budgets.first(times))
        for times in suite.budgets.times[1:]
        for ladder in ladders
        if ladder.rungs
    ]
    return Plan(suite, (*ladders, *larger))
