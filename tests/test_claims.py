"""Verdicts on ladders written down as letters or numbers: one word a rung, one letter or number a seed.

s solved, u unsolved, d diverged, x crashed, . not run; a number is a score, solved at .97.
"""

from __future__ import annotations

import itertools
import math

import ladders
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from ladders import SCORE, STATUS

from rnnbench.analysis import decisions, stats
from rnnbench.analysis.ranges import Range, point
from rnnbench.analysis.verdicts import MINIMUM, Verdict, verdicts
from rnnbench.plan import plan
from rnnbench.plan.ladders import view
from rnnbench.records import Record, Run
from rnnbench.seeds import data
from rnnbench.suite import Claim, Suite, TaskEntry, Variant

LENGTHS = (10, 20, 40, 80, 160)
VARIANTS = (
    Variant("rnn", {"cell": "rnn"}),
    Variant("lstm", {"cell": "lstm"}),
    Variant("lstm-forget_gate", {"cell": "lstm", "forget_gate": False}, base="lstm", part="-forget_gate"),
    Variant("bilstm", {"cell": "lstm"}, {"bidirectional": True}, base="lstm", part="bidirectional: true"),
)
TASKS = (
    TaskEntry("adding", {"task": "adding"}, LENGTHS, {"steps": 1500}),
    TaskEntry("counting", {"task": "counting"}, (5, 10)),
)


def record(run: Run, word: str) -> Record:
    if word in STATUS:
        score, status = SCORE.get(word), STATUS[word]
    else:
        score = float(word)
        status = "solved" if score >= 0.97 else "unsolved"
    solved_at = 100 * (1 + data(run.seed)) if status == "solved" else None
    return Record(run, status, score, steps=solved_at or (40 if status == "diverged" else 1500), solved_at=solved_at)


def judged(that: str, results: dict[str, str], n: int = 10) -> Verdict:
    """The verdict on a claim about adding; `results` by variant: rungs apart by blanks, seeds by commas or nothing."""
    suite = Suite("s", VARIANTS, TASKS, tuple(range(n)), claims=(Claim("so it is", that),))
    asked = plan(suite)
    records: dict[str, Record] = {}
    for ladder in asked.ladders:
        words = results.get(f"{ladder.variant.name}@{ladder.task.name}", "")
        words = words or (results.get(ladder.variant.name, "") if ladder.task.name == "adding" else "")
        seeds = [word.split(",") if "," in word else list(word) for word in words.split()]
        records |= ladders.records(ladder.rungs, seeds, record)
    (verdict,) = verdicts(suite, view(asked, records))
    return verdict


def ladder(spans: list[int], n: int = 10) -> str:
    """The rungs of seeds with these spans, in rungs; the last is repeated for the seeds that are left."""
    every = (spans + [spans[-1]] * n)[:n]
    words = ["".join("s" if span > rung else "u" for span in every) for rung in range(len(LENGTHS))]
    return " ".join(words)


