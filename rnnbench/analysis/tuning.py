"""What a sweep says besides what it chose: whether the choice is at an edge of it, what a smaller one would have found,
and where an effect at each one's own choice parts from the same with all at the base's.

With k trials drawn at random from the n that there are, with replacement, the best has an expected validation of

    E[best of k] = sum over i of v(i) ((i / n)^k - ((i - 1) / n)^k)          v(1) <= ... <= v(n)

(Dodge, Gururangan, Card, Schwartz & Smith, 2019). Where it still rises at k = n, more trials may find better.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotated_types import Interval

from rnnbench.analysis import effects
from rnnbench.analysis.effects import Effect
from rnnbench.analysis.stats import Estimate
from rnnbench.plan import tuning, views
from rnnbench.plan.ladders import Climb
from rnnbench.plan.tuning import Chosen
from rnnbench.settings import Settings
from rnnbench.suite.reader import hints


def expected_best(scores: Sequence[float]) -> list[float]:
    """The expected best of 1, 2, ... n trials drawn from these n.

    >>> expected_best([0.0, 1.0]), expected_best([0.5])
    ([0.5, 0.75], [0.5])
    """
    n, ordered = len(scores), sorted(scores)
    return [sum(v * ((i / n) ** k - ((i - 1) / n) ** k) for i, v in enumerate(ordered, 1)) for k in range(1, n + 1)]


@dataclass(frozen=True)
class Edge:
    """A setting whose chosen value is the `largest` that was tried, or else the least."""

    setting: str
    value: float
    largest: bool


def edges(chosen: Chosen) -> tuple[Edge, ...]:
    """Of the settings that are numbers, those chosen at an end of what was tried: beyond it may be better. 0 is none
    where a setting can't be less."""
    if chosen.candidate is None:
        return ()
    found: list[Edge] = []
    for setting, value in chosen.candidate.items():
        tried = {trial.candidate[setting] for trial in chosen.trials}
        if type(value) in (int, float) and len(tried) > 1 and value != least(setting):
            found += [Edge(setting, value, end is max) for end in (min, max) if value == end(tried)]
    return tuple(found)


def least(setting: str) -> Any:
    """The least that a setting can be; None where there is no such number."""
    bounds = (each for each in hints(Settings)[setting].__metadata__ if isinstance(each, Interval))
    return next((each.ge for each in bounds), None)


@dataclass(frozen=True)
class Sweep:
    """All trials of a variant on a task, what they chose, and the expected best of one trial, of two, ..."""

    variant: str
    task: str
    chosen: Chosen
    edges: tuple[Edge, ...]
    expected: tuple[float, ...]


def sweeps(climbs: Iterable[Climb]) -> list[Sweep]:
    """The sweep of each variant on each task whose pilots are among the climbs, in their order."""
    trials: dict[tuple[str, str], list[tuning.Trial]] = {}
    for climb in climbs:
        if climb.ladder.choice == "pilot" and climb.steps:
            own = trials.setdefault(tuning.key(climb.ladder), [])
            own.append(tuning.trial(climb.ladder, [r for step in climb.steps for r in step.records]))
    found = []
    for (variant, task), own in trials.items():
        chosen = tuning.choose(own)
        scores = [each.score for each in own if each.eligible]
        expected = tuple(expected_best(scores)) if chosen.best is not None else ()
        found.append(Sweep(variant, task, chosen, edges(chosen), expected))
    return found


@dataclass(frozen=True)
class Both:
    """An effect with each of the two at its own choice, and with both at that of the architecture that they come from;
    what these choices are."""

    own: Effect
    base: Effect
    chosen: Mapping[str, Any]
    at_base: Mapping[str, Any]

    @property
    def parts(self) -> bool:
        """Whether one says more, less, or nothing where the other doesn't: the intervals of their means lie on other
        sides of 0, or only one of them leaves it out."""
        return _side(self.own.octaves) != _side(self.base.octaves)


def _side(estimate: Estimate) -> int:
    return (estimate.low > 0) - (estimate.high < 0)


def both(climbs: Sequence[Climb]) -> Iterator[Both]:
    """The effects that are shown twice: those of which the variant, or what it is held against, has another choice than
    the architecture that both come from."""
    ladders = {(c.ladder.variant.name, c.ladder.task.name, c.ladder.choice): c.ladder for c in climbs}
    at_base = {(e.variant, e.task): e for e in effects.effects(views.at(climbs, choice="base"), estimates=False)}
    for effect in effects.effects(views.at(climbs), estimates=False):
        apart = [ladders.get((name, effect.task, "base")) for name in (effect.variant, effect.base)]
        settled = [ladder for ladder in apart if ladder is not None and not ladder.awaits]
        if settled and (effect.variant, effect.task) in at_base:
            own = ladders[effect.variant, effect.task, "own"]
            yield Both(effect, at_base[effect.variant, effect.task], own.candidate, settled[0].candidate)
