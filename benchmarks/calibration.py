"""Do the statistics keep what they promise? `python -m benchmarks.calibration [--draws N]`, by default in two minutes.

Suites whose truth is known (`simulated.py`) are drawn, given to the code that reports, claims and `check` use, and what
it says is counted: how often an interval covers the truth, how often a test rejects what is true, how often a claim is
decided rightly, wrongly or not at all; and what `check` says (`alarms.py`). The tables are markdown; those of
docs/calibration.md were made so, with more draws. What is marked exact is a sum over all outcomes.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import binom

from benchmarks import alarms, crossed, reaching
from benchmarks.simulated import BASE, LENGTH, Outcome, Scores, Spread, asked, climbed, ladder, scored, seen, timed
from benchmarks.tables import share, table
from rnnbench.analysis import decisions, effects, spans, stats, verdicts
from rnnbench.analysis.effects import Effect
from rnnbench.plan import Plan
from rnnbench.plan.ladders import Climb
from rnnbench.rng import Stream, stream

SEEDS = (3, 5, 6, 10, 20)

# What parts do to the latent span, in octaves. Ladders have two rungs an octave, the base's span lies about 2**7.
PARTS = {"same": 0.0, "half": -0.5, "odd": -0.8, "one": -1.0, "two": -2.0}
LADDERS = {"apart": ladder(3, 9, 2), "alike": ladder(5, 8, 2), "top": ladder(4, 7, 2), "null": ladder(5, 8, 2)}
SPREADS = dict.fromkeys(LADDERS, Spread(0.3, 0.3, 0.05)) | {"alike": Spread(0.0, 0.02, 0.02)}
# The scores of the base, and of the part that lowers them.
SCORES = {"middle": Scores(0.0, 1.0), "high": Scores(4.0, 1.5), "fails": Scores(5.0, 0.5, failing=0.1)}
LOWER = {"middle": Scores(-1.0, 1.0), "high": Scores(2.0, 1.5), "fails": Scores(5.0, 0.5, failing=0.6)}
MEDIAN, SCATTER = 800.0, 0.4  # steps to solve, and the standard deviation of their logarithm

Tally = dict[str, Counter[int]]  # what was looked at -> by number of seeds, how often it was so
Shares = dict[str, dict[int, float]]


class Claimed(NamedTuple):
    """A claim and what is true of it: True, or None where the truth lies on its boundary, so that any decision is an
    error."""

    about: str
    that: str
    truth: bool | None


def _claims() -> Iterator[Claimed]:
    yield Claimed("spans: equal", "span(base, apart) > span(same, apart)", None)
    yield Claimed("spans: equal, seeds alike", "span(base, alike) > span(same, alike)", None)
    yield Claimed("spans: twice, and it is 2 times", "span(base, apart) >= 2 * span(one, apart)", None)
    yield Claimed("spans: twice, and it is 4 times", "span(base, apart) >= 2 * span(two, apart)", True)
    yield Claimed("spans: half an octave longer", "span(base, apart) > span(half, apart)", True)
    yield Claimed("spans: an octave longer", "span(base, apart) > span(one, apart)", True)
    yield Claimed("effect: none", "effect(same, apart) < 0", None)
    yield Claimed("effect: none, seeds alike", "effect(same, alike) < 0", None)
    yield Claimed("effect: under -1, and it is -1", "effect(one, apart) < -1", None)
    yield Claimed("effect: an octave", "effect(one, apart) < 0", True)
    yield Claimed("effect: two octaves", "effect(two, apart) < 0", True)
    yield Claimed("effect: within 1, and it is -1", "about(effect(one, apart), 0, 1)", None)
    yield Claimed("effect: within 1, and it is 0", "about(effect(same, apart), 0, 1)", True)
    for task, scores in SCORES.items():
        score, away = f"score(base, {task}, {LENGTH})", LOWER[task].mean - scores.mean
        yield Claimed(f"score {task}: equal", f"{score} > score(same, {task}, {LENGTH})", None)
        yield Claimed(f"score {task}: over its own mean", f"{score} > {scores.mean:.9f}", None)
        yield Claimed(f"score {task}: {-away:.2f} higher", f"{score} > score(lower, {task}, {LENGTH})", True)
        within = f"about({score}, score(lower, {task}, {LENGTH}), {-away:.9f})"
        yield Claimed(f"score {task}: within {-away:.2f}, and it is that", within, None)
    share, fewer = SCORES["fails"].share, LOWER["fails"].share
    solved = f"solved(base, fails, {LENGTH})"
    yield Claimed(f"solved: equal, {share:.1f}", f"{solved} > solved(same, fails, {LENGTH})", None)
    yield Claimed(f"solved: over its own {share:.1f}", f"{solved} > {share:.9f}", None)
    yield Claimed(f"solved: {share:.1f} over {fewer:.1f}", f"{solved} > solved(lower, fails, {LENGTH})", True)
    steps = f"steps(base, steps, {LENGTH})"
    yield Claimed("steps: equal", f"{steps} < steps(same, steps, {LENGTH})", None)
    yield Claimed("steps: under their own median", f"{steps} < {MEDIAN:.0f}", None)
    yield Claimed("steps: half as many", f"{steps} < steps(lower, steps, {LENGTH})", True)


CLAIMS = tuple(_claims())


def drawn(n: int, draws: int) -> Iterator[tuple[Plan, list[Climb], float]]:
    """Suites of n seeds, every variant on every task, and where the base's span truly lies, in octaves: between two
    rungs that is drawn anew for each."""
    tasks = LADDERS | dict.fromkeys((*SCORES, "steps"), (LENGTH,))
    planned = asked(("lower", *PARTS), tasks, n, [c.that for c in CLAIMS])
    for draw in range(draws):
        rng = stream(n, "calibration", draw)
        middle = 7 - 0.5 * float(rng.uniform(1)[0])
        yield planned, seen(planned, _ladders(rng, n, middle) | _levels(rng, n)), middle


def _ladders(rng: Stream, n: int, middle: float) -> dict[tuple[str, str], Outcome]:
    out = {}
    for task, lengths in LADDERS.items():
        spread, seeds = SPREADS[task], rng.normal(n).astype(np.float64)
        for variant, lost in {BASE: 0.0, "lower": 0.0, **PARTS}.items():
            truth = middle + (0 if task == "null" else lost) + spread.between * seeds + spread.own * rng.normal(n)
            out[variant, task] = climbed(rng, truth, lengths, spread.run)
    return out


def _levels(rng: Stream, n: int) -> dict[tuple[str, str], Outcome]:
    """The tasks with one rung; half of the variance of scores, and of steps, is the seed's."""
    out = {}
    for task in (*SCORES, "steps"):
        seeds = rng.normal(n).astype(np.float64)
        for variant in (BASE, "lower", *PARTS):
            z = math.sqrt(0.5) * (seeds + rng.normal(n))
            if task == "steps":
                out[variant, task] = timed(np.ceil((1 + (variant == "lower")) * MEDIAN * np.exp(SCATTER * z)))
            else:
                kind = (LOWER if variant == "lower" else SCORES)[task]
                out[variant, task] = scored(kind.of(z, rng.uniform(n).astype(np.float64)))
    return out


