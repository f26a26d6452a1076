"""How often the intervals of a crossing cover: the part of `python -m benchmarks.calibration` that is about luck.

Tables of K x M numbers are drawn whose components are known: rows, columns and the rest, each normal, or exponential
and so skewed; as they are, or as the rungs of a ladder show them. Of each the code that reports use says an interval of
the mean and of the three shares.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import share, table
from rnnbench.analysis import components, stats
from rnnbench.analysis.stats import Estimate
from rnnbench.rng import Stream, stream

SIZES = ((3, 3), (5, 5), (10, 5), (10, 10))
# Shares of rows, columns and the rest.
CASES = {"none of either": (0.0, 0.0, 1.0), "a third each": (1 / 3, 1 / 3, 1 / 3), "rows": (0.8, 0.0, 0.2),
         "rows and columns": (0.45, 0.45, 0.1)}  # fmt: skip
KINDS = ("normal", "skewed", "rungs")
SPACING = 0.5  # of rungs, in deviations of a number: as an octave's half is where spans vary by an octave
NAMES = ("mean", "rows", "columns", "rest", "t of all")

Floats = NDArray[np.float64]


def drawn(rng: Stream, K: int, M: int, shares: tuple[float, float, float], kind: str) -> Floats:
    """A table (K, M) of mean 0 and deviation 1."""

    def effect(*shape: int) -> Floats:
        if kind != "skewed":
            return rng.normal(shape).astype(np.float64)
        return np.asarray(1 + np.log1p(-rng.uniform(shape).astype(np.float64) * (1 - 2**-24)), dtype=np.float64)

    rows, columns, rest = (math.sqrt(each) for each in shares)
    x = rows * effect(K, 1) + columns * effect(1, M) + rest * effect(K, M)
    if kind == "rungs":  # which lie anywhere about the mean
        shift = float(rng.uniform(1)[0])
        x = SPACING * (np.floor(x / SPACING + shift) - shift + 0.5)
    return x


def covered(K: int, M: int, shares: tuple[float, float, float], kind: str, draws: int) -> dict[str, float]:
    """How often the intervals cover: of the mean, of each share, and of the mean that of t, as if all K x M numbers
    were independent."""
    out: Counter[str] = Counter()
    for draw in range(draws):
        x = drawn(stream(K * 1000 + M, f"crossed/{kind}/{shares}", draw), K, M, shares, kind)
        found = components.split(x)
        parts = (found.rows, found.columns, found.rest)
        told: dict[str, tuple[Estimate, float]] = {"mean": (found.mean, 0.0), "t of all": (stats.mean(x.ravel()), 0.0)}
        told |= {
            name: (part.share, truth) for name, part, truth in zip(NAMES[1:4], parts, shares, strict=True)
        }  # fmt: skip
        for name, (estimate, truth) in told.items():
            out[name] += not estimate.low > truth + 1e-9 and not estimate.high < truth - 1e-9
    return {name: out[name] / draws for name in NAMES}


def tables(draws: int) -> Iterator[str]:
    """The table, with its heading."""
    rows = {}
    for name, shares in CASES.items():
        for kind in KINDS:
            for K, M in SIZES:
                found = covered(K, M, shares, kind, draws)
                rows[f"{name}, {kind}, {K} x {M}"] = [share(found[each]) for each in NAMES]
    yield f"crossings: covered, of .95\n\n{table(['shares, numbers, size', *NAMES], rows)}"
