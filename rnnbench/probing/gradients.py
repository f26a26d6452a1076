"""The gradient of the answers with respect to the state, by lag: does what a model did then still move what it says?

    J(k) = the mean over sequences and answers of || d answer / d state at k steps before the answer ||

over all coordinates of the state, of all layers of a direction (`states`). A backward direction has its own time: its
lag is counted from the step that the answer is read at back to where it read first.

The decay is that of a straight line through log J over the lags from T/8 to 7T/8, by least squares, per step: 1 / decay
is the time constant tau, and where |T * decay| < .5 the gradient is flat: it neither vanishes nor grows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.lazy import torch
from rnnbench.probing import Of
from rnnbench.probing.aims import aims, chosen, steps_of
from rnnbench.probing.states import Passed

FLAT = 0.5  # of T * decay


def gradients(passed: Passed, which: NDArray[np.bool_], of: Of = "answer") -> list[dict[str, Any]]:
    """Of each direction: J as `mean` by lag from 0 on, `median`, the quartiles `low` and `high` and the number `n` of
    norms behind them; `decay`. `which` (K, B) are the answers that count."""
    goal = aims(passed.model.task, passed.answers, passed.batch, of)
    by_direction = {k: norms(passed, goal[k]) for k in chosen(which)}
    return [
        {"direction": name, **_curve([(_own(passed, i, k), found[i], which[k]) for k, found in by_direction.items()])}
        for i, name in enumerate(passed.directions)
    ]


def norms(passed: Passed, goal: Any) -> list[NDArray[np.float64]]:
    """Of each direction the norm of the gradient of goal (B,) after each of its steps, in its own time: (T, B)."""
    leaves = [leaf for scan in passed.scans for step in scan.leaves for leaf in step]
    found = iter(torch.autograd.grad(goal.sum(), leaves, retain_graph=True, allow_unused=True))
    T, B = passed.xs.shape[:2]
    squares = [np.zeros((T, B)) for _ in passed.directions]
    for k, scan in enumerate(passed.scans):
        for t, step in enumerate(scan.leaves):
            for _ in step:
                if (g := next(found)) is not None:
                    squares[k % len(squares)][t] += g.square().sum(-1).numpy()
    return [np.sqrt(each) for each in squares]


def _own(passed: Passed, direction: int, answer: int) -> int:
    """The step of a direction's own time at which an answer reads it."""
    T = len(passed.xs)
    if passed.model.task.last:
        return T - 1
    at = int(steps_of(passed.batch)[answer])
    return T - 1 - at if passed.directions[direction] == "backward" else at


def _curve(found: list[tuple[int, NDArray[np.float64], NDArray[np.bool_]]]) -> dict[str, Any]:
    """(an answer's step, norms (T, B), sequences that count) of each answer -> by lag."""
    longest = max((at for at, _, _ in found), default=-1)
    by_lag = [np.concatenate([x[at - k, which] for at, x, which in found if at >= k]) for k in range(longest + 1)]
    by_lag = by_lag[: next((k for k, x in enumerate(by_lag) if not len(x)), len(by_lag))]
    mean = [float(x.mean()) for x in by_lag]
    low, median, high = np.array([np.quantile(x, (0.25, 0.5, 0.75)) for x in by_lag] or np.zeros((0, 3))).T.tolist()
    return {
        "n": [len(x) for x in by_lag],
        "mean": mean,
        "median": median,
        "low": low,
        "high": high,
        "decay": decay(mean),
    }


def decay(mean: list[float]) -> float | None:
    """How fast J falls, per step; None where fewer than two lags of the window have a gradient at all.

    >>> round(decay([0.5**k for k in range(16)]), 6)  # log 2
    0.693147
    """
    T = len(mean)
    lags = [k for k in range(T) if T / 8 <= k < 7 * T / 8 and mean[k] > 0]
    if len(lags) < 2:
        return None
    return -float(np.polyfit(lags, np.log([mean[k] for k in lags]), 1)[0])


def flat(decay: float, T: int) -> bool:
    """Whether a gradient neither vanishes nor grows over T steps."""
    return abs(T * decay) < FLAT


def inputs(passed: Passed, which: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Of numbers: the derivative of the answer by the values that it hangs on (`needed` 0, 1, ...: `mean`, which is 1
    where a sum is asked for and known) and the mean size of those by all others up to it (`needed` None: ideally 0)."""
    needed = passed.model.task.needed(passed.batch)
    if passed.model.task.tokens or needed is None:
        return []
    goal = aims(passed.model.task, passed.answers, passed.batch)
    own: list[list[float]] = [[] for _ in needed.steps]
    others: list[float] = []
    column = np.arange(passed.xs.shape[1])
    for k in chosen(which):
        (slope,) = torch.autograd.grad(goal[k].sum(), passed.xs, retain_graph=True)
        by_value = slope[..., 0].numpy()  # the first number of a step is its value
        other = np.broadcast_to(which[k], by_value.shape).copy()
        other[steps_of(passed.batch)[k] + 1 :] = False
        for n, steps in enumerate(needed.steps[:, k]):
            held = which[k] & (steps >= 0)
            own[n] += by_value[steps[held], column[held]].tolist()
            other[steps[held], column[held]] = False
        others += np.abs(by_value[other]).tolist()
    found = [{"needed": n, "mean": float(np.mean(each)), "n": len(each)} for n, each in enumerate(own) if each]
    return found + ([{"needed": None, "mean": float(np.mean(others)), "n": len(others)}] if others else [])
