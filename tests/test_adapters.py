"""The package in examples/adapters: layers of real packages, each tried where that package is installed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from rnnbench.layers.noise import Noise
from rnnbench.rng import stream
from rnnbench.training.trial import trial

HERE = Path(__file__).parent.parent / "examples" / "adapters"


@pytest.mark.peers
@pytest.mark.parametrize(
    ("name", "switches"),
    [("xlstm", {}), ("xlstm", {"block": "slstm"}), ("mambapy", {}), ("mambapy", {"inner_layernorms": True})],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_it_trains(name: str, switches: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"NOT TESTED: {name} is not installed; pip install {name}")
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setattr(sys, "path", list(sys.path))  # which one of them changes
    layer = importlib.import_module(f"adapters.{name}").Layer(**switches)
    assert trial(layer, 8, causal=True) == ""
    shapes = layer.shapes(3, 8, True, True)
    p = {n: torch.from_numpy(v) for n, v in layer.init(shapes, partial(stream, 1), tokens=False).items()}
    learnt = [p[n].requires_grad_() for n in p if not layer.untrained(n)]
    xs = torch.from_numpy(stream(1, "xs").normal((6, 4, 3)))
    adam = torch.optim.Adam(learnt, lr=1e-2)
    losses = []
    for step in range(15):
        ys = layer.scan(p, xs, True, Noise([1], step, solo=True))
        loss = (ys[1:, :, :3] - xs[:-1]).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    layer.check(causal=True, last=True)
    assert layer.digest()
