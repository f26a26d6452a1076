"""How large variants are, and how near those that are to match their base come to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rnnbench.plan.ladders import Climb
from rnnbench.suite.matching import COUNTS


@dataclass(frozen=True)
class Matched:
    """A variant that was given a size on a task: `count` of its parameters, or of its numbers of state (`what`), beside
    its base's `target`, by choosing `value` for `knob`."""

    task: str
    variant: str
    base: str
    what: str
    knob: str
    value: int
    count: int
    target: int

    @property
    def mismatch(self) -> float:
        """By how much of the base's count it misses that."""
        return (self.count - self.target) / self.target


def matched(climbs: Iterable[Climb]) -> list[Matched]:
    """Every variant that is to match its base, on each task that both can do, in the order of the climbs."""
    by_name = {(c.ladder.task.name, c.ladder.variant.name): c for c in climbs if c.ladder.rungs}
    found = []
    for (task, _), climb in by_name.items():
        variant = climb.ladder.variant
        base = by_name.get((task, variant.base or ""))
        for what, knob in variant.match.items() if base else ():
            count, target = (COUNTS[what](each.ladder.rungs[0]) for each in (climb, base) if each)
            if count and target:
                value = variant.fitted[task][knob]
                names = task, variant.name, variant.base or ""
                found.append(Matched(*names, what, knob, value, count, target))
    return found
