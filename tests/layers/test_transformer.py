"""The transformer against torch.nn.TransformerEncoderLayer and plain loops, in float64, gradients included."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnbench.layers.transformer import Layer
from rnnbench.records import Record, Run, Rung
from rnnbench.rng import stream
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

VARIANTS: list[dict[str, object]] = [
    {}, {"positions": "none"}, {"heads": 3, "positions": "rotary"}, {"heads": 2, "positions": "alibi"},
    {"heads": 1, "feedforward": 1},
]  # fmt: skip
POSITIONS = ("none", "sinusoidal", "rotary", "alibi")
SIZES = [(7, 3, 5, 12, 3), (1, 1, 1, 2, 1), (9, 2, 3, 8, 4), (5, 1, 4, 8, 2)]  # T, B, I, H, heads


def draw(layer: Layer, T: int, B: int, I: int, H: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    shapes = layer.shapes(I, H, first=True, last=True)
    p = {k: torch.from_numpy(0.7 * stream(1, k).normal(s)).double().requires_grad_() for k, s in shapes.items()}
    xs = torch.from_numpy(stream(1, "xs").normal((T, B, I))).double().requires_grad_()
    return p, xs, torch.from_numpy(stream(1, "ys").normal((T, B, H))).double()


def compare(ours: Tensor, theirs: Tensor, wanted: list[Tensor], weights: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-11)
    mine, other = (torch.autograd.grad((ys * weights).sum(), wanted, allow_unused=True) for ys in (ours, theirs))
    for a, b in zip(mine, other, strict=True):
        assert a is not None
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-10)


def norm(v: Tensor, g: Tensor, b: Tensor) -> Tensor:
    mean = v.sum() / len(v)
    return (v - mean) / torch.sqrt(((v - mean) ** 2).sum() / len(v) + 1e-5) * g[0] + b[0]


def turned(v: Tensor, t: int) -> Tensor:
    """Pairs as complex numbers times e^(i t rate)."""
    D = len(v)
    rates = torch.tensor([t * 10000.0 ** (-2 * k / D) for k in range(D // 2)], dtype=torch.float64)
    z = torch.complex(v[0::2], v[1::2]) * torch.polar(torch.ones_like(rates), rates)
    return torch.view_as_real(z).flatten()


def reference(layer: Layer, p: dict[str, Tensor], xs: Tensor, causal: bool) -> Tensor:
    """One example, one step, one head at a time."""
    T, B, _ = xs.shape
    H = p["E"].shape[1]
    D = H // layer.heads
    out = []
    for n in range(B):
        x = [xs[t, n] @ p["E"] + p["be"][0] for t in range(T)]
        if layer.positions == "sinusoidal":
            waves = [[(math.sin, math.cos)[j % 2](t / 10000 ** (2 * (j // 2) / H)) for j in range(H)] for t in range(T)]
            x = [v + torch.tensor(w, dtype=torch.float64) for v, w in zip(x, waves, strict=True)]
        z = [norm(v, p["ga"], p["ba"]) for v in x]
        q, k, v = ([a @ p[f"W{c}"] + p[f"b{c}"][0] for a in z] for c in "qkv")
        for t in range(T):
            heads = []
            for h in range(layer.heads):
                part = slice(h * D, (h + 1) * D)
                scores = []
                for s in range(t + 1 if causal else T):
                    a, b = q[t][part], k[s][part]
                    if layer.positions == "rotary":
                        a, b = turned(a, t), turned(b, s)
                    slope = 2 ** (-8 * (h + 1) / layer.heads) if layer.positions == "alibi" else 0.0
                    scores.append(a @ b / math.sqrt(D) - slope * abs(t - s))
                weights = [torch.exp(s) / sum(torch.exp(o) for o in scores) for s in scores]
                heads.append(sum((w * v[s][part] for s, w in enumerate(weights)), torch.zeros(D).double()))
            y = x[t] + torch.cat(heads) @ p["Wo"] + p["bo"][0]
            hidden = (norm(y, p["gf"], p["bf"]) @ p["W1"] + p["b1"][0]).clamp(min=0)
            out.append(norm(y + hidden @ p["W2"] + p["b2"][0], p["gy"], p["by"]))
    return torch.stack(out).reshape(B, T, H).transpose(0, 1)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize(("T", "B", "I", "H", "heads"), SIZES)
def test_outputs_and_gradients_are_the_loops(
    positions: Any, causal: bool, T: int, B: int, I: int, H: int, heads: int
) -> None:
    layer = Layer(heads, positions, feedforward=2)
    p, xs, weights = draw(layer, T, B, I, H)
    compare(layer.scan(p, xs, causal), reference(layer, p, xs, causal), [xs, *p.values()], weights)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("T", "B", "I", "H", "heads"), SIZES)
def test_outputs_and_gradients_are_torchs(causal: bool, T: int, B: int, I: int, H: int, heads: int) -> None:
    layer = Layer(heads, "none", feedforward=3)
    p, xs, weights = draw(layer, T, B, I, H)
    theirs = torch.nn.TransformerEncoderLayer(H, heads, 3 * H, dropout=0.0, norm_first=True).double()
    q = {
        "self_attn.in_proj_weight": torch.cat([p[f"W{c}"].T for c in "qkv"]),
        "self_attn.in_proj_bias": torch.cat([p[f"b{c}"][0] for c in "qkv"]),
        "self_attn.out_proj.weight": p["Wo"].T, "self_attn.out_proj.bias": p["bo"][0],
        "linear1.weight": p["W1"].T, "linear1.bias": p["b1"][0],
        "linear2.weight": p["W2"].T, "linear2.bias": p["b2"][0],
        "norm1.weight": p["ga"][0], "norm1.bias": p["ba"][0], "norm2.weight": p["gf"][0], "norm2.bias": p["bf"][0],
    }  # fmt: skip
    mask = torch.nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64) if causal else None
    ys = torch.func.functional_call(theirs, q, (xs @ p["E"] + p["be"],), {"src_mask": mask})
    ys = torch.nn.functional.layer_norm(ys, (H,), p["gy"][0], p["by"][0])
    compare(layer.scan(p, xs, causal), ys, [xs, *p.values()], weights)


def test_a_model_of_two_layers_embeds_once_and_normalises_once() -> None:
    def model(layers: int) -> Model:
        settings = {"hidden": 8, "layers": layers}
        return Model.of(Rung({"layer": "transformer", "heads": 2}, {"task": "copy"}, 3, settings))

    one, two = model(1), model(2)
    assert [n for n in two.layout.places if n.endswith(("/E", "/gy"))] == ["0/forward/E", "1/forward/gy"]
    ours, theirs = (m.views(torch.from_numpy(m.init(3))) for m in (one, two))
    assert torch.equal(ours["0/forward/Wq"], theirs["0/forward/Wq"])
    assert torch.equal(ours["readout/W"], theirs["readout/W"])


@pytest.mark.parametrize("tokens", [True, False])
def test_tokens_are_embedded_as_large_as_the_sines_beside_them(tokens: bool) -> None:
    layer = Layer()
    p = layer.init(layer.shapes(300, 64, True, False), lambda n: stream(3, n), tokens)
    size = p["E"].std() if tokens else np.abs(p["E"]).max() * 300**0.5
    assert 0.98 < size < 1.02
    other = layer.init(layer.shapes(300, 64, True, False), lambda n: stream(3, n), not tokens)
    assert [n for n in p if not np.array_equal(p[n], other[n])] == ["E"]


def test_it_learns_to_match_tokens() -> None:
    """Whose value is asked for, not only which values there were: chance is 1 of 4."""
    settings = {"hidden": 32, "layers": 2, "lr": 3e-3, "steps": 1000}
    rung = Rung({"layer": "transformer"}, {"task": "recall", "pairs": 4, "vocabulary": 32}, 2, settings)
    (record,) = (e for e in Trainer().train([Run(rung, 0)]) if isinstance(e, Record))
    assert record.status == "solved", record.score
