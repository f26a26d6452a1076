"""Ratios of the steps to solve against scipy, and against every way in which what is censored could have gone.

A run is written down as the step at which it was solved, `None` where it was not within the budget, `d` where it
diverged, `x` where it crashed and `.` where it was not run.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import ladders
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench.analysis import effort, stats
from rnnbench.analysis.effort import Pace, paces
from rnnbench.analysis.ranges import Range, point
from rnnbench.plan.ladders import Climb
from rnnbench.records import Record, Run, Rung, Status
from rnnbench.suite import TaskEntry, Variant

BUDGET = 1000
LENGTHS = (10, 20, 40, 80)
Word = int | str | None


def record(run: Run, word: Word) -> Record:
    status: dict[Word, Status] = {None: "unsolved", "d": "diverged", "x": "crashed"}
    solved_at = word if isinstance(word, int) else 100 if word == "d" else None
    return Record(run, status.get(word, "solved"), 0.5, steps=BUDGET, solved_at=solved_at)


def climbed(rungs: Sequence[Sequence[Word]], part: str = "", task: str = "adding", prune: bool = False) -> Climb:
    variant = Variant(f"lstm{part}", {}, base="lstm" if part else None, part=part or None)
    made = tuple(Rung({"name": variant.name}, {}, length, {"steps": BUDGET}) for length in LENGTHS[: len(rungs)])
    known = ladders.records(made, rungs, record)
    return ladders.climbed(variant, TaskEntry(task, {}, LENGTHS), made, known, len(rungs[0]), prune)


def paced(base: Sequence[Word], variant: Sequence[Word]) -> Pace:
    (found,) = paces([climbed([base]), climbed([variant], "-a")])
    return found


def test_steps_taken() -> None:
    run = Run(Rung({}, {}, 10, {"steps": BUDGET}), 0)
    never = Run(Rung({}, {}, 10, {"steps": BUDGET, "stop": "never"}), 0)
    beyond = Range(BUDGET, math.inf, low_open=True)
    assert effort.taken(record(run, 300)) == point(300)
    assert effort.taken(record(never, 300)) == point(300)  # all steps were spent, it was solved at the 300th
    assert effort.taken(record(run, None)) == effort.taken(record(run, "d")) == beyond
    assert (
        effort.taken(replace(record(run, None), run=Run(Rung({}, {}, 10, {}), 0))).low == 1000
    )  # the budget by default


def test_a_ratio_of_what_is_known() -> None:
    (ratio,) = paced([100, 200, 400, 400, None, None, None], [300, 200, None, "d", 500, None, "d"]).ratios
    assert (ratio.n, ratio.sooner, ratio.later, ratio.equal, ratio.known) == (7, 1, 3, 1, 5)
    # 3, 1, over 2.5, over 2.5, under .5, anything, anything
    assert (ratio.median.low, ratio.median.high) == pytest.approx((1, math.inf))
    assert ratio.interval == Range(0, math.inf)


def test_what_did_not_finish_on_both_sides_is_left_out() -> None:
    (ratio,) = paced([100, 200, "x", 400, "."], [200, "x", 100, 400, 300]).ratios
    assert (ratio.n, ratio.sooner, ratio.later, ratio.equal) == (2, 0, 1, 1)
    assert (ratio.median.low, ratio.median.high) == pytest.approx((2**0.5, 2**0.5))
    nothing = paced(["x", "."], [100, 200])
    assert (nothing.ratios[0].n, nothing.ratios[0].median, nothing.length) == (0, Range(0, math.inf), None)
    assert math.isnan(nothing.p)


def test_what_was_pruned_is_left_out() -> None:
    base: list[list[Word]] = [[100] * 3] * 4
    none: list[list[Word]] = [[None] * 3, [None] * 3, [None] * 3, [100] * 3]
    (found,) = paces([climbed(base, prune=True), climbed(none, "-a", prune=True)])
    assert [r.n for r in found.ratios] == [3, 3, 0, 0]
    assert found.length == 20


def test_nothing_is_known_where_neither_ever_solves() -> None:
    found = paced([None, "d", None], [None, None, "d"])
    assert (found.ratios[0].n, found.ratios[0].known, found.length) == (3, 0, None)
    assert (math.isnan(found.p), math.isnan(found.holm), found.least) == (True, True, 1.0)


times = st.integers(1, 10).map(lambda k: 100 * k)
whole = st.integers(6, 40).flatmap(lambda n: st.tuples(*[st.lists(times, min_size=n, max_size=n)] * 2))


@settings(max_examples=60, deadline=None)
@given(whole)
def test_the_interval_of_the_median_agrees_with_scipy(both: tuple[list[int], list[int]]) -> None:
    base, variant = both
    (ratio,) = paced(base, variant).ratios
    ratios = [v / b for v, b in zip(variant, base, strict=True)]
    expected = scipy.stats.quantile_test(ratios, p=0.5).confidence_interval(0.95)
    assert (ratio.interval.low, ratio.interval.high) == pytest.approx((expected.low, expected.high))
    logs = sorted(math.log2(r) for r in ratios)
    middle = (logs[(len(logs) - 1) // 2] + logs[len(logs) // 2]) / 2
    assert (ratio.median.low, ratio.median.high) == pytest.approx((2**middle, 2**middle))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(times, times, st.sampled_from(["known", "known", "base", "variant", "both"])), min_size=6,
                max_size=9))  # fmt: skip
def test_censored_steps_give_what_every_outcome_beyond_the_budget_would(each: list[tuple[int, int, str]]) -> None:
    base = [None if cut in ("base", "both") else b for b, _, cut in each]
    variant = [None if cut in ("variant", "both") else v for _, v, cut in each]
    found = paced(base, variant)
    (ratio,) = found.ratios
    outcomes = []  # just after the budget, or as good as never
    for late in itertools.product((BUDGET * (1 + 1e-12), BUDGET * 2.0**60), repeat=2):
        pairs = zip(base, variant, strict=True)
        outcomes.append([(late[1] if v is None else v) / (late[0] if b is None else b) for b, v in pairs])
    seeds = list(zip(*outcomes, strict=True))
    least, most = ([end(seed) for seed in seeds] for end in (min, max))
    low, high = (scipy.stats.quantile_test(x, p=0.5).confidence_interval(0.95) for x in (least, most))
    assert ratio.interval.low == pytest.approx(low.low, abs=1e-9)
    assert min(ratio.interval.high, 1e9) == pytest.approx(min(high.high, 1e9))
    sooner, later = sum(max(seed) < 1 for seed in seeds), sum(min(seed) > 1 for seed in seeds)
    equal = sum(set(seed) == {1} for seed in seeds)
    assert (ratio.sooner, ratio.later, ratio.equal) == (sooner, later, equal)
    if sooner + later + equal:
        tail = scipy.stats.binomtest(max(sooner, later), len(each), alternative="greater").pvalue
        assert found.p == pytest.approx(min(1, 2 * tail))
        assert found.length == 10
    else:
        assert found.length is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([100, 200, 300, None]), st.sampled_from([100, 200, 300, None])), min_size=1,
                max_size=12))  # fmt: skip
def test_p_is_small_where_the_interval_lies_on_one_side_of_1(each: list[tuple[Word, Word]]) -> None:
    found = paced([b for b, _ in each], [v for _, v in each])
    (ratio,) = found.ratios
    apart = ratio.interval.low > 1 + 1e-9 or ratio.interval.high < 1 - 1e-9
    assert apart == (found.length is not None and found.p <= 0.05)


def test_the_test_is_at_the_longest_length_of_which_enough_is_known() -> None:
    base: list[list[Word]] = [[100] * 8, [100] * 8, [*[100] * 7, None], [None] * 8]
    part: list[list[Word]] = [[200] * 8, [300] * 8, [None] * 8, [None] * 8]
    other: list[list[Word]] = [[None] * 8] * 4
    copied = [climbed(base, task="copy"), climbed(other, "-b", task="copy")]
    pair = climbed(part, "-a-b")
    joint = replace(pair.ladder, variant=replace(pair.ladder.variant, pair=("lstm-a", "lstm-b")))
    silent = climbed([["."] * 8] * 4, "-c")
    found = paces(
        [climbed(base), climbed(part, "-a"), climbed(other, "-b"), silent, replace(pair, ladder=joint), *copied]
    )
    assert [(p.task, p.variant, p.length) for p in found] == [
        ("adding", "lstm-a", 20), ("adding", "lstm-b", 20), ("adding", "lstm-c", None), ("copy", "lstm-b", 20),
    ]  # fmt: skip
    one = stats.smallest_p(8)
    assert [p.p for p in found] == [one, one, pytest.approx(math.nan, nan_ok=True), one]
    assert [p.holm for p in found] == [2 * one, 2 * one, pytest.approx(math.nan, nan_ok=True), one]
    assert [p.least for p in found] == [2 * one, 2 * one, 1.0, one]
    assert [r.known for r in found[0].ratios] == [8, 8, 7, 0]


def test_a_longer_length_is_tested_where_enough_is_known_if_not_all() -> None:
    base: list[list[Word]] = [[100] * 10, [*[100] * 9, None], [*[100] * 8, None, None]]
    none: list[list[Word]] = [[None] * 10] * 3
    (found,) = paces([climbed(base), climbed(none, "-a")])
    assert [r.known for r in found.ratios] == [10, 9, 8]  # of ten it takes nine
    assert found.length == 20
    assert found.p == pytest.approx(scipy.stats.binomtest(9, 10).pvalue)


def test_fewer_than_six_seeds_have_no_interval() -> None:
    assert [paced([100] * n, [300] * n).ratios[0].interval.low > 0 for n in (5, 6)] == [False, True]
