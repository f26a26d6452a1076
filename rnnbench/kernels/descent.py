"""Clipping and the optimisers for one run on a CPU, compiled: `training/optimiser.py` says what they are.

A dozen calls into torch, each a pass of its own, cost a tenth of a millisecond: at H = 32 a third of a scan. And torch
rounds as the machine's registers have it, while a record is to be the same bits everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from torch import Tensor

from rnnbench.kernels.compile import compiled
from rnnbench.kernels.panels import clear, sum_lanes
from rnnbench.kernels.vector import WIDTH, floats, fma, load, store

ONE, SMALL = np.float32(1), np.float32(1e-6)
OPTIMISERS = ("adam", "rmsprop", "sgd")


class Descent:
    """One step at a time of one run: flat, gradient, first, second are (P,), contiguous, P a multiple of 16; all but
    the gradient change in place. `largest` norm of the gradient; 0 leaves it. `decays` are those of the two moments
    (Adam), of the second (RMSprop), or the momentum (SGD) in the place of the first; `shrink`, times the rate, is what
    each step takes off every parameter before."""

    def __init__(
        self,
        optimiser: str,
        state: tuple[Tensor, Tensor, Tensor, Tensor],
        lr: float,
        largest: float,
        decays: tuple[float, float],
        shrink: float = 0.0,
    ) -> None:
        self.state, self.lr, self.kind, self.shrink = state, lr, OPTIMISERS.index(optimiser), shrink
        first, second = decays
        self.numbers = np.array([0, 0, 0, largest, 1 - first, second, 1 - second, first, 1], np.float32)
        self.sums = np.zeros(WIDTH, np.float32)
        arrays = (*(each.numpy() for each in state), self.numbers, self.sums)
        self.addresses = tuple(each.ctypes.data for each in arrays)
        self.function = _function()

    def step(self, corrections: tuple[float, float], epsilon: float, factor: float = 1.0) -> None:
        """What the two moments are divided by at this step, what is added to the root of the second, and what the rate
        is multiplied by."""
        rate = self.lr * factor
        self.numbers[:3] = rate / corrections[0], corrections[1], epsilon
        self.numbers[8] = 1 - rate * self.shrink
        self.function(self.addresses, self.state[0].numel(), self.kind)


def warm() -> None:
    """Compile the step, or load it from the disk."""
    _function()


@cache
def _function() -> Callable[..., None]:
    def step(addresses, size, kind):  # type: ignore[no-untyped-def]
        flat, gradient = floats(addresses[0]), floats(addresses[1])
        first, second = floats(addresses[2]), floats(addresses[3])
        numbers, sums = floats(addresses[4]), floats(addresses[5])
        rate, correction, epsilon, largest = numbers[0], numbers[1], numbers[2], numbers[3]
        new_first, keep_second, new_second, momentum = numbers[4], numbers[5], numbers[6], numbers[7]
        kept = numbers[8]  # exactly 1 without decay, whose product changes no bit
        scale = ONE
        if largest > 0:
            clear(sums, WIDTH)
            for m in range(0, size, WIDTH):
                g = load(gradient, m)
                store(sums, 0, fma(g, g, load(sums, 0)))
            square = sum_lanes(sums, 0)
            scale = largest / (np.sqrt(square) + SMALL)
            if scale > ONE:  # a NaN stays one
                scale = ONE
        if kind == 0:
            for k in range(size):
                g = gradient[k] * scale
                m = first[k] + (g - first[k]) * new_first
                v = second[k] * keep_second + g * g * new_second
                first[k] = m
                second[k] = v
                flat[k] = flat[k] * kept - m / (np.sqrt(v) / correction + epsilon) * rate
        elif kind == 1:
            for k in range(size):
                g = gradient[k] * scale
                v = second[k] * keep_second + g * g * new_second
                second[k] = v
                flat[k] = flat[k] * kept - g / (np.sqrt(v) / correction + epsilon) * rate
        else:
            for k in range(size):
                m = first[k] * momentum + gradient[k] * scale
                first[k] = m
                flat[k] = flat[k] * kept - m * rate

    return compiled(step, 6, 1, 2)
