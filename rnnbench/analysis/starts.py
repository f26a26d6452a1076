"""A part, or where it starts? What taking a part out (or putting it in) does at each start that the part could have.

    left(s)  = span of the variant whose part is changed - span of the base where the part starts at s     octaves
    moved(s) = span of the base where the part starts at s - span of the base                              octaves

each paired by seed; left at the base's own start is the effect of the part. If some start alone moves the span to where
changing the part does, so that nothing is left, then it is where the part starts, and not the part, that does it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from rnnbench import registry
from rnnbench.analysis import effects
from rnnbench.analysis.effects import Effect
from rnnbench.analysis.spans import lengths
from rnnbench.analysis.verdicts import MINIMUM
from rnnbench.plan.ladders import Climb

Answer = Literal["start", "both", "part", "nothing", "untold"]


@dataclass(frozen=True)
class Start:
    """A base where its part starts at `start`: what that moves (None: it is the base's own), and what changing the part
    still does from there."""

    start: dict[str, Any]
    variant: str
    moved: Effect | None
    left: Effect


@dataclass(frozen=True)
class Question:
    """Whether it is the part in which `variant` differs from `base`, `-forget_gate`, or where that starts, on a task.

    `starts` begins with the base's own. The answer: `start`, by that of the other starts after which least is left;
    `both`, where some start does something of it and something is left at each; `part`, where all is left at each;
    `nothing`, where changing the part makes no difference that is told; `untold`, which the seeds don't say.
    """

    task: str
    variant: str
    base: str
    part: str
    starts: tuple[Start, ...]
    answer: Answer
    by: Start


def questions(climbs: Iterable[Climb]) -> list[Question]:
    """A question for each part that a suite changes beside where it starts, on each task on which both were run."""
    by_name = {(c.ladder.task.name, c.ladder.variant.name): c for c in climbs if c.steps}
    asked: dict[tuple[str, str, str], list[Climb]] = {}
    for (task, _), climb in by_name.items():
        variant = climb.ladder.variant
        for changed in variant.rivals:
            if variant.base and all((task, name) in by_name for name in (variant.base, changed)):
                asked.setdefault((task, variant.base, changed), []).append(climb)
    found = []
    for (task, *names), others in asked.items():
        base, rival = (by_name[task, name] for name in names)
        alike = [other for other in others if lengths(other) == lengths(base) == lengths(rival)]
        if alike:
            found.append(_question(base, rival, alike))
    return found


def _question(base: Climb, rival: Climb, others: list[Climb]) -> Question:
    switches = registry.switched(base.ladder.variant.model)
    names = dict.fromkeys(name for other in others for name in other.ladder.variant.start)
    own = {name: getattr(switches, name) for name in names}
    starts = [Start(own, base.ladder.variant.name, None, effects.effect(rival, base, False))]
    for other in others:
        variant, moved = other.ladder.variant, effects.effect(other, base, False)
        starts.append(Start(variant.start, variant.name, moved, effects.effect(rival, other, False)))
    answer, by = _answer(starts)
    changed = rival.ladder.variant
    return Question(
        rival.ladder.task.name, changed.name, base.ladder.variant.name, changed.part or "", tuple(starts), answer, by
    )


def _answer(starts: list[Start]) -> tuple[Answer, Start]:
    """The answer, and the start by which it is given."""
    own, *others = starts
    nearest = min(others, key=lambda s: abs(s.left.octaves.value))
    if min(s.left.n for s in starts) < MINIMUM:
        return "untold", nearest
    side = told(own.left)
    if not side:
        return ("untold", nearest) if own.left.top or own.left.bottom or own.left.bound else ("nothing", own)
    moving = [s for s in others if s.moved and told(s.moved) == side]
    there = [s for s in moving if told(s.left) != side and not _hidden(s.left, side)]
    if there:
        return "start", min(there, key=lambda s: abs(s.left.octaves.value))
    if all(told(s.left) == side for s in others):
        return ("both" if moving else "part"), nearest
    return "untold", nearest


def _hidden(effect: Effect, side: int) -> bool:
    """Whether the ladder's ends may hide more of an effect on that side than it shows."""
    return effect.top or effect.bottom or effect.bound in ("?", "≥" if side > 0 else "≤")


def told(effect: Effect) -> int:
    """The sign of an effect whose interval, and whatever the ladder's ends hide of it, leave out 0; else 0."""
    found = effect.octaves
    above = found.low > 0 and effect.bound in ("", "≥")
    below = found.high < 0 and effect.bound in ("", "≤")
    return above - below
