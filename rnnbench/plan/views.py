"""Which of a view's climbs a reader means: of one (variant, task) there may be several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rnnbench.plan import Choice, Plan
from rnnbench.plan.ladders import Climb


def at(climbs: Iterable[Climb], budget: int = 1, choice: Choice = "own") -> list[Climb]:
    """One climb a (variant, task), in their order: that with so many times the stated steps, and with its own choice of
    settings or, where there is one, that of its base."""
    found: dict[tuple[str, str], Climb] = {}
    for climb in climbs:
        ladder = climb.ladder
        if ladder.budget == budget and ladder.choice in ("own", choice):
            name = ladder.variant.name, ladder.task.name
            if name not in found or ladder.choice == choice:
                found[name] = climb
    return list(found.values())


def budgets(climbs: Iterable[Climb]) -> tuple[int, ...]:
    """With how many times the stated steps there are climbs, ascending."""
    return tuple(sorted({climb.ladder.budget for climb in climbs}))


def of(plan: Plan, climbs: Sequence[Climb]) -> Plan:
    """The plan of some climbs of its view: their ladders, as far settled as they are."""
    return Plan(plan.suite, tuple(climb.ladder for climb in climbs))
