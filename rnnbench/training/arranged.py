"""Compiled layers under a read-out, one run on a CPU: several deep, in both directions, with a convolution ahead, layer
norm, residual connections, dropout and attention at the read-out, forward and back without torch's graph and in
arithmetic of our own.

Values are rows of whole vectors, (T, B, N * WIDTH) for H units; what lies behind H counts nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.layers import Pass
from rnnbench.layers.noise import Noise
from rnnbench.lazy import torch
from rnnbench.training.model import Model, within

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]


@dataclass
class _Part:
    """One direction of one layer in one pass, and what its way back needs."""

    done: Pass
    filtered: Any = None  # what the convolution kept
    normal: Any = None  # what layer norm kept
    mask: Floats | None = None


@dataclass
class _Read:
    """What one read-out read in one pass, its dropout's mask, and what attention kept of how it came about."""

    readout: Any
    rows: Floats
    mask: Floats | None = None
    kept: Any = None


class Own:
    """Compiled layers under a read-out, as far as they have it in common however they are arranged; p and gradients by
    the names of `model.views`."""

    def __init__(self, model: Model, p: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> None:
        from rnnbench.kernels import scan  # imports the compiler
        from rnnbench.kernels.readout import Readout

        self.model, self.kernel = model, scan
        self.readout = Readout(p["readout/W"].numpy(), p["readout/b"].numpy(), model.task.nats)
        self.readout_to = gradients["readout/W"].data_ptr(), gradients["readout/b"].data_ptr()
        self.outputs = self.readout.O

    def loss(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """The mean loss of answers (K, B, O)."""
        padded, _ = self.kernel.rows(*answers.shape)
        padded[..., : self.outputs] = answers
        return torch.tensor(self._losses(padded.numpy(), ys, weights)[0])

    def _losses(self, answers: Floats, ys: Tensor, weights: Tensor | None) -> tuple[np.float32, Floats]:
        """The mean loss of rows of answers, and its gradient at each."""
        return self.readout.losses(answers, ys.numpy(), None if weights is None else weights.numpy())

    def _shown(self, answers: Floats) -> Tensor:
        """The part of rows of answers that counts, (K, B, O)."""
        return torch.from_numpy(answers)[..., : self.outputs]


class Arranged(Own):
    """As `backprop.Backprop`."""

    def __init__(self, model: Model, p: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> None:
        from rnnbench.kernels.attention import Attention, attention
        from rnnbench.kernels.conv import Conv
        from rnnbench.kernels.norm import Norm
        from rnnbench.kernels.readout import Readout

        super().__init__(model, p, gradients)
        self.s, self.directions = model.settings, model.layout.directions
        self.H = self.s.hidden
        self.width = self.kernel.vectors(self.H) * self.kernel.WIDTH
        places = [[f"{depth}/{d}" for d in self.directions] for depth in range(self.s.layers)]
        self.places = places
        self.layers = {
            at: model.layer.compiled(within(p, f"{at}/"), within(gradients, f"{at}/"), model.task.causal)
            for row in places
            for at in row
        }
        self.filters: dict[str, Conv] = {}
        self.filter_to: dict[str, tuple[Floats, Floats]] = {}
        if self.s.conv:
            silu, residual = self.s.conv_activation == "silu", self.s.conv_residual
            for at in self.layers:
                self.filters[at] = Conv(p[f"conv/{at}/w"].numpy(), p[f"conv/{at}/b"].numpy(), silu, residual)
                self.filter_to[at] = gradients[f"conv/{at}/w"].numpy(), gradients[f"conv/{at}/b"].numpy()
        self.norms: dict[str, Norm] = {}
        self.norm_to: dict[str, tuple[Floats, Floats]] = {}
        if self.s.layer_norm:
            for at in self.layers:
                self.norms[at] = Norm(p[f"norm/{at}/g"].numpy(), p[f"norm/{at}/b"].numpy())
                self.norm_to[at] = gradients[f"norm/{at}/g"].numpy(), gradients[f"norm/{at}/b"].numpy()
        self.attention: Attention | None = None
        if self.s.attention != "none":
            own = {n.removeprefix("attention/"): (v, gradients[n]) for n, v in p.items() if n.startswith("attention/")}
            numbers = {n: v.numpy() for n, (v, _) in own.items()}
            slopes = {n: g.numpy() for n, (_, g) in own.items()}
            self.attention = attention(self.readout.H, model.task.causal, model.task.last, numbers, slopes)
            self.seen = Readout(p["readout/A"].numpy(), np.zeros((1, self.outputs), np.float32), model.task.nats)
            self.seen_to = gradients["readout/A"].data_ptr(), np.empty((1, self.outputs), np.float32)

    def __call__(
        self, xs: Tensor, ys: Tensor, weights: Tensor | None, at: slice, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """The losses (...) and the answers (..., K, B, O); writes the gradients."""
        parts, reads, answers = self._forward(xs, at, noise, keep=True)
        loss, slopes = self._losses(answers, ys, weights)
        self._back(parts, reads, slopes, at, len(xs))
        return torch.tensor(loss), self._shown(answers)

    def evaluate(self, xs: Tensor, at: slice) -> Tensor:
        """The answers (..., K, B, O) without a way back."""
        return self._shown(self._forward(xs, at, None, keep=False)[2])

    def _ends(self, T: int, at: slice) -> list[slice]:
        """The steps that the read-out reads of each direction: a task with one answer reads each one's final state."""
        return [slice(T - 1, T), slice(0, 1)] if self.model.task.last else [at, at]

    def _forward(
        self, xs: Tensor, at: slice, noise: Noise | None, keep: bool
    ) -> tuple[list[list[_Part]], list[_Read], Floats]:
        """The parts of a pass, what its read-outs read, and the answers (K, B, M * WIDTH)."""
        given, parts = self.model.encode(xs), []
        # The last layer's steps that are read: those of the answers, where nothing else looks at any.
        plain = self.attention is None and len(self.directions) == 1
        read = range(len(xs))[self._ends(len(xs), at)[0] if plain else slice(None)]
        ys: list[Floats] = []
        for depth, row in enumerate(self.places):
            below, ys, made = ys, [], []
            for i, place in enumerate(row):
                backward = self.directions[i] == "backward"
                steps = read if depth == self.s.layers - 1 else range(len(xs))
                own, filtered = self._filtered(place, given.flip(0) if backward else given)
                part = _Part(self.layers[place].forward(own, steps, keep), filtered)
                y = part.done.ys
                y = np.ascontiguousarray(y[::-1]) if backward else y
                if place in self.norms:
                    y, part.normal = self.norms[place].forward(np.ascontiguousarray(y))
                if self.s.residual and depth:
                    y = y + below[i]
                if noise and self.s.dropout and depth < self.s.layers - 1:
                    part.mask = self._mask(noise.at(place), (*y.shape[:2], self.H))
                    y = self._dropped(y, part.mask)
                ys.append(y)
                made.append(part)
            parts.append(made)
            given = torch.from_numpy(self._joined(ys))
        T, ends = len(xs), self._ends(len(xs), at)
        h = self._rows(self._joined([y[end] for y, end in zip(ys, ends, strict=False)]))
        reads = [self._read(self.readout, "readout/W", h, noise)]
        answers = self._answers(reads[0])
        if self.attention is not None:
            asking = range(T)[slice(T - 1, T) if self.model.task.last else at]
            found, kept = self.attention.forward(h, self._rows(given.numpy()), asking)
            reads.append(self._read(self.seen, "readout/A", found, noise))
            reads[1].kept = kept
            answers = answers + self._answers(reads[1])
        return parts, reads, answers

    def _filtered(self, place: str, given: Tensor) -> tuple[Tensor, Any]:
        """What a layer reads (T, B, I), given that, and what the convolution ahead of it kept."""
        if place not in self.filters:
            return given, None
        found, kept = self.filters[place].forward(self._rows(given.numpy()))
        return torch.from_numpy(found)[..., : self.filters[place].I], kept

    def _rows(self, values: Floats) -> Floats:
        """Rows (..., B, W) in whole vectors, zeros behind W."""
        memory, part = self.kernel.rows(*values.shape)
        part[:] = torch.from_numpy(values)
        rows: Floats = memory.numpy()
        return rows

    def _read(self, readout: Any, name: str, rows: Floats, noise: Noise | None) -> _Read:
        if not (noise and self.s.dropout):
            return _Read(readout, rows)
        mask = self._mask(noise.at(name), (*rows.shape[:2], readout.H))
        return _Read(readout, self._dropped(rows, mask), mask)

    def _answers(self, read: _Read) -> Floats:
        K, B, width = read.rows.shape
        found: Floats = read.readout.answers(read.rows.ctypes.data, B * width, K, B)
        return found

    def _back(self, parts: list[list[_Part]], reads: list[_Read], slopes: Floats, at: slice, T: int) -> None:
        dread = self._read_back(reads[0], slopes, *self.readout_to)
        dall = None
        if self.attention is not None:
            address, unused = self.seen_to
            dfound = self._read_back(reads[1], slopes, address, unused.ctypes.data)
            dh, dall = self.attention.back(dfound, reads[1].kept)
            dread += dh
        dys = [np.zeros((T, dread.shape[1], self.width), np.float32) for _ in self.directions]
        for i, (dy, end) in enumerate(zip(dys, self._ends(T, at), strict=False)):
            own = slice(i * self.H, (i + 1) * self.H)
            if dall is not None:
                dy[..., : self.H] = dall[..., own]
            dy[end][..., : self.H] += dread[..., own]
        for depth in reversed(range(len(parts))):
            below = [np.zeros_like(dy) for dy in dys]
            for i, (part, place) in enumerate(zip(parts[depth], self.places[depth], strict=True)):
                self._part_back(part, place, dys, below, i, depth)
            dys = below

    def _read_back(self, read: _Read, slopes: Floats, dW: int, db: int) -> Floats:
        """The gradient of the rows that a read-out read; those of its parameters are written."""
        K, B, width = read.rows.shape
        found = np.empty((K, B, width), np.float32)
        read.readout.back(read.rows.ctypes.data, B * width, slopes, dW, db, found.ctypes.data)
        return found if read.mask is None else self._dropped(found, read.mask)

    def _part_back(self, part: _Part, place: str, dys: list[Floats], below: list[Floats], i: int, depth: int) -> None:
        """Of one direction of a layer: adds to the gradients of the layer below, by direction."""
        dy = dys[i]
        if part.mask is not None:
            dy = self._dropped(dy, part.mask)
        if self.s.residual and depth:
            below[i] += dy
        if part.normal is not None:
            dy = self.norms[place].back(dy, part.normal, *self.norm_to[place])
        backward = self.directions[i] == "backward"
        dy = np.ascontiguousarray(dy[::-1] if backward else dy)
        dxs = part.done.back(dy, wanted=depth > 0 or place in self.filters)
        if dxs is not None and place in self.filters:
            rows = self._rows(dxs[..., : self.filters[place].I])
            dxs = self.filters[place].back(rows, part.filtered, *self.filter_to[place], wanted=depth > 0)
        if dxs is not None:
            dxs = dxs[::-1] if backward else dxs
            for j, to in enumerate(below):
                to[..., : self.H] += dxs[..., j * self.H : (j + 1) * self.H]

    def _joined(self, ys: list[Floats]) -> Floats:
        """Rows as a layer or a read-out reads them, (T, B, H) of one direction or (T, B, 2H) of two."""
        cut = [y[..., : self.H] for y in ys]
        return np.concatenate(cut, -1) if len(cut) > 1 else np.ascontiguousarray(cut[0])

    def _mask(self, noise: Noise, shape: tuple[int, ...]) -> Floats:
        (kept,) = noise.kept(shape, self.s.dropout)
        return kept.astype(np.float32)

    def _dropped(self, rows: Floats, mask: Floats) -> Floats:
        """Rows with some of their numbers 0 and the others divided by what is kept on average, zeros behind them."""
        out, count = np.zeros_like(rows), mask.shape[2]
        out[..., :count] = rows[..., :count] * mask / np.float32(1 - self.s.dropout)
        return out
