"""Ratios of the steps to solve against scipy, and against every way in which what is censored could have gone.

A run is written down as the look by which it was solved, `None` where it was not within the budget, `d` where it
diverged, `x` where it crashed and `.` where it was not run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import ladders
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench.analysis import effort, flips
from rnnbench.analysis.effort import Pace, paces
from rnnbench.analysis.ranges import Range
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.records import Record, Run, Rung, Status
from rnnbench.report import marks
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
    look = Range(200, 300, low_open=True)
    assert effort.taken(record(run, 300)) == look
    assert effort.taken(record(never, 300)) == look  # all steps were spent, it was solved by the 300th
    assert effort.taken(record(run, 950)) == Range(900, 950, low_open=True)  # the last look, that of the end
    assert effort.taken(record(run, None)) == effort.taken(record(run, "d")) == beyond
    stopped = replace(record(run, None), steps=700)
    assert effort.taken(stopped) == Range(700, math.inf, low_open=True)  # nobody knows what it would have done then
    assert effort.taken(replace(stopped, solved_at=600)) == effort.taken(stopped)  # by its validation, not by its test
    diverged = replace(record(run, "d"), steps=40)
    assert effort.taken(diverged) == beyond
    assert effort.taken(replace(diverged, run=Run(Rung({}, {}, 10, {}), 0))).low == 1000  # the budget by default


def test_a_run_that_is_solved_was_so_by_its_end_whatever_its_record_leaves_out() -> None:
    run = Run(Rung({}, {}, 10, {"steps": BUDGET}), 0)
    assert effort.taken(replace(record(run, 300), solved_at=None)) == Range(0, BUDGET, low_open=True)


def older(run: Run, word: Word, at: int | None, steps: int) -> Record:
    """A record of when validation had another bar: solved without a `solved_at`, unsolved with one."""
    made = record(run, word)
    return replace(made, solved_at=at, steps=steps) if made.status in ("solved", "unsolved") else made


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([100, None, "d", "x"]), st.sampled_from([None, 100, 700]),
                          st.sampled_from([700, 900, BUDGET])), min_size=1, max_size=9))  # fmt: skip
def test_a_tick_never_stands_beside_more_than_the_budget(words: list[tuple[Word, int | None, int]]) -> None:
    rung = Rung({}, {}, 10, {"steps": BUDGET})
    found = [older(Run(rung, seed), *word) for seed, word in enumerate(words)]
    step = RungState(rung, tuple(found), "done")
    text = marks.steps(step).text
    if step.passed:
        assert text[0] not in ">·", text
    elif not step.broken:
        assert text.startswith("> "), text
        trained = [BUDGET if r.status == "diverged" else r.steps for r in step.finished if r.status != "solved"]
        assert 2 * sum(steps >= int(text[2:]) for steps in trained) > len(found)


def test_a_ratio_of_what_is_known() -> None:
    (ratio,) = paced([100, 200, 400, 400, None, None, None], [300, 200, None, "d", 500, None, "d"]).ratios
    assert (ratio.n, ratio.sooner, ratio.later, ratio.known) == (7, 1, 3, 4)
    # over 2, .5 to 2, over 2.5, over 2.5, under .5, anything, anything
    assert (ratio.median.low, ratio.median.high) == pytest.approx((0.5, math.inf))
    assert ratio.interval == Range(0, math.inf, low_open=True, high_open=True)


def test_what_did_not_finish_on_both_sides_is_left_out() -> None:
    (ratio,) = paced([200, 200, "x", 400, "."], [500, "x", 100, 400, 300]).ratios
    assert (ratio.n, ratio.sooner, ratio.later) == (2, 0, 1)  # 2 to 5, .75 to 1.33
    assert (ratio.median.low, ratio.median.high) == pytest.approx((1.5**0.5, (20 / 3) ** 0.5))
    nothing = paced(["x", "."], [100, 200])
    assert (nothing.ratios[0].n, nothing.place) == (0, None)
    assert (nothing.ratios[0].median.low, nothing.ratios[0].median.high) == (0, math.inf)
    assert math.isnan(nothing.p)


def test_what_was_pruned_is_left_out() -> None:
    base: list[list[Word]] = [[100] * 3] * 4
    none: list[list[Word]] = [[None] * 3, [None] * 3, [None] * 3, [100] * 3]
    (found,) = paces([climbed(base, prune=True), climbed(none, "-a", prune=True)])
    assert [r.n for r in found.ratios] == [3, 3, 0, 0]
    assert found.place == 20


def test_nothing_is_known_where_neither_ever_solves() -> None:
    found = paced([None, "d", None], [None, None, "d"])
    assert (found.ratios[0].n, found.ratios[0].known, found.place) == (3, 0, None)
    assert (math.isnan(found.p), math.isnan(found.adjusted), found.least) == (True, True, 1.0)


times = st.integers(1, 10).map(lambda k: 100 * k)
whole = st.integers(6, 40).flatmap(lambda n: st.tuples(*[st.lists(times, min_size=n, max_size=n)] * 2))


def possible(word: int | None) -> tuple[float, float]:
    """Just after the look before or at the look; just after the budget or as good as never."""
    return (BUDGET * (1 + 1e-12), BUDGET * 2.0**60) if word is None else (word - 100 + 1e-9, word)


def ratios_possible(base: Sequence[int | None], variant: Sequence[int | None]) -> tuple[list[float], list[float]]:
    """The least and the most that each seed's ratio can be, by trying."""
    every = [[a / b for a in possible(v) for b in possible(u)] for u, v in zip(base, variant, strict=True)]
    return [min(each) for each in every], [max(each) for each in every]