def counted(seeds: Sequence[int], draws: int) -> tuple[Shares, ...]:
    """How often intervals cover, how often tests reject what is true, how often claims come out wrong and right."""
    every: list[Tally] = [defaultdict(Counter) for _ in range(4)]
    covered, rejected, wrong, right = every
    for n in seeds:
        for planned, climbs, middle in drawn(n, draws):
            _scores(n, climbs, covered)
            _spans(n, climbs, middle, covered)
            _effects(n, effects.effects(climbs), covered, rejected)
            for claim, verdict in zip(CLAIMS, verdicts.verdicts(planned.suite, climbs), strict=True):
                holds = claim.truth is True and verdict.outcome == "holds"
                right[claim.about][n] += holds
                wrong[claim.about][n] += not holds and verdict.outcome != "undecided"
    return tuple({name: {n: by[n] / draws for n in seeds} for name, by in tally.items()} for tally in every)


def _scores(n: int, climbs: Sequence[Climb], covered: Tally) -> None:
    """The interval of a mean score, and of its difference from a lower one."""
    for climb in climbs:
        task = climb.ladder.task.name
        if climb.ladder.variant.name == BASE and task in SCORES:
            found = spans.score(climb.steps[0]).score
            covered[f"score: {task}"][n] += found.low <= SCORES[task].mean <= found.high
    for each in effects.score_effects(climbs):
        if each.variant == "lower" and each.task in SCORES:
            truth = LOWER[each.task].mean - SCORES[each.task].mean
            covered[f"effect on the score: {each.task}"][n] += each.score.low <= truth <= each.score.high


def _spans(n: int, climbs: Sequence[Climb], middle: float, covered: Tally) -> None:
    """The interval of a variant's span."""
    for climb in climbs:
        task = climb.ladder.task.name
        if climb.ladder.variant.name == BASE and task in ("apart", "alike"):
            found = spans.span(climb)
            covered[f"span: seeds {task}"][n] += found is not None and found.octaves.low <= middle <= found.octaves.high


