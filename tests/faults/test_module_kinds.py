"""What modules in the wild keep, draw and change besides their parameters: each counts for the run, or is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from rnnbench.errors import UserError
from rnnbench.layers.module import Foreign
from rnnbench.layers.noise import Noise
from rnnbench.rng import stream

KINDS = '''
import random
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

class Plain(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.W = nn.Linear(input_size, hidden_size)
    def forward(self, xs):
        return torch.tanh(self.W(xs)).cumsum(0)

class Complex(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.B = nn.Parameter(torch.randn(input_size, hidden_size, dtype=torch.cfloat))
        self.odd = nn.Parameter(torch.zeros(1))
        self.register_buffer("C", torch.randn(hidden_size, dtype=torch.cdouble))
    def forward(self, xs):
        return ((xs.cfloat() @ self.B) * self.C.cfloat()).real.cumsum(0) + self.odd

class Averages(Plain):
    """A running mean that it puts another tensor in the place of."""
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.register_buffer("mean", torch.zeros(hidden_size))
    def forward(self, xs):
        ys = super().forward(xs)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * ys.detach().mean((0, 1))
        return ys - self.mean

class Norm(Plain):
    """A weight that is kept to a norm."""
    def forward(self, xs):
        self.W.weight.data = torch.renorm(self.W.weight.data, 2, 0, 0.1)
        return super().forward(xs)

class Counts(Plain):
    """A running mean whose weight is how often it was called."""
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.bn = nn.BatchNorm1d(hidden_size, momentum=None)
    def forward(self, xs):
        return self.bn(super().forward(xs).permute(1, 2, 0)).permute(2, 0, 1)

class Mask(Plain):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.register_buffer("mask", torch.rand(hidden_size) < 0.5)
    def forward(self, xs):
        return super().forward(xs) * self.mask

class InPlace(Plain):
    def forward(self, xs):
        return super().forward(xs.clamp_(min=0.2))

class Numpy(Plain):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.W.weight.data *= float(np.random.rand())
    def forward(self, xs):
        return super().forward(xs) * (1 + self.training * random.random())

class Grows(Plain):
    """What it has computed for the longest input so far."""
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.register_buffer("places", torch.zeros(1, 1, 1), persistent=False)
    def forward(self, xs):
        if len(self.places) < len(xs):
            self.places = torch.linspace(0, 1, len(xs))[:, None, None]
        return super().forward(xs) + self.places[:len(xs)]

class Held(Plain):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.parts = [nn.Linear(hidden_size, hidden_size)]
    def forward(self, xs):
        return self.parts[0](super().forward(xs))

class Tau(Plain):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.tau = random.random()
    def forward(self, xs):
        return super().forward(xs) * self.tau

class Seeds(Plain):
    def __init__(self, input_size, hidden_size):
        torch.manual_seed(0)
        super().__init__(input_size, hidden_size)

class SeedsNumpy(Plain):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        np.random.seed(0)

class SeedsLater(Plain):
    def forward(self, xs):
        torch.manual_seed(1)
        return F.dropout(super().forward(xs), 0.3, self.training)

class Own(Plain):
    draws = np.random.default_rng()
    def forward(self, xs):
        return super().forward(xs) * (1 + self.training * float(self.draws.random()))

class Trains(Plain):
    """A state that it keeps while it is trained."""
    before = 0
    def forward(self, xs):
        ys = super().forward(xs)
        if self.training:
            ys = ys + self.before
            self.before = ys.detach().mean()
        return ys

class Starts(Plain):
    """A scale that is set by the first batch, as it remembers by itself."""
    done = False
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.scale = nn.Parameter(torch.ones(hidden_size))
    def forward(self, xs):
        ys = super().forward(xs)
        if self.training and not self.done:
            self.scale.data.copy_(1 / (ys.detach().std((0, 1)) + 1e-3))
            self.done = True
        return ys * self.scale

class State(Plain):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.register_buffer("h", torch.zeros(hidden_size))
    def forward(self, xs):
        ys = super().forward(xs) + self.h
        self.h = ys[-1].mean(0).detach()
        return ys

class Later(Plain):
    more = None
    def forward(self, xs):
        self.more = nn.Parameter(torch.ones(1)) if self.more is None else self.more
        return super().forward(xs) * self.more

class Scripted(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.part = torch.jit.script(nn.Linear(input_size, hidden_size))
    def forward(self, xs):
        return self.part(xs).cumsum(0)

class Packed(nn.GRU):
    def forward(self, xs):
        return nn.utils.rnn.pack_padded_sequence(super().forward(xs)[0], [len(xs)] * xs.shape[1])

class Sparse(Plain):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.register_buffer("S", torch.eye(hidden_size).to_sparse())

class Exits(Plain):
    def __init__(self, input_size, hidden_size):
        raise SystemExit(3)

class Channels(Plain):
    def forward(self, xs):
        return super().forward(xs.permute(2, 0, 1)).permute(1, 2, 0)

class Needs(Plain):
    def __init__(self, input_size, hidden_size, *, heads):
        super().__init__(input_size, hidden_size)

class Five(Plain):
    def forward(self, xs):
        return super().forward(xs) + torch.zeros(min(len(xs), 5), 1, 1)
'''
REFUSED = {
    "Held": "draws at its start what is neither a parameter nor a buffer: .*; next: nn.Parameter, register_buffer or",
    "Tau": "draws at its start what is neither a parameter nor a buffer: every seed would have the first one's",
    "Seeds": "seeds torch's generator when it is made: every seed would start alike; next: take that out of it",
    "SeedsNumpy": "seeds numpy's generator when it is made: every seed would start alike; next: take that out of it",
    "SeedsLater": "seeds torch's generator when it is called: each step would draw alike; next: take that out of it",
    "Own": "answers differently the second time in training: it keeps a state between calls, or draws from a generator",
    "Trains": "answers differently the second time in training: it keeps a state between calls",
    "Starts": "answers differently the second time in training: it keeps a state between calls",
    "State": "answers differently the second time: it keeps a state between calls",
    "Later": r"failed on an input \(5, 3, 2\): KeyError: .*'more'.*; next: name a function of input_size",
    "Scripted": "its part part is compiled by torch.jit, whose parameters can't be given to it; next: name it, or a",
    "Packed": r"got a PackedSequence, expected a tensor \(steps, examples, width\); next: name a function",
    "Sparse": "S is sparse, expected dense numbers; next: name a function",
    "Exits": "can't be made with 2, 4, {}: SystemExit: 3",
    "Channels": r"takes \(examples, inputs, steps\), expected \(steps, examples, inputs\): RuntimeError: .*; next: ",
    "Needs": r"can't be made with 2, 4, {}: TypeError: .*'heads'; next: give that in `args`, or name a function of",
    "Plane": r"can't be imported: AttributeError: .* has no attribute 'Plane'; did you mean 'Plain'\?",
}


@pytest.fixture(autouse=True)
def kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "kinds.py").write_text(KINDS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("kinds", None)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_what_no_run_could_keep_is_refused_in_a_line(name: str) -> None:
    with pytest.raises(UserError, match=f"^module kinds.{name}: {REFUSED[name]}") as refused:
        Foreign(f"kinds.{name}").shapes(2, 4, True, True)
    assert len(refused.value.lines) == 1


Parts = tuple[Foreign, list[dict[str, torch.Tensor]]]


def made(name: str) -> Parts:
    """A layer, and the numbers of two runs."""
    layer = Foreign(f"kinds.{name}")
    shapes = layer.shapes(2, 4, True, True)
    starts = [layer.init(shapes, partial(stream, seed), tokens=False) for seed in (3, 4)]
    return layer, [{name: torch.from_numpy(array.copy()) for name, array in start.items()} for start in starts]


def trained(layer: Foreign, p: dict[str, torch.Tensor], step: int) -> torch.Tensor:
    xs = torch.from_numpy(stream(step, "xs").normal((6, 3, 2)))
    return layer.scan(p, xs, True, Noise([3], step, solo=True))


def test_complex_parameters_are_trained_and_each_seed_has_its_own() -> None:
    layer, (p, q) = made("Complex")
    assert layer.shapes(2, 4, True, True) == {"B": (8, 2), "odd": (1, 1), "C": (4, 2)}
    assert not any(torch.equal(p[name], q[name]) for name in ("B", "C"))
    assert [name for name in p if layer.untrained(name)] == ["C"]
    xs = torch.from_numpy(stream(1, "xs").normal((6, 3, 2)))
    B = torch.view_as_complex(p["B"].reshape(2, 4, 2)).requires_grad_()
    want = ((xs.to(torch.complex64) @ B) * torch.view_as_complex(p["C"])).real.cumsum(0)
    p["B"].requires_grad_()
    got = layer.scan(p, xs, True)
    torch.testing.assert_close(got, want)
    (slope,) = torch.autograd.grad(got.square().sum(), p["B"])
    (expected,) = torch.autograd.grad(want.square().sum(), B)
    torch.testing.assert_close(slope, torch.view_as_real(expected).reshape(8, 2))


def test_what_a_step_puts_in_a_buffer_s_place_is_kept() -> None:
    layer, (p, _) = made("Averages")
    means = [p["mean"].clone()]
    for step in range(2):
        trained(layer, p, step)
        means.append(p["mean"].clone())
    assert not torch.equal(means[0], means[1])
    assert not torch.equal(means[1], means[2])
    assert torch.equal(means[2], p["mean"])
    layer.scan(p, torch.ones(6, 3, 2), True)
    assert torch.equal(means[2], p["mean"])  # being evaluated changes nothing


def test_a_weight_that_is_kept_to_a_norm_is_so_in_the_run() -> None:
    layer, (p, _) = made("Norm")
    p["W.weight"].requires_grad_()
    torch.autograd.backward(trained(layer, p, 0).sum())
    assert p["W.weight"].detach().norm(dim=1).max() <= 0.1 + 1e-6


def test_a_count_that_matters_is_a_number_of_the_run() -> None:
    layer, (p, _) = made("Counts")
    assert layer.untrained("bn.num_batches_tracked")
    for step in range(3):
        assert p["bn.num_batches_tracked"].item() == step
        trained(layer, p, step)
    after = {name: value.clone() for name, value in p.items()}
    again, (q, _) = made("Counts")  # as from a checkpoint
    trained(again, after, 3)
    trained(layer, p, 3)
    assert all(torch.equal(p[name], after[name]) for name in p)
    assert not torch.equal(p["bn.running_mean"], q["bn.running_mean"])


def test_each_seed_has_the_mask_that_it_drew() -> None:
    _, (p, q) = made("Mask")
    assert not torch.equal(p["mask"], q["mask"])
    layer, (p, q) = made("Mask")
    for numbers in (p, q):
        dark = (layer.scan(numbers, torch.ones(6, 3, 2), True) == 0).all(0).all(0)
        assert torch.equal(dark, numbers["mask"].flatten() == 0)


def test_the_input_stays_as_it_is() -> None:
    layer, (p, _) = made("InPlace")
    xs = torch.full((6, 3, 2), -1.0)
    layer.scan(p, xs, True)
    assert (xs == -1).all()


def test_what_numpy_and_python_draw_is_of_the_run_s_seed() -> None:
    _, (p, q) = made("Numpy")
    layer, (again, _) = made("Numpy")
    assert torch.equal(p["W.weight"], again["W.weight"])
    assert not torch.equal(p["W.weight"] / q["W.weight"], torch.ones_like(p["W.weight"]))
    first = trained(layer, p, 1)
    assert torch.equal(first, trained(layer, p, 1))


def test_a_buffer_that_grows_starts_anew_in_each_call() -> None:
    layer, (p, _) = made("Grows")
    long, short = torch.ones(9, 3, 2), torch.ones(4, 3, 2)
    alone = layer.scan(p, short, True)
    layer.scan(p, long, True)
    assert torch.equal(alone, layer.scan(p, short, True))


def test_what_fails_later_than_when_it_was_tried_is_told_in_a_line() -> None:
    layer, (p, _) = made("Five")
    with pytest.raises(UserError, match=r"^module kinds.Five: failed on an input \(7, 3, 2\): RuntimeError: .*size of"):
        layer.scan(p, torch.ones(7, 3, 2), True)
