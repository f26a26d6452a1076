"""What is built around a layer, against plain loops in float64: convolution, attention, layer norm, residual,
dropout."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from rnnbench.layers.noise import Noise
from rnnbench.layers.recurrent import scan
from rnnbench.records import Rung
from rnnbench.rng import stream
from rnnbench.training.model import Model

TASKS = {"copy": 2, "adding": 5, "counting": 4, "qa": 1}  # every step or last, causal or not; and a length
AROUND: list[dict[str, Any]] = [
    {}, {"attention": "additive"}, {"attention": "dot"}, {"layer_norm": True}, {"layers": 3, "residual": True},
    {"layers": 2, "attention": "additive", "layer_norm": True, "residual": True, "dropout": 0.4},
    {"conv": 3}, {"layers": 2, "conv": 2, "conv_activation": "identity", "conv_residual": True},
]  # fmt: skip


def model(task: str, **settings: Any) -> Model:
    return Model.of(Rung({"cell": "gru"}, {"task": task}, TASKS[task], {"hidden": 5, "batch": 3} | settings))


def data(m: Model, task: str) -> tuple[dict[str, Tensor], Tensor, slice]:
    """Parameters larger than at the start, in float64, and a batch."""
    flat = torch.from_numpy(m.init(1)).double()
    flat = flat + 0.3 * torch.from_numpy(stream(2, "more").normal(len(flat)))
    p = {name: view.clone().requires_grad_() for name, view in m.views(flat).items()}
    batch = m.task.batch(3, TASKS[task], stream(1, "train"))
    return p, m.encode(torch.from_numpy(batch.xs)).double(), batch.at


def normalised(v: Tensor, g: Tensor, b: Tensor) -> Tensor:
    mean = v.sum() / len(v)
    spread = ((v - mean) ** 2).sum() / len(v)
    return (v - mean) / torch.sqrt(spread + 1e-5) * g + b


def filtered(m: Model, p: dict[str, Tensor], place: str, xs: Tensor) -> Tensor:
    """xs (T, B, I) through the filter of a layer, number by number."""
    s = m.settings
    w, b = p[f"conv/{place}/w"], p[f"conv/{place}/b"][0]
    ys = []
    for t in range(len(xs)):
        total = b.expand_as(xs[t])
        for j in range(s.conv):
            if t >= j:
                total = total + w[j] * xs[t - j]
        total = torch.nn.functional.silu(total) if s.conv_activation == "silu" else total
        ys.append(total + xs[t] if s.conv_residual else total)
    return torch.stack(ys)


def attended(m: Model, p: dict[str, Tensor], h: Tensor, ys: Tensor) -> Tensor:
    """h (W,) attends to ys (T, W)."""
    if m.settings.attention == "dot":
        scores = [h @ y / math.sqrt(len(h)) for y in ys]
    else:
        Q, K, b, V = (p[f"attention/{name}"] for name in "QKbV")
        scores = [(V[0] * torch.tanh(h @ Q + y @ K + b[0])).sum() for y in ys]
    weights = [torch.exp(s) / sum(torch.exp(other) for other in scores) for s in scores]
    return torch.stack([w * y for w, y in zip(weights, ys, strict=True)]).sum(0)


def masks(m: Model, noise: Noise | None, place: str, like: Tensor) -> Tensor:
    """1 / (1 - rate) where kept, as drawn from the stream of this place."""
    rate = m.settings.dropout
    if noise is None or not rate:
        return torch.ones_like(like)
    kept = stream(noise.seeds[0], f"dropout/{place}", noise.step).uniform(tuple(like.shape)) >= rate
    return torch.from_numpy(kept).double() / (1 - rate)


def reference(m: Model, p: dict[str, Tensor], xs: Tensor, at: slice, noise: Noise | None = None) -> Tensor:
    s = m.settings
    ys = [xs]
    for depth in range(s.layers):
        below, x, ys = ys, torch.cat(ys, -1), []
        for i, direction in enumerate(m.layout.directions):
            own = {n.split("/")[-1]: v for n, v in p.items() if n.startswith(f"{depth}/{direction}/")}
            read = x.flip(0) if i else x
            read = filtered(m, p, f"{depth}/{direction}", read) if s.conv else read
            y = scan(m.layer.cell, own, read)  # type: ignore[attr-defined]
            y = y.flip(0) if i else y
            if s.layer_norm:
                g, b = (p[f"norm/{depth}/{direction}/{name}"][0] for name in "gb")
                y = torch.stack([torch.stack([normalised(v, g, b) for v in row]) for row in y])
            if s.residual and depth:
                y = y + below[i]
            if depth < s.layers - 1:
                y = y * masks(m, noise, f"{depth}/{direction}", y)
            ys.append(y)
    T = len(xs)
    every = torch.cat(ys, -1)
    if m.task.last:
        steps, hs = [T - 1], torch.cat([ys[0][-1:], *(y[:1] for y in ys[1:])], -1)
    else:
        steps, hs = list(range(*at.indices(T))), every[at]
    heard = hs
    if s.attention != "none":
        end = [t + 1 if m.task.causal else T for t in steps]
        heard = torch.stack(
            [torch.stack([attended(m, p, h[n], every[:e, n]) for n in range(3)]) for h, e in zip(hs, end, strict=True)]
        )
    out = (hs * masks(m, noise, "readout/W", hs)) @ p["readout/W"] + p["readout/b"]
    return out if s.attention == "none" else out + (heard * masks(m, noise, "readout/A", heard)) @ p["readout/A"]


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for task in TASKS:
        for around in AROUND:
            yield task, around
            if task != "counting":
                yield task, around | {"bidirectional": True}


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize(("task", "around"), list(cases()), ids=str)
def test_answers_and_gradients_are_the_references(task: str, around: dict[str, Any], noisy: bool) -> None:
    m = model(task, **around)
    p, xs, at = data(m, task)
    noise = Noise([7], 3, solo=True) if noisy else None
    ours, theirs = m.answers(p, xs, at, noise), reference(m, p, xs, at, noise)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)
    weights = torch.from_numpy(stream(1, "ys").normal(tuple(ours.shape))).double()
    mine, other = (torch.autograd.grad((ys * weights).sum(), list(p.values())) for ys in (ours, theirs))
    for a, b in zip(mine, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("around", AROUND, ids=str)
def test_no_answer_sees_what_comes_after_it_on_a_causal_task(around: dict[str, Any]) -> None:
    m = model("counting", **around)
    p, xs, at = data(m, "counting")
    changed = xs.clone()
    changed[-1] = changed[-1].flip(-1)
    before, after = m.answers(p, xs, at), m.answers(p, changed, at)
    assert torch.equal(before[:-1], after[:-1])
    assert not torch.equal(before[-1], after[-1])


def test_dropout_is_the_seeds_and_steps_own_and_off_in_evaluation() -> None:
    m = model("copy", dropout=0.5, layers=2)
    p, xs, at = data(m, "copy")
    one = m.answers(p, xs, at, Noise([7], 3, solo=True))
    assert torch.equal(one, m.answers(p, xs, at, Noise([7], 3, solo=True)))
    later = [Noise([7], 3 + 2**k, solo=True) for k in range(20)]
    for other in (Noise([8], 3, solo=True), *later, None):
        assert not torch.equal(one, m.answers(p, xs, at, other))
    drawn = Noise([7, 8], 3, solo=False, place="x").drop(torch.ones(2, 40, 50, 3), 0.25)
    assert set(drawn.flatten().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert abs(drawn.mean().item() - 1) < 0.02
    assert not torch.equal(drawn[0], drawn[1])


def test_what_is_shared_with_the_base_starts_from_the_same_bits() -> None:
    base = model("copy")
    ours = base.views(torch.from_numpy(base.init(3)))
    for around in ({"attention": "additive"}, {"layer_norm": True}, {"dropout": 0.5}, {"layers": 2, "residual": True}):
        other = model("copy", **around)
        theirs = other.views(torch.from_numpy(other.init(3)))
        assert set(ours) <= set(theirs)
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
        assert other.parameters >= base.parameters


@pytest.mark.parametrize(
    "around", [{"layers": 12}, {"layers": 3, "bidirectional": True, "attention": "additive"}], ids=str
)
def test_no_two_parameters_start_alike(around: dict[str, Any]) -> None:
    """Neither those of two layers or directions, nor those of two seeds: each draws from a stream of its own."""
    m = model("copy", **around)
    drawn = [
        tuple(value.flatten()[:5].tolist())
        for seed in range(3)
        for value in m.views(torch.from_numpy(m.init(seed))).values()
        if len(set(value.flatten().tolist())) > 2  # biases start equal
    ]
    assert len(drawn) >= 3 * 20
    assert len(set(drawn)) == len(drawn)
