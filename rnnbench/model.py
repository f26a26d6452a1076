"""A sequence model around a cell: stacking, directions, read-out; its parameters as one flat buffer.

The same lines serve one run, whose tensors have no R axis, and a stack of runs, whose tensors begin with it: every
axis is counted from the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnbench import find
from rnnbench.cells import Cell, Parameters, Shapes
from rnnbench.lazy import torch
from rnnbench.records import Rung
from rnnbench.rng import Stream, stream
from rnnbench.settings import Settings
from rnnbench.tasks import Task

if TYPE_CHECKING:
    from torch import Tensor

# Every parameter starts at a multiple of 64 bytes, and so does every run: the bits of a product can depend on that.
ALIGN = 16
Scan = Callable[[Cell, Parameters, "Tensor"], "Tensor"]


@dataclass(frozen=True)
class Model:
    """The model of one rung."""

    cell: Cell
    task: Task
    settings: Settings

    @classmethod
    def of(cls, rung: Rung) -> Model:
        return cls(find.cell(rung.model), find.task(rung.task), Settings(**rung.settings))

    @property
    def directions(self) -> tuple[str, ...]:
        return ("forward", "backward") if self.settings.bidirectional else ("forward",)

    @cached_property
    def groups(self) -> dict[str, Shapes]:
        """Each scan's parameters, `<layer>/<direction>`, and the read-out's."""
        H = self.settings.hidden
        width = H * len(self.directions)
        groups = {
            f"{layer}/{direction}": self.cell.shapes(width if layer else self.task.inputs, H)
            for layer in range(self.settings.layers)
            for direction in self.directions
        }
        return groups | {"readout": {"W": (width, self.task.outputs), "b": (1, self.task.outputs)}}

    @cached_property
    def places(self) -> dict[str, tuple[int, tuple[int, int]]]:
        """Where each parameter starts in the flat buffer, and its shape."""
        places, start = {}, 0
        for group, shapes in self.groups.items():
            for name, (rows, columns) in shapes.items():
                places[f"{group}/{name}"] = (start, (rows, columns))
                start += -(-rows * columns // ALIGN) * ALIGN
        return places

    @property
    def size(self) -> int:
        """P: the length of the flat buffer."""
        start, (rows, columns) = list(self.places.values())[-1]
        return start + -(-rows * columns // ALIGN) * ALIGN

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(rows * columns for _, (rows, columns) in self.places.values())

    def init(self, seed: int) -> NDArray[np.float32]:
        """The flat buffer (P,) at the start. Each parameter has a stream of its own, so that two variants start
        from the same bits wherever they have a parameter of the same name and shape."""
        flat = np.zeros(self.size, np.float32)
        for group, shapes in self.groups.items():

            def streams(name: str, group: str = group) -> Stream:
                return stream(seed, f"init/{group}/{name}")

            init = Cell.init if group == "readout" else type(self.cell).init
            for name, value in init(self.cell, shapes, streams).items():
                start, (rows, columns) = self.places[f"{group}/{name}"]
                flat[start : start + rows * columns] = value.ravel()
        return flat

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """(..., P) -> each parameter (..., rows, columns), sharing its memory."""
        return {
            name: flat[..., start : start + rows * columns].view(*flat.shape[:-1], rows, columns)
            for name, (start, (rows, columns)) in self.places.items()
        }

    def encode(self, xs: Tensor) -> Tensor:
        """Tokens (..., T, B) -> one-hot (..., T, B, I); numbers as they are."""
        return torch.eye(self.task.inputs, device=xs.device)[xs] if self.task.tokens else xs

    def answers(self, p: Mapping[str, Tensor], xs: Tensor, at: slice, scan: Scan) -> Tensor:
        """xs (..., T, B, I) -> answers (..., K, B, O) at the K steps `at`.

        A task with one answer reads each direction's *final* state: a backward direction has read everything only
        at the first step.
        """
        ys = [xs]
        for layer in range(self.settings.layers):
            x = torch.cat(ys, -1) if len(ys) > 1 else ys[0]
            ys = []
            for direction in self.directions:
                group = f"{layer}/{direction}/"
                own = {name[len(group) :]: value for name, value in p.items() if name.startswith(group)}
                backward = direction == "backward"
                y = scan(self.cell, own, x.flip(-3) if backward else x)
                ys.append(y if not backward else y.flip(-3))
        if self.task.last:
            ends = (slice(-1, None), slice(0, 1))
            ys = [y[..., end, :, :] for y, end in zip(ys, ends, strict=False)]
        else:
            ys = [y[..., at, :, :] for y in ys]
        h = torch.cat(ys, -1) if len(ys) > 1 else ys[0]  # (..., K, B, H or 2H)
        flat = h.flatten(-3, -2) @ p["readout/W"] + p["readout/b"]
        return flat.reshape(*h.shape[:-1], self.task.outputs)
