"""Interactions of ladders written down as each seed's rungs, against spans moved and signs flipped by brute force."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import ladders
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench.analysis import effects, flips
from rnnbench.analysis.interactions import Interaction, interactions
from rnnbench.plan.ladders import Climb
from rnnbench.records import Rung
from rnnbench.suite import TaskEntry, Variant

LENGTHS = (5, 10, 20, 40)
TOP = len(LENGTHS)
VARIANTS = (
    Variant("lstm", {}),
    Variant("lstm-a", {}, base="lstm", part="-a"),
    Variant("lstm+b", {}, base="lstm", part="+b"),
    Variant("lstm-a+b", {}, base="lstm", part="-a+b", pair=("lstm-a", "lstm+b")),
)
Rungs = Sequence[int | None]  # of each seed: how many it solves, 0 to TOP; None: not run


def climbed(variant: Variant, reached: Rungs, task: str = "adding") -> Climb:
    rungs = tuple(Rung({"name": variant.name}, {"task": task}, length, {}) for length in LENGTHS)
    words = ["".join("." if n is None else "s" if k < n else "u" for n in reached) for k in range(TOP)]
    entry = TaskEntry(task, {"task": "adding"}, LENGTHS)
    return ladders.climbed(variant, entry, rungs, ladders.records(rungs, words), len(reached), prune=False)


def found(base: Rungs, a: Rungs, b: Rungs, both: Rungs) -> Interaction:
    climbs = [climbed(v, reached) for v, reached in zip(VARIANTS, (base, a, b, both), strict=True)]
    (interaction,) = interactions(climbs)
    return interaction


def test_what_two_parts_do_together_is_no_effect_of_a_part() -> None:
    climbs = [climbed(v, reached) for v, reached in zip(VARIANTS, ([3, 3], [2, 2], [1, 2], [0, 1]), strict=True)]
    assert [e.variant for e in effects.effects(climbs)] == ["lstm-a", "lstm+b"]


def test_what_both_do_beyond_what_each_does() -> None:
    base, a, b, both = [3, 3, 3], [2, 2, 3], [2, 2, 2], [1, 2, 1]
    got = found(base, a, b, both)
    values = [0, 1, -1]  # seed 0: each costs a rung, both cost two; seed 1: both cost one; seed 2: two, for 0 and 1
    low, high = scipy.stats.t.interval(0.95, 2, loc=0, scale=scipy.stats.sem(values))
    assert (got.task, got.variant, got.base, got.pair) == ("adding", "lstm-a+b", "lstm", ("lstm-a", "lstm+b"))
    assert got.n == 3
    assert got.rungs == pytest.approx((0, low, high))
    assert got.octaves == pytest.approx((0, low, high))
    alone = [got.first.octaves, got.second.octaves, got.both.octaves]
    assert alone == pytest.approx([-2 / 3, -1, -5 / 3])
    assert (got.first.bound, got.second.bound, got.both.bound, got.bound) == ("", "", "", "")
    assert got.p == 1
    assert got.least == 0.25


def test_seeds_that_are_not_known_with_and_without_are_left_out() -> None:
    got = found([3, 3, 3, 3], [None, 2, 2, 2], [2, 2, None, 2], [2, 2, 2, None])
    assert got.n == 1
    assert got.rungs.value == 1
    nothing = found([None], [2], [2], [2])
    assert nothing.n == 0
    assert math.isnan(nothing.p)
    assert math.isnan(nothing.octaves.value)


@pytest.mark.parametrize(
    ("base", "a", "b", "both", "bound", "rungs"),
    [
        (3, 2, 2, 1, "", 0),
        (4, 2, 2, 1, "≥", 1),  # the base may reach farther
        (3, 2, 2, 4, "≥", 3),
        (3, 4, 2, 2, "≤", -1),  # one part alone may reach farther: less is left for the two together
        (3, 2, 4, 2, "≤", -1),
        (3, 2, 2, 0, "≤", -1),
        (0, 2, 2, 2, "≤", -2),
        (3, 0, 2, 2, "≥", 3),
        (3, 2, 0, 2, "≥", 3),
        (3, 0, 2, 0, "?", 1),  # both and the first lie somewhere below the ladder
        (4, 4, 2, 2, "?", 0),
        (4, 4, 4, 4, "?", 0),
        (0, 0, 0, 0, "?", 0),
        (4, 0, 0, 4, "≥", 8),
        (0, 4, 4, 0, "≤", -8),
    ],
)
def test_the_ends_of_the_ladder(base: int, a: int, b: int, both: int, bound: str, rungs: int) -> None:
    got = found([base] * 2, [a] * 2, [b] * 2, [both] * 2)
    assert (got.bound, got.rungs.value) == (bound, rungs)


def octaves(reached: int, far: float) -> float:
    """log2 of a span, one beyond an end of the ladder `far` octaves farther out than it is placed."""
    return math.log2(LENGTHS[0]) - 0.5 + reached + far * ((reached == TOP) - (reached == 0))


def _sum(four: Sequence[int], far: Sequence[float]) -> float:
    base, a, b, both = (octaves(reached, x) for reached, x in zip(four, far, strict=True))
    return both - a - b + base


seeds = st.lists(st.tuples(*[st.integers(0, TOP)] * 4), min_size=1, max_size=5)


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_the_bound_is_what_spans_beyond_the_ladder_could_come_to(each: list[tuple[int, int, int, int]]) -> None:
    got = found(*zip(*each, strict=True))
    corners = [[_sum(four, far) for far in itertools.product((0, 100), repeat=4)] for four in each]
    placed = [sums[0] for sums in corners]
    least, most = np.mean([min(sums) for sums in corners]), np.mean([max(sums) for sums in corners])
    assert got.octaves.value == pytest.approx(np.mean(placed))
    assert got.octaves.value == pytest.approx(got.both.octaves - got.first.octaves - got.second.octaves)
    less, more = least < np.mean(placed) - 1, most > np.mean(placed) + 1
    assert got.bound == {(False, False): "", (True, False): "≤", (False, True): "≥", (True, True): "?"}[less, more]
    flips = [abs(np.dot(signs, placed)) for signs in itertools.product((1, -1), repeat=len(placed))]
    p = np.mean([flip >= abs(sum(placed)) - 1e-6 for flip in flips])
    could_be_0 = got.bound != "" and least < 1e-6 and most > -1e-6
    assert got.p == pytest.approx(1 if could_be_0 else p)


def test_logarithms_that_do_not_cancel_to_the_bit_are_no_interaction() -> None:
    five, ten, twenty = map(math.log2, LENGTHS[:3])
    assert twenty - ten - ten + five != 0
    got = found([3] * 8, [2] * 8, [2] * 8, [1] * 8)
    assert (got.octaves, got.p) == ((0, 0, 0), 1)


def test_all_pairs_of_a_suite_are_one_family() -> None:
    other = (
        Variant("lstm-c", {}, base="lstm", part="-c"),
        Variant("lstm-a-c", {}, base="lstm", part="-a-c", pair=("lstm-a", "lstm-c")),
        Variant("lstm-d", {}, base="lstm", part="-d"),
        Variant("lstm-a-d", {}, base="lstm", part="-a-d", pair=("lstm-a", "lstm-d")),
        Variant("lstm-a-e", {}, base="lstm", part="-a-e", pair=("lstm-a", "lstm-e")),  # -e alone was not selected
    )
    n = 8
    reached: list[Rungs] = [[3] * n, [2] * n, [2] * n, [2] * n, [2] * n, [1] * n, [None] * n, [1] * n, [1] * n]
    climbs = [climbed(v, r) for v, r in zip((*VARIANTS, *other), reached, strict=True)]
    climbs += [climbed(v, r, "copy") for v, r in zip(VARIANTS, reached, strict=False)]
    got = interactions(climbs)
    assert [(i.task, i.variant, i.n) for i in got] == [
        ("adding", "lstm-a+b", n), ("adding", "lstm-a-c", n), ("adding", "lstm-a-d", 0), ("copy", "lstm-a+b", n),
    ]  # fmt: skip
    one = flips.smallest_p(n)
    assert [i.p for i in got[:2]] == [one, 1.0]
    assert [i.adjusted for i in got] == [one, 1.0, pytest.approx(math.nan, nan_ok=True), one]
    assert [i.least for i in got] == [one, one, 1.0, one]


def test_a_part_of_which_other_rungs_were_selected_has_no_interaction() -> None:
    climbs = [climbed(v, [2, 2]) for v in VARIANTS]
    assert len(interactions(climbs)) == 1
    for k, short in enumerate(climbs):
        assert not interactions([*climbs[:k], replace(short, steps=short.steps[:2]), *climbs[k + 1 :]])
