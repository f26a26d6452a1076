"""Spans, scores and paired effects of ladders written down as in ladders.py."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import ladders
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.analysis import effects, spans, stats
from rnnbench.analysis.spans import Span
from rnnbench.plan import Ladder
from rnnbench.plan.ladders import Climb
from rnnbench.records import Record, Run, Rung
from rnnbench.suite import TaskEntry, Variant

LENGTHS = (10, 20, 40, 80, 160)


def climbed(words: str, name: str = "lstm", base: str | None = None, task: str = "adding", prune: bool = True) -> Climb:
    rungs = tuple(Rung({"cell": "lstm", "name": name}, {"task": task}, length, {}) for length in LENGTHS)
    entry, n = TaskEntry(task, {"task": "adding"}, LENGTHS), len(words.split()[0])
    return ladders.climbed(Variant(name, {}, base=base), entry, rungs, ladders.records(rungs, words), n, prune)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("sss sss suu uuu uuu", "20..40"),
        ("sss sss ssu sss sss", ">= 160"),
        ("uuu uuu", "< 10"),
        ("ss su uu uu", "20..40"),  # half of two is one
        ("sss uuu sss sss uuu", "10..20"),  # every rung from the shortest
        ("sss sud uuu uuu", "10..20"),  # diverged is unsolved
        ("sss ss. sss ... ...", ">= 40 so far"),  # two of three decide
        ("sss s.. ... ... ...", ">= 10 so far"),
        ("sss sux uuu uuu", "10..40 so far"),  # a crash could have gone either way
        ("sss sss uux xuu uuu", "20..40"),
        ("xxx", "unknown"),
        ("...", "unknown"),
        ("ux. uuu", "< 20 so far"),
    ],
)
def test_span(words: str, expected: str) -> None:
    assert str(spans.span(climbed(words))) == expected


def test_what_cannot_do_the_task_has_no_span() -> None:
    nothing = Climb(Ladder(Variant("bi", {}), TaskEntry("counting", {}, LENGTHS), (), "looks ahead"), ())
    assert spans.span(nothing) is None
    assert spans.seed_spans(nothing) == ()


def test_pruned_rungs_are_unsolved_for_the_span_and_missing_as_a_score() -> None:
    found = climbed("sss uuu uuu sss")  # the fourth rung was run for another suite
    assert [s.state for s in found.steps] == ["done", "done", "done", "pruned", "pruned"]
    assert [str(s) for s in spans.seed_spans(found)] == ["10..20"] * 3
    score = spans.score(found.steps[3])
    assert (score.n, score.solved, score.failed, score.missing) == (0, 0, 0, 3)
    assert math.isnan(score.score.value)


def test_the_span_of_each_seed() -> None:
    found = spans.seed_spans(climbed("sss sus sxu suu u.u"))
    assert [str(s) for s in found] == ["80..160", "10..20", "20..40"]
    assert [str(s) for s in spans.seed_spans(climbed("ss sx s. s. s."))] == [">= 160", ">= 10 so far"]


@given(st.lists(st.sampled_from(["sss", "ssu", "suu", "uuu", "s.u", "..."]), min_size=1, max_size=5))
def test_a_span_that_is_not_provisional_is_one_rung_wide(words: list[str]) -> None:
    span = spans.span(climbed(" ".join(words)))
    assert span is not None
    if not span.provisional:
        ends = [None, *LENGTHS, None]
        assert (span.low, span.high) in itertools.pairwise(ends)


def test_score_counts_diverged_as_0_and_leaves_out_what_broke() -> None:
    score = spans.score(climbed("sudx.").steps[0])
    assert (score.n, score.solved, score.diverged, score.failed, score.missing) == (3, 1, 1, 1, 1)
    assert score.score == stats.mean([0.99, 0.5, 0.0])


def test_a_score_that_is_no_number_counts_as_0() -> None:
    record = Record(Run(Rung({}, {}, 1, {}), 0), "unsolved", math.nan)
    assert spans.points(record) == 0.0


def test_effect_is_paired_by_seed() -> None:
    base = climbed("sss sss sss ssu uuu")
    part = climbed("sss ssu suu uuu uuu", "lstm-forget_gate", "lstm")
    found = effects.effect(part, base)
    lost = [-1.0, -2.0, -2.0]  # seeds 0 and 1: 80 to 40 and 20; seed 2: 40 to 10
    assert found.n == 3
    assert found.rungs == stats.mean(lost)
    assert found.octaves == pytest.approx(stats.mean(lost))
    assert found.p == stats.sign_flip(lost) == found.least == 0.25
    assert not found.top
    assert not found.bottom


def test_effect_of_pairs_that_the_ladder_cannot_tell_apart() -> None:
    top, bottom = " ".join(["ss"] * 5), "uu uu"
    assert effects.effect(climbed(top), climbed(top)).top
    both = effects.effect(climbed(bottom), climbed(bottom))
    assert both.bottom
    assert not both.top
    assert both.p == 1.0


def test_effect_leaves_out_seeds_whose_span_is_not_known() -> None:
    found = effects.effect(climbed("sss suu uuu"), climbed("sss ssx s.u uuu"))
    assert found.n == 1  # seed 0 stops at a rung that was not run, seed 2 at one that crashed
    assert effects.effect(climbed("..."), climbed("...")).n == 0


def test_a_span_below_the_ladder_is_one_octave_under_it() -> None:
    found = effects.effect(climbed("uu uu"), climbed("ss ss uu uu"))
    assert found.rungs.value == -2
    assert found.octaves.value == pytest.approx(-2)


def test_effect_refuses_other_rungs() -> None:
    short = climbed("ss")
    other = Climb(short.ladder, short.steps[:3])
    with pytest.raises(ValueError, match="expected the rungs of lstm, got those of lstm"):
        effects.effect(other, short)


@pytest.mark.parametrize(
    ("part", "base", "bound"),
    [
        ("ss ss ss uu uu", "ss ss ss ss uu", ""),
        ("ss ss ss uu uu", "ss ss ss ss ss", "≤"),
        ("ss ss ss ss ss", "ss ss ss uu uu", "≥"),
        ("ss ss ss ss ss", "ss ss ss ss ss", ""),
        ("uu uu", "ss ss uu uu", "≤"),
        ("su su su su su", "ss ss ss ss us", "?"),
    ],
)
def test_a_span_at_an_end_of_the_ladder_makes_the_effect_a_bound(part: str, base: str, bound: str) -> None:
    assert effects.effect(climbed(part, "lstm-a", "lstm"), climbed(base)).bound == bound


def test_holm_runs_over_the_parts_of_a_task() -> None:
    base = " ".join(["s" * 8] * 5)
    words = " ".join(["s" * 8] * 2 + ["u" * 8] * 3)
    climbs = [
        climbed(base),
        climbed(words, "lstm-a", "lstm"),
        climbed(base, "lstm-b", "lstm"),
        climbed("." * 8, "lstm-c", "lstm"),
        climbed(base, task="copy"),
        climbed(words, "lstm-a", "lstm", task="copy"),
        climbed(words, "gru"),
        climbed(words, "gru-a", "absent"),
    ]
    found = effects.effects(climbs)
    assert [(e.task, e.variant) for e in found] == [
        ("adding", "lstm-a"), ("adding", "lstm-b"), ("adding", "lstm-c"), ("copy", "lstm-a"),
    ]  # fmt: skip
    one = stats.smallest_p(8)
    assert [e.p for e in found[:2]] == [one, 1.0]
    assert [e.holm for e in found[:2]] == [2 * one, 1.0]
    assert found[0].least == stats.smallest_p(8, 2)
    assert math.isnan(found[2].holm)
    assert found[3].holm == one


def test_ladders_that_a_selection_left_different_rungs_are_not_compared() -> None:
    base, part = climbed("ss ss ss ss ss"), climbed("ss ss ss ss ss", "lstm-a", "lstm")
    short = replace(part, steps=part.steps[:3])
    assert [(c.steps, b.steps) for c, b in effects.differences([base, part])] == [(part.steps, base.steps)]
    assert not list(effects.differences([base, short]))
    assert not list(effects.differences([base, replace(part, steps=())]))


def test_pairs_are_no_parts() -> None:
    words = "ssssssss ssssssss uuuuuuuu uuuuuuuu uuuuuuuu"
    base, a, b = climbed("ssssssss " * 5), climbed(words, "lstm-a", "lstm"), climbed(words, "lstm-b", "lstm")
    pair = climbed(words, "lstm-a-b", "lstm")
    variant = replace(pair.ladder.variant, pair=("lstm-a", "lstm-b"))
    found = effects.effects([base, a, b, replace(pair, ladder=replace(pair.ladder, variant=variant))])
    assert [(e.variant, e.holm) for e in found] == [("lstm-a", 2 * stats.smallest_p(8)), ("lstm-b", 2 * found[0].p)]


@pytest.mark.parametrize("base", ["never", "solved"])
@pytest.mark.parametrize("part", ["never", "solved"])
def test_scores_are_compared_where_both_spent_all_their_steps(base: str, part: str) -> None:
    def stopped(words: str, stop: str, name: str = "lstm", of: str | None = None) -> Climb:
        found = climbed(words, name, of)
        settings = {"stop": stop} if stop == "never" else {}
        return replace(found, steps=tuple(replace(s, rung=replace(s.rung, settings=settings)) for s in found.steps))

    climbs = [stopped("sss suu", base), stopped("ssu uuu", part, "lstm-a", "lstm")]
    found = effects.score_effects(climbs)
    assert [(e.length, e.n) for e in found[:2]] == ([(10, 3), (20, 3)] if base == part == "never" else [])
    if found:
        assert found[0].score.value == pytest.approx((0.5 - 0.99) / 3)


def test_what_is_pruned_on_either_side_is_no_pair() -> None:
    """Though another suite ran it."""
    pruned, whole = climbed("sss uuu uuu sss"), climbed("sss sss sss sss", "lstm-a", "lstm")
    for a, b in ((pruned, whole), (whole, pruned)):
        found = [len(effects.finished_pairs(x, y)) for x, y in zip(a.steps, b.steps, strict=True)]
        assert found == [3, 3, 3, 0, 0]


def test_spans_in_words() -> None:
    assert Span(None, None, True).top is False
    assert Span(160, None).top
    assert str(Span(None, 10, True)) == "< 10 so far"


def test_powers_take_the_deviation_of_the_pilots_pairs() -> None:
    climbs = [
        climbed("ssss ssss ssss ssss uuuu"),
        climbed("ssss sssu ssuu suuu uuuu", "lstm-a", "lstm"),
        climbed("ssss ssss ssss ssss uuuu", "lstm-b", "lstm"),
        climbed("....", "lstm-c", "lstm"),
        climbed(" ".join(["ssss"] * 5), task="copy"),
        climbed(" ".join(["ssss"] * 5), "lstm-a", "lstm", task="copy"),
        climbed("uuuu uuuu", task="qa"),
        climbed("uuuu uuuu", "lstm-a", "lstm", task="qa"),
    ]
    found = effects.powers(climbs)
    deviation = float(np.std([0, -1, -2, -3], ddof=1))
    assert [(p.variant, p.task, p.flat) for p in found] == [
        ("lstm-a", "adding", False), ("lstm-b", "adding", False), ("lstm-a", "copy", True),
        ("lstm-a", "qa", True),
    ]  # fmt: skip
    assert found[0].deviation == pytest.approx(deviation)
    assert found[0].seeds == stats.seeds_needed(deviation) < found[0].cautious