SPANS = [
    # the LSTM's and the RNN's rungs (0: under the ladder, 5: its top), the claim, the verdict, why
    ([3], [1], "span(lstm, adding) >= 2 * span(rnn, adding)", "holds", "true for 10 of 10 seeds"),
    ([3], [2], "span(lstm, adding) >= 2 * span(rnn, adding)", "undecided",
     "true for 0 of 10 seeds; for 10 the ladder or the budget can't tell; 9 needed"),
    ([3], [2], "span(lstm, adding) > span(rnn, adding)", "holds", "true for 10 of 10 seeds"),
    ([3], [3], "span(lstm, adding) > span(rnn, adding)", "undecided",
     "true for 0 of 10 seeds; for 10 the ladder or the budget can't tell; 9 needed"),
    ([2], [3], "span(lstm, adding) > span(rnn, adding)", "fails", "false for 10 of 10 seeds"),
    ([5], [3], "span(lstm, adding) >= 2 * span(rnn, adding)", "holds", "true for 10 of 10 seeds"),
    ([5], [5], "span(lstm, adding) >= span(rnn, adding)", "undecided",
     "true for 0 of 10 seeds; for 10 the ladder or the budget can't tell; 9 needed"),
    ([5], [0], "span(lstm, adding) / span(rnn, adding) >= 16", "holds", "true for 10 of 10 seeds"),
    ([0], [1], "span(lstm, adding) < 10", "holds", "true for 10 of 10 seeds"),
    ([3] * 9 + [2], [1], "span(lstm, adding) >= 40", "holds", "true for 9 of 10 seeds, false for 1"),
    ([3] * 8 + [2], [1], "span(lstm, adding) >= 40", "undecided", "true for 8 of 10 seeds, false for 2; 9 needed"),
    ([3], [1], "20 < span(lstm, adding) <= 80", "holds", "true for 10 of 10 seeds"),
    ([3], [1], "span(lstm, adding) > 40 and span(lstm, adding) < 40", "fails", "false for 10 of 10 seeds"),
    ([3], [1], "span(lstm, adding) < 40 or not span(rnn, adding) > 20", "holds", "not: false for 10 of 10 seeds"),
    ([3], [3], "about(span(lstm, adding), span(rnn, adding), 41)", "holds", "true for 10 of 10 seeds"),
    ([3], [3], "about(span(lstm, adding), span(rnn, adding), 30)", "undecided",
     "true for 0 of 10 seeds; for 10 the ladder or the budget can't tell; 9 needed"),
    ([4], [1], "about(span(lstm, adding), span(rnn, adding), 30)", "fails", "false for 10 of 10 seeds"),
]  # fmt: skip


@pytest.mark.parametrize(("lstm", "rnn", "that", "outcome", "why"), SPANS)
def test_spans_are_compared_by_what_the_ladder_can_tell(
    lstm: list[int], rnn: list[int], that: str, outcome: str, why: str
) -> None:
    found = judged(that, {"lstm": ladder(lstm), "rnn": ladder(rnn)})
    assert (found.outcome, found.why) == (outcome, why)


@pytest.mark.parametrize("n", [1, 3, 5, 6, 7])
def test_too_few_seeds_decide_nothing(n: int) -> None:
    results = {"lstm": ladder([3], n), "rnn": ladder([1], n)}
    found = judged("span(lstm, adding) > span(rnn, adding)", results, n)
    if n < MINIMUM:
        assert (found.outcome, found.why) == ("undecided", f"n too small: {n} seed{'s' * (n > 1)}, 6 needed")
    else:
        assert found.outcome == "holds"
    for that in ("score(lstm, adding, 10) > 0", "solved(lstm, adding, 10) > 0", "effect(forget_gate, adding) < 9"):
        results |= {"lstm-forget_gate": ladder([3], n)}
        assert (judged(that, results, n).outcome == "undecided") == (n < MINIMUM)


AHEAD = "bilstm can't do counting: it answers while reading: a backward direction would see them"
PRUNED = "lstm on adding at 40 was pruned: it has no score"
MISSING = [
    ("score(lstm, adding, 40) > .5", PRUNED),
    ("score(lstm, adding, 20) > .5", "lstm on adding at 20: of 10 runs 1 missing, 2 broken"),
    ("solved(lstm, adding, 20) > .5", "lstm on adding at 20: of 10 runs 1 missing, 2 broken"),
    ("steps(lstm, adding, 20) > 5", "lstm on adding at 20: of 10 runs 1 missing, 2 broken"),
    ("span(rnn, adding) > 5", "rnn on adding: runs of 10 of 10 seeds are missing"),
    ("effect(forget_gate, adding) < 0", "lstm-forget_gate on adding: runs of 10 of 10 seeds are missing"),
    ("span(bilstm, counting) > 5", AHEAD),
    ("score(bilstm, counting, 5) > .5 and score(lstm, adding, 40) > .5", f"{AHEAD}; {PRUNED}"),
]  # fmt: skip


