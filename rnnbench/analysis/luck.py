"""Whose luck a result is: spans and scores over a crossing of initialisations and data, and their differences by part,
pair by pair."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from rnnbench.analysis import effects, spans
from rnnbench.analysis.components import Split, split
from rnnbench.analysis.spans import Bound, Span
from rnnbench.analysis.stats import Estimate
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.suite.crossing import Crossing

T = TypeVar("T")
Grid = list[list[T]]  # a row for each initialisation, a column for each stream of data
Name = tuple[str, str]  # variant, task


@dataclass(frozen=True)
class Luck:
    """What varies over the `init` x `data` pairs of a variant on a task: its span in octaves (log2), or its score at a
    `place` of its ladder, a length or a number of examples; against a `base` the differences, pair by pair. `split` is
    None while some of the pairs are `missing` (not run, or broken). `mean` is that of the split, its interval as wide
    as what is known of each pair only up to the rungs asks for, and cut to what a score can be. `bound`: in some pair
    a span is at an end of the ladder, as in an effect; the mean's interval has then one end, and what varies beyond is
    not seen."""

    task: str
    variant: str
    base: str
    of: Literal["span", "score"]
    place: int | None
    init: int
    data: int
    missing: int
    split: Split | None
    mean: Estimate
    bound: Bound = ""


def lucks(climbs: Sequence[Climb]) -> list[Luck]:
    """Of every variant on every task whose pairs are among the climbs, then of every difference between two of them;
    first the spans, then the scores at each length, where all steps were spent (`stop: never`)."""
    own = {_name(climb): climb for climb in views.at(climbs)}
    crossed = {_name(climb): climb for climb in climbs if climb.ladder.crossing and climb.steps}
    whole = {name: (own[name], climb) for name, climb in crossed.items() if name in own and own[name].steps}
    parts = [(_name(a), _name(b)) for a, b in effects.differences(own.values())]
    parts = [(a, b) for a, b in parts if a in whole and b in whole]
    found = [_span(*pair) for pair in whole.values()]
    found += [_span(*whole[a], whole[b]) for a, b in parts]
    for name, pair in whole.items():
        for k in _spent(pair[0]):
            found.append(_score(k, *pair))
            found += [_score(k, *pair, whole[b]) for a, b in parts if a == name and k in _spent(whole[b][0])]
    return found


def _name(climb: Climb) -> Name:
    return climb.ladder.variant.name, climb.ladder.task.name


def _spent(climb: Climb) -> list[int]:
    """The rungs whose scores can be compared."""
    if climb.searches:
        return []
    return [k for k, step in enumerate(climb.steps) if step.rung.settings.get("stop") == "never"]


def _span(own: Climb, pairs: Climb, base: tuple[Climb, Climb] | None = None) -> Luck:
    every = _grid(_crossing(pairs), _known(own), _known(pairs))
    known = [span for row in every for span in row]
    values = _numbers(every, lambda span: span.octaves)
    end = spans.bound([span for span in known if span is not None])
    if base is not None:
        against = _grid(_crossing(pairs), *map(_known, base))
        values = values - _numbers(against, lambda span: span.octaves)
        both = zip(known, (span for row in against for span in row), strict=True)
        end = effects.bound([(a, b) for a, b in both if a is not None and b is not None])
    return _luck(own, base, "span", None, values, end)


def _score(k: int, own: Climb, pairs: Climb, base: tuple[Climb, Climb] | None = None) -> Luck:
    def values(own: Climb, pairs: Climb) -> Any:
        return np.array(_grid(_crossing(pairs), _scores(own.steps[k]), _scores(pairs.steps[k])))

    found = values(own, pairs) - (values(*base) if base else 0.0)
    return _luck(own, base, "score", own.places[k], found, "")


def _luck(
    own: Climb, base: tuple[Climb, Climb] | None, of: Literal["span", "score"], place: int | None, values: Any,
    end: Bound,
) -> Luck:  # fmt: skip
    variant, task = _name(own)
    missing = int(np.isnan(values).sum())
    found = None if missing else split(values)
    mean = found.mean if found else Estimate(math.nan, math.nan, math.nan)
    if base is None:
        mean = _cut(mean) if of == "score" else _between_rungs(mean, own)
    low = -math.inf if end in ("≤", "?") else mean.low
    high = math.inf if end in ("≥", "?") else mean.high
    against = base[0].ladder.variant.name if base else ""
    init, data = values.shape
    return Luck(task, variant, against, of, place, init, data, missing, found, Estimate(mean.value, low, high), end)


def _cut(score: Estimate) -> Estimate:
    return Estimate(score.value, max(0.0, score.low), min(1.0, score.high))


def _between_rungs(octaves: Estimate, climb: Climb) -> Estimate:
    """Half a rung wider on each side: pairs that all solve the same rungs don't say where between two they are."""
    half = effects.spacing(spans.lengths(climb)) / 2
    return Estimate(octaves.value, octaves.low - half, octaves.high + half)


def _crossing(pairs: Climb) -> Crossing:
    assert pairs.ladder.crossing is not None
    return pairs.ladder.crossing


def _grid(crossing: Crossing, own: Sequence[T], pairs: Sequence[T]) -> Grid[T]:
    """What the suite's seeds have, and what the other pairs have, each where its seed stands."""
    mine, others = iter(own), iter(pairs)
    return [
        [next(mine) if init == data else next(others) for data in range(crossing.data)]
        for init in range(crossing.init)
    ]  # fmt: skip


def _known(climb: Climb) -> list[Span | None]:
    """The span of each seed; None where it isn't known yet."""
    return [None if span.provisional else span for span in spans.seed_spans(climb)]


def _numbers(grid: Grid[Span | None], number: Callable[[Span], float]) -> Any:
    return np.array([[math.nan if span is None else number(span) for span in row] for row in grid])


def _scores(step: RungState) -> list[float]:
    """The score of each seed; nan where there is none."""
    records = [r if r is not None and r.finished and step.state != "pruned" else None for r in step.records]
    return [math.nan if r is None else spans.points(r) for r in records]
