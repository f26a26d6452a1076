"""How far ladders have been climbed: the view of a store that a suite is.

After two rungs in a row that no seed solved the rest of a ladder is pruned. That, or which rungs a search visits
(`bisect.py`), is derived here from the records whenever somebody looks, never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

from rnnbench.plan import Ladder, Plan, bisect, budgets, tuning
from rnnbench.plan.bisect import Search
from rnnbench.records import Record, Run, Rung
from rnnbench.seeds import Seed

# Rungs in a row that no seed solved, after which a ladder is left. Where longer is harder that hides next to nothing of
# a span from three seeds on (docs/statistics.md, Spans).
PATIENCE = 2

State = Literal["done", "open", "pruned", "implied"]


class Tally(NamedTuple):
    """How many of a rung's seeds have no record, have one that broke, one that finished; how many solved it; of those
    that finished, how many are known by a run with fewer steps; and of how many it is implied by their other rungs, and
    that they solve it."""

    missing: int
    broken: int
    finished: int
    solved: int
    derived: int = 0
    implied: int = 0
    implied_solved: int = 0

    @classmethod
    def of(cls, rung: Rung, record: Record | None, implied: bool | None = None) -> Tally:
        """Of one seed."""
        if record is None:
            told = int(implied is not None)
            return cls(1 - told, 0, 0, 0, 0, told, int(implied is True))
        finished, solved = int(record.finished), int(record.status == "solved")
        return cls(0, 1 - finished, finished, solved, int(budgets.derived(rung, record)))


@dataclass(frozen=True)
class RungState:
    """A rung as a view shows it: its records in the order of the suite's seeds, None where there is none; that of a run
    with fewer steps where it tells what this rung's would be.

    `done`: every seed has a record that finished or broke; `open`: some are missing; `pruned`: not to be run. In a
    search, `implied` is what each seed's other rungs say of it, where nothing else is known, and `wanted` are the
    places of the seeds to be trained at it now (else: all without a record). What none visits is `implied` itself.
    One that is `counted` has no records any longer, but their tally still.
    """

    rung: Rung
    records: tuple[Record | None, ...]
    state: State = "open"
    implied: tuple[bool | None, ...] = ()
    wanted: tuple[int, ...] | None = None

    @cached_property
    def tally(self) -> Tally:
        """Its seeds, counted."""
        implied = self.implied or (None,) * len(self.records)
        each = [Tally.of(self.rung, *pair) for pair in zip(self.records, implied, strict=True)]
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
        """How many seeds it is asked of."""
        return self.tally.missing + self.known + self.tally.implied

    @property
    def known(self) -> int:
        """Of how many seeds there is a record."""
        return self.tally.broken + self.tally.finished

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
        solved, unknown = self.tally.solved + self.tally.implied_solved, self.tally.missing + self.tally.broken
        if 2 * solved >= self.asked:
            return True
        return False if 2 * (solved + unknown) < self.asked else None

    @property
    def verdicts(self) -> tuple[bool | None, ...]:
        """Whether each seed solves it; None where that isn't known."""
        if self.state == "pruned":
            return (False,) * len(self.records)
        own = tuple(None if r is None or not r.finished else r.status == "solved" for r in self.records)
        return tuple(a if b is None else b for a, b in zip(self.implied, own, strict=True)) if self.implied else own

    def of(self, places: Sequence[int]) -> RungState:
        """The same of some of its seeds, by their places."""
        implied = tuple(self.implied[k] for k in places) if self.implied else ()
        return RungState(self.rung, tuple(self.records[k] for k in places), self.state, implied)

    def todo(self, seeds: Sequence[Seed]) -> list[Run]:
        """The runs to do now; `seeds` are its ladder's, of which that may have the first few."""
        places = range(len(self.records)) if self.wanted is None else self.wanted
        return [Run(self.rung, seeds[k]) for k in places if self.records[k] is None]


@dataclass(frozen=True)
class Climb:
    """A ladder and how far it has been climbed; or searched, of which there is a `search` for each seed, and `found`
    are all records, by rung and seed, whether it asked for them or not."""

    ladder: Ladder
    steps: tuple[RungState, ...]
    searches: tuple[Search, ...] = ()
    found: tuple[tuple[Record | None, ...], ...] = ()

    @property
    def places(self) -> tuple[int, ...]:
        """Where its rungs are: their lengths, or numbers of examples."""
        return tuple(self.ladder.place(step.rung) for step in self.steps)

    @property
    def open(self) -> int | None:
        """The place of the lowest rung that has runs to do; when climbed it is a barrier: no rung above it may start
        before. None while the ladder awaits a choice."""
        if self.ladder.awaits:
            return None
        return next((k for k, s in enumerate(self.steps) if s.state == "open"), None)

    @property
    def left(self) -> int:
        """How many runs there are still to do, at most."""
        if self.searches:
            return sum(search.left for search in self.searches)
        return sum(s.missing for s in self.steps if s.state != "pruned")

    @property
    def records(self) -> list[Record]:
        """All records that the view shows."""
        return [r for s in self.steps for r in s.records if r is not None]

    def first(self, seeds: int | None) -> Climb:
        """As so many of its seeds, the first ones, have climbed it; None: all."""
        if seeds is None:
            return self
        return replace(self, steps=tuple(s.of(range(len(s.records[:seeds]))) for s in self.steps))