@pytest.mark.parametrize(("that", "why"), MISSING)
def test_what_is_missing_leaves_it_undecided(that: str, why: str) -> None:
    results = {"lstm": "uuuuuuuuuu uuuuuuuxx. uuuuuuuuuu uuuuuuuuuu", "rnn": "sssssss..."}
    if "40" in that:
        results["lstm"] = "uuuuuuuuuu uuuuuuuuuu"
    found = judged(that, results)
    assert (found.outcome, found.why) == ("undecided", why)


def test_three_values() -> None:
    yes, no, unknown = "span(lstm, adding) > 20", "span(lstm, adding) > 80", "span(lstm, adding) > 60"
    values = {yes: True, no: False, unknown: None}
    results = {"lstm": ladder([3])}
    words = {True: "holds", False: "fails", None: "undecided"}
    for that, value in values.items():
        assert judged(that, results).outcome == words[value]
        assert judged(f"not {that}", results).outcome == words[None if value is None else not value]
    for (a, x), (b, y) in itertools.product(values.items(), repeat=2):
        both = False if False in (x, y) else None if None in (x, y) else True
        either = True if True in (x, y) else None if None in (x, y) else False
        assert judged(f"{a} and {b}", results).outcome == words[both]
        assert judged(f"{a} or {b}", results).outcome == words[either]


def numbers(xs: list[float]) -> str:
    return ",".join(map(str, xs))


scores = st.lists(st.floats(0, 1).map(lambda x: round(x, 3)), min_size=8, max_size=8)


@settings(max_examples=60, deadline=None)
@given(scores, scores, st.sampled_from([0.0, 0.1, -0.2]))
def test_scores_are_decided_as_by_scipys_paired_t(xs: list[float], ys: list[float], by: float) -> None:
    difference = np.array(xs) - np.array(ys) - by
    if np.ptp(difference) < 1e-9:
        return
    interval = scipy.stats.ttest_1samp(difference, 0).confidence_interval(0.95)
    expected = "holds" if interval.low >= 0 else "fails" if interval.high < 0 else "undecided"
    that = f"score(lstm, adding, 10) - {by} >= score(rnn, adding, 10)" if by >= 0 else (
        f"score(lstm, adding, 10) + {-by} >= score(rnn, adding, 10)")  # fmt: skip
    assert judged(that, {"lstm": numbers(xs), "rnn": numbers(ys)}, 8).outcome == expected
    margin = 0.15
    about = judged(f"about(score(lstm, adding, 10), score(rnn, adding, 10), {margin})",
                   {"lstm": numbers(xs), "rnn": numbers(ys)}, 8)  # fmt: skip
    equal = stats.equivalence(np.array(xs) - np.array(ys), margin) <= 0.05
    assert (about.outcome == "holds") == equal


def test_a_score_is_held_against_a_number() -> None:
    xs = [0.91, 0.92, 0.93, 0.94, 0.95, 0.96]
    found = judged("score(lstm, adding, 10) >= .9", {"lstm": numbers(xs)}, 6)
    low, high = (end - 0.9 for end in stats.mean(xs)[1:])
    assert (found.outcome, found.why) == ("holds", f"the difference is {low:.3g} to {high:.3g}, n = 6")
    assert judged("score(lstm, adding, 10) >= .97", {"lstm": numbers(xs)}, 6).outcome == "fails"
    assert judged("score(lstm, adding, 10) >= .94", {"lstm": numbers(xs)}, 6).outcome == "undecided"


def test_a_diverged_run_counts_as_0_and_no_comparison_with_nan_holds() -> None:
    words = "d,.98,.98,.98,.98,.98,.98,.98"
    for that in ("score(lstm, adding, 10) > .9", "score(lstm, adding, 10) < .9"):
        assert judged(that, {"lstm": words}, 8).outcome == "undecided"
    nans = judged("score(lstm, adding, 10) > .5", {"lstm": ",".join(["nan"] * 8)}, 8)
    assert nans.outcome == "fails"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10), st.integers(0, 10))
