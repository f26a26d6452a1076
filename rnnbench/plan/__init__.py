"""Suite -> ladders of rungs -> runs; `ladders.py` says how far they have been climbed.

The lengths of one (variant, task) are rungs, climbed from the shortest; where a task trains on many lengths at once
there is one rung, of the longest of these (`reach.py` unfolds it into those that are tested). After two rungs in a row
that no seed solved the rest is pruned, which is derived from the records whenever somebody looks, never stored. Where a
suite has several `budgets` there is a ladder for each, and where it crosses its seeds one of the pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from rnnbench import registry
from rnnbench.plan import tuning
from rnnbench.records import Run, Rung, given
from rnnbench.seeds import Seed
from rnnbench.settings import Settings
from rnnbench.suite import Suite, TaskEntry, Variant
from rnnbench.suite.crossing import Crossing

Choice = Literal["own", "base", "pilot", "crossed"]


@dataclass(frozen=True)
class Ladder:
    """The rungs of one variant on one task, shortest first, or those with most examples; none where the variant can't
    do the task, and `reason` says why. `budget`: with how many times the steps that the suite states. `seeds`: on so
    many of the suite's, the first ones; None: on all.

    `choice`: of a suite that tunes, whether it is at the variant's own choice or at that of the architecture that it
    differs from, or a pilot; `crossed` is the own again, of the pairs of a `crossing`. While it `awaits` the choices of
    these, its rungs are those of the costliest candidate, and nobody's to run. `candidate`: the tuned settings, of a
    pilot or as they were chosen.
    """

    variant: Variant
    task: TaskEntry
    rungs: tuple[Rung, ...]
    reason: str = ""
    budget: int = 1
    seeds: int | None = None
    choice: Choice = "own"
    awaits: tuple[str, ...] = ()
    candidate: Mapping[str, Any] = field(default_factory=dict)
    crossing: Crossing | None = None

    def place(self, rung: Rung) -> int:
        """Where one of its rungs is on it: its length, or on how many examples it trains."""
        return int(rung.train["examples"]) if self.task.headline == "need" else rung.length

    def runs(self, seeds: Sequence[Seed]) -> Iterator[Run]:
        """The runs of its rungs; `seeds` are the suite's, or the pairs."""
        return (Run(rung, seed) for rung in self.rungs for seed in seeds[: self.seeds])

    def at(self, budget: int, seeds: int | None) -> Ladder:
        """The same with so many times the steps. These are ordinary runs, whose ids are any run's with so many."""

        def longer(rung: Rung) -> Rung:
            stated = Settings.of(rung)
            return replace(rung, settings=given(replace(stated, steps=budget * stated.steps)))

        return replace(self, rungs=tuple(map(longer, self.rungs)), budget=budget, seeds=seeds)

    def crossed(self, crossing: Crossing) -> Ladder:
        """The same for the pairs of initialisation and data that are no seeds of the suite."""
        return replace(self, choice="crossed", crossing=crossing)


@dataclass(frozen=True)
class Plan:
    """All that a suite asks for; of one that tunes, at most, and its pilots. `count` is known without making a single
    run."""

    suite: Suite
    ladders: tuple[Ladder, ...]
    pilots: Plan | None = None

    @property
    def count(self) -> int:
        own = sum(len(ladder.rungs) * len(self.seeds(ladder)[: ladder.seeds]) for ladder in self.ladders)
        return own + (self.pilots.count if self.pilots else 0)

    def runs(self) -> Iterator[Run]:
        """Every run that may be asked for, pilots last."""
        for ladder in self.ladders:
            for each in tuning.candidates(self.suite, ladder):
                yield from each.runs(self.seeds(ladder))
        if self.pilots is not None:
            yield from self.pilots.runs()

    def of(self, ladder: Ladder) -> Suite:
        """The suite that a ladder is of: itself, or that of the pilots."""
        return self.pilots.suite if self.pilots and ladder.choice == "pilot" else self.suite

    def seeds(self, ladder: Ladder) -> tuple[Seed, ...]:
        """The seeds that a ladder is climbed by, of which it may have the first few: the suite's, the pilots', or the
        pairs of its crossing."""
        return ladder.crossing.pairs if ladder.crossing else self.of(ladder).seeds

    def stated(self) -> Plan:
        """The plan with the steps that the suite states and its own seeds, alone: what baselines and comparisons are
        of."""
        kept = (ladder for ladder in self.ladders if ladder.budget == 1 and not ladder.crossing)
        return replace(self, ladders=tuple(kept))


def rung(suite: Suite, variant: Variant, entry: TaskEntry, length: int) -> Rung:
    """One rung, with everything resolved that depends on its length: chrono's `true` becomes the longest lag."""
    model = suite.model(variant, entry)
    if model.get("chrono") is True:
        model = model | {"chrono": max(3, registry.task(entry.task).lag(length).most)}
    return Rung(model, entry.task, length, given(suite.settings(variant, entry)), _train(entry))


def _rungs(suite: Suite, variant: Variant, entry: TaskEntry) -> tuple[Rung, ...]:
    """The rungs of a variant on a task, that which is climbed first first."""
    each = [replace(entry, examples=(n,)) for n in entry.examples] or [entry]
    return tuple(rung(suite, variant, one, length) for one in each for length in entry.trained)


def _train(entry: TaskEntry) -> dict[str, Any]:
    """What a task's rungs say of their training: nothing where each trains on fresh examples of its own length. A
    curriculum that opens every length at the first step is none, and a run of either is the same run."""
    if entry.examples:
        return {"examples": entry.examples[0]}
    if not entry.train:
        return {}
    gradual = entry.train.get("from", entry.train["upto"]) < entry.train["upto"]
    steps = {key: entry.train[key] for key in ("from", "over")} if gradual else {}
    return {"tested": list(entry.lengths)} | steps


def impossible(suite: Suite, variant: Variant, entry: TaskEntry) -> str:
    """Why a variant can't do a task; empty if it can."""
    if registry.task_class(entry.task["task"]).causal and suite.settings(variant, entry).bidirectional:
        return "answers while reading: a backward direction would see them"
    return ""


def plan(suite: Suite) -> Plan:
    """The ladders of every variant on every task, in the suite's order; then those with more steps, where it has
    several budgets, and those of the pairs, where it crosses its seeds."""
    registry.place(suite.files)
    ladders = []
    for entry in suite.tasks:
        for variant in suite.variants:
            reason = impossible(suite, variant, entry)
            ladders.append(Ladder(variant, entry, () if reason else _rungs(suite, variant, entry), reason))
    larger = [
        ladder.at(times, suite.budgets.first(times))
        for times in suite.budgets.times[1:]
        for ladder in ladders
        if ladder.rungs and times in suite.budgets.of(ladder.task.name)
    ]
    crossed = [ladder.crossed(suite.crossing) for ladder in ladders if suite.crossing and ladder.rungs]
    every = (*ladders, *larger, *crossed)
    pilots = tuning.pilots(suite)
    if pilots is None:
        return Plan(suite, every)
    tried = tuning.trying(suite, plan(pilots).ladders)
    return Plan(suite, tuple(tuning.awaiting(suite, every)), Plan(pilots, tuple(tried)))
