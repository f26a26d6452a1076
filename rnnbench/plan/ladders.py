"""How far ladders have been climbed: the view of a store that a suite is.

After two rungs in a row that no seed solved the rest of a ladder is pruned. That is derived here from the records
whenever somebody looks, never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

from rnnbench.plan import Ladder, Plan, budgets, tuning
from rnnbench.records import Record, Run, Rung

PATIENCE = 2  # rungs in a row that no seed solved, after which a ladder is left

State = Literal["done", "open", "pruned"]


class Tally(NamedTuple):
    """How many of a rung's seeds have no record, have one that broke, one that finished; how many solved it; and of
    those that finished, how many are known by a run with fewer steps."""

    missing: int
    broken: int
    finished: int
    solved: int
    derived: int = 0

    @classmethod
    def of(cls, rung: Rung, record: Record | None) -> Tally:
        """Of one seed."""
        if record is None:
            return cls(1, 0, 0, 0)
        finished, solved = int(record.finished), int(record.status == "solved")
        return cls(0, 1 - finished, finished, solved, int(budgets.derived(rung, record)))


@dataclass(frozen=True)
class RungState:
    """A rung as a view shows it: its records in the order of the suite's seeds, None where there is none; that of a run
    with fewer steps where it tells what this rung's would be.

    `done`: every seed has a record that finished or broke; `open`: some are missing; `pruned`: not to be run.
    One that is `counted` has no records any longer, but their tally still.
    """

    rung: Rung
    records: tuple[Record | None, ...]
    state: State = "open"

    @cached_property
    def tally(self) -> Tally:
        """Its seeds, counted."""
        each = [Tally.of(self.rung, record) for record in self.records]
        return Tally(*map(sum, zip(*each, strict=True))) if each else Tally(0, 0, 0, 0)

    def having(self, k: int, record: Record) -> RungState:
        """The same with another record of the k-th seed. What is counted changes by that one alone, so that this takes
        no longer where there are many seeds."""
        was, now = Tally.of(self.rung, self.records[k]), Tally.of(self.rung, record)
        made = replace(self, records=(*self.records[:k], record, *self.records[k + 1 :]))
        made.__dict__["tally"] = Tally(*(n - a + b for n, a, b in zip(self.tally, was, now, strict=True)))
        return made

    def at(self, state: State) -> RungState:
        """The same records in another state."""
        if state == self.state:
            return self
        made = replace(self, state=state)
        made.__dict__["tally"] = self.tally
        return made

    def counted(self) -> RungState:
        """The same without its records: what remains to be told of a rung once nothing is to come of it."""
        made = replace(self, records=())
        made.__dict__["tally"] = self.tally
        return made

    @property
    def asked(self) -> int:
        """How many seeds it is asked for."""
        return self.tally.missing + self.tally.broken + self.tally.finished

    @property
    def finished(self) -> list[Record]:
        return [r for r in self.records if r is not None and r.finished]

    @property
    def broken(self) -> list[Record]:
        return [r for r in self.records if r is not None and not r.finished]

    @property
    def solved(self) -> int:
        return self.tally.solved

    @property
    def missing(self) -> int:
        return self.tally.missing

    @property
    def passed(self) -> bool | None:
        """Whether at least half of the seeds solved it; None where seeds that are missing or broke could decide that
        either way."""
        if self.state == "pruned":
            return False
        unknown = self.asked - self.tally.finished
        if 2 * self.solved >= self.asked:
            return True
        return False if 2 * (self.solved + unknown) < self.asked else None

    def todo(self, seeds: tuple[int, ...]) -> list[Run]:
        """The runs without a record; `seeds` are the suite's, of which a ladder may have the first few."""
        return [Run(self.rung, seed) for seed, r in zip(seeds, self.records, strict=False) if r is None]