def test_shares_by_jeffreys_ends(a: int, b: int) -> None:
    results = {"lstm": "s" * a + "u" * (10 - a), "rnn": "s" * b + "u" * (10 - b)}
    low = scipy.stats.beta(a + 0.5, 10.5 - a).ppf(0.025) if a else 0.0
    expected = "holds" if low >= 0.5 else "fails" if a < 5 and stats.proportion(a, 10).high < 0.5 else "undecided"
    assert judged("solved(lstm, adding, 10) >= .5", results).outcome == expected
    x, y = stats.proportion(a, 10), stats.proportion(b, 10)
    lower = x.value - y.value - math.hypot(x.value - x.low, y.high - y.value)
    assert (judged("solved(lstm, adding, 10) > solved(rnn, adding, 10)", results).outcome == "holds") == (lower > 0)


@pytest.mark.parametrize(
    "scaled", ["2 * {}", "{} / .5", "{} * 3 - {}", "(4 * {} - 1) / 2 + .5", "{} / 2 + {} + {} / 2"]
)
@pytest.mark.parametrize("solved", [0, 4, 9])
def test_a_share_and_its_interval_grow_by_the_same_factor(scaled: str, solved: int) -> None:
    results = {"lstm": "s" * solved + "u" * (10 - solved)}
    for bound in (0.02, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.99):
        twice = f"{scaled.format(*['solved(lstm, adding, 10)'] * 3)} > {2 * bound}"
        one = judged(f"solved(lstm, adding, 10) > {bound}", results)
        assert judged(twice, results).outcome == one.outcome


def test_mover_covers_the_difference_of_two_shares() -> None:
    """At least 93 % in every cell of a grid, counted over all outcomes of two shares of ten."""
    n = 10
    for p, q in itertools.product([0.05, 0.3, 0.5, 0.9], repeat=2):
        covered = 0.0
        for a, b in itertools.product(range(n + 1), repeat=2):
            found = decisions.shares((a - b) / n, [(1.0, a), (-1.0, b)], n, 0.95)
            weight = scipy.stats.binom(n, p).pmf(a) * scipy.stats.binom(n, q).pmf(b)
            covered += weight * (found.low <= p - q <= found.high)
        assert covered >= 0.93, (p, q, covered)


def test_effects_are_known_up_to_the_rungs() -> None:
    lost_two = {"lstm": ladder([4]), "lstm-forget_gate": ladder([2])}
    assert judged("effect(forget_gate, adding) < -1", lost_two).outcome == "holds"
    assert judged("effect(lstm-forget_gate, adding) <= -2", lost_two).outcome == "undecided"
    assert judged("effect(forget_gate, adding) <= -3", lost_two).outcome == "fails"
    none = {"lstm": ladder([3]), "lstm-forget_gate": ladder([3])}
    assert judged("effect(forget_gate, adding) < 0", none).outcome == "undecided"
    assert judged("about(effect(forget_gate, adding), 0, 1)", none).outcome == "holds"
    one = {"lstm": ladder([3]), "lstm-forget_gate": ladder([2])}
    assert judged("effect(forget_gate, adding) < 0", one).outcome == "holds"


def test_an_effect_at_the_end_of_its_ladder_is_a_bound() -> None:
    top = {"lstm": ladder([5]), "lstm-forget_gate": ladder([2])}
    found = judged("effect(forget_gate, adding) < -1", top)
    assert (found.outcome, found.why) == ("holds", "the difference is at most -1, n = 10")
    assert judged("effect(forget_gate, adding) > -9", top).outcome == "undecided"
    both = {"lstm": ladder([5]), "lstm-forget_gate": ladder([5])}
    found = judged("about(effect(forget_gate, adding), 0, 1)", both)
    assert (found.outcome, found.why) == ("undecided", "the difference is unknown, n = 10")


def test_steps_are_censored_at_the_budget() -> None:
    results = {"lstm": "ssssssssss", "rnn": "uuuuuuuuud"}
    assert judged("steps(lstm, adding, 10) < steps(rnn, adding, 10)", results).outcome == "holds"
    assert judged("steps(rnn, adding, 10) > 1500", results).outcome == "holds"
    assert judged("steps(rnn, adding, 10) > 1501", results).outcome == "undecided"
    assert judged("steps(lstm, adding, 10) <= 900", results).outcome == "holds"
    assert judged("steps(lstm, adding, 10) <= 500", results).outcome == "undecided"


