"""How far ladders have been climbed: the view of a store that a suite is.

After two rungs in a row that no seed solved the rest of a ladder is pruned; the first rung that fewer than half of its
seeds solved may get more steps. Both are derived here from the records whenever somebody looks, never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

from rnnbench.plan import Ladder, Plan
from rnnbench.records import Record, Run, Rung

# Rungs in a row that no seed solved, after which a ladder is left. Where longer is harder that hides next to nothing of
# a span from three seeds on; three in a row after a hole would find no more (docs/statistics.md, Spans: both drawn).
PATIENCE = 2

State = Literal["done", "open", "pruned"]


class Tally(NamedTuple):
    """How many of a rung's seeds have no record, have one that broke, one that finished; how many solved it."""

    missing: int
    broken: int
    finished: int
    solved: int

    @classmethod
    def of(cls, record: Record | None) -> Tally:
        """Of one seed."""
        if record is None:
            return cls(1, 0, 0, 0)
        return cls(0, int(not record.finished), int(record.finished), int(record.status == "solved"))


@dataclass(frozen=True)
class RungState:
    """A rung as a view shows it: its records in the order of the suite's seeds, None where there is none.

    `done`: every seed has a record that finished or broke; `open`: some are missing; `pruned`: not to be run.
    `more`: the same rung with more steps, on the first few seeds, where it is the one that gets them.
    One that is `counted` has no records any longer, but their tally still.
    """

    rung: Rung
    records: tuple[Record | None, ...]
    state: State = "open"
    more: RungState | None = None

    @cached_property
    def tally(self) -> Tally:
        """Its seeds, counted."""
        return Tally(*map(sum, zip(*map(Tally.of, self.records), strict=True))) if self.records else Tally(0, 0, 0, 0)

    def having(self, k: int, record: Record) -> RungState:
        """The same with another record of the k-th seed. What is counted changes by that one alone, so that this takes
        no longer where there are many seeds."""
        was, now = Tally.of(self.records[k]), Tally.of(record)
        made = replace(self, records=(*self.records[:k], record, *self.records[k + 1 :]))
        made.__dict__["tally"] = Tally(*(n - a + b for n, a, b in zip(self.tally, was, now, strict=True)))
        return made

    def at(self, state: State, more: RungState | None = None) -> RungState:
        """The same records in another state."""
        if state == self.state and more is self.more:
            return self
        made = replace(self, state=state, more=more)
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
    return _climb(ladder, [_found(rung, seeds, records) for rung in ladder.rungs], None, records, prune)


def climb_on(was: Climb, k: int, place: int, record: Record, records: Mapping[str, Record], prune: bool) -> Climb:
    """The same ladder with one more record: of its k-th rung and the seed at that place among the suite's; where k is
    -1, of a rung with more steps. `records`, by id, need hold no others than those with more steps."""
    rungs, more = list(was.steps), was.more
    if k >= 0:
        rungs[k] = rungs[k].having(place, record)
    elif more is not None and place < len(more.records) and more.rung.id(record.run.seed) == record.id:
        more = more.having(place, record)
    return _climb(was.ladder, rungs, more, records, prune)


def counted(climb: Climb) -> Climb:
    """The same ladder without the records of those rungs that are done for good: all but those that may yet get more
    steps, which are told beside what they came to without."""
    kept = tuple(
        r.counted() if r.records and r.state == "done" and (climb.ladder.more is None or r.passed) else r
        for r in climb.steps
    )
    return replace(climb, steps=kept)


def _found(rung: Rung, seeds: Iterable[int], records: Mapping[str, Record]) -> RungState:
    return RungState(rung, tuple(records.get(rung.id(seed)) for seed in seeds))


def _climb(
    ladder: Ladder, rungs: list[RungState], more: RungState | None, records: Mapping[str, Record], prune: bool
) -> Climb:
    """What follows from the records of the rungs, whatever states they are in. `more`, the rung that got more steps so
    far, is looked up in the records if it is to be another."""
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
    first = next((k for k, rung in enumerate(rungs) if not rung.passed), None)
    # not before its last run is there, and not where a run that broke could yet have made the half
    if ladder.more and first is not None and rungs[first].state == "done" and rungs[first].passed is False:
        asked = ladder.more.rungs[first]
        if more is None or more.rung is not asked:
            more = _found(asked, ladder.more.seeds, records)
        rungs[first] = rungs[first].at("done", more.at("open" if more.missing else "done"))
    return Climb(ladder, tuple(rungs))


def view(plan: Plan, records: Mapping[str, Record]) -> list[Climb]:
    """A suite's view of a store: every ladder with what is known of it."""
    return [climb(ladder, plan.suite.seeds, records, plan.suite.prune) for ladder in plan.ladders]
