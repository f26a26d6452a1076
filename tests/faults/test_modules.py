"""Foreign modules of the kinds that are met in the wild: what trains, and what is refused in which words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from rnnbench.errors import UserError
from rnnbench.layers.module import Foreign
from rnnbench.plan import plan
from rnnbench.suite.load import loads

WILD = '''
import torch
from torch import nn

class Steps(nn.Module):
    """A cell: one step with its state."""
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.W = nn.Linear(input_size + hidden_size, hidden_size)
    def forward(self, x, h):
        return torch.tanh(self.W(torch.cat([x, h], -1)))

class Pair(nn.LSTMCell):
    pass

class Lengths(nn.GRU):
    def forward(self, xs, lengths):
        return super().forward(xs)

class Shorter(nn.GRU):
    """The state before the last step too, in training alone."""
    def forward(self, xs):
        ys, h = super().forward(xs)
        return (ys[:-1] if self.training else ys), h

class Wider(nn.GRU):
    def forward(self, xs):
        ys, h = super().forward(xs)
        return (torch.cat([ys, ys], -1) if self.training else ys), h

class Later(nn.GRU):
    """Another number of steps where there are many."""
    def forward(self, xs):
        ys, h = super().forward(xs)
        return ys[:-1] if len(xs) > 5 else ys

class DetachedInTraining(nn.GRU):
    def forward(self, xs):
        ys, h = super().forward(xs)
        return (ys.detach() if self.training else ys), h

class Dead(nn.GRU):
    """Its gradients are all 0."""
    def forward(self, xs):
        ys, h = super().forward(xs)
        return 0 * ys + xs.sum(-1, keepdim=True), h

class Refuses(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()
    @staticmethod
    def backward(ctx, g):
        raise RuntimeError("no way back")

class NoWayBack(nn.GRU):
    def forward(self, xs):
        return Refuses.apply(super().forward(xs)[0])

class ChannelsFirst(nn.GRU):
    def forward(self, xs):
        return super().forward(xs)[0].permute(1, 2, 0)

class LastAlone(nn.GRU):
    def forward(self, xs):
        return super().forward(xs)[0][-1]

class Configured(nn.Module):
    def __init__(self, config):
        super().__init__()

class Meta(nn.GRU):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size, device="meta")

class Lazy(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.W = nn.LazyLinear(hidden_size)
    def forward(self, xs):
        return self.W(xs)

class Rude(nn.GRU):
    def forward(self, xs):
        raise RuntimeError("bad \\udc80 \\x1b[31m\\u202e\\n" + "x" * 5000)

class Mute(Exception):
    def __str__(self):
        raise ValueError

class Silent(nn.GRU):
    def forward(self, xs):
        raise Mute

class Doubles(nn.GRU):
    def forward(self, xs):
        return super().forward(xs)[0].double()

class BFloats(nn.GRU):
    def forward(self, xs):
        return super().forward(xs)[0].bfloat16()

class Zeroed(nn.GRU):
    """An output that starts as 0, as some are made: its scale has a gradient."""
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.scale = nn.Parameter(torch.zeros(1))
    def forward(self, xs):
        return super().forward(xs)[0] * self.scale

class Keywords(nn.GRU):
    def __init__(self, *, input_size, hidden_size):
        super().__init__(input_size, hidden_size)

def looped(input_size, hidden_size):
    return Loop(nn.GRUCell(input_size, hidden_size))

class Loop(nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.cell = cell
    def forward(self, xs):
        h, ys = None, []
        for x in xs:
            h = self.cell(x, h)
            ys.append(h)
        return torch.stack(ys)
'''
STEP = "takes one step at a time, expected a module that reads all steps, .*; next: name a function of input_size and "
REFUSED = {
    "wild.Steps": STEP,
    "wild.Pair": STEP,
    "torch.nn.GRUCell": STEP,
    "torch.nn.RNNCell": STEP,
    "wild.Lengths": r"failed on an input \(5, 3, 2\): TypeError: .*'lengths'",
    "wild.Shorter": r"got an output \(4, 3, 4\) in training, expected \(5, 3, width\)",
    "wild.Wider": "got an output 8 wide in training, 4 in evaluation",
    "wild.DetachedInTraining": "its output is cut off from its parameters: they can't be trained",
    "wild.Dead": "no gradient reaches its parameters: they can't be trained",
    "wild.NoWayBack": "has no gradient: RuntimeError: no way back",
    "wild.ChannelsFirst": r"got an output \(3, 4, 5\), expected \(5, 3, width\)",
    "wild.LastAlone": r"got an output \(3, 4\), one step alone, expected \(5, 3, width\)",
    "wild.Configured": r"got parameters \(config\), expected a size .*; next: name a function of input_size and hidden",
    "torch.nn.MultiheadAttention": r"got parameters \(embed_dim, num_heads, .*; next: name a function",
    "wild.Meta": "weight_ih_l0 is on the device meta",
    "wild.Lazy": "W.weight has no shape yet, expected no lazy module",
    "wild.Rude": r"failed on an input \(5, 3, 2\): RuntimeError: bad \\udc80 \\x1b\[31m\\u202e x+\.\.\.; next: ",
    "wild.Silent": r"failed on an input \(5, 3, 2\): Mute: it can't be printed",
}
TRAINS = ("wild.Doubles", "wild.BFloats", "wild.Zeroed", "wild.Keywords", "wild.looped", "named.Named", "named.made",
          "named:Named.Named", "torch.nn:GRU")  # fmt: skip


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "wild.py").write_text(WILD)
    (tmp_path / "named").mkdir()
    (tmp_path / "named/__init__.py").touch()  # which imports nothing: the names are those of the files
    (tmp_path / "named/Named.py").write_text("from torch import nn\nclass A(nn.GRU): pass\nclass Named(nn.GRU): pass\n")
    (tmp_path / "named/made.py").write_text("from torch import nn\ndef made(input_size, hidden_size):\n"
                                            "    return nn.GRU(input_size, hidden_size)\n")  # fmt: skip
    (tmp_path / "named/other.py").write_text("from torch import nn\nfrom torch.nn import GRU as other\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("wild", "named")]:
        sys.modules.pop(name)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_trained_is_refused_in_one_printable_line(name: str) -> None:
    with pytest.raises(UserError, match=f"^module {name}: {REFUSED[name]}") as refused:
        Foreign(name).shapes(2, 4, True, True)
    (line,) = refused.value.lines
    assert line.isprintable()
    assert len(line) < 1000


@pytest.mark.parametrize("name", TRAINS)
def test_what_can_is_not(name: str) -> None:
    assert Foreign(name).width(2, 4) == 4


def test_another_number_of_steps_than_when_it_was_tried_is_told() -> None:
    layer = Foreign("wild.Later")
    shapes = layer.shapes(2, 4, True, True)
    p = {name: torch.zeros(shape) for name, shape in shapes.items()}
    assert layer.scan(p, torch.zeros(5, 3, 2), False).shape == (5, 3, 4)
    with pytest.raises(UserError, match=r"wild.Later: got an output \(8, 3, 4\), expected \(9, 3, 4\)"):
        layer.scan(p, torch.zeros(9, 3, 2), False)


def test_a_module_that_only_imports_the_name_is_no_class() -> None:
    with pytest.raises(UserError, match="got a module of Python"):
        Foreign("named.other").shapes(2, 4, True, True)


def ids(name: str) -> list[str]:
    text = (
        f"rnnbench: 1\nname: s\narchitectures: {{a: {{module: '{name}'}}, b: {{base: a, args: {{bias: false}}}}}}\n"
        "tasks: {copy: {lengths: [5]}}\n"
    )
    return [run.id for run in plan(loads(text.encode(), "s.yaml")).runs()]


def test_both_ways_to_write_a_name_are_the_same_runs() -> None:
    assert ids("torch.nn:GRU") == ids("torch.nn.GRU") == ids("torch:nn.GRU")


@pytest.mark.parametrize("name", ["GRU", "a:b:c", ":GRU", "a.b:", "a..b", "a b.c", "../x.y", "a.b\\0", "1a.b", "a-b.c"])
def test_what_is_no_dotted_name_is_refused_where_it_stands(name: Any) -> None:
    with pytest.raises(UserError, match=r"expected the dotted name of a torch\.nn\.Module, such as"):
        ids(name)
