"""The read-out's attention of `layers/attention.py` for one run on a CPU, forward and back: answers look at steps.

Dot products of many answers are self-attention of one head whose keys are its values, by `selfattention`. The additive
form, and a task's only answer, for which turning everything into lanes would cost more than it saves, have a score, a
softmax and a mean each. Rows are of whole vectors with zeros behind the W numbers that count: answers h
(K, B, N * WIDTH), which are given at `steps` of T, steps y (T, B, N * WIDTH), weights p (K, B, T in whole vectors).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels.compile import compiled
from rnnbench.kernels.embedding import laid, read
from rnnbench.kernels.maths import tanh
from rnnbench.kernels.panels import clear, sum_lanes
from rnnbench.kernels.readout import Readout, exponentials
from rnnbench.kernels.scan import vectors
from rnnbench.kernels.selfattention import SelfAttention
from rnnbench.kernels.vector import WIDTH, floats, fma, integers, load, shared, splat, store

Floats = NDArray[np.float32]


class Attention(Protocol):
    """Attention over rows; where it is causal an answer looks at its own step and those before it."""

    def forward(self, h: Floats, y: Floats, steps: range) -> tuple[Floats, Any]:
        """What each answer sees, (K, B, N * WIDTH), and what the way back needs."""
        ...

    def back(self, dout: Floats, kept: Any) -> tuple[Floats, Floats]:
        """The gradients of h and y; those of the parameters are written."""
        ...


def attention(W: int, causal: bool, last: bool, p: dict[str, Floats], gradients: dict[str, Floats]) -> Attention:
    """Attention over rows of which W numbers count: additive with its four parameters, dot without any. `last`: there
    is one answer, after the last step."""
    return ByRows(W, causal, p, gradients) if p or last else InLanes(W, causal)


class InLanes:
    """As `Attention`, of scaled dot products, with examples in lanes."""

    def __init__(self, W: int, causal: bool) -> None:
        self.W, self.seen = W, SelfAttention(1, causal, None)

    def forward(self, h: Floats, y: Floats, steps: range) -> tuple[Floats, Any]:
        q, k = self._laid(h), self._laid(y)
        o, seen = self.seen.forward(q, k, k, steps, None)
        return self._rows(o, h), (h, q, k, o, seen, steps)

    def back(self, dout: Floats, kept: Any) -> tuple[Floats, Floats]:
        h, q, k, o, seen, steps = kept
        dq, dk, dv = self.seen.back(self._laid(dout), q, k, k, o, seen, steps)
        return self._rows(dq, h), self._rows(dk + dv, h)

    def _laid(self, rows: Floats) -> Floats:
        return laid(np.ascontiguousarray(rows[..., : self.W]))

    def _rows(self, x: Floats, like: Floats) -> Floats:
        """Values in lanes as rows of whole vectors."""
        _, B, width = like.shape
        out = np.zeros((len(x), B, width), np.float32)
        out[..., : self.W] = read(x, B)
        return out


class ByRows:
    """As `Attention`, answer by answer: additive with parameters, else of scaled dot products."""

    def __init__(self, W: int, causal: bool, p: dict[str, Floats], gradients: dict[str, Floats]) -> None:
        self.W, self.width, self.causal, self.gradients = W, vectors(W) * WIDTH, causal, gradients
        self.keys: Readout | None = None
        self.hidden, self.row = 0, WIDTH
        if p:
            self.hidden = p["K"].shape[1]
            self.row = vectors(self.hidden) * WIDTH
            self.keys = Readout(p["K"], p["b"], "classes")
            self.queries = Readout(p["Q"], np.zeros_like(p["b"]), "classes")
            self.V = p["V"]
        self.functions = _functions()

    def forward(self, h: Floats, y: Floats, steps: range) -> tuple[Floats, Any]:
        (K, B, _), T = h.shape, len(y)
        out, p = np.empty_like(h), np.empty((K, B, vectors(T) * WIDTH), np.float32)
        ends = np.array([t + 1 if self.causal else T for t in steps], np.int64)
        k, q = self._projected(h, y)
        rows = self._rows()
        addresses = tuple(each.ctypes.data for each in (h, y, k, q, rows, p, out, ends))
        self.functions[0](addresses, self._scale(rows), K, T, B, self.width, self.hidden)
        return out, (h, y, k, q, p, ends)

    def back(self, dout: Floats, kept: Any) -> tuple[Floats, Floats]:
        h, y, k, q, p, ends = kept
        (K, B, _), T = h.shape, len(y)
        dh, dy, dk, dq = (np.zeros_like(each) for each in (h, y, k, q))
        rows, work = self._rows(), np.empty(p.shape[2], np.float32)
        arrays = (h, y, k, q, rows, p, dout, ends, dh, dy, dk, dq, work)
        addresses = tuple(each.ctypes.data for each in arrays)
        self.functions[1](addresses, self._scale(rows), K, T, B, self.width, self.hidden)
        if self.keys is not None:
            self.gradients["V"][:] = rows[1, : self.hidden]
            more_h, more_y, unused = np.empty_like(h), np.empty_like(y), np.empty_like(self.gradients["b"])
            for linear, slopes, read, name, bias, to in (
                (self.keys, dk, y, "K", self.gradients["b"], more_y),
                (self.queries, dq, h, "Q", unused, more_h),
            ):
                places = self.gradients[name].ctypes.data, bias.ctypes.data, to.ctypes.data
                linear.back(read.ctypes.data, B * self.width, slopes, *places)
            dh += more_h
            dy += more_y
        return dh, dy

    def _projected(self, h: Floats, y: Floats) -> tuple[Floats, Floats]:
        if self.keys is None:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        B, stride = h.shape[1], h.shape[1] * self.width
        return (
            self.keys.answers(y.ctypes.data, stride, len(y), B),
            self.queries.answers(h.ctypes.data, stride, len(h), B),
        )

    def _rows(self) -> Floats:
        """V in whole vectors, and room for its gradient and for one vector's lanes."""
        rows = np.zeros((4, self.row), np.float32)
        if self.keys is not None:
            rows[0, : self.hidden] = self.V
        return rows

    def _scale(self, rows: Floats) -> int:
        """Where the scale of a dot product lies: behind what the rows hold."""
        rows[3, 0] = 1 / math.sqrt(self.W)
        return rows.ctypes.data + 12 * self.row


