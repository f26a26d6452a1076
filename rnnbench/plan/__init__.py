"""Suite -> ladders of rungs -> runs; `ladders.py` says how far they have been climbed.

The lengths of one (variant, task) are rungs, climbed from the shortest. After two rungs in a row that no seed
solved the rest is pruned. Where a suite asks for it (`more_steps`), the first rung that fewer than half of its seeds
solved is trained again with more steps, beside whatever goes on above it. Both are derived here from the records
whenever somebody looks, never stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rnnbench import registry
from rnnbench.records import Run, Rung, given
from rnnbench.suite import Suite, TaskEntry, Variant


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
    """The ladders of every variant on every task, in the suite's order."""
    registry.place(suite.files)
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
