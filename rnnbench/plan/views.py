"""Which of a view's climbs a reader means: of one (variant, task) there may be several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rnnbench.plan.ladders import Climb

Choice = Literal["own", "base"]


def at(climbs: Iterable[Climb], budget: int = 1, choice: Choice = "own") -> list[Climb]:
    """One climb a (variant, task), in their order: that with so many times the stated steps, and with its own choice of
    settings or, where there is one, that of its base."""
    found: dict[tuple[str, str], Climb] = {}
    for climb in climbs:
        ladder = climb.ladder
        of: Choice = getattr(ladder, "choice", "own")
        if ladder.budget == budget and of in ("own", choice):
            name = ladder.variant.name, ladder.task.name
            if name not in found or of == choice:
                found[name] = climb
    return list(found.values())


def budgets(climbs: Iterable[Climb]) -> tuple[int, ...]:
    """With how many times the stated steps there are climbs, ascending."""
    return tuple(sorted({climb.ladder.budget for climb in climbs}))
