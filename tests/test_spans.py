"""Spans by Spearman and Kaerber of ladders written down as in ladders.py, against Kaerber's own formula and the
truth."""

from __future__ import annotations

import itertools
import math

import ladders
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.analysis import ladder, spans, stats
from rnnbench.plan import Ladder
from rnnbench.plan.ladders import Climb
from rnnbench.records import Record, Run, Rung
from rnnbench.suite import TaskEntry, Variant

LENGTHS = (10, 20, 40, 80, 160)
UNEVEN = (5, 7, 10, 40, 45)


def climbed(words: str, lengths: tuple[int, ...] = LENGTHS, prune: bool = True) -> Climb:
    rungs = tuple(Rung({"cell": "lstm"}, {"task": "adding"}, length, {}) for length in lengths)
    entry, n = TaskEntry("adding", {"task": "adding"}, lengths), len(words.split()[0])
    return ladders.climbed(Variant("lstm", {}), entry, rungs, ladders.records(rungs, words), n, prune)


def kaerber(lengths: tuple[int, ...], solved: tuple[bool, ...]) -> float:
    """The mean of a distribution of which the share beyond each rung is given: what lies between two rungs lies
    half-way between them; nothing a spacing below the first rung, nothing beyond one above the last."""
    x = [math.log2(length) for length in lengths]
    below, above = (x[1] - x[0], x[-1] - x[-2]) if len(x) > 1 else (1.0, 1.0)
    x, share = [x[0] - below, *x, x[-1] + above], [1, *map(int, solved), 0]
    return sum((share[k] - share[k + 1]) * (x[k] + x[k + 1]) / 2 for k in range(len(x) - 1))


patterns = st.sampled_from([LENGTHS, UNEVEN, (7,), (3, 100)]).flatmap(
    lambda lengths: st.tuples(st.just(lengths), st.tuples(*[st.booleans()] * len(lengths)))
)


@given(patterns)
def test_the_octaves_of_a_seed_are_kaerbers(drawn: tuple[tuple[int, ...], tuple[bool, ...]]) -> None:
    lengths, solved = drawn
    place = ladder.octaves(lengths, solved)
    assert place == pytest.approx(kaerber(lengths, solved), abs=1e-8)
    low, high = ladder.between(lengths, place)
    assert low <= 2**place * (1 + 1e-9)
    assert high >= 2**place * (1 - 1e-9)


@pytest.mark.parametrize("lengths", [LENGTHS, UNEVEN, (7,)])
def test_without_holes_it_lies_between_the_last_rung_solved_and_the_next(lengths: tuple[int, ...]) -> None:
    ends = [0, *lengths, math.inf]
    for k in range(len(lengths) + 1):
        solved = tuple(j < k for j in range(len(lengths)))
        assert ladder.between(lengths, ladder.octaves(lengths, solved)) == (ends[k], ends[k + 1])


def test_of_even_rungs_only_how_many_are_solved_counts() -> None:
    places = {sum(solved): ladder.octaves(LENGTHS, solved) for solved in itertools.product((False, True), repeat=5)}
    for solved in itertools.product((False, True), repeat=5):
        assert ladder.octaves(LENGTHS, solved) == places[sum(solved)]
    assert [places[k] for k in range(6)] == pytest.approx([math.log2(10) + k - 0.5 for k in range(6)])


