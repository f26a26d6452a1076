"""How far off spans are, and how often max-T and the power that is promised keep their word: the part of
`python -m benchmarks.calibration` that is about ladders.

A seed solves a rung with the logistic chance of (truth - log2 length) / noise. Exact is what is summed over all that
can happen, in the mean over where the ladder lies; drawn what goes through a view, so that rungs are pruned as in a
run.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from benchmarks.simulated import BASE, Outcome, Spread, asked, climbed, ladder, seen
from benchmarks.tables import share, table
from rnnbench.analysis import effects, flips, power, spans
from rnnbench.analysis import ladder as rungs
from rnnbench.rng import Stream, stream

NOISES = (0.1, 0.25, 0.5, 1.0)  # octaves, the standard deviation of a logistic distribution
SPACINGS = (1, 2, 4)  # rungs an octave
SEEDS = (3, 6, 10)
PARTS = 10
# Of pruning: the noise, the chance that a run fails besides, how much rarer the first two rungs are solved.
CASES = ((0.1, 0, 1), (0.25, 0, 1), (0.5, 0, 1), (1.0, 0, 1), (0.25, 0.3, 1), (0.25, 0.6, 1), (0.25, 0, 0.15))
DEVIATIONS = (0.3, 0.5, 0.7, 1.0)  # octaves, of paired differences

Floats = NDArray[np.float64]


def chances(lengths: tuple[int, ...], truth: float, noise: float) -> Floats:
    """The chance to solve each rung."""
    return np.asarray(expit((truth - np.log2(lengths)) / (noise * math.sqrt(3) / math.pi)), dtype=np.float64)


def biases(noise: float, an_octave: int) -> tuple[float, float]:
    """Exact: how far off a seed's span is in the mean, in octaves, by the rungs solved; and by the first one that
    isn't, half a rung added."""
    solved, first = [], []
    for k in range(24):
        x = np.arange(12 * an_octave + 1) / an_octave + k / 24 / an_octave  # the ladder lies anywhere about the truth
        p = expit((6 - x) / (noise * math.sqrt(3) / math.pi))
        start = x[0] - 0.5 / an_octave
        solved.append(start + p.sum() / an_octave - 6)
        first.append(start + np.cumprod(p).sum() / an_octave - 6)
    return float(np.mean(solved)), float(np.mean(first))


def noisy(
    rng: Stream, n: int, lengths: tuple[int, ...], noise: float, holes: float = 0.0, first: float = 1.0
) -> tuple[float, Outcome]:
    """A truth, and the runs of n seeds, each of which leaves any rung unsolved with the chance `holes`
    besides; the first two are solved `first` times as often as they would be."""
    truth = 6.0 + float(rng.uniform(1)[0])
    p = chances(lengths, truth, noise) * (1 - holes)
    p[:2] *= first
    solved = rng.uniform((len(lengths), n)) < p[:, None]
    return truth, Outcome(solved, np.where(solved, 0.99, 0.3), np.where(solved, 500.0, np.inf))


def hidden(n: int, noise: float, holes: float, first: float, draws: int) -> tuple[float, float, float]:
    """Drawn: what pruning takes from a variant's span in the mean, in octaves; in how many ladders it hides anything;
    how many runs it saves."""
    lengths = ladder(3, 10, 2)
    planned = asked((), {"task": lengths}, n)
    lost, hid, saved = [], [], []
    for draw in range(draws):
        _, found = noisy(stream(n, f"pruning/{noise}/{holes}/{first}", draw), n, lengths, noise, holes, first)
        (climb,) = seen(planned, {(BASE, "task"): found})
        kept = spans.so_far(climb)
        whole = rungs.rungs(lengths)
        full = whole.edges[0] + sum(w * row.mean() for w, row in zip(whole.widths, found.solved, strict=True))
        lost.append(kept - full)
        hid.append(kept < full - 1e-9)
        saved.append(sum(step.state == "pruned" for step in climb.steps) / len(lengths))
    return float(np.mean(lost)), float(np.mean(hid)), float(np.mean(saved))


def families(n: int, draws: int) -> dict[str, float]:
    """Drawn: how often max-T over all effects of a suite is wrong of some, on three tasks with six parts each, none of
    which does anything in truth on two of them, on the third one an octave; and the same of skewed seeds."""
    parts = tuple(f"p{k}" for k in range(6))
    lengths = ladder(4, 9, 2)
    planned = asked(parts, dict.fromkeys(("x", "y", "z"), lengths), n)
    out: Counter[str] = Counter()
    for draw in range(draws):
        for kind in ("normal", "skewed"):
            rng = stream(n, f"families/{kind}", draw)
            climbs = seen(planned, {
                name: climbed(rng, truth, lengths, 0.1) for name, truth in _truths(rng, n, parts, kind == "skewed")
            })  # fmt: skip
            found = effects.effects(climbs, estimates=False)
            wrong = any(e.adjusted <= 0.05 for e in found if (e.task, e.variant) != ("z", "p0"))
            out[f"one false or more of 17, {kind} seeds"] += wrong
            right = next(e for e in found if (e.task, e.variant) == ("z", "p0"))
            out[f"an octave found, {kind} seeds"] += right.adjusted <= 0.05
    return {name: out[name] / draws for name in sorted(out, reverse=True)}