@dataclass(frozen=True)
class Climb:
    """A ladder and how far it has been climbed."""

    ladder: Ladder
    steps: tuple[RungState, ...]

    @property
    def open(self) -> int | None:
        """The place of the lowest rung that has runs to do, which is a barrier: no rung above it may start before. None
        while the ladder awaits a choice."""
        if self.ladder.awaits:
            return None
        return next((k for k, s in enumerate(self.steps) if s.state == "open"), None)

    @property
    def records(self) -> list[Record]:
        """All records that the view shows."""
        return [r for s in self.steps for r in s.records if r is not None]

    def first(self, seeds: int | None) -> Climb:
        """As so many of its seeds, the first ones, have climbed it; None: all."""
        if seeds is None:
            return self
        return replace(self, steps=tuple(RungState(s.rung, s.records[:seeds], s.state) for s in self.steps))


def ready(climb: Climb, fewer: Iterable[Climb]) -> RungState | None:
    """The rung whose runs may start now: the lowest that has some to do, once the same rung with `fewer` steps has none
    left, since its records may tell of this one's."""
    k = climb.open
    if k is None or any(shorter.steps[k].state == "open" for shorter in fewer):
        return None
    return climb.steps[k]


def climb(
    ladder: Ladder, seeds: tuple[int, ...], records: Mapping[str, Record], prune: bool, below: Climb | None = None
) -> Climb:
    """How far a ladder has been climbed, given the records by id, and the climb of the same one with fewer steps; not
    at all while it awaits a choice."""
    if ladder.awaits:
        records = {}
    rungs = []
    for k, rung in enumerate(ladder.rungs):
        found = [records.get(rung.id(seed)) for seed in seeds[: ladder.seeds]]
        if below is not None:
            lower = (r if budgets.stands(r, rung) else None for r in below.steps[k].records)
            found = [budgets.told(own, each) for own, each in zip(found, lower, strict=False)]
        rungs.append(RungState(rung, tuple(found)))
    return _climb(ladder, rungs, prune)


def climb_on(was: Climb, k: int, place: int, record: Record, prune: bool) -> Climb:
    """The same ladder with one more record: of its k-th rung, or one that stands for it, and the seed at that place
    among the suite's."""
    rungs = list(was.steps)
    rung, known = rungs[k].rung, rungs[k].records[place]
    if budgets.derived(rung, record):
        record = budgets.told(None if budgets.derived(rung, known) else known, record) or record
    elif budgets.derived(rung, known):
        record = budgets.told(record, known) or record
    rungs[k] = rungs[k].having(place, record)
    return _climb(was.ladder, rungs, prune)


def counted(climb: Climb) -> Climb:
    """The same ladder without the records of those rungs that are done for good."""
    done = (r.records and r.state == "done" and not r.tally.broken for r in climb.steps)
    return replace(climb, steps=tuple(r.counted() if d else r for r, d in zip(climb.steps, done, strict=True)))


def _climb(ladder: Ladder, rungs: list[RungState], prune: bool) -> Climb:
    """What follows from the records of the rungs, whatever states they are in."""
    failures = 0
    for k, rung in enumerate(rungs):
        if prune and failures >= PATIENCE:
            rungs[k] = rung.at("pruned")
        elif rung.missing:
            rungs[k] = rung.at("open")
        else:
            rungs[k] = rung.at("done")
            if rung.tally.finished:
                failures = 0 if rung.solved else failures + 1
    return Climb(ladder, tuple(rungs))


def view(plan: Plan, records: Mapping[str, Record]) -> list[Climb]:
    """A suite's view of a store: every ladder with what is known of it. Of one that tunes at what is chosen, then its
    pilots, of which `records` must have the looks."""
    if plan.pilots is not None:
        return [*view(replace(tuning.settle(plan, records), pilots=None), records), *view(plan.pilots, records)]
    climbs: list[Climb] = []
    for ladder, place in zip(plan.ladders, budgets.below(plan.ladders), strict=True):
        below = None if place is None else climbs[place]
        climbs.append(climb(ladder, plan.suite.seeds, records, plan.suite.prune, below))
    return climbs
