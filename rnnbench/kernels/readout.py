"""The read-out of a scan and the losses at it, for one run on a CPU: answers = h W + b, a mean loss and its gradients,
all in the arithmetic of our own, so that a record is the same bits on every machine.

Answers and their gradients are rows of whole vectors, (K, B, M * WIDTH) for M vectors of O answers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels.compile import compiled
from rnnbench.kernels.lanes import inside
from rnnbench.kernels.maths import exp, log, sigmoid
from rnnbench.kernels.panels import add_products, clear, pack, pack_transposed, unpack
from rnnbench.kernels.scan import vectors
from rnnbench.kernels.tiles import product
from rnnbench.kernels.vector import (
    WIDTH,
    absolute,
    floats,
    fma,
    integers,
    lane,
    load,
    shared,
    splat,
    store,
    where_gt,
)

LOSSES = ("classes", "squares", "symbols")
Floats = NDArray[np.float32]


class Readout:
    """The read-out `W` (H, O) and `b` (1, O) of hidden rows (K, B, N * WIDTH), each step `stride` floats behind the one
    before; one of LOSSES as the loss."""

    def __init__(self, W: Floats, b: Floats, loss: str) -> None:
        self.W, self.b, self.loss = W, b, LOSSES.index(loss)
        self.H, self.O = W.shape
        self.functions = _functions()

    def answers(self, h: int, stride: int, K: int, B: int) -> Floats:
        """(K, B, M * WIDTH), of the hidden rows at an address."""
        M = vectors(self.O)
        out = np.empty((K, B, M * WIDTH), np.float32)
        scratch = np.empty(M * (1 + self.H) * WIDTH, np.float32)
        addresses = tuple(each.ctypes.data for each in (self.W, self.b, out, scratch))
        self.functions[0](addresses, h, stride, K, B, self.H, self.O)
        return out

    def losses(self, answers: Floats, ys: NDArray[Any], weights: Floats | None) -> tuple[np.float32, Floats]:
        """The mean loss of answers, and its gradient at each; ys (K, B) classes, or (K, B, O)."""
        K, B, _ = answers.shape
        slopes, total = np.empty_like(answers), np.empty(1, np.float32)
        ys = np.ascontiguousarray(ys, np.int64 if self.loss == 0 else np.float32)
        kept = None if weights is None else np.ascontiguousarray(weights, np.float32)
        padded = np.zeros(vectors(self.O) * WIDTH, np.float32)
        addresses = tuple(each.ctypes.data for each in (answers, ys, slopes, total, padded))
        self.functions[1](addresses, 0 if kept is None else kept.ctypes.data, self.loss, K, B, self.O)
        return total[0], slopes

    def back(self, h: int, stride: int, slopes: Floats, dW: int, db: int, dys: int) -> None:
        """Writes the gradients of W and b, and those of the hidden rows, (K, B, N * WIDTH), to these addresses."""
        K, B, row = slopes.shape
        N, M = vectors(self.H), vectors(self.O)
        scratch = np.empty((self.H + 1 + (N + 1) // 2 * 2 * WIDTH) * row + 3 * WIDTH, np.float32)
        addresses = (self.W.ctypes.data, slopes.ctypes.data, dW, db, dys, scratch.ctypes.data)
        assert row == M * WIDTH
        self.functions[2](addresses, h, stride, K, B, self.H, self.O)


def warm() -> None:
    """Compile all of it, or load it from the disk."""
    _functions()


@shared
def exponentials(scores: Any, at: Any, count: Any, size: Any, out: Any, to: Any) -> Any:
    """exp(score - the largest) of `count` scores, zeros behind them up to `size`; the largest, and their sum: what a
    softmax is made of."""
    largest = scores[at]
    for n in range(1, count):
        if scores[at + n] > largest:
            largest = scores[at + n]
    for n in range(0, size, WIDTH):
        store(out, to + n, inside(exp(load(scores, at + n) - splat(largest)), count - n))
    total = out[to]
    for n in range(1, count):
        total += out[to + n]
    return largest, total


@shared
def _classes(answers: Any, at: Any, y: Any, slopes: Any, share: Any, O: Any) -> Any:
    """-log softmax(answers)[y] of one row; its gradient times `share` goes to slopes."""
    largest, total = exponentials(answers, at, O, O, slopes, at)
    for o in range(0, O, WIDTH):
        store(slopes, at + o, load(slopes, at + o) / splat(total) * splat(share))
    slopes[at + y] -= share
    return lane(log(splat(total))) + largest - answers[at + y]


@shared
def _squares(answers: Any, at: Any, ys: Any, y: Any, slopes: Any, share: Any, O: Any) -> Any:
    """The sum of squared errors of one row."""
    total = np.float32(0)
    for o in range(O):
        error = answers[at + o] - ys[y + o]
        total += error * error
        slopes[at + o] = np.float32(2) * error * share
    return total


@shared
def _symbols(answers: Any, at: Any, ys: Any, y: Any, slopes: Any, share: Any, O: Any, padded: Any) -> Any:
    """The binary cross-entropy of each answer of one row, as -log sigmoid of its distance to the right side, summed."""
    for o in range(O):
        padded[o] = ys[y + o]
    total = np.float32(0)
    for o in range(0, O, WIDTH):
        a, right = load(answers, at + o), load(padded, o)
        towards = where_gt(right, 0.0, a, -1.0 * a)
        size = absolute(towards)
        nats = fma(size - towards, 0.5, log(exp(-1.0 * size) + 1.0))
        store(slopes, at + o, nats)
        for n in range(min(WIDTH, O - o)):
            total += slopes[at + o + n]
        store(slopes, at + o, inside((sigmoid(a) - right) * splat(share), O - o))
    return total


@cache
def _functions() -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    def answers(addresses, h, stride, K, B, H, O):  # type: ignore[no-untyped-def]
        W, b, out, panels = floats(addresses[0]), floats(addresses[1]), floats(addresses[2]), floats(addresses[3])
        h, M, width = floats(h), (O + WIDTH - 1) // WIDTH, (H + WIDTH - 1) // WIDTH * WIDTH
        row, panel = M * WIDTH, (1 + H) * WIDTH
        pack(panels, 1, 1 + H, 0, 1, 0, b, 1, O)
        pack(panels, 1, 1 + H, 1, 1, 0, W, H, O)
        for k in range(K):
            for m in range(M):
                r = 0
                while r < B:
                    term = (h, k * stride + r * width, width, 1, H, panels, m * panel + WIDTH, WIDTH)
                    place = (out, (k * B + r) * row + m * WIDTH, row)
                    r += product(1, B - r, place, (panels, m * panel, 0), (term,))

    def losses(addresses, weights, loss, K, B, O):  # type: ignore[no-untyped-def]
        answers, ys, classes = floats(addresses[0]), floats(addresses[1]), integers(addresses[1])
        slopes, result, padded = floats(addresses[2]), floats(addresses[3]), floats(addresses[4])
        row, weighted, weights = (O + WIDTH - 1) // WIDTH * WIDTH, weights != 0, floats(weights)
        whole = float(K * B)
        if weighted:
            whole = 0.0
            for r in range(K * B):
                whole += weights[r]
        clear(slopes, K * B * row)
        total = 0.0
        for r in range(K * B):
            weight = np.float32(1)
            if weighted:
                weight = weights[r]
            share = np.float32(weight / whole)
            if loss == 0:
                value = _classes(answers, r * row, classes[r], slopes, share, O)
            elif loss == 1:
                value = _squares(answers, r * row, ys, r * O, slopes, share, O)
            else:
                value = _symbols(answers, r * row, ys, r * O, slopes, share, O, padded)
            total += value * weight
        result[0] = total / whole

    def back(addresses, h, stride, K, B, H, O):  # type: ignore[no-untyped-def]
        W, slopes = floats(addresses[0]), floats(addresses[1])
        dys, scratch = floats(addresses[4]), addresses[5]
        h, N, M, pair = floats(h), (H + WIDTH - 1) // WIDTH, (O + WIDTH - 1) // WIDTH, 2 * WIDTH
        row, width, size = M * WIDTH, N * WIDTH, (N + 1) // 2 * 2 * WIDTH * M * WIDTH
        dW, db, panels = floats(scratch), floats(scratch + 4 * H * row), floats(scratch + 4 * (H + 1) * row)
        one, zero = floats(scratch + 4 * ((H + 1) * row + size)), floats(scratch + 4 * ((H + 1) * row + size + WIDTH))
        store(one, 0, splat(1.0))
        clear(zero, pair)
        clear(dW, (H + 1) * row + size)
        pack_transposed(panels, row, 0, 1, 0, W, H, O)
        for k in range(K):
            at = k * B * row
            add_products(db, 0, 1, M, row, one, 0, 0, slopes, at, B)
            add_products(dW, 0, H, M, row, h, k * stride, width, slopes, at, B)
            for n in range(0, N, 2):
                r = 0
                while r < B:
                    term = (slopes, at + r * row, row, 1, row, panels, n * WIDTH * row, pair)
                    place = (dys, (k * B + r) * width + n * WIDTH, width)
                    if n + 2 <= N:
                        r += product(2, B - r, place, (zero, 0, 0), (term,))
                    else:
                        r += product(1, B - r, place, (zero, 0, 0), (term,))
        unpack(floats(addresses[2]), H, O, dW, row, 0, 1, 0)
        unpack(floats(addresses[3]), 1, O, db, row, 0, 1, 0)

    return compiled(answers, 4, 1, 6), compiled(losses, 5, 1, 5), compiled(back, 6, 1, 6)
