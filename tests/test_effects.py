"""Paired effects of ladders written down as in ladders.py."""

from __future__ import annotations

import math
from dataclasses import replace

import ladders
import numpy as np
import pytest

from rnnbench.analysis import effects, flips, planning, power, stats
from rnnbench.plan.ladders import Climb
from rnnbench.records import Rung
from rnnbench.suite import TaskEntry, Variant

LENGTHS = (10, 20, 40, 80, 160)


def climbed(words: str, name: str = "lstm", base: str | None = None, task: str = "adding", prune: bool = True) -> Climb:
    rungs = tuple(Rung({"cell": "lstm", "name": name}, {"task": task}, length, {}) for length in LENGTHS)
    entry, n = TaskEntry(task, {"task": "adding"}, LENGTHS), len(words.split()[0])
    return ladders.climbed(Variant(name, {}, base=base), entry, rungs, ladders.records(rungs, words), n, prune)


def test_effect_is_paired_by_seed() -> None:
    base = climbed("sss sss sss ssu uuu")
    part = climbed("sss ssu suu uuu uuu", "lstm-forget_gate", "lstm")
    found = effects.effect(part, base)
    lost = [-1.0, -2.0, -2.0]  # seeds 0 and 1: 80 to 40 and 20; seed 2: 40 to 10
    assert found.n == 3
    assert found.rungs == stats.mean(lost)
    assert found.octaves == pytest.approx(stats.mean(lost))
    assert found.p == flips.sign_flip(lost) == found.least == 0.25
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
    found = effects.effect(climbed("sss suu uuu uuu"), climbed("sss ssx s.u uuu uuu uuu"))
    assert found.n == 1  # of seed 1 a rung was not run, of seed 2 one crashed
    assert [math.isnan(d) for d in found.differences] == [False, True, True]
    assert effects.effect(climbed("..."), climbed("...")).n == 0


def test_a_span_below_the_ladder_is_half_a_rung_under_it() -> None:
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


def test_all_effects_of_a_suite_are_one_family() -> None:
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
    one = flips.smallest_p(8)
    assert [e.p for e in found[:2]] == [one, 1.0]
    assert [e.adjusted for e in found[:2]] == [one, 1.0]  # however many there are
    assert found[0].least == flips.smallest_p(8)
    assert math.isnan(found[2].adjusted)
    assert found[3].adjusted == one
    assert [e.outcome for e in found] == ["differs", "", "", "differs"]


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
    assert [(e.variant, e.adjusted) for e in found] == [
        ("lstm-a", flips.smallest_p(8)),
        ("lstm-b", flips.smallest_p(8)),
    ]


@pytest.mark.parametrize("base", ["never", "solved"])
@pytest.mark.parametrize("part", ["never", "solved"])
def test_scores_are_compared_where_both_spent_all_their_steps(base: str, part: str) -> None:
    def stopped(words: str, stop: str, name: str = "lstm", of: str | None = None) -> Climb:
        found = climbed(words, name, of)
        settings = {"stop": stop} if stop == "never" else {}
        return replace(found, steps=tuple(replace(s, rung=replace(s.rung, settings=settings)) for s in found.steps))

    climbs = [stopped("sss suu", base), stopped("ssu uuu", part, "lstm-a", "lstm")]
    found = effects.score_effects(climbs)
    assert [(e.place, e.n) for e in found[:2]] == ([(10, 3), (20, 3)] if base == part == "never" else [])
    if found:
        assert found[0].score.value == pytest.approx((0.5 - 0.99) / 3)


def test_what_is_pruned_on_either_side_is_no_pair() -> None:
    """Though another suite ran it."""
    pruned, whole = climbed("sss uuu uuu sss"), climbed("sss sss sss sss", "lstm-a", "lstm")
    for a, b in ((pruned, whole), (whole, pruned)):
        found = [len(effects.finished_pairs(x, y)) for x, y in zip(a.steps, b.steps, strict=True)]
        assert found == [3, 3, 3, 0, 0]


LADDER = tuple(round(10 * 2 ** (k / 2)) for k in range(9))  # two rungs an octave


