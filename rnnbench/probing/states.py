"""A model's cells over time, by their own equations, with every state kept and a zero added to each: what a gradient is
taken with respect to.

The coordinates of a step are all that `cell.step` returns: each tensor of the state, and the output where it is none of
these. They are taken as independent: a change of an LSTM's c after a step changes h from the next step on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rnnbench import registry
from rnnbench.cells import Parameters, State
from rnnbench.layers.noise import Noise
from rnnbench.layers.recurrent import Recurrent
from rnnbench.lazy import torch
from rnnbench.records import Rung
from rnnbench.tasks import Batch
from rnnbench.training.model import Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Place = tuple[int, int, int]  # a scan, a step, a coordinate


@dataclass(frozen=True)
class Scan:
    """One cell over time: what `step` takes for its parameters, the inputs xs (T, B, I), and of each step the state
    after it and the zeros that were added, each (B, width); the outputs ys, each (B, H)."""

    p: Parameters
    xs: Tensor
    states: list[State] = field(default_factory=list)
    leaves: list[State] = field(default_factory=list)
    ys: list[Tensor] = field(default_factory=list)


@dataclass(frozen=True)
class Watched(Recurrent):
    """A cell over time that keeps a `Scan` each time it is used, in a model first the layers, then the directions of
    each. `moved` is what is added instead of zeros, by place."""

    scans: list[Scan] = field(default_factory=list, compare=False)
    moved: Mapping[Place, Tensor] = field(default_factory=dict, compare=False)

    def scan(self, p: Parameters, xs: Tensor, causal: bool, noise: Noise | None = None) -> Tensor:
        H = next(iter(p.values())).shape[-1]
        B = xs.shape[-2]
        done = Scan(self.cell.prepare(p), xs)
        state: State = tuple(xs.new_zeros((B, width)) for width in self.cell.widths(H))
        for t, x in enumerate(xs.unbind(-3)):
            y, new = self.cell.step(done.p, x, state)
            home = next((k for k, part in enumerate(new) if part is y), len(new))
            parts = new if home < len(new) else (*new, y)
            places = [(len(self.scans), t, k) for k in range(len(parts))]
            leaves = tuple(self._leaf(place, xs, B, part) for place, part in zip(places, parts, strict=True))
            after = tuple(part + leaf for part, leaf in zip(parts, leaves, strict=True))
            state = after[: len(new)]
            done.states.append(state)
            done.leaves.append(leaves)
            done.ys.append(after[home])
        self.scans.append(done)
        return torch.stack(done.ys, -3)

    def _leaf(self, place: Place, xs: Tensor, B: int, part: Tensor) -> Tensor:
        leaf = self.moved.get(place)
        if leaf is None:
            leaf = xs.new_zeros((B, part.shape[-1]))
        return leaf.requires_grad_() if torch.is_grad_enabled() else leaf


@dataclass(frozen=True)
class Passed:
    """A model on a batch: its inputs xs (T, B, I), answers (K, B, O) and, where it is made of cells, its scans."""

    model: Model
    batch: Batch
    xs: Tensor
    answers: Tensor
    scans: list[Scan]

    @property
    def directions(self) -> tuple[str, ...]:
        return tuple(self.model.layout.directions)

    def depths(self, direction: int) -> list[Scan]:
        """The scans of all layers in one direction."""
        return self.scans[direction :: len(self.directions)]


def model_of(rung: Rung) -> Model:
    """The model of a rung, computed by its equations."""
    layer = registry.layer(rung.model)
    return Model.of(rung, Watched(layer.cell) if isinstance(layer, Recurrent) else layer)


def forward(
    model: Model, flat: NDArray[np.float32], batch: Batch, moved: Mapping[Place, Tensor] | None = None
) -> Passed:
    """A model with the parameters `flat` on a batch; with gradients where torch records them. In float64, if it is made
    of cells: what other people's modules make on the way may be float32 whatever they are given."""
    scans: list[Scan] = []
    layer = model.layer
    dtype = torch.float32
    if isinstance(layer, Watched):
        layer, dtype = Watched(layer.cell, scans=scans, moved=moved or {}), torch.float64
    own = Model(layer, model.task, model.settings)
    p = {name: value.to(dtype) for name, value in own.views(torch.from_numpy(flat)).items()}
    xs = own.encode(torch.from_numpy(batch.xs)).to(dtype)
    if torch.is_grad_enabled():
        xs.requires_grad_()
    return Passed(own, batch, xs, own.answers(p, xs, batch.at), scans)
