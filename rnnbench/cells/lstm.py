"""Long short-term memory (Hochreiter & Schmidhuber, 1997; forget gate: Gers et al., 2000), every part a switch.

    f = sigmoid(x Wf + h Uf + bf + pf * c)         what to forget           (peepholes p: Gers & Schmidhuber, 2000)
    i = sigmoid(x Wi + h Ui + bi + pi * c)         how much to add
    g = tanh(x Wg + h Ug + bg)                     what to add
    c' = f * c + i * g
    o = sigmoid(x Wo + h Uo + bo + po * c')        what to output
    h' = o * tanh(c')

A gate that is off is 1 and has no parameters. Coupled gates: i = 1 - f, so that the forget bias keeps its sign.
Gate recurrence (FGR; Greff et al., 2015): every gate also sees the last step's gates, gate j through Rj to k.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from rnnbench import cells
from rnnbench.cells import sigmoid

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: one for each part above; `forget_bias` is bf at the start, `chrono` the longest lag to reach in
    steps (true: the rung's own), which sets bf = log U(1, lag - 1) and bi = -bf (Tallec & Ollivier, 2018)."""

    activations: ClassVar[tuple[str, ...]] = ("candidate_activation", "output_activation")

    forget_gate: bool = True
    input_gate: bool = True
    output_gate: bool = True
    candidate_activation: Literal["tanh", "identity"] = "tanh"
    output_activation: Literal["tanh", "identity"] = "tanh"
    coupled_gates: bool = False
    peepholes: bool = False
    gate_recurrence: bool = False
    forget_bias: cells.Bias = 1.0
    chrono: cells.Chrono = False

    def __post_init__(self) -> None:
        if self.coupled_gates and not (self.forget_gate and self.input_gate):
            raise ValueError("coupled_gates: needs both the forget gate and the input gate (i = 1 - f)")
        if self.chrono and not (self.forget_gate or self.input_gate):
            raise ValueError("chrono: needs the forget gate or the input gate, whose biases it sets")
        if (self.peepholes or self.gate_recurrence) and not self.gates:
            part = "peepholes" if self.peepholes else "gate_recurrence"
            raise ValueError(f"{part}: needs a gate that is on")

    @property
    def gates(self) -> str:
        """The letters of the gates that have parameters, in the order i, f, o."""
        has_i = self.input_gate and not self.coupled_gates
        return "i" * has_i + "f" * self.forget_gate + "o" * self.output_gate

    @property
    def seen(self) -> str:
        """The letters of the gates that gate recurrence feeds back (a coupled i is one of them)."""
        return "i" * self.input_gate + "f" * self.forget_gate + "o" * self.output_gate

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {}
        for k in self.gates + "g":
            shapes |= {f"W{k}": (I, H), f"U{k}": (H, H), f"b{k}": (1, H)}
        if self.peepholes:
            shapes |= {f"p{k}": (1, H) for k in self.gates}
        if self.gate_recurrence:
            shapes |= {f"R{j}{k}": (H, H) for k in self.gates for j in self.seen}
        return shapes

    def widths(self, H: int) -> tuple[int, ...]:
        return (H, H) + (H,) * (len(self.seen) if self.gate_recurrence else 0)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        if self.forget_gate:
            p["bf"] = np.full(shapes["bf"], self.forget_bias, np.float32)
        if self.chrono:
            bias = cells.chrono_bias(self.chrono, shapes["bg"][1], stream)
            p |= {"bf": bias} if self.forget_gate else {}
            p |= {"bi": -bias} if "i" in self.gates else {}
        return p

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        h, c, *last = state

        def gate(k: str, c: Tensor) -> Tensor | float:
            if k not in self.gates:
                return 1.0
            a = x @ p[f"W{k}"] + h @ p[f"U{k}"] + p[f"b{k}"]
            for j, value in zip(self.seen, last, strict=False):
                a = a + value @ p[f"R{j}{k}"]
            if self.peepholes:
                a = a + p[f"p{k}"] * c
            return sigmoid(a)

        f = gate("f", c)
        i = 1 - f if self.coupled_gates else gate("i", c)
        g = cells.activation(self.candidate_activation)(x @ p["Wg"] + h @ p["Ug"] + p["bg"])
        c = f * c + i * g
        o = gate("o", c)
        h = o * cells.activation(self.output_activation)(c)
        if not self.gate_recurrence:
            return h, (h, c)
        now = {"i": i, "f": f, "o": o}
        return h, (h, c, *(now[k] for k in self.seen))
