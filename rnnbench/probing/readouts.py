"""How well a straight line reads the needed input off the state, by lag before the answer (ridge regression).

Half of the sequences fit it, the other half test it: R2 = 1 - (squared errors) / (those of the mean of the first half),
over all classes where it is a class. The strength of the ridge is the one that leaves each sequence of the first half
out best. The control reads labels that were shuffled: what it comes to, about 0 or less, is nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.lazy import torch
from rnnbench.probing.aims import chosen, steps_of
from rnnbench.probing.states import Passed
from rnnbench.rng import stream

if TYPE_CHECKING:
    from rnnbench.seeds import Seed

POINTS = 24  # lags, spread evenly
LEAST = 64  # sequences
MOST = 2  # inputs an answer, those that are held longest
STRENGTHS = 10.0 ** np.arange(-12, 1, 2)  # of the ridge, relative to the largest direction

Floats = NDArray[np.float64]


def readouts(passed: Passed, which: NDArray[np.bool_], seed: Seed) -> list[dict[str, Any]]:
    """Of the inputs that answers hang on (`needed`, of the first MOST): `r2` and `control` by `lags`, each a mean over
    the answers that have LEAST sequences in which the input has been read by then. Of a forward direction."""
    needed = passed.model.task.needed(passed.batch)
    if needed is None or not passed.scans:
        return []
    states = _features(passed)
    T = len(states)
    answers, at = chosen(which), steps_of(passed.batch)
    shuffle = stream(seed, "probe/shuffle")
    found = []
    for n in range(min(MOST, len(needed.steps))):
        rows = []
        for lag in sorted({round(x) for x in np.linspace(0, T - 1, min(T, POINTS))}):
            scores = []
            for k in answers:
                t, steps = int(at[k]) - lag, needed.steps[n, k]
                there = np.flatnonzero(which[k] & (steps >= 0) & (steps <= t))
                if t >= 0 and len(there) >= LEAST:
                    labels = _labels(needed.values[n, k, there])
                    mixed = labels[shuffle.shuffled(1, len(there))[0]]
                    scores.append([r2(states[t][there], each) for each in (labels, mixed)])
            held = [[x for x in pair if x is not None] for pair in scores if None not in pair]
            if held:
                rows.append((lag, *np.mean(held, 0).tolist()))
        if rows:
            lags, real, control = zip(*rows, strict=True)
            found.append({"needed": n, "lags": list(lags), "r2": list(real), "control": list(control)})
    return found


def _features(passed: Passed) -> list[Floats]:
    """All coordinates of the state after each step, of all layers of the forward direction: (B, width)."""
    depths = passed.depths(0)
    return [torch.cat([part for scan in depths for part in scan.states[t]], -1).numpy() for t in range(len(passed.xs))]


def _labels(values: NDArray[Any]) -> Floats:
    """Numbers as a column; classes as a column each."""
    if np.issubdtype(values.dtype, np.integer):
        classes: Floats = (values[:, None] == np.unique(values)).astype(np.float64)
        return classes
    numbers: Floats = values[:, None].astype(np.float64)
    return numbers


def r2(X: Floats, Y: Floats) -> float | None:
    """Held-out R2 of a ridge from X (B, width) to Y (B, columns); None where Y does not vary."""
    half = len(X) // 2
    mean, scale = X[:half].mean(0), X[:half].std(0)
    X = (X - mean) / np.where(scale > 1e-12, scale, 1.0)
    centre = Y[:half].mean(0)
    Y = Y - centre
    total = float(np.square(Y[half:]).sum())
    if total < 1e-12 or float(np.square(Y[:half]).sum()) < 1e-12:
        return None
    U, s, V = np.linalg.svd(X[:half], full_matrices=False)
    aligned = U.T @ Y[:half]
    errors = []
    for strength in STRENGTHS:
        kept = s**2 / (s**2 + strength * max(s[0] ** 2, 1e-12))
        leverage = 1 / half + np.square(U) @ kept
        left_out = (Y[:half] - U @ (kept[:, None] * aligned)) / np.maximum(1 - leverage, 1e-9)[:, None]
        errors.append(float(np.square(left_out).sum()))
    best = STRENGTHS[int(np.argmin(errors))]
    weights = V.T @ ((s / (s**2 + best * max(s[0] ** 2, 1e-12)))[:, None] * aligned)
    return 1 - float(np.square(Y[half:] - X[half:] @ weights).sum()) / total