@pytest.mark.parametrize("noise", [0.1, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("an_octave", [1, 2, 4])
def test_its_mean_is_the_truth_at_any_noise_and_spacing(noise: float, an_octave: int) -> None:
    """In the mean over where the ladder lies; a logistic chance to solve each rung, on a ladder that takes it all
    in."""
    x = np.arange(0, 20 * an_octave + 1) / an_octave
    truths = 10 + np.arange(40) / 40 / an_octave
    scale = noise * math.sqrt(3) / math.pi
    chances = scipy.special.expit((truths[:, None] - x) / scale)
    expected = x[0] - 0.5 / an_octave + chances.sum(1) / an_octave
    assert abs(float(np.mean(expected - truths))) < 0.002


@pytest.mark.parametrize(
    ("words", "seeds"),
    [
        ("sss sss suu uuu uuu", [(3, 40, 80), (2, 20, 40), (2, 20, 40)]),
        ("s s s s s", [(5, 160, math.inf)]),
        ("u u", [(0, 0, 10)]),
        ("s u s u u", [(2, 20, 40)]),  # one that is solved beyond a hole counts
        ("u s u u u", [(1, 10, 20)]),
        ("s d u u", [(1, 10, 20)]),  # diverged is unsolved
        ("s u s u s", [(3, 40, math.inf)]),  # the longest is solved: nobody knows how far it reaches
        ("s s . . .", [(2, 20, math.inf)]),  # so far
        ("s x s u u", [(2, 20, 80)]),  # a crash could have gone either way
        (". . .", [(0, 0, math.inf)]),
    ],
)
def test_the_span_of_each_seed(words: str, seeds: list[tuple[int, float, float]]) -> None:
    found = spans.seed_spans(climbed(words))
    assert [(s.rungs, s.low, s.high) for s in found] == seeds


def test_holes_and_ends() -> None:
    top, bottom, open_ = (spans.seed_spans(climbed(w))[0] for w in ("s s s s s", "u u", "s . . . ."))
    assert spans.seed_spans(climbed("s u s u u", prune=False))[0].holes == (20,)
    assert (top.top, top.bottom, bottom.top, bottom.bottom) == (True, False, False, True)
    assert (open_.provisional, open_.top, open_.bottom) == (True, False, False)
    assert not spans.seed_spans(climbed("x x"))[0].bottom


def test_pruned_rungs_are_unsolved_for_the_span_and_missing_as_a_score() -> None:
    found = climbed("sss uuu uuu sss")  # the fourth rung was run for another suite
    assert [s.state for s in found.steps] == ["done", "done", "done", "pruned", "pruned"]
    assert [s.rungs for s in spans.seed_spans(found)] == [1] * 3
    score = spans.score(found.steps[3])
    assert (score.n, score.solved, score.failed, score.missing) == (0, 0, 0, 3)
    assert math.isnan(score.score.value)


def test_what_cannot_do_the_task_has_no_span() -> None:
    nothing = Climb(Ladder(Variant("bi", {}), TaskEntry("counting", {}, LENGTHS), (), "looks ahead"), ())
    assert spans.span(nothing) is None
    assert spans.seed_spans(nothing) == ()


def test_a_variants_span_is_the_mean_over_its_seeds() -> None:
    """Its interval that of the mean, half a rung wider on each side."""
    found = spans.span(climbed("ssssss ssssss ssssuu suuuuu uuuuuu"))
    assert found is not None
    octaves = [math.log2(10) - 0.5 + k for k in (4, 3, 3, 3, 2, 2)]
    low, high = scipy.stats.t.interval(0.95, 5, loc=np.mean(octaves), scale=scipy.stats.sem(octaves))
    assert found.octaves == pytest.approx((np.mean(octaves), low - 0.5, high + 0.5))
    assert found.length == pytest.approx(2 ** np.mean(octaves))
    assert (found.n, found.bound, found.top, found.bottom, found.holes, found.provisional) == (
        6,
        "",
        False,
        False,
        0,
        False,
    )


@pytest.mark.parametrize(
    ("words", "bound", "low", "high"),
    [
        ("ss ss ss ss ss", "≥", math.log2(160), math.inf),
        ("uu uu", "≤", -math.inf, math.log2(10)),
        ("ss ss ss su su", "≥", None, math.inf),
        ("su su su su su", "?", -math.inf, math.inf),
        ("ss ss uu uu", "", math.log2(20), math.log2(40)),  # alike: known to the rung
    ],
)
def test_the_ends_of_the_ladder(words: str, bound: str, low: float | None, high: float) -> None:
    found = spans.span(climbed(words))
    assert found is not None
    assert found.bound == bound
    assert found.octaves.high == pytest.approx(high)
    assert low is None or found.octaves.low == pytest.approx(low)


def test_seeds_that_are_not_known_are_left_out_while_any_is() -> None:
    part = spans.span(climbed("ss sx uu uu"))
    assert part is not None
    assert (part.n, part.provisional) == (1, True)
    assert part.length == pytest.approx(20 * math.sqrt(2))
    none = spans.span(climbed("ss s. .. .."))
    assert none is not None
    assert (none.n, none.provisional, none.solved) == (0, True, True)
    assert none.octaves.value == pytest.approx(math.log2(10) - 0.5 + 1.5)


@given(st.lists(st.sampled_from(["sss", "ssu", "suu", "uuu", "s.u", "..."]), min_size=1, max_size=5))
def test_so_far_it_is_what_the_counts_alone_say(words: list[str]) -> None:
    found = climbed(" ".join(words))
    assert spans.so_far(found) == pytest.approx(np.mean([s.octaves for s in spans.seed_spans(found)]))


def test_score_counts_diverged_as_0_and_leaves_out_what_broke() -> None:
    score = spans.score(climbed("sudx.").steps[0])
    assert (score.n, score.solved, score.diverged, score.failed, score.missing) == (3, 1, 1, 1, 1)
    assert score.score.value == pytest.approx(np.mean([0.99, 0.5, 0.0]))
    assert score.share == stats.proportion(1, 3)


def test_a_mean_score_has_an_interval_only_where_all_steps_were_spent() -> None:
    """And none that leaves [0, 1]."""
    step = climbed("ssu").steps[0]
    assert all(map(math.isnan, spans.score(step).score[1:]))
    rung = Rung(step.rung.model, step.rung.task, 10, {"stop": "never"})
    spent = spans.score(type(step)(rung, step.records, "done"))
    assert spent.score == stats.mean([0.99, 0.99, 0.5])._replace(high=1.0)


def test_a_score_that_is_no_number_counts_as_0() -> None:
    record = Record(Run(Rung({}, {}, 1, {}), 0), "unsolved", math.nan)
    assert spans.points(record) == 0.0