@settings(max_examples=60, deadline=None)
@given(whole)
def test_the_interval_of_the_median_agrees_with_scipy(both: tuple[list[int], list[int]]) -> None:
    base, variant = both
    (ratio,) = paced(base, variant).ratios
    ends = ratios_possible(base, variant)
    low, high = (scipy.stats.quantile_test(x, p=0.5).confidence_interval(0.95) for x in ends)
    assert ratio.interval.low == pytest.approx(low.low, abs=1e-9)
    assert min(ratio.interval.high, 1e9) == pytest.approx(min(high.high, 1e9))
    for found, each in zip((ratio.median.low, ratio.median.high), ends, strict=True):
        logs = sorted(math.log2(r) for r in each)
        middle = 2 ** ((logs[(len(logs) - 1) // 2] + logs[len(logs) // 2]) / 2)
        if 1e-3 < middle < 1e3:  # elsewhere one of the two is as good as 0, or has no end
            assert found == pytest.approx(middle)
        else:
            assert found in (0, math.inf)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(times, times, st.sampled_from(["known", "known", "base", "variant", "both"])), min_size=6,
                max_size=9))  # fmt: skip
def test_censored_steps_give_what_every_outcome_beyond_the_budget_would(each: list[tuple[int, int, str]]) -> None:
    base = [None if cut in ("base", "both") else b for b, _, cut in each]
    variant = [None if cut in ("variant", "both") else v for _, v, cut in each]
    found = paced(base, variant)
    (ratio,) = found.ratios
    least, most = ratios_possible(base, variant)
    low, high = (scipy.stats.quantile_test(x, p=0.5).confidence_interval(0.95) for x in (least, most))
    assert ratio.interval.low == pytest.approx(low.low, abs=1e-9)
    assert min(ratio.interval.high, 1e9) == pytest.approx(min(high.high, 1e9))
    sooner, later = sum(x < 1 for x in most), sum(x > 1 for x in least)
    assert (ratio.sooner, ratio.later) == (sooner, later)
    if sooner + later:
        tail = scipy.stats.binomtest(max(sooner, later), len(each), alternative="greater").pvalue
        assert found.p == pytest.approx(min(1, 2 * tail))
        assert found.place == 10
    else:
        assert found.place is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([100, 200, 300, None]), st.sampled_from([100, 200, 300, None])), min_size=1,
                max_size=12))  # fmt: skip
def test_p_is_small_where_the_interval_lies_on_one_side_of_1(each: list[tuple[Word, Word]]) -> None:
    found = paced([b for b, _ in each], [v for _, v in each])
    (ratio,) = found.ratios
    apart = ratio.interval.low >= 1 or ratio.interval.high <= 1  # neither end is in it
    assert apart == (found.place is not None and found.p <= 0.05)


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
    assert [(p.task, p.variant, p.place) for p in found] == [
        ("adding", "lstm-a", 20), ("adding", "lstm-b", 20), ("adding", "lstm-c", None), ("copy", "lstm-b", 20),
    ]  # fmt: skip
    one = flips.smallest_p(8)
    assert [p.p for p in found] == [one, one, pytest.approx(math.nan, nan_ok=True), one]
    assert [p.adjusted for p in found] == [one, one, pytest.approx(math.nan, nan_ok=True), one]
    assert [p.least for p in found] == [one, one, 1.0, one]
    assert [r.known for r in found[0].ratios] == [8, 8, 7, 0]


def test_a_longer_length_is_tested_where_enough_is_known_if_not_all() -> None:
    base: list[list[Word]] = [[100] * 10, [*[100] * 9, None], [*[100] * 8, None, None]]
    none: list[list[Word]] = [[None] * 10] * 3
    (found,) = paces([climbed(base), climbed(none, "-a")])
    assert [r.known for r in found.ratios] == [10, 9, 8]  # of ten it takes nine
    assert found.place == 20
    assert found.p == pytest.approx(scipy.stats.binomtest(9, 10).pvalue)
    assert found.adjusted == pytest.approx(found.p)  # whose order isn't known counts against it in a family, too


def test_fewer_than_six_seeds_have_no_interval() -> None:
    assert [paced([100] * n, [300] * n).ratios[0].interval.low > 0 for n in (5, 6)] == [False, True]
