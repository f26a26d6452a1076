"""Spans against steps: how much further what has more steps can be trained to remember.

A span says how fast something trains as much as how far it could ever reach. Two budgets tell them apart: where twice
the steps give an octave more, the span is the budget's; where they give nothing, it has levelled off.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rnnbench.analysis import spans
from rnnbench.analysis.effects import Effect, effect, effects
from rnnbench.analysis.spans import Bound, VariantSpan
from rnnbench.analysis.stats import Estimate
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb


@dataclass(frozen=True)
class Gain:
    """What the steps from one budget to the next bring: `slope`, octaves of span for each doubling of the steps, the
    mean over the `n` seeds whose spans are known at both, paired, with its t interval. `bound`: it is at least ("≥")
    or at most ("≤") that, or anything ("?"), as some seed's span is at an end of the ladder at one of them. `levelled`:
    at both budgets the same rungs are solved by half or more of the seeds, short of the ladder's top (None: runs that
    are missing could still tell)."""

    budgets: tuple[int, int]
    n: int
    slope: Estimate
    bound: Bound
    levelled: bool | None


@dataclass(frozen=True)
class Growth:
    """The spans of a variant on a task at each budget, and what each brings over the one before."""

    task: str
    variant: str
    budgets: tuple[int, ...]
    spans: tuple[VariantSpan | None, ...]
    gains: tuple[Gain, ...]


def growths(climbs: Sequence[Climb]) -> list[Growth]:
    """Of every variant on every task that it can do and that has several budgets."""
    budgets = views.budgets(climbs)
    if len(budgets) < 2:
        return []
    by_budget = {budget: _by_name(views.at(climbs, budget)) for budget in budgets}
    found = []
    for (variant, task), climb in by_budget[budgets[0]].items():
        own = [each for budget in budgets if (each := by_budget[budget].get((variant, task)))]
        if climb.steps and len(own) > 1:
            gains = tuple(_gain(fewer, more) for fewer, more in pairwise(own))
            its = tuple(each.ladder.budget for each in own)
            found.append(Growth(task, variant, its, tuple(map(spans.span, own)), gains))
    return found


def effects_at(climbs: Sequence[Climb], budget: int) -> list[Effect]:
    """The effects of parts at a budget."""
    return effects(views.at(climbs, budget), estimates=False)


def _by_name(climbs: Sequence[Climb]) -> dict[tuple[str, str], Climb]:
    return {(c.ladder.variant.name, c.ladder.task.name): c for c in climbs}


def _gain(fewer: Climb, more: Climb) -> Gain:
    few, many = fewer.ladder.budget, more.ladder.budget
    fewer = fewer.first(more.ladder.seeds)
    found = effect(more, fewer, estimates=False)
    slope = Estimate(*(x / math.log2(many / few) for x in found.octaves))
    return Gain((few, many), found.n, slope, found.bound, _levelled(fewer, more))


def _levelled(fewer: Climb, more: Climb) -> bool | None:
    """Whether more steps move no rung. A ladder that is solved to its top can't say."""
    before, after = ([step.passed for step in climb.steps] for climb in (fewer, more))
    if all(passed is True for passed in before):
        return False
    if any(x is not None and y is not None and x != y for x, y in zip(before, after, strict=True)):
        return False
    return None if None in before or None in after else True