def _effects(n: int, found: Sequence[Effect], covered: Tally, rejected: Tally) -> None:
    """The intervals of an octave's effect, and the p of none."""
    nulls = [each for each in found if each.task == "null"]
    rejected["sign flips, one part"][n] += nulls[0].p <= 1 - stats.LEVEL
    family = effects.together(nulls, [0.5] * len(nulls))
    rejected[f"max-T, any of {len(nulls)} parts"][n] += min(each.adjusted for each in family) <= 1 - stats.LEVEL
    for each in found:
        low, high = each.octaves.low, each.octaves.high
        if each.variant == "odd" and each.task in ("apart", "alike"):  # which no whole number of rungs is
            truth = PARTS["odd"]
            covered[f"effect, rungs: seeds {each.task}"][n] += each.rungs.low <= 2 * truth <= each.rungs.high
            covered[f"effect, octaves: seeds {each.task}"][n] += low <= truth <= high
            covered[f"the same and a rung each way: seeds {each.task}"][n] += low - 0.5 <= truth <= high + 0.5
        if each.variant == "one" and each.task == "top":
            covered["effect, ≤: the upper end"][n] += high >= -1
            told = math.isfinite(each.estimate.value)
            covered["if normal: told"][n] += told
            covered["if normal: told, and covers"][n] += told and each.estimate.low <= -1 <= each.estimate.high


def shares(n: int) -> dict[str, float]:
    """Exact: how often Jeffreys' interval covers a share, and MOVER's a difference of two, in the mean over shares of
    .05, .1 to .95, and at the worst of them."""
    grid = np.arange(1, 20) / 20
    one = [stats.proportion(k, n) for k in range(n + 1)]
    chance = np.array([binom(n, p).pmf(range(n + 1)) for p in grid])  # (share, hits)
    covers = np.array([[e.low <= p <= e.high for e in one] for p in grid])
    single = (chance * covers).sum(1)
    pairs = [[decisions.shares((a - b) / n, [(1.0, a), (-1.0, b)], n, stats.LEVEL) for b in range(n + 1)]
             for a in range(n + 1)]  # fmt: skip
    low, high = (np.array([[getattr(r, end) for r in row] for row in pairs]) for end in ("low", "high"))
    both = np.array([chance[i] @ ((low <= p - q) & (p - q <= high)) @ chance[j]
                     for i, p in enumerate(grid) for j, q in enumerate(grid)])  # fmt: skip
    return {
        "share (Jeffreys), mean": float(single.mean()),
        "share (Jeffreys), worst": float(single.min()),
        "difference of shares (MOVER), mean": float(both.mean()),
        "difference of shares (MOVER), worst": float(both.min()),
    }


def normal(n: int, draws: int) -> dict[str, float]:
    """How often the deviation of `plan --power` is bounded (80 %), and equivalence found at its margin (5 %), of normal
    differences."""
    x = stream(n, "normal").normal((draws, n)).astype(np.float64)
    bounded = np.mean([stats.deviation_bound(row)[1] >= 1 for row in x])
    margin = 4 / math.sqrt(n)  # four standard errors: wide enough to be found within
    alike = np.mean([stats.equivalence(row + margin, margin) <= 1 - stats.LEVEL for row in x])
    return {"deviation bounded, of .8": float(bounded), "equivalent at the margin, of .05": float(alike)}


def turned(found: Mapping[int, Mapping[str, float]]) -> Shares:
    """By n and name -> by name and n."""
    return {name: {n: by[name] for n, by in found.items()} for name in next(iter(found.values()))}


def shown(found: Mapping[str, Mapping[int, float]], seeds: Sequence[int] = SEEDS) -> str:
    """A table of shares, a column for each number of seeds."""
    return table(("n", *seeds), {name: [share(by[n]) for n in seeds] for name, by in found.items()})


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--draws", type=int, default=120, help="suites at each number of seeds (default 120)")
    draws = parser.parse_args(arguments).draws
    covered, rejected, wrong, right = counted(SEEDS, draws)
    print(f"Standard error of a drawn share of .95: {math.sqrt(0.95 * 0.05 / draws):.3f}")
    print(f"\nintervals: covered, of .95\n\n{shown(covered)}")
    print(f"\nintervals of shares: covered, of .95, exact\n\n{shown(turned({n: shares(n) for n in SEEDS}))}")
    print(f"\ntests: rejected, of .05\n\n{shown(rejected)}")
    print(f"\nnormal differences\n\n{shown(turned({n: normal(n, 20 * draws) for n in SEEDS}))}")
    enough = [n for n in SEEDS if n >= verdicts.MINIMUM]
    rows = {
        claim.about: [
            f"{share(wrong[claim.about][n])} / {share(1 - wrong[claim.about][n] - right[claim.about][n])}"
            for n in enough
        ]
        for claim in CLAIMS
    }
    print(f"\nclaims: wrong / undecided\n\n{table(('n', *enough), rows)}")
    for text in (*reaching.tables(draws), *crossed.tables(draws), *alarms.tables(draws)):
        print(f"\n{text}", flush=True)


if __name__ == "__main__":
    main()