def test_parameters_are_exact_and_need_no_run() -> None:
    fewer = judged("parameters(lstm-forget_gate) < parameters(lstm)", {}, 1)
    assert (fewer.outcome, fewer.why) == ("holds", "exact")
    assert judged("parameters(lstm) < parameters(lstm-forget_gate)", {}, 1).why == "exact: not on 2 of 2 tasks"
    ratio = judged("parameters(rnn) / parameters(lstm) <= .3 and parameters(lstm) == parameters(lstm)", {}, 1)
    assert ratio.outcome == "holds"
    assert judged("parameters(bilstm) > parameters(lstm)", {}, 1).outcome == "holds"  # on the task that it can do


def test_the_sign_test_is_scipys() -> None:
    for n, yes in itertools.product(range(1, 30), range(30)):
        if yes <= n:
            expected = scipy.stats.binomtest(yes, n, 0.5, "greater").pvalue
            assert decisions.tail(n, yes) == pytest.approx(expected)
    samples = (*[point(1.0)] * 9, point(-1.0))
    assert decisions.by_seed([(samples, ">")]).truth is True


@pytest.mark.parametrize(
    ("yes", "no", "told"),
    [
        (5, 0, "true for 5 of 6 seeds; for 1 the ladder or the budget can't tell; 6 needed"),
        (0, 5, "false for 5 of 6 seeds; for 1 the ladder or the budget can't tell; 6 needed"),
        (2, 3, "true for 2 of 6 seeds, false for 3; for 1 the ladder or the budget can't tell; 6 needed"),
        (0, 6, "false for 6 of 6 seeds"),
        (0, 0, "true for 0 of 6 seeds; for 6 the ladder or the budget can't tell; 6 needed"),
    ],
)
def test_a_sign_test_counts_what_is_false_too(yes: int, no: int, told: str) -> None:
    samples = (*[point(1.0)] * yes, *[point(-1.0)] * no, *[Range(-1.0, 1.0)] * (6 - yes - no))
    assert decisions.by_seed([(samples, ">")]).why == told


ends = st.tuples(st.integers(1, 9), st.integers(1, 9)).map(sorted)


@given(ends, ends, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.integers(1, 3))
def test_ranges_agree_with_every_pair_of_their_numbers(a: list[int], b: list[int], sign: str, by: int) -> None:
    import operator

    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
               "!=": operator.ne}[sign]  # fmt: skip
    grid = [np.linspace(x, y, 4 * (y - x) + 1) for x, y in (a, b)]
    truths = {bool(compare(x * by, y)) for x in grid[0] for y in grid[1]}
    found = (Range(a[0], a[1]) * by - Range(b[0], b[1])).compare(sign)
    if found is not None:
        assert truths == {found}
    elif by == 1:
        assert len(truths) == 2
    quotient = Range(a[0], a[1]) / Range(b[0], b[1])
    assert (quotient.low, quotient.high) == (a[0] / b[1], a[1] / b[0])


@pytest.mark.parametrize("flags", list(itertools.product([False, True], repeat=4)))
def test_an_end_of_a_quotient_is_one_of_its_numbers_where_both_ends_are(flags: tuple[bool, bool, bool, bool]) -> None:
    low, high, below, above = flags  # open ends of what is divided, and of what it is divided by
    found = Range(4, 8, low, high) / Range(2, 4, below, above)
    assert found == Range(1, 4, low or above, high or below)


@pytest.mark.parametrize("n", [*range(30), 200])
def test_heads_are_the_first_that_a_fair_coin_seldom_shows(n: int) -> None:
    tails = scipy.stats.binom.sf(np.arange(n + 2) - 1, n, 0.5)
    assert [decisions.tail(n, k) for k in range(n + 2)] == pytest.approx(tails.tolist())
    assert decisions.heads(n) == next(k for k in range(n + 2) if tails[k] <= 0.025)
