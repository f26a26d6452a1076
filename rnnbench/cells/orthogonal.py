"""Recurrent network with an orthogonal recurrent matrix (expRNN: Lezcano-Casado & Martinez-Rubio, 2019).

    A  = the skew-symmetric matrix with `a` above its diagonal
    U  = exp(A), or (I + A)^-1 (I - A)      the Cayley map (scoRNN: Helfrich et al., 2018, without its fixed signs)
    h' = act(x W + h U, b)                  modReLU(s, b) = sign(s) * relu(|s| + b), else act(s + b)

U is computed once a scan. Its start turns H/2 planes: A has blocks of angle u, uniform in [-pi, pi) (`henaff`: Henaff
et al., 2016; for memory), or -tan(u/2), u uniform in [0, pi/2) (`cayley`; the slower half of the circle). exp(A) is a
Taylor polynomial of A / 64, squared six times: good to float32 while the greatest angle in A stays under 64, and the
same bits for one matrix and a stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from rnnbench import cells
from rnnbench.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

TERMS, SQUARINGS = 12, 6


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `activation`, the `map` from skew-symmetric to orthogonal, and how its planes turn at the `start`."""

    activations: ClassVar[tuple[str, ...]] = ("activation",)

    activation: Literal["modrelu", "tanh", "relu", "identity"] = "modrelu"
    map: Literal["exp", "cayley"] = "exp"
    start: Literal["henaff", "cayley"] = "henaff"

    def shapes(self, I: int, H: int) -> cells.Shapes:
        turns: cells.Shapes = {"a": (1, H * (H - 1) // 2)} if H > 1 else {}
        return {"W": (I, H), "b": (1, H)} | turns

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        H = shapes["W"][1]
        if self.activation == "modrelu":  # at 0 it would be the identity
            p["b"] = (2 * stream("b").uniform((1, H)) - 1) * np.float32(0.01)
        if H > 1:
            u = stream("a").uniform(H // 2).astype(np.float64)
            A = np.zeros((H, H))
            planes = np.arange(0, H - 1, 2)
            A[planes, planes + 1] = -np.tan(u * np.pi / 4) if self.start == "cayley" else (2 * u - 1) * np.pi
            p["a"] = A[np.triu_indices(H, 1)][None].astype(np.float32)
        return p

    def prepare(self, p: cells.Parameters) -> cells.Parameters:
        H = p["W"].shape[-1]
        one = torch.eye(H, dtype=p["W"].dtype, device=p["W"].device)
        if H == 1:
            return {**p, "U": one}
        i, j = torch.triu_indices(H, H, 1, device=one.device)
        above = p["a"].new_zeros((*p["a"].shape[:-2], H, H))
        above[..., i, j] = p["a"].squeeze(-2)
        A = above - above.mT
        if self.map == "cayley":
            return {**p, "U": torch.linalg.solve(one + A, one - A)}
        A = A / 2**SQUARINGS
        U = one + A / TERMS
        for k in range(TERMS - 1, 0, -1):
            U = one + A @ U / k
        for _ in range(SQUARINGS):
            U = U @ U
        return {**p, "U": U}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        s = x @ p["W"] + h @ p["U"]
        if self.activation == "modrelu":
            h = s.sign() * (s.abs() + p["b"]).relu()
        else:
            h = cells.activation(self.activation)(s + p["b"])
        return h, (h,)
