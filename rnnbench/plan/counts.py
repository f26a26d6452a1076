"""How many runs of a view are known, pruned and still to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rnnbench.plan.ladders import Climb


@dataclass(frozen=True)
class Counts:
    """Of those that are known, so many are `derived`, told by runs with fewer steps, and so many `broken`. Where a
    ladder is searched, `missing` is the most that there may be, and `pruned` are also those that are left out for good.
    """

    known: int
    derived: int
    pruned: int
    missing: int
    broken: int = 0

    @property
    def total(self) -> int:
        return self.known + self.pruned + self.missing

    @classmethod
    def of(cls, climbs: Iterable[Climb]) -> Counts:
        known = derived = pruned = missing = broken = 0
        for climb in climbs:
            there = sum(rung.known for rung in climb.steps)
            known += there
            derived += sum(rung.tally.derived for rung in climb.steps)
            missing += climb.left
            broken += sum(rung.tally.broken for rung in climb.steps)
            pruned += sum(rung.asked for rung in climb.steps) - there - climb.left
        return cls(known, derived, pruned, missing, broken)
