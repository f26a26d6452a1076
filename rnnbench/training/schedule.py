"""The learning rate over a run: a linear warm-up, then constant, linear or cosine (Loshchilov and Hutter, 2017)."""

from __future__ import annotations

import math

from rnnbench.settings import Settings


def factor(settings: Settings, step: int) -> float:
    """What the learning rate is multiplied by at a step, counted from 1.

    The warm-up rises from 1 / warmup to 1; what falls after it begins at 1 and would be 0 one step after the last.

    >>> chosen = Settings(steps=10, warmup=2, schedule="linear")
    >>> [factor(chosen, step) for step in (1, 2, 3, 7, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.125]
    >>> chosen = Settings(steps=4, schedule="cosine")
    >>> [round(factor(chosen, step), 3) for step in (1, 2, 3, 4)]
    [1.0, 0.854, 0.5, 0.146]
    """
    if step <= settings.warmup:
        return step / settings.warmup
    if settings.schedule == "constant":
        return 1.0
    done = (step - settings.warmup - 1) / (settings.steps - settings.warmup)
    return 1.0 - done if settings.schedule == "linear" else 1.0 - _sine(0.5 * math.pi * done) ** 2


def _sine(x: float) -> float:
    """sin from 0 to pi / 2 by its series: the same bits whatever the machine's own."""
    term, total = x, x
    for n in range(2, 26, 2):
        term *= -x * x / (n * (n + 1))
        total += term
    return total
