"""The LSTM against torch.nn.LSTM and a loop written from Greff et al. (2015), part by part."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from rnnbench.cells.lstm import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"forget_gate": False}, {"input_gate": False}, {"output_gate": False}, {"candidate_activation": "identity"},
    {"output_activation": "identity"}, {"coupled_gates": True}, {"peepholes": True}, {"gate_recurrence": True},
    {"forget_bias": -1.0}, {"chrono": 40}, {"peepholes": True, "coupled_gates": True},
    {"peepholes": True, "output_gate": False}, {"gate_recurrence": True, "coupled_gates": True, "peepholes": True},
    {"gate_recurrence": True, "input_gate": False}, {"forget_gate": False, "input_gate": False, "output_gate": False},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    y = c = i = f = o = torch.zeros(xs.shape[1], p["Ug"].shape[0], dtype=xs.dtype)
    one = torch.ones_like(y)
    ys = []
    for x in xs:

        def total(k: str, cell_state: Tensor, x: Tensor = x, y: Tensor = y) -> Tensor:
            a = x @ p[f"W{k}"] + y @ p[f"U{k}"] + p[f"b{k}"]
            if k != "g" and cell.peepholes:
                a = a + cell_state * p[f"p{k}"]
            return a

        def fed(k: str, i: Tensor = i, f: Tensor = f, o: Tensor = o) -> Tensor:
            gates = {"i": i, "f": f, "o": o}
            return sum((gates[j] @ p[f"R{j}{k}"] for j in "ifo" if f"R{j}{k}" in p), torch.zeros_like(i))

        new_f = torch.sigmoid(total("f", c) + fed("f")) if cell.forget_gate else one
        if cell.coupled_gates:
            new_i = one - new_f
        else:
            new_i = torch.sigmoid(total("i", c) + fed("i")) if cell.input_gate else one
        z = total("g", c)
        z = torch.tanh(z) if cell.candidate_activation == "tanh" else z
        c = z * new_i + c * new_f
        new_o = torch.sigmoid(total("o", c) + fed("o")) if cell.output_gate else one
        y = (torch.tanh(c) if cell.output_activation == "tanh" else c) * new_o
        i, f, o = new_i, new_f, new_o
        ys.append(y)
    return torch.stack(ys)


def test_is_torchs() -> None:
    torch.manual_seed(0)
    theirs = torch.nn.LSTM(5, 7, dtype=torch.float64)
    w = dict(theirs.named_parameters())
    xs = torch.randn(11, 3, 5, dtype=torch.float64)
    p: dict[str, Tensor] = {}
    bias = w["bias_ih_l0"] + w["bias_hh_l0"]
    for k, W, U, b in zip("ifgo", w["weight_ih_l0"].chunk(4), w["weight_hh_l0"].chunk(4), bias.chunk(4), strict=True):
        p |= {f"W{k}": W.T, f"U{k}": U.T, f"b{k}": b[None]}
    torch.testing.assert_close(scan(Cell(), p, xs), theirs(xs)[0])


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        (
            {"coupled_gates": True, "input_gate": False},
            "coupled_gates: needs both the forget gate and the input gate (i = 1 - f)",
        ),
        (
            {"coupled_gates": True, "forget_gate": False},
            "coupled_gates: needs both the forget gate and the input gate (i = 1 - f)",
        ),
        (
            {"chrono": True, "forget_gate": False, "input_gate": False},
            "chrono: needs the forget gate or the input gate, whose biases it sets",
        ),
        (
            {"peepholes": True, "forget_gate": False, "input_gate": False, "output_gate": False},
            "peepholes: needs a gate that is on",
        ),
    ],
)
def test_impossible_switches_are_refused(switches: dict[str, bool], message: str) -> None:
    with pytest.raises(ValueError, match=r".*") as refused:
        Cell(**switches)  # type: ignore[arg-type]
    assert str(refused.value) == message


def test_a_gate_that_is_off_has_no_parameters() -> None:
    def count(**switches: bool) -> int:
        cell = Cell(**switches)  # type: ignore[arg-type]
        return sum(rows * columns for rows, columns in cell.shapes(5, 7).values())

    gate = 5 * 7 + 7 * 7 + 7
    assert count() == 4 * gate
    assert count(forget_gate=False) == 3 * gate
    assert count(coupled_gates=True) == 3 * gate
    assert count(peepholes=True) == 4 * gate + 3 * 7
    assert count(gate_recurrence=True) == 4 * gate + 9 * 7 * 7


def test_chrono_sets_both_biases_from_one_draw() -> None:
    cell = Cell(chrono=50)
    p = cell.init(cell.shapes(3, 500), lambda name: stream(0, name))
    assert (p["bi"] == -p["bf"]).all()
    assert float(p["bf"].min()) >= 0
    assert 3.7 < float(p["bf"].max()) <= 3.9  # log(49) = 3.89
    coupled = Cell(chrono=50, coupled_gates=True)
    assert (coupled.init(coupled.shapes(3, 500), lambda name: stream(0, name))["bf"] == p["bf"]).all()


def test_forget_bias_is_one_unless_told() -> None:
    for bias in (1.0, -2.0):
        cell = Cell(forget_bias=bias)
        assert (cell.init(cell.shapes(3, 8), lambda name: stream(0, name))["bf"] == bias).all()
