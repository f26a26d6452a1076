"""Mamba against a loop over steps that holds its states as one tensor, (B, H, N), written from Gu & Dao (2023)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from rnnbench.cells.mamba import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"state_size": 3, "rank": 2, "discretisation": "zoh"}, {"state_size": 2, "selective_b": False, "skip": False},
    {"state_size": 2, "selective_c": False, "gate": False, "input_activation": "identity"},
    {"state_size": 2, "selective_delta": False, "negative_eigenvalues": True}, {"state_size": 2, "start": "half"},
    {"state_size": 1, "selective_b": False, "selective_c": False, "selective_delta": False, "discretisation": "zoh"},
    {"state_size": 2, "start": "random"},
]  # fmt: skip


def side_by_side(p: Mapping[str, Tensor], name: str, count: int) -> Tensor:
    """A parameter of each state as one: (H, N)."""
    return torch.cat([p[f"{name}{n + 1}"] for n in range(count)]).mT


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    F, N, H = torch.nn.functional, cell.state_size, p["Wu"].shape[1]
    u = xs @ p["Wu"]
    u = F.silu(u) if cell.input_activation == "silu" else u  # (T, B, H)
    asked = p["b"]
    if cell.selective_delta:
        down = side_by_side(p, "R", cell.rank)
        up = torch.cat([p[f"E{r + 1}"] for r in range(cell.rank)])
        asked = torch.einsum("tbh,hr,rk->tbk", u, down, up) + p["b"]
    time = F.softplus(asked, threshold=1000).expand(u.shape)
    B, C = side_by_side(p, "B", N), side_by_side(p, "C", N)
    B = (u @ B)[:, :, None] if cell.selective_b else B  # (T, B, 1, N), or (H, N)
    C = (u @ C)[:, :, None] if cell.selective_c else C
    A = -torch.exp(side_by_side(p, "L", N))
    decay = torch.exp(time[..., None] * A)
    driven = torch.expm1(time[..., None] * A) / A if cell.discretisation == "zoh" else time[..., None]
    driven = driven * B * u[..., None]
    decay = 2 * decay - 1 if cell.negative_eigenvalues else decay
    s, states = torch.zeros(xs.shape[1], H, N, dtype=xs.dtype), []
    for t in range(len(xs)):
        s = decay[t] * s + driven[t]
        states.append(s)
    y = (torch.stack(states) * C).sum(-1)
    y = y + p["D"] * u if cell.skip else y
    return y * F.silu(xs @ p["Wz"]) if cell.gate else y


def started(cell: Cell, H: int = 64) -> dict[str, Tensor]:
    return {k: torch.from_numpy(v) for k, v in cell.init(cell.shapes(3, H), lambda name: stream(0, name)).items()}


@pytest.mark.parametrize(("start", "rates"), [("real", range(1, 17)), ("half", [0.5] * 16)])
def test_each_state_starts_with_a_rate_of_its_own(start: str, rates: list[float]) -> None:
    p = started(Cell(start=start, state_size=16))  # type: ignore[arg-type]
    for n, rate in enumerate(rates, 1):
        torch.testing.assert_close(p[f"L{n}"].exp(), torch.full((1, 64), float(rate)))


def test_random_rates_are_spread_about_1() -> None:
    p = started(Cell(start="random", state_size=16))
    logs = side_by_side(p, "L", 16)
    assert abs(float(logs.mean())) < 0.1
    assert float(logs.std()) == pytest.approx(1, abs=0.1)


def test_a_step_of_time_starts_between_a_thousandth_and_a_tenth() -> None:
    time = torch.nn.functional.softplus(started(Cell(), 500)["b"])
    assert 0.001 <= float(time.min()) < 0.0015 < 0.07 < float(time.max()) <= 0.1
    assert float(time.log().mean().exp()) == pytest.approx(0.01, rel=0.15)


def test_the_start_is_as_published() -> None:
    p = started(Cell(rank=4, state_size=16))
    assert (p["D"] == 1).all()
    for name, most in (("B1", 64**-0.5), ("C16", 64**-0.5), ("R2", 64**-0.5), ("E3", 0.5), ("Wu", 0.125)):
        assert 0.8 * most < float(p[name].abs().max()) <= most * 1.0001, name


def alternating(cell: Cell) -> Tensor:
    """What one unit shows that was given 1 once and then a step of time in which everything decays."""
    p = {k: torch.zeros(s).double() for k, s in cell.shapes(2, 1).items()}
    p |= {"Wu": torch.tensor([[1.0], [0]]).double(), "b": torch.tensor([[2.0]]).double()}
    p |= {"L1": torch.tensor([[3.0]]).double(), "B1": torch.ones(1, 1).double(), "C1": torch.ones(1, 1).double()}
    xs = torch.zeros(5, 1, 2).double()
    xs[0, 0, 0] = 1
    return scan(cell, p, xs).flatten()


def test_with_negative_eigenvalues_a_state_can_change_its_sign() -> None:
    switches = {"selective_b": False, "selective_c": False, "selective_delta": False, "skip": False, "gate": False}
    small = {"state_size": 1, "input_activation": "identity", **switches}
    time = torch.nn.functional.softplus(torch.tensor(2.0)).double()
    turned = time * torch.tensor([1.0, -1, 1, -1, 1]).double()
    torch.testing.assert_close(alternating(Cell(negative_eigenvalues=True, **small)), turned)  # type: ignore[arg-type]
    forgotten = time * torch.tensor([1.0, 0, 0, 0, 0]).double()
    torch.testing.assert_close(alternating(Cell(**small)), forgotten)  # type: ignore[arg-type]