@shared
def _dot(a: Any, at: Any, b: Any, to: Any, width: Any, work: Any) -> Any:
    """The product of two rows."""
    total = splat(0.0)
    for n in range(0, width, WIDTH):
        total = fma(load(a, at + n), load(b, to + n), total)
    store(work, 0, total)
    return sum_lanes(work, 0)


@cache
def _functions() -> tuple[Callable[..., None], Callable[..., None]]:
    def forward(addresses, scale, K, T, B, width, hidden):  # type: ignore[no-untyped-def]
        h, y, keys, queries = floats(addresses[0]), floats(addresses[1]), floats(addresses[2]), floats(addresses[3])
        row, scale = (hidden + WIDTH - 1) // WIDTH * WIDTH, floats(scale)[0]
        V, work = floats(addresses[4]), floats(addresses[4] + 8 * max(row, WIDTH))
        p, out, ends = floats(addresses[5]), floats(addresses[6]), integers(addresses[7])
        size = (T + WIDTH - 1) // WIDTH * WIDTH
        for k in range(K):
            end = ends[k]
            for b in range(B):
                at, to = (k * B + b) * width, (k * B + b) * size
                for t in range(end):
                    if hidden > 0:
                        total = splat(0.0)
                        for n in range(0, row, WIDTH):
                            seen = load(keys, (t * B + b) * row + n) + load(queries, (k * B + b) * row + n)
                            total = fma(tanh(seen), load(V, n), total)
                        store(work, 0, total)
                        p[to + t] = sum_lanes(work, 0)
                    else:
                        p[to + t] = _dot(h, at, y, (t * B + b) * width, width, work) * scale
                _, total = exponentials(p, to, end, size, p, to)
                for n in range(0, size, WIDTH):
                    store(p, to + n, load(p, to + n) / splat(total))
                for n in range(0, width, WIDTH):
                    mean = splat(0.0)
                    for t in range(end):
                        mean = fma(splat(p[to + t]), load(y, (t * B + b) * width + n), mean)
                    store(out, at + n, mean)

    def back(addresses, scale, K, T, B, width, hidden):  # type: ignore[no-untyped-def]
        h, y, keys, queries = floats(addresses[0]), floats(addresses[1]), floats(addresses[2]), floats(addresses[3])
        row, scale = (hidden + WIDTH - 1) // WIDTH * WIDTH, floats(scale)[0]
        room = max(row, WIDTH)
        V, dV, work = floats(addresses[4]), floats(addresses[4] + 4 * room), floats(addresses[4] + 8 * room)
        p, dout, ends = floats(addresses[5]), floats(addresses[6]), integers(addresses[7])
        dh, dy, dkeys, dqueries = (
            floats(addresses[8]),
            floats(addresses[9]),
            floats(addresses[10]),
            floats(addresses[11]),
        )
        dp, size = floats(addresses[12]), (T + WIDTH - 1) // WIDTH * WIDTH
        clear(dV, row)
        for k in range(K):
            end = ends[k]
            for b in range(B):
                at, to, q = (k * B + b) * width, (k * B + b) * size, (k * B + b) * row
                along = np.float32(0)
                for t in range(end):
                    step = (t * B + b) * width
                    dp[t] = _dot(dout, at, y, step, width, work)
                    along += p[to + t] * dp[t]
                    for n in range(0, width, WIDTH):
                        store(dy, step + n, fma(splat(p[to + t]), load(dout, at + n), load(dy, step + n)))
                for t in range(end):
                    step, line = (t * B + b) * width, (t * B + b) * row
                    slope = splat(p[to + t] * (dp[t] - along))
                    if hidden > 0:
                        for n in range(0, row, WIDTH):
                            seen = tanh(load(keys, line + n) + load(queries, q + n))
                            store(dV, n, fma(slope, seen, load(dV, n)))
                            inner = slope * load(V, n) * fma(-1.0 * seen, seen, 1.0)
                            store(dkeys, line + n, load(dkeys, line + n) + inner)
                            store(dqueries, q + n, load(dqueries, q + n) + inner)
                    else:
                        slope = slope * splat(scale)
                        for n in range(0, width, WIDTH):
                            store(dh, at + n, fma(slope, load(y, step + n), load(dh, at + n)))
                            store(dy, step + n, fma(slope, load(h, at + n), load(dy, step + n)))

    return compiled(forward, 8, 1, 6), compiled(back, 13, 1, 6)
