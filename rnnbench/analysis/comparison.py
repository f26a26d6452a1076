"""Two views, held against each other: which runs are the same and have the same bits, and what the others' spans differ
by. Variants and tasks are matched by their names, seeds and lengths by their numbers; what one side has alone is told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rnnbench import registry
from rnnbench.analysis import effects
from rnnbench.analysis.effects import Effect, effect
from rnnbench.analysis.spans import VariantSpan, span
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.plan.reach import Tested
from rnnbench.records import Record, Rung
from rnnbench.settings import Settings
from rnnbench.suite import rungs

PLACES = {rungs.LENGTHS: "lengths", rungs.EXAMPLES: "numbers of examples"}


@dataclass(frozen=True)
class Side:
    """A view by the name that it is told by; `seeds` in the order of its rungs' records. A baseline has spans and no
    `bits`."""

    name: str
    seeds: tuple[int, ...]
    climbs: tuple[Climb, ...]
    bits: bool = True


@dataclass(frozen=True)
class Pair:
    """A variant on a task on both sides, at the lengths (or numbers of examples) and seeds that both have.

    `spans` are the two sides' own; `effect` is b's less a's, paired by seed, all pairs as one family;
    `settings` what their runs differ in, as (name, a's, b's). `runs` are those that finished on both sides; where they
    are the same runs, `same`, so many of them have `equal` records, to the bit; None where a side has no bits.
    """

    variant: str
    task: str
    lengths: tuple[int, ...]
    seeds: tuple[int, ...]
    spans: tuple[VariantSpan | None, VariantSpan | None]
    effect: Effect
    settings: tuple[tuple[str, object, object], ...]
    runs: int
    same: bool
    equal: int | None


@dataclass(frozen=True)
class Comparison:
    """What two sides have in common, and what is in one alone: `VARIANT on TASK`, seeds, and by task lengths, or
    numbers of examples."""

    a: str
    b: str
    pairs: tuple[Pair, ...]
    alone: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


def compare(a: Side, b: Side) -> Comparison:
    """`a` against `b`; of what nothing is in common there is no pair."""
    mine, others = _by_name(a), _by_name(b)
    found = [_pair(a, mine[name], b, others[name]) for name in mine if name in others]
    pairs = [pair for pair in found if pair is not None]
    spacings = [effects.spacing(pair.lengths) for pair in pairs]
    family = effects.together([pair.effect for pair in pairs], spacings)
    told = tuple(replace(pair, effect=each) for pair, each in zip(pairs, family, strict=True))
    return Comparison(a.name, b.name, told, _alone(a, mine, b, others))


def _by_name(side: Side) -> dict[tuple[str, str], Climb]:
    return {(c.ladder.variant.name, c.ladder.task.name): c for c in side.climbs if c.steps}


def _pair(a: Side, one: Climb, b: Side, other: Climb) -> Pair | None:
    lengths = [place for place in one.places if place in set(other.places)]
    seeds = [seed for seed in a.seeds if seed in set(b.seeds)]
    if not lengths or not seeds or not _alike(one, other):
        return None
    mine, yours = _common(one, lengths, a.seeds, seeds), _common(other, lengths, b.seeds, seeds)
    both = [
        (x, y)
        for s, t in zip(mine.steps, yours.steps, strict=True)
        for x, y in zip(s.records, t.records, strict=True)
        if x and y and x.finished and y.finished
    ]
    equal: dict[str, bool] = {}  # of each run, wherever it is tested
    for x, y in both:
        equal[x.id] = equal.get(x.id, True) and _equal(x, y)
    same = all(s.rung.key == t.rung.key for s, t in zip(mine.steps, yours.steps, strict=True))
    return Pair(
        variant=one.ladder.variant.name,
        task=one.ladder.task.name,
        lengths=tuple(lengths),
        seeds=tuple(seeds),
        spans=(span(one), span(other)),
        effect=effect(yours, mine),
        settings=tuple(_differ(mine.steps, yours.steps)),
        runs=len(equal),
        same=same,
        equal=sum(equal.values()) * same if a.bits and b.bits else None,
    )


def _alike(one: Climb, other: Climb) -> bool:
    """Whether two ladders have rungs of one kind: lengths, or numbers of examples."""
    return rungs.words(one.ladder.task) == rungs.words(other.ladder.task)


def _common(climb: Climb, lengths: Sequence[int], seeds: Sequence[int], wanted: Sequence[int]) -> Climb:
    """A climb at some of its places and seeds."""
    places = [seeds.index(seed) for seed in wanted]
    steps = tuple(step.of(places) for place, step in zip(climb.places, climb.steps, strict=True) if place in lengths)
    return replace(climb, steps=steps)


def _equal(x: Record, y: Record) -> bool:
    """Whether two records of one run are the same, bit for bit; curves only where both have one: an export may not."""
    mine, yours = x.results(), y.results()
    if not (x.curve and y.curve):
        mine, yours = mine | {"curve": []}, yours | {"curve": []}
    return mine == yours


def _differ(mine: Sequence[RungState], yours: Sequence[RungState]) -> Iterator[tuple[str, object, object]]:
    """What two ladders' runs differ in at the same lengths, each difference once."""
    seen = set()
    for s, t in zip(mine, yours, strict=True):
        a, b = _stated(s.rung), _stated(t.rung)
        for name in sorted({*a, *b}):
            values = a.get(name, "-"), b.get(name, "-")
            if values[0] != values[1] and (told := (name, *map(repr, values))) not in seen:
                seen.add(told)
                yield name, *values


