"""Interventions: the token that an answer hangs on is swapped for another that could stand there. By how much less does
the model then say what was right, and does it say something else?

It takes no state and no gradient, so that it is the probe for transformers and other people's modules too. The answers
of the same sequence that don't hang on that token are the control.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.lazy import torch
from rnnbench.probing.aims import aims, chosen, steps_of
from rnnbench.probing.states import Passed, forward
from rnnbench.rng import stream
from rnnbench.tasks import Needed

if TYPE_CHECKING:
    from rnnbench.seeds import Seed

MOST = 2  # inputs an answer


def swaps(passed: Passed, flat: NDArray[np.float32], which: NDArray[np.bool_], seed: Seed) -> list[dict[str, Any]]:
    """Of the inputs that may be swapped: the mean `drop` of what `aims` says of the right answer, `changed`, the share
    of answers that become another class, and `by_lag`, rows (lag, drop, n); `others`, the mean size of the change of
    the answers that hang on something else (None where there are none)."""
    batch, task = passed.batch, passed.model.task
    needed = task.needed(batch)
    if needed is None or not task.tokens:
        return []
    rng = stream(seed, "probe/swap")
    found = []
    with torch.no_grad():
        before, said = aims(task, passed.answers, batch).numpy(), passed.answers.argmax(-1).numpy()
        for n in range(min(MOST, len(needed.steps))):
            first, count = (np.broadcast_to(each, needed.steps.shape)[n] for each in (needed.first, needed.choices))
            drops: dict[int, list[float]] = defaultdict(list)
            changed: list[bool] = []
            others: list[float] = []
            for k in chosen(which & (needed.steps[n] >= 0) & (count > 1)):
                steps = needed.steps[n, k]
                there = np.flatnonzero(which[k] & (steps >= 0) & (count[k] > 1))
                xs = batch.xs.copy()
                xs[steps[there], there] = _other(xs[steps[there], there], first[k, there], count[k, there], rng)
                after = forward(passed.model, flat, batch._replace(xs=xs))
                drop = before - aims(task, after.answers, batch).numpy()
                for b, lag in zip(there, steps_of(batch)[k] - steps[there], strict=True):
                    drops[int(lag)].append(float(drop[k, b]))
                changed += (said[k, there] != after.answers.argmax(-1).numpy()[k, there]).tolist()
                others += np.abs(drop[_elsewhere(needed, which, n, k, there)]).tolist()
            if drops:
                every = [drop for found in drops.values() for drop in found]
                found.append({
                    "needed": n,
                    "drop": float(np.mean(every)),
                    "changed": float(np.mean(changed)) if task.nats != "symbols" else None,
                    "others": float(np.mean(others)) if others else None,
                    "by_lag": [[lag, float(np.mean(drops[lag])), len(drops[lag])] for lag in sorted(drops)],
                })  # fmt: skip
    return found


def _other(tokens: NDArray[Any], first: NDArray[Any], count: NDArray[Any], rng: Any) -> NDArray[Any]:
    """Another one of the tokens first, ..., first + count - 1, each as likely."""
    shift = 1 + np.minimum((rng.uniform(len(tokens)) * (count - 1)).astype(np.int64), count - 2)
    other: NDArray[Any] = first + (tokens - first + shift) % count
    return other


def _elsewhere(needed: Needed, which: NDArray[np.bool_], n: int, k: int, there: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The answers (K, B) of the sequences `there` that count and hang on no input at the step that was swapped."""
    found = np.zeros(which.shape, bool)
    found[:, there] = which[:, there]
    hangs: NDArray[np.bool_] = (needed.steps == needed.steps[n, k]).any(0)
    return found & ~hangs
