"""The echo state network against a loop written from Jaeger et al. (2007); and that its recurrence is not trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnbench import registry
from rnnbench.cells import matrices
from rnnbench.cells.esn import Cell
from rnnbench.records import Record, Run, Rung
from rnnbench.rng import stream
from rnnbench.training.cohort import Cohort
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

VARIANTS: list[dict[str, object]] = [{}, {"trained": True}, {"leak": 0.25}, {"radius": 1.2, "density": 0.5}]
STARTS_ELSEWHERE = {"radius", "density"}


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["U"].shape[0], dtype=xs.dtype)
    ys = []
    for x in xs:
        h = torch.lerp(h, torch.tanh(torch.addmm(torch.addmm(p["b"], x, p["W"]), h, p["U"])), cell.leak)
        ys.append(h)
    return torch.stack(ys)


@pytest.mark.parametrize("H", [20, 65])
def test_it_starts_with_the_spectral_radius_and_the_density_that_are_asked_for(H: int) -> None:
    cell = Cell(radius=1.1, density=0.3)
    U = cell.init(cell.shapes(2, H), lambda name: stream(0, name))["U"]
    assert float(np.abs(np.linalg.eigvals(U.astype(np.float64))).max()) == pytest.approx(1.1, rel=1e-4)
    assert abs(float((U != 0).mean()) - 0.3) < 0.1


def test_a_radius_is_that_of_the_largest_eigenvalue() -> None:
    for seed, H in enumerate((1, 2, 5, 40)):
        a = stream(seed, "a").normal((H, H)).astype(np.float64)
        assert matrices.radius(a) == pytest.approx(float(np.abs(np.linalg.eigvals(a)).max()), rel=1e-4)
    assert matrices.radius(np.array([[0.0, 1.0], [0.0, 0.0]])) == 0


def rung(cell: dict[str, Any], **settings: Any) -> Rung:
    return Rung({"cell": "esn"} | cell, {"task": "adding"}, 6, {"hidden": 8, "batch": 4, "steps": 40} | settings)


@pytest.mark.parametrize("around", [{}, {"layers": 2}, {"weight_decay": 0.1}])
@pytest.mark.parametrize("kernels", ["auto", "reference"])
def test_only_the_read_out_is_trained(around: dict[str, Any], kernels: str) -> None:
    run = Run(rung({}, **around), 1)
    layer = registry.layer(run.rung.model)
    model = Model.of(run.rung, layer.as_solo() if kernels == "auto" else layer)
    cohort = Cohort(model, [run], kernels == "auto", "cpu")
    before = model.views(cohort.state["flat"].clone())
    for _ in range(3):
        cohort.train(listen=False)
    after = model.views(cohort.state["flat"])
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert changed == {"readout/W", "readout/b"}


def test_what_is_not_trained_is_not_counted() -> None:
    assert registry.parameters(rung({})) == 8 + 1
    assert registry.parameters(rung({"trained": True})) == 8 + 1 + 2 * 8 + 8 * 8 + 8


def test_it_learns_what_its_reservoir_still_holds() -> None:
    (found,) = (r for r in Trainer().train([Run(rung({}, steps=200), 1)]) if isinstance(r, Record))
    losses = [point.loss or 0.0 for point in found.curve]
    assert 0 < losses[-1] < 0.9 * losses[0]
