"""A sequence model: layers, directions, what is built around them, read-out; its parameters as one flat buffer.

The same lines serve one run, whose tensors have no R axis, and a stack of runs, whose tensors begin with it: every
axis is counted from the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnbench import registry
from rnnbench.cells import Arrays, Shapes, Streams
from rnnbench.layers import Layer, attention, conv
from rnnbench.layers.initial import affine, initial, normalise
from rnnbench.layers.layout import Layout
from rnnbench.layers.noise import Noise
from rnnbench.lazy import torch
from rnnbench.records import Rung
from rnnbench.rng import Stream, stream
from rnnbench.settings import Settings
from rnnbench.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor

    from rnnbench.seeds import Seed


@dataclass(frozen=True)
class Model:
    """The model of one rung."""

    layer: Layer
    task: Task
    settings: Settings

    @classmethod
    def of(cls, rung: Rung, layer: Layer | None = None) -> Model:
        """The model; `layer` computes its layers in another way than `registry.layer` would."""
        return cls(layer or registry.layer(rung.model), registry.task(rung.task), Settings.of(rung))

    @cached_property
    def layout(self) -> Layout:
        """Its parameters and their places. UserError where its layers can't do the task, which some tell only once they
        are made."""
        layout = Layout(self.layer, self.task.inputs, self.task.outputs, self.settings)
        if layout.places:
            self.layer.check(self.task.causal, self.task.last)
        return layout

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return self.layout.parameters

    def init(self, seed: Seed) -> NDArray[np.float32]:
        """The flat buffer (P,) at the start. Each parameter has a stream of its own, so that two variants start
        from the same bits wherever they have a parameter of the same name and shape."""
        flat = np.zeros(self.layout.size, np.float32)
        for group, shapes in self.layout.groups.items():
            for name, value in self._start(group)(shapes, partial(_stream, seed, group)).items():
                start, (rows, columns) = self.layout.places[f"{group}/{name}"]
                flat[start : start + rows * columns] = value.ravel()
        return flat

    def _start(self, group: str) -> Callable[[Shapes, Streams], Arrays]:
        if group.startswith("conv/"):
            return partial(conv.initial, start=self.settings.conv_start)
        return partial(self.layer.init, tokens=self.task.tokens) if group[0].isdigit() else initial

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """(..., P) -> each parameter (..., rows, columns), sharing its memory."""
        return {
            name: flat[..., start : start + rows * columns].view(*flat.shape[:-1], rows, columns)
            for name, (start, (rows, columns)) in self.layout.places.items()
        }

    def encode(self, xs: Tensor) -> Tensor:
        """Tokens (..., T, B) -> one-hot (..., T, B, I), or (..., T, B, 1) for a layer that reads them, where nothing is
        ahead of it; numbers as they are."""
        if not self.task.tokens:
            return xs
        if self.layer.reads_tokens and not self.settings.conv:
            return xs.unsqueeze(-1)
        return torch.eye(self.task.inputs, dtype=torch.float32, device=xs.device)[xs]

    def answers(self, p: Mapping[str, Tensor], xs: Tensor, at: slice, noise: Noise | None = None) -> Tensor:
        """xs (..., T, B, I) -> answers (..., K, B, O) at the K steps `at`; trained where there is noise.

        A task with one answer reads each direction's *final* state: a backward direction has read everything only
        at the first step.
        """
        s = self.settings
        ys = [xs]
        for depth in range(s.layers):
            below, x = ys, _joined(ys)
            ys = []
            for i, direction in enumerate(self.layout.directions):
                place = f"{depth}/{direction}"
                backward = direction == "backward"
                own, here = within(p, f"{place}/"), noise.at(place) if noise else None
                given = x.flip(-3) if backward else x
                if s.conv:
                    given = conv.convolve(within(p, f"conv/{place}/"), given, s)
                y = self.layer.scan(own, given, self.task.causal, here)
                y = y.flip(-3) if backward else y
                if s.layer_norm:
                    y = normalise(y, p[f"norm/{place}/g"], p[f"norm/{place}/b"])
                if s.residual and depth:
                    y = y + below[i]
                if here and s.dropout and depth < s.layers - 1:
                    y = here.drop(y, s.dropout)
                ys.append(y)
        return self._read(p, ys, at, noise)

    def _read(self, p: Mapping[str, Tensor], ys: list[Tensor], at: slice, noise: Noise | None) -> Tensor:
        """The read-out of each direction's ys (..., T, B, H) at the steps `at`."""
        s = self.settings
        if self.task.last:
            ends = (slice(-1, None), slice(0, 1))
            h = _joined([y[..., end, :, :] for y, end in zip(ys, ends, strict=False)])
        else:
            h = _joined([y[..., at, :, :] for y in ys])  # (..., K, B, H or 2H)
        read = {"W": h}
        if s.attention != "none":
            T = ys[0].shape[-3]
            seen = [t + 1 for t in range(T)[at]] if self.task.causal else [T] * h.shape[-3]
            read["A"] = attention.attend(within(p, "attention/"), h, _joined(ys), seen)
        if noise and s.dropout:
            read = {name: noise.at(f"readout/{name}").drop(value, s.dropout) for name, value in read.items()}
        answers = affine(read["W"], p["readout/W"], p["readout/b"])
        return answers + affine(read["A"], p["readout/A"]) if "A" in read else answers


def _joined(ys: list[Tensor]) -> Tensor:
    return torch.cat(ys, -1) if len(ys) > 1 else ys[0]


def within(p: Mapping[str, Tensor], group: str) -> dict[str, Tensor]:
    """The parameters of a group, by their own names."""
    return {name[len(group) :]: value for name, value in p.items() if name.startswith(group)}


def _stream(seed: Seed, group: str, name: str) -> Stream:
    return stream(seed, f"init/{group}/{name}")