def reaching(rungs: list[int], name: str = "lstm", base: str | None = None, task: str = "adding",
             lengths: tuple[int, ...] = LADDER, primary: tuple[str, ...] = ()) -> Climb:  # fmt: skip
    """A ladder of which each seed solves the first so many rungs."""
    made = tuple(Rung({"cell": "lstm", "name": name}, {"task": task}, length, {}) for length in lengths)
    words = " ".join("".join("s" if n > k else "u" for n in rungs) for k in range(len(lengths)))
    entry = TaskEntry(task, {"task": "adding"}, lengths, primary=primary)
    known = ladders.records(made, words)
    return ladders.climbed(Variant(name, {}, base=base), entry, made, known, len(rungs), prune=False)


def test_a_bound_keeps_the_end_of_its_interval_on_its_side() -> None:
    base, part = [3, 3, 4, 3, 4, 3, 2, 3], [9, 9, 8, 7, 9, 8, 9, 7]
    found = effects.effect(reaching(part, "lstm-a", "lstm"), reaching(base))
    whole = stats.mean(list(found.differences))
    assert found.bound == "≥"
    assert (found.octaves.value, found.octaves.low, found.octaves.high) == (whole.value, whole.low, math.inf)
    assert found.estimate.value > whole.value  # what lies beyond the ladder is not cut off
    upside_down = effects.effect(reaching(base, "lstm-a", "lstm"), reaching(part))
    assert (upside_down.bound, upside_down.octaves.low) == ("≤", -math.inf)
    assert upside_down.octaves.high == pytest.approx(-whole.low)
    assert upside_down.estimate.value == pytest.approx(-found.estimate.value, abs=0.01)


def test_where_all_seeds_are_at_the_top_nothing_is_estimated() -> None:
    found = effects.effect(reaching([9] * 8, "lstm-a", "lstm"), reaching([3, 3, 4, 3, 4, 3, 2, 3]))
    assert found.bound == "≥"
    assert math.isnan(found.estimate.value)


def test_no_difference_of_half_an_octave_is_a_verdict() -> None:
    base = [4, 5, 4, 4, 5, 4, 4, 5]
    alike = [4, 5, 5, 4, 4, 4, 4, 5]
    (found,) = effects.effects([reaching(base), reaching(alike, "lstm-a", "lstm")])
    assert (found.outcome, found.same <= 0.05) == ("alike", True)
    assert found.same == pytest.approx(stats.equivalence(found.differences, 0.5))
    (varied,) = effects.effects([reaching(base), reaching([2, 8, 5, 1, 7, 2, 6, 5], "lstm-a", "lstm")])
    assert varied.outcome == ""
    (few,) = effects.effects([reaching(base[:5]), reaching(alike[:5], "lstm-a", "lstm")])
    assert math.isnan(few.same)
    assert few.outcome == ""


def test_a_ladder_that_is_too_coarse_calls_nothing_alike() -> None:
    """All seeds between the same two rungs may still be nearly an octave apart; a rung, though all agree on it, is half
    an octave."""
    coarse = reaching([3] * 8, lengths=LENGTHS), reaching([3] * 8, "lstm-a", "lstm", lengths=LENGTHS)
    (found,) = effects.effects(coarse)
    assert (found.same, found.outcome) == (1.0, "")
    (found,) = effects.effects([reaching([3] * 8), reaching([3] * 8, "lstm-a", "lstm")])
    assert (found.same, found.outcome) == (0.0, "alike")
    (found,) = effects.effects([reaching([3] * 8), reaching([4] * 8, "lstm-a", "lstm")])
    assert (found.same, found.outcome) == (1.0, "differs")


def test_primary_effects_have_most_of_the_level_and_the_others_all_of_it_after_them() -> None:
    base, longer, other = [4] * 8, [6, 6, 5, 6, 6, 5, 6, 6], [4, 5, 3, 4, 5, 4, 4, 5]

    def judged(primary: tuple[str, ...]) -> list[tuple[bool, float]]:
        climbs = [reaching(base, primary=primary), reaching(longer, "lstm-a", "lstm", primary=primary),
                  reaching(other, "lstm-b", "lstm", primary=primary)]  # fmt: skip
        return [(e.primary, e.adjusted) for e in effects.effects(climbs)]

    (_, a), (_, b) = judged(())
    assert a == flips.smallest_p(8)
    assert judged(("lstm-a",)) == [(True, a / flips.PRIMARY), (False, b)]
    assert judged(("lstm-b",)) == [(False, pytest.approx(a / flips.OTHERS)), (True, min(b / flips.PRIMARY, 1.0))]