def ready(climb: Climb, fewer: Iterable[Climb]) -> list[RungState]:
    """The rungs whose runs may start now: the lowest that has some to do, once the same rung with `fewer` steps has
    none left, since its records may tell of this one's. In a search, each that a seed asks for, once those are
    through."""
    if climb.ladder.awaits:
        return []
    if climb.searches:
        return [] if any(shorter.open is not None for shorter in fewer) else [s for s in climb.steps if s.wanted]
    k = climb.open
    waits = k is None or any(shorter.steps[k].state == "open" for shorter in fewer)
    return [] if k is None or waits else [climb.steps[k]]


def climb(
    ladder: Ladder, seeds: Sequence[Seed], records: Mapping[str, Record], prune: bool, below: Climb | None = None
) -> Climb:
    """How far a ladder has been climbed, given the records by id, and the climb of the same one with fewer steps; not
    at all while it awaits a choice."""
    if ladder.awaits:
        records = {}
    every = []
    for k, rung in enumerate(ladder.rungs):
        found = [records.get(rung.id(seed)) for seed in seeds[: ladder.seeds]]
        if below is not None:
            shorter = below.found[k] if below.searches else below.steps[k].records
            lower = (r if budgets.stands(r, rung) else None for r in shorter)
            found = [budgets.told(own, each) for own, each in zip(found, lower, strict=False)]
        every.append(tuple(found))
    if ladder.task.search == "bisect":
        return _searched(ladder, tuple(every))
    return _climb(ladder, [RungState(rung, found) for rung, found in zip(ladder.rungs, every, strict=True)], prune)


def climb_on(was: Climb, k: int, place: int, record: Record, prune: bool) -> Climb:
    """The same ladder with one more record: of its k-th rung, or one that stands for it, and the seed at that place
    among the suite's."""
    rung, known = was.ladder.rungs[k], (was.found[k] if was.searches else was.steps[k].records)[place]
    if budgets.derived(rung, record):
        record = budgets.told(None if budgets.derived(rung, known) else known, record) or record
    elif budgets.derived(rung, known):
        record = budgets.told(record, known) or record
    if was.searches:
        row = (*was.found[k][:place], record, *was.found[k][place + 1 :])
        return _searched(was.ladder, (*was.found[:k], row, *was.found[k + 1 :]))
    rungs = list(was.steps)
    rungs[k] = rungs[k].having(place, record)
    return _climb(was.ladder, rungs, prune)


def counted(climb: Climb) -> Climb:
    """The same ladder without the records of those rungs that are done for good, but for those that were tested at many
    lengths. A search looks at them again."""
    if climb.searches:
        return climb
    done = (r.records and r.state == "done" and not r.tally.broken and not r.rung.tested for r in climb.steps)
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


def _searched(ladder: Ladder, found: tuple[tuple[Record | None, ...], ...]) -> Climb:
    """What follows from all records, by rung and seed, of a ladder that is searched."""
    searches = tuple(bisect.search(column) for column in zip(*found, strict=True))
    rungs = []
    for k, rung in enumerate(ladder.rungs):
        records = tuple(r if k in s.visited else None for r, s in zip(found[k], searches, strict=True))
        implied = tuple(s.implied(k) for s in searches)
        wanted = tuple(place for place, s in enumerate(searches) if s.asked == k)
        if any(s.asked is not None and s.low <= k < s.high for s in searches):
            state: State = "open"
        else:
            state = "done" if any(k in s.visited for s in searches) else "implied"
        rungs.append(RungState(rung, records, state, implied, wanted))
    return Climb(ladder, tuple(rungs), searches, found)


def view(plan: Plan, records: Mapping[str, Record]) -> list[Climb]:
    """A suite's view of a store: every ladder with what is known of it. Of one that tunes at what is chosen, then its
    pilots, of which `records` must have the looks."""
    if plan.pilots is not None:
        return [*view(replace(tuning.settle(plan, records), pilots=None), records), *view(plan.pilots, records)]
    climbs: list[Climb] = []
    for ladder, place in zip(plan.ladders, budgets.below(plan.ladders), strict=True):
        below = None if place is None else climbs[place]
        climbs.append(climb(ladder, plan.seeds(ladder), records, plan.suite.prune, below))
    return climbs