def _truths(rng: Stream, n: int, parts: tuple[str, ...], skewed: bool) -> Iterator[tuple[tuple[str, str], Floats]]:
    spread = Spread(0.3, 0.3, 0.1)
    for task in ("x", "y", "z"):
        shared = _noise(rng, n, skewed)
        for variant in (BASE, *parts):
            lost = 1.0 if (task, variant) == ("z", "p0") else 0.0
            yield (variant, task), 7 - lost + spread.between * shared + spread.own * _noise(rng, n, skewed)


def _noise(rng: Stream, n: int, skewed: bool) -> Floats:
    """Of mean 0 and deviation 1: normal, or an exponential one that hangs over to the short side."""
    if not skewed:
        return rng.normal(n).astype(np.float64)
    return np.asarray(1 + np.log1p(-rng.uniform(n).astype(np.float64) * (1 - 2**-24)), dtype=np.float64)


def promised(n: int, deviation: float, draws: int) -> tuple[float, float]:
    """The chance that `plan --power` gives an octave among PARTS parts, and how often max-T finds it in whole
    suites."""
    told = 0
    thresholds: list[float] = []
    for draw in range(draws):
        rng = stream(n, f"promised/{deviation}", draw)
        x = deviation * rng.normal((n, PARTS)).astype(np.float64)
        x[:, 0] += 1
        shown = 0.5 * np.floor(x / 0.5 + rng.uniform((1, PARTS)))
        told += flips.max_t(shown)[0] <= 0.05
        thresholds.append(power.null_threshold(shown, n) if draw < 5 else thresholds[0])
    reach = float(np.median(thresholds[:5]))
    return power.chance(n, 1.0, deviation, 0.5, reach), told / draws


def equivalence(n: int, alike: bool, draws: int) -> dict[float, float]:
    """How often two variants are told to be alike, by how far apart they are in octaves."""
    lengths = ladder(4, 10, 2)
    planned = asked(("part",), {"task": lengths}, n)
    spread = Spread(0.0, 0.02, 0.02) if alike else Spread(0.3, 0.2, 0.05)
    out = {}
    for apart in (0.0, 0.25, 0.5):
        told = 0
        for draw in range(draws):
            rng = stream(n, f"alike/{alike}/{apart}", draw)
            middle = 6.5 + float(rng.uniform(1)[0])
            shared = spread.between * rng.normal(n)
            outcomes = {
                (name, "task"): climbed(rng, middle + lost + shared + spread.own * rng.normal(n), lengths, spread.run)
                for name, lost in ((BASE, 0.0), ("part", apart))
            }
            (found,) = effects.effects(seen(planned, outcomes), estimates=False)
            told += found.same <= 0.05
        out[apart] = told / draws
    return out


def tables(draws: int) -> Iterator[str]:
    """The tables of spans and of families, each with its heading."""
    rows = {
        f"{noise:g}, {an_octave}": [f"{x:+.3f}" for x in biases(noise, an_octave)]
        for noise in NOISES for an_octave in SPACINGS
    }  # fmt: skip
    header = ["noise, rungs an octave", "rungs solved", "first not solved"]
    yield f"bias of a seed's span in octaves, exact\n\n{table(header, rows)}"
    rows = {}
    for n in (1, *SEEDS):
        for noise, holes, first in CASES:
            lost, hid, saved = hidden(n, noise, holes, first, draws)
            rows[f"{n}, {noise:g}, {holes:g}, {first:g}"] = [f"{lost:+.3f}", share(hid), share(saved)]
    header = ["n, noise, holes, first two", "lost, octaves", "ladders that hide any", "runs saved"]
    yield f"pruning, two rungs an octave, drawn\n\n{table(header, rows)}"
    found = {n: families(n, draws) for n in SEEDS[1:]}
    rows = {name: [share(found[n][name]) for n in found] for name in found[SEEDS[1]]}
    yield f"max-T over 18 effects on three tasks, of .05\n\n{table(('n', *found), rows)}"
    rows = {
        f"{n}, {deviation:g}": list(map(share, promised(n, deviation, draws)))
        for n in (6, 8, 10, 14) for deviation in DEVIATIONS
    }  # fmt: skip
    yield f"power, an octave among {PARTS} parts\n\n{table(['n, deviation', 'promised', 'found'], rows)}"
    rows = {
        f"{n}, seeds {'alike' if alike else 'apart'}": list(map(share, equivalence(n, alike, draws).values()))
        for n in (6, 10) for alike in (False, True)
    }  # fmt: skip
    yield f"told to be alike, by how far apart they are\n\n{table(['n', '0', '.25', '.5'], rows)}"