def _stated(rung: Rung) -> dict[str, object]:
    """All that a rung is, its length aside, defaults written out where we know them."""
    settings = {name: getattr(Settings.of(rung), name) for name in Settings.__dataclass_fields__}
    train = {"train": {"upto": rung.upto} | rung.train} if isinstance(rung, Tested) else rung.train
    return {**settings, **_filled("task", rung.task), **_filled("model", rung.model), **train}


def _filled(what: str, entry: Mapping[str, Any]) -> dict[str, object]:
    """An entry with its class's defaults; of other people's code only what is said."""
    if "module" in entry or registry.is_foreign(entry):
        return dict(entry)
    kind = registry.kind(dict(entry)) if what == "model" else "task"
    cls: Any = {"cell": registry.cell_class, "layer": registry.layer_class, "task": registry.task_class}[kind](
        entry[kind]
    )
    return {f.name: f.default for f in dataclasses.fields(cls)} | dict(entry)


def _alone(
    a: Side, mine: Mapping[tuple[str, str], Climb], b: Side, others: Mapping[tuple[str, str], Climb]
) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    def beyond(x: Mapping[tuple[str, str], Climb], y: Mapping[tuple[str, str], Climb]) -> tuple[str, ...]:
        return tuple(f"{variant} on {task}" for variant, task in x if (variant, task) not in y)

    def places(side: Mapping[tuple[str, str], Climb]) -> dict[str, dict[str, set[int]]]:
        """By task, what its rungs are places of, and these."""
        found: dict[str, dict[str, set[int]]] = {}
        for (_, task), climb in side.items():
            kind = PLACES[rungs.words(climb.ladder.task)]
            found.setdefault(task, {}).setdefault(kind, set()).update(climb.places)
        return found

    x, y = places(mine), places(others)
    found = {
        "variants and tasks": (beyond(mine, others), beyond(others, mine)),
        "seeds": (_rest(a.seeds, b.seeds), _rest(b.seeds, a.seeds)),
    }
    for task in (task for task in x if task in y):
        for kind in dict.fromkeys((*x[task], *y[task])):
            one, other = (side[task].get(kind, set()) for side in (x, y))
            found[f"{kind} of {task}"] = _rest(one, other), _rest(other, one)
    return {name: sides for name, sides in found.items() if any(sides)}


def _rest(some: Sequence[int] | set[int], others: Sequence[int] | set[int]) -> tuple[str, ...]:
    return tuple(str(number) for number in sorted(set(some) - set(others)))
