"""A block of the transformer in `layers/transformer.py`, forward and back, for one run on a CPU.

Examples lie in lanes (`lanes`). Steps that nobody reads have keys and values, and nothing else is computed of them: of
a task with one answer, the last block computes one step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels import embedding, selfattention
from rnnbench.kernels.embedding import Embedding, call, laid, read
from rnnbench.kernels.lanewise import WIDE, padded, turned, wide
from rnnbench.kernels.loans import Loan
from rnnbench.kernels.selfattention import Seen, SelfAttention
from rnnbench.kernels.sublayers import halves
from rnnbench.kernels.vector import WIDTH

Floats = NDArray[np.float32]
Normal = tuple[Floats, Floats]  # what a norm made of its values, before gain and bias, (T, H, L), and its scales (T, L)


def warm() -> None:
    """Compile all of it, or load it from the disk."""
    halves()
    embedding.warm()
    selfattention.warm()


@dataclass
class Pass:
    """A pass of a block, and what it keeps for its way back."""

    block: Block
    ys: Floats
    xs: NDArray[Any]
    steps: range
    given: Floats | None  # (T, I, L), the numbers that were embedded
    norms: tuple[Normal, Normal, Normal]  # before attention, before the feed-forward sublayer, at the end
    qkv: tuple[Floats, Floats, Floats]
    o: Floats  # (K, H, L)
    seen: Seen
    hidden: Floats  # (K, F, L)

    def back(self, dys: Floats, wanted: bool) -> Floats | None:
        """As `layers.Pass`."""
        return self.block.back(self, dys, wanted)


class Block:
    """A block with parameters p, by their names in the layer, whose gradients its passes write; `slopes` as in
    `SelfAttention`."""

    def __init__(
        self, p: Mapping[str, Floats], gradients: Mapping[str, Floats], heads: int, causal: bool, slopes: Floats | None
    ) -> None:
        self.p, self.gradients = p, gradients
        self.attention = SelfAttention(heads, causal, slopes)
        self.embedding = Embedding(p["E"], p["be"], gradients["E"], gradients["be"]) if "E" in p else None
        self.ends = "gy" in p  # with a norm
        self.H, self.F = p["W1"].shape
        self.halves = halves()

    def forward(
        self, xs: NDArray[Any], steps: range, sines: Floats | None, turns: tuple[Floats, Floats] | None, keep: bool
    ) -> Pass:
        """A pass over xs (T, B, I), or tokens (T, B, 1), whose output is zeros at steps that aren't among `steps`.
        `sines` (T, H) is added to what is embedded, `turns` as in `SelfAttention`."""
        p, (T, B, _), K, H, F, L = self.p, xs.shape, len(steps), self.H, self.F, padded(xs.shape[1])
        x, given = self.embedding.forward(xs, sines) if self.embedding else (laid(xs), None)
        norms = _normal(T, H, L), _normal(K, H, L), _normal(K if self.ends else 1, H, L)
        q, k, v = (Loan(count, H, L).array for count in (K, T, T))
        room = np.empty((3, H, L), np.float32)
        weights = [part for c in "qkv" for part in (turned(p[f"W{c}"]), wide(p[f"b{c}"]))]
        arrays = (x, *norms[0], q, k, v, *weights, p["ga"], p["ba"], room)
        call(self.halves.ahead, arrays, T, K, steps.start, steps.step, H, L)
        o, seen = self.attention.forward(q, k, v, steps, turns)
        hidden, ys = Loan(K if keep else 1, F, L).array, Loan(T, B, padded(H)).array
        weights = [part for c in "o12" for part in (turned(p[f"W{c}"]), wide(p[f"b{c}"]))]
        gains = p["gf"], p["bf"], p.get("gy", room), p.get("by", room)
        arrays = (x, o, *norms[1], hidden, *norms[2], ys, *weights, *gains, room)
        call(self.halves.after, arrays, T, K, steps.start, steps.step, H, F, L, B, int(keep), int(self.ends))
        return Pass(self, ys, xs, steps, given, norms, (q, k, v), o, seen, hidden)

    def back(self, kept: Pass, dys: Floats, wanted: bool) -> Floats | None:
        """Given the gradient of the output (T, B, H in whole vectors), which counts at the steps that were read: writes
        those of the parameters, and returns that of xs, (T, B, I), where it is wanted."""
        p, g, steps, (ahead, inner, final) = self.p, self.gradients, kept.steps, kept.norms
        q, k, v = kept.qkv
        (T, H, L), K, F, B, row = k.shape, len(steps), self.F, kept.xs.shape[1], padded(self.H)
        dx, do = Loan(T, H, L).array, Loan(K, H, L).array
        Wo, W1, W2 = (Loan(rows, row).array for rows in (H, F, F))
        sums = np.empty((6 * H + F, WIDTH), np.float32)
        zeros = np.zeros((F, WIDE), np.float32)
        room = np.empty((2 * H + F) * L + B * row, np.float32)
        arrays = (
            *(dys, kept.o, *inner, kept.hidden, *final, p["Wo"], p["W1"], p["W2"], p["gf"], p["bf"]),
            *(p.get("gy", zeros), dx, do, Wo, W1, W2, g["bo"], g["b1"], g["b2"], g["gf"], g["bf"]),
            *(g.get("gy", zeros), g.get("by", zeros), sums, zeros, room),
        )
        call(self.halves.after_back, arrays, T, K, steps.start, steps.step, H, F, L, B, int(self.ends))
        g["Wo"][:], g["W1"][:], g["W2"][:] = Wo[:, :H], W1[:, :H].T, W2[:, :H]
        dqkv = self.attention.back(do, q, k, v, kept.o, kept.seen, steps)
        weights, made, biases = (
            [p[f"W{c}"] for c in "qkv"],
            [Loan(H, row).array for _ in "qkv"],
            [g[f"b{c}"] for c in "qkv"],
        )
        arrays_ahead = (
            *(dx, *dqkv, *ahead, *weights, p["ga"], p["ba"]),
            *(*made, *biases, g["ga"], g["ba"], sums, zeros, room),
        )
        call(self.halves.ahead_back, arrays_ahead, T, K, steps.start, steps.step, H, L, B)
        for name, each in zip("qkv", made, strict=True):
            g[f"W{name}"][:] = each[:, :H].T
        if self.embedding:
            return self.embedding.back(dx, kept.xs, kept.given, wanted)
        return read(dx, B) if wanted else None


def _normal(T: int, H: int, L: int) -> Normal:
    return Loan(T, H, L).array, Loan(T, L).array
