from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.warping import Task

EXAMPLES = [
    (Task(), 8),
    (Task(warp="uniform"), 4),
    (Task(items=4, alphabet=3, fill="pad"), 5),
    (Task(items=2, warp="uniform", fill="pad"), 2),
]
KINDS = [(warp, fill) for warp in ("uniform", "variable") for fill in ("repeat", "pad")]


def blocks(xs: list[int], fill: str) -> list[tuple[int, int]]:
    """(symbol, how long) of a warped sequence, read naively."""
    if fill == "repeat":
        return [(symbol, len(list(steps))) for symbol, steps in groupby(xs)]
    starts = [t for t, x in enumerate(xs) if x]
    return [(xs[s], e - s) for s, e in zip(starts, [*starts[1:], len(xs)], strict=True)]


@pytest.mark.parametrize(("warp", "fill"), KINDS)
def test_each_answer_is_the_symbol_before_the_present_one(warp: str, fill: str) -> None:
    task = Task(items=5, alphabet=4, warp=warp, fill=fill)  # type: ignore[arg-type]
    b = task.batch(100, 6, stream(0, "train"))
    assert b.weights is not None
    warps, lags = [], []
    for xs, ys, weights in zip(b.xs.T.tolist(), b.ys.T, b.weights.T, strict=True):
        found = blocks(xs, fill)
        assert sum(w for _, w in found) == 30
        t = found[0][1]
        assert not weights[:t].any()
        assert weights[t:].all()
        for (before, w), (now, steps) in pairwise(found):
            assert before != now
            assert (ys[t : t + steps] == before - 1).all()
            lags += [j + (1 if fill == "repeat" else w) for j in range(steps)]
            t += steps
        warps += [w for _, w in found[:-1]]
    assert (min(warps), max(warps)) == ((6, 6) if warp == "uniform" else (1, 6))
    lag = task.lag(6)
    assert (min(lags), max(lags)) == (lag.least, lag.most)
    assert np.mean(lags) == pytest.approx(lag.mean, rel=0.1)  # the last symbol is cut off


def test_the_mean_lag_is_exact_where_nothing_is_cut_off() -> None:
    for warp, fill in KINDS:
        task = Task(items=400, warp=warp, fill=fill)  # type: ignore[arg-type]
        xs = task.batch(20, 5, stream(0, "train")).xs.T.tolist()
        lags = [
            j + (1 if fill == "repeat" else w)
            for column in xs
            for (_, w), (_, steps) in pairwise(blocks(column, fill))
            for j in range(steps)
        ]
        assert np.mean(lags) == pytest.approx(task.lag(5).mean, rel=0.01)