def test_the_threshold_is_where_an_adjusted_p_crosses_the_level() -> None:
    rng = np.random.default_rng(3)
    for n in (6, 8, 10):
        x = np.round(rng.normal(0, 1, (n, 5)) * 2) / 2
        observed, _ = flips.statistics(x)
        reach = power.threshold(x)
        first = int(observed.argmax())
        for scale in (0.0, 0.5, 1.0, 3.0):  # an effect of any size in the first place of the order
            y = x.copy()
            y[:, first] += scale * np.sign(x[:, first].sum())
            t, _ = flips.statistics(y)
            if t[first] == t.max():
                assert (flips.max_t(y)[first] <= 0.05) == (t[first] > power.threshold(y) + 1e-9)
        assert 0 < reach <= math.sqrt(n)
    assert power.threshold(rng.normal(0, 1, (5, 3))) == math.inf


@pytest.mark.parametrize(("n", "deviation"), [(8, 0.3), (10, 0.7)])
def test_power_is_what_the_rule_finds_in_suites_drawn_whole(n: int, deviation: float) -> None:
    """Ten parts, of which one does an octave: drawn, and given to max-T."""
    rng = np.random.default_rng(n)
    draws, m, told = 150, 10, 0
    thresholds = []
    for _ in range(draws):
        x = deviation * rng.normal(0, 1, (n, m))
        x[:, 0] += 1.0
        x = 0.5 * np.floor(x / 0.5 + rng.uniform(0, 1, m))
        told += flips.max_t(x)[0] <= 0.05
        thresholds.append(power.threshold(x))
    promised = power.chance(n, 1.0, deviation, 0.5, float(np.median(thresholds)))
    assert told / draws == pytest.approx(promised, abs=0.1)


def test_the_least_detectable_effect_is_one_that_is_found_in_four_of_five() -> None:
    rng = np.random.default_rng(1)
    x = 0.5 * np.round(rng.normal(0, 1.2, (10, 6)))
    reach = power.threshold(x)
    known = x[:, 0].tolist()
    deviation = float(np.std(known, ddof=1))
    found = power.detectable(known, 0.5, reach)
    assert power.chance(10, found, deviation, 0.5, reach) >= power.WANTED > (
        power.chance(10, found - 0.1, deviation, 0.5, reach))  # fmt: skip
    assert power.detectable(known[:5], 0.5, power.threshold(x[:5])) == math.inf
    assert math.isnan(power.detectable([1.0] * 10, 0.5, reach))


def test_seeds_that_are_needed_are_the_fewest_that_are_tried() -> None:
    rng = np.random.default_rng(2)
    rows = 0.5 * np.round(rng.normal(0, 1.0, (6, 4)))

    def threshold(n: int) -> float:
        return power.null_threshold(rows, n)

    n = power.seeds_needed(1.0, 0.6, 0.5, threshold)
    assert n is not None
    assert power.chance(n, 1.0, 0.6, 0.5, threshold(n)) >= power.WANTED
    before = [k for k in power.NUMBERS if k < n]
    assert all(power.chance(k, 1.0, 0.6, 0.5, threshold(k)) < power.WANTED for k in before)
    assert power.seeds_needed(1.0, 60.0, 0.5, lambda n: 2.5) is None


def test_needs_take_the_deviation_of_the_pilots_pairs() -> None:
    climbs = [
        reaching([4, 4, 4, 4]),
        reaching([4, 3, 2, 1], "lstm-a", "lstm"),
        reaching([4, 4, 4, 4], "lstm-b", "lstm"),
        climbed("....", "lstm-c", "lstm"),
        reaching([9] * 4, task="copy"),
        reaching([9] * 4, "lstm-a", "lstm", task="copy"),
        reaching([0] * 4, task="qa"),
        reaching([0] * 4, "lstm-a", "lstm", task="qa"),
    ]
    found = planning.needs(climbs)
    assert [(p.variant, p.task, p.flat) for p in found] == [
        ("lstm-a", "adding", False), ("lstm-b", "adding", False), ("lstm-a", "copy", True), ("lstm-a", "qa", True),
    ]  # fmt: skip
    assert found[0].deviation == pytest.approx(float(np.std([0, -0.5, -1, -1.5], ddof=1)), abs=0.02)
    assert found[0].seeds is not None
    assert found[0].cautious is None or found[0].cautious >= found[0].seeds
    assert found[0].detectable == math.inf  # four seeds can be told of nothing
