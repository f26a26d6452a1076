"""What is derived from a cell's step: the schedule, interpreted in float64, against torch's graph of the equations, for
every switch of every cell and for cells that exercise what ours do not; and what is refused, in which words."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_type_hints

import interpreter
import numpy as np
import pytest
import torch
from torch import Tensor

from rnnbench import cells, kernels, registry
from rnnbench.cells import gru, lstm, mgu, mlstm
from rnnbench.cells.memory import head_sum, recall, remember, scale, spread
from rnnbench.kernels import derived
from rnnbench.kernels import scan as scans
from rnnbench.kernels.loans import Loan
from rnnbench.kernels.schedule import Schedule
from rnnbench.kernels.symbol import Untraceable
from rnnbench.kernels.trace import trace
from rnnbench.layers import recurrent
from rnnbench.rng import stream

HEADS = (1, 2)  # of cells that have them
FEW = {"state_size": 2, "keys": 2}  # states of cells that have any number of them, each alike
BESIDE = (
    "chrono",
    "forget_bias",
    "phase",
    "start",
    "identity",
    "trained",
)  # where a run starts, and not what it computes


MOST = 200  # combinations of one cell that are all tried


def combinations(name: str) -> list[cells.Cell]:
    """Every combination of a cell's switches that it accepts; of a cell with very many, those in which two switches at
    most are not as they are by default."""
    kind = type(registry.cell({"cell": name}))
    choices: dict[str, list[Any]] = {}
    for field, hint in get_type_hints(kind).items():
        words = [each for each in get_args(hint) if isinstance(each, str)]
        if field in kind.__dataclass_fields__ and field not in BESIDE and (words or bool in (hint, *get_args(hint))):
            choices[field] = words or [False, True]
    if "heads" in kind.__dataclass_fields__:
        choices["heads"] = list(HEADS)
    few_states = {field: count for field, count in FEW.items() if field in kind.__dataclass_fields__}
    found = []
    for values in itertools.product(*choices.values()):
        try:
            found.append(kind(**few_states, **dict(zip(choices, values, strict=True))))
        except ValueError:
            continue
    plain = kind()
    few = [c for c in found if sum(getattr(c, field) != getattr(plain, field) for field in choices) <= 2]
    return few if few_states or len(found) > MOST else found


CELLS = [cell for name in registry.names("cells") for cell in combinations(name) if not kernels.refusal(cell)]


def check(cell: cells.Cell, T: int = 4, B: int = 3, I: int = 4, H: int = 6) -> None:
    schedule = Schedule(trace(cell))
    p = {
        k: (0.5 * torch.from_numpy(stream(1, k).normal(shape))).double().requires_grad_()
        for k, shape in cell.shapes(I, H).items()
    }
    xs = torch.from_numpy(stream(1, "xs").normal((T, B, I))).double().requires_grad_()
    dys = torch.from_numpy(stream(1, "ys").normal((T, B, H))).double()
    ready = dict(cell.prepare(p))
    arrays = {k: value.detach().numpy() for k, value in ready.items()}
    ys, dxs, gradients = interpreter.scan(schedule, arrays, xs.detach().numpy(), dys.numpy())
    expected = recurrent.scan(cell, p, xs)
    options: Any = {"allow_unused": True, "materialize_grads": True}
    wanted = torch.autograd.grad((expected * dys).sum(), [xs, *p.values()], **options)
    through = [k for k in ready if ready[k].requires_grad]
    got = torch.autograd.grad(
        [ready[k] for k in through], list(p.values()), [torch.from_numpy(gradients[k]) for k in through], **options
    )
    for mine, theirs in zip([torch.from_numpy(ys), torch.from_numpy(dxs), *got], [expected, *wanted], strict=True):
        torch.testing.assert_close(mine, theirs.detach(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_schedule_computes_the_equations_and_their_gradients(cell: cells.Cell) -> None:
    check(cell)


def test_every_combination_of_switches_is_tried() -> None:
    assert len(combinations("lstm")) > 70
    assert {type(cell) for cell in CELLS} >= {type(registry.cell({"cell": name})) for name in ("lru", "slstm", "mut3")}


@dataclass(frozen=True)
class Tangled(cells.Cell):
    """What no cell of ours does: a matrix used twice, one sum in two places, a bias that also scales, an operand that
    skips a stage, an output that is no state, a state that is only carried on, comparisons both ways."""

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "V": (I, H), "U": (H, H), "R": (H, H), "b": (1, H), "s": (1, H)}

    def widths(self, H: int) -> tuple[int, ...]:
        return (H, H, H)

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        h, c, before = state
        a = x @ p["W"] + h @ p["U"] + p["b"]
        r = cells.sigmoid(a)
        first = cells.tanh(r * c) @ p["U"] + x @ p["V"]
        second = (first.relu() - before.abs()) @ p["R"] + (r * c) @ p["U"] + p["b"]
        c = (a.exp() / (1 + a.exp())).clamp(min=0.2, max=0.9) * c + cells.tanh(second) * p["b"] * p["s"]
        h = c.where(c < 0.3, c.maximum(r) - first.sin())
        return h * r + p["s"].cos(), (h, c, r)


def test_a_tangled_step() -> None:
    check(Tangled())
    check(Tangled(), T=1, B=1, I=1, H=1)


@dataclass(frozen=True)
class Onward(cells.Cell):
    """An output that is an activated sum alone in its tile, which a later stage of the same step reads besides."""

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "U": (H, H), "V": (H, H), "b": (1, H)}

    def widths(self, H: int) -> tuple[int, ...]:
        return (H, H)

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        h, c = state
        h = cells.tanh(x @ p["W"] + h @ p["U"] + 0.1 * c + p["b"])
        return h, (h, 0.5 * c + h * cells.sigmoid(h @ p["V"]))


def test_an_output_that_a_later_stage_reads() -> None:
    check(Onward())


@dataclass(frozen=True)
class Torchs(cells.Cell):
    """Functions as people write them, out of torch."""

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "V": (I, H), "U": (H, H), "b": (1, H)}

    def widths(self, H: int) -> tuple[int, ...]:
        return (H, H)

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        h, c = state
        F = torch.nn.functional
        f = torch.sigmoid(F.softplus(torch.add(x @ p["W"], h @ p["U"])) - p["b"].square())
        i = torch.exp(F.logsigmoid(torch.matmul(x, p["V"])))
        c = torch.lerp(torch.clip(c, -2, 2), F.silu(torch.minimum(i, 1 - f)), f) + (i**2 + 1.5).sqrt().reciprocal()
        h = torch.where(c < 1, torch.tanh(c), torch.rsqrt(1 + c**4)) * F.relu(f)
        return h, (h, c)


def test_functions_of_torch() -> None:
    check(Torchs())


def _of_the_first(function: Callable[[Any], Any], a: Any, b: Any) -> Any:
    return function(a)


def _written() -> dict[str, Callable[[Any, Any], Any]]:
    """What people write of one or two values, in torch's words."""
    F = torch.nn.functional
    one: dict[str, Callable[[Any, Any], Any]] = {
        each.__name__: partial(_of_the_first, each)
        for each in (
            F.softsign, F.gelu, F.elu, F.celu, F.selu, F.leaky_relu, F.hardtanh, F.relu6, F.hardswish,
            F.mish, F.tanhshrink, F.softplus, F.silu, F.logsigmoid, F.relu, torch.erf, torch.special.expit, torch.exp2,
            torch.expm1, torch.sinh, torch.cosh, torch.tan, torch.square, torch.neg,
        )
    }  # fmt: skip
    return one | {
        # torch's own takes 1 / 6 as a float32 even of float64: the formula that it documents is the truth
        "hardsigmoid": lambda a, b: F.relu6(a + 3) / 6 if isinstance(a, torch.Tensor) else F.hardsigmoid(a),
        "gelu by tanh": lambda a, b: F.gelu(a, approximate="tanh"),
        "elu, alpha": lambda a, b: F.elu(a, alpha=0.5),
        "celu, alpha": lambda a, b: F.celu(a, 0.5),
        "leaky_relu, slope": lambda a, b: F.leaky_relu(a, 0.2),
        "hardtanh, bounds": lambda a, b: F.hardtanh(a, -0.4, 0.3),
        "softplus, beta": lambda a, b: F.softplus(a, beta=2.0),
        "clamp_min": lambda a, b: torch.clamp_min(a, -0.2).clamp_max(0.4),
        "logaddexp": torch.logaddexp,
        "log2 and log1p": lambda a, b: torch.log2(1.5 + a * a) + torch.log1p(b * b),
        "addcmul": lambda a, b: torch.addcmul(a, a, b, value=0.5),
        "addcdiv": lambda a, b: torch.addcdiv(a, a, 1.5 + b * b, value=0.5),
        "pow": lambda a, b: (1.5 + a * a) ** 0.5 + (1.5 + b * b) ** -1 + torch.pow(1.5 + a * a, -0.5) * a.pow(3),
        "minimum": torch.minimum,
    }


@dataclass(frozen=True)
class Written(cells.Cell):
    """A step with one of those."""

    what: str = ""

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "V": (I, H), "U": (H, H), "b": (1, H)}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        value = _written()[self.what](x @ p["W"] + h @ p["U"] + p["b"], x @ p["V"])
        h = 0.5 * h + 0.5 * torch.tanh(value)
        return h, (h,)


@pytest.mark.parametrize("what", sorted(_written()))
def test_functions_that_people_write(what: str) -> None:
    check(Written(what))


@dataclass(frozen=True)
class Memories(cells.Cell):
    """Matrices for a memory in ways that no cell of ours has: two of them, the delta rule with a decay of each key, one
    that is read before its change alone, by what the other gave, gates that see h, a number a head that is kept from
    step to step, and a row of one a head."""

    heads: int = 2

    def shapes(self, I: int, H: int) -> cells.Shapes:
        square = {f"U{n}": (H, H) for n in "kq"} | {"Ub": (H, self.heads), "d": (1, H), "g": (1, self.heads)}
        return {f"W{n}": (I, H) for n in "kvqa"} | {"Wb": (I, self.heads)} | square

    def widths(self, H: int) -> tuple[int, ...]:
        D = H // self.heads
        return (H, H * D, H * D, self.heads)

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        h, S, R, seen = state
        k, v, q = cells.tanh(x @ p["Wk"] + h @ p["Uk"]), x @ p["Wv"], x @ p["Wq"] + h @ p["Uq"]
        k = k * spread((head_sum(k * k, self.heads) + 0.1).rsqrt(), k)
        b = cells.sigmoid(x @ p["Wb"] + h @ p["Ub"] + p["g"] * seen)
        a = cells.sigmoid(x @ p["Wa"])
        y = recall(q, remembered := remember(S, a, k, spread(b, v) * (v - recall(a * k, S))))
        old = recall(y * scale(y, self.heads), R)
        R = remember(R, 0.9, cells.sigmoid(p["d"]) * h, y, k, h)
        h = cells.tanh(y + old)
        return h, (h, remembered, R, 0.5 * seen + b)


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_matrices_for_a_memory(heads: int) -> None:
    check(Memories(heads), H=4 * heads)
    check(Memories(heads), T=1, B=1, I=1, H=heads)


@dataclass(frozen=True)
class OddMemory(cells.Cell):
    """A step that does with its matrix what no fused scan can."""

    what: str = ""
    heads: int = 2

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "V": (I, self.heads)}

    def widths(self, H: int) -> tuple[int, ...]:
        return (H * H // self.heads, H)

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        S, h = state
        u, g = x @ p["W"], x @ p["V"]
        new: Any = remember(S, 1.0, u, u) if self.what != "alone" else None
        odd: dict[str, Any] = {
            "twice": lambda: (u, remember(new, 1.0, u, u)),
            "again": lambda: (u, remember(S, 0.5, u, u)),
            "late": lambda: (recall(u, S), new),
            "both": lambda: (recall(u, new) + recall(h, new), new),
            "unchanged": lambda: (u, S),
            "no matrix": lambda: (recall(u, u), new),
            "narrow": lambda: (recall(g, new), new),
            "mixed": lambda: (u * g, new),
            "spread": lambda: (spread(u, u), new),
            "heads": lambda: (u * spread(head_sum(u, 3), u), new),
            "scale": lambda: (u * scale(u, 3), new),
            "alone": lambda: (u, remember(S, 1.0, u, u, u)),
            "pointwise": lambda: (u, new * 0.5),
            "output": lambda: (g, new),
        }
        y, S = odd[self.what]()
        return y, (S, y)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("twice", "changes remember("),
        ("again", "changes state0 twice in a step"),
        ("late", "reads state0 as it was after its change"),
        ("both", "reads state0 twice after its change"),
        ("unchanged", "returns state0 where what state0 becomes is expected"),
        ("no matrix", "recalls from matmul(x, W), which is no matrix of its state"),
        ("narrow", "calls `recall` on matmul(x, V), which is no value a unit"),
        ("mixed", "calls `mul` on a number a head and one a unit: it wants `spread`"),
        ("spread", "calls `spread` on matmul(x, W), which is no number a head"),
        ("heads", "sums over 3 heads where the cell says 2"),
        ("alone", "calls `remember` with a key that has no value beside it"),
        ("scale", "scales for 3 heads where the cell says 2"),
        ("pointwise", "calls `mul` on remember("),
        ("output", "returns matmul(x, V) where a value a unit is expected"),
    ],
)
def test_what_cannot_be_done_with_a_matrix_is_refused_with_the_reason(what: str, reason: str) -> None:
    assert kernels.refusal(OddMemory(what)).startswith(reason)


@dataclass(frozen=True)
class Odd(cells.Cell):
    """A step that does what no fused scan can."""

    what: str = ""

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "U": (H, H), "b": (1, H), "wide": (1, 2 * H)}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        a = x @ p["W"]
        odd: dict[str, Any] = {
            "softmax": lambda: torch.softmax(a, -1),
            "sum": lambda: a / a.sum(),
            "branch": lambda: a if a > 0 else h,
            "power": lambda: a**0.3,
            "approximate": lambda: torch.nn.functional.gelu(a, approximate="quick"),
            "threshold": lambda: torch.nn.functional.softplus(a, threshold=2),
            "shape": lambda: a * a.shape[-1],
            "slice": lambda: a[..., :1] * h,
            "transposed": lambda: h @ p["U"].T,
            "wrong": lambda: x @ p["U"],
            "wide": lambda: a * p["wide"],
            "matrix": lambda: h * p["U"],
            "input": lambda: x * a,
            "constant": lambda: a * torch.ones(5),
            "none": lambda: 1.0,
            "missing": lambda: a * p["c"],
            "blind": lambda: cells.tanh(h @ p["U"]),
        }
        value = odd[self.what]()
        return value, (value,)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("softmax", "calls `softmax`"),
        ("sum", "calls `sum`, which is no function of one unit at a time that a scan knows"),
        ("branch", "branches on a value"),
        ("power", "calls `pow` with what a scan can't follow: the exponent 0.3"),
        ("approximate", "calls `gelu` with what a scan can't follow: approximate='quick'"),
        ("threshold", "calls `softplus` with what a scan can't follow: a threshold below 20"),
        ("shape", "asks for a value's `shape`"),
        ("slice", "takes a value apart"),
        ("transposed", "asks for a value's `T`"),
        ("wrong", "multiplies x by U, which has 5 rows"),
        ("wide", "calls `mul` on wide"),
        ("matrix", "calls `mul` on U"),
        ("input", "calls `mul` on x"),
        ("constant", "calls `mul` on a Tensor that is not one of its parameters"),
        ("none", "returns 1.0 where a value a unit is expected"),
        ("missing", "raises KeyError when it is traced: 'c'"),
        ("blind", "never multiplies its input by a matrix"),
    ],
)
def test_what_cannot_be_derived_is_refused_with_the_reason(what: str, reason: str) -> None:
    assert reason in kernels.refusal(Odd(what))
    with pytest.raises((Untraceable, KeyError)):
        derived.fused(Odd(what))


# Cells whose scans are made of what no scan in `test_kernels.py` has, compiled for `test_cells.py` as well.
COMPILED: list[dict[str, Any]] = [
    {"cell": name} for name in ("indrnn", "cornn", "lem", "unicornn", "ran", "ugrnn", "sru", "antisymmetric")
]
COMPILED += [{"cell": "stack_rnn", "activation": "tanh", "depth": 2}, {"cell": "rwkv7", "heads": 2}]
COMPILED += [{"cell": "mamba", "state_size": 2, "rank": 2}, {"cell": "m2rnn", "keys": 2}]
COMPILED += [{"cell": "deltanet", "householders": 2, "gate": "scalar", "heads": 2}, {"cell": "mamba3", "heads": 2}]


@pytest.mark.parametrize("cell", [Tangled(), Onward(), Torchs(), Memories(3), *map(registry.cell, COMPILED)], ids=repr)
@pytest.mark.parametrize("size", [(7, 5, 3, 21), (5, 9, 40, 63), (9, 32, 8, 48)], ids=str)
def test_what_is_compiled_computes_the_equations(cell: cells.Cell, size: tuple[int, int, int, int]) -> None:
    T, B, I, H = size
    H -= H % cell.heads
    p = {k: torch.from_numpy(stream(1, k).normal(s)) * s[0] ** -0.5 for k, s in cell.shapes(I, H).items()}
    xs, dys = (torch.from_numpy(stream(1, n).normal((T, B, width))) for n, width in (("xs", I), ("ys", H)))
    found = []
    for scan, kind in ((derived.scan, torch.float32), (recurrent.scan, torch.float64)):
        leaves = [each.to(kind).requires_grad_() for each in (xs, *p.values())]
        ys = scan(cell, dict(zip(p, leaves[1:], strict=True)), leaves[0])
        found.append([ys.detach(), *torch.autograd.grad(ys, leaves, dys.to(kind))])
    for mine, expected in zip(*found, strict=True):
        assert float((mine - expected).abs().max()) <= 2e-5 * max(1, float(expected.abs().max()))


@pytest.mark.thorough
@pytest.mark.parametrize(
    "cell",
    [lstm.Cell(peepholes=True), gru.Cell(reset="v3"), mgu.Cell(), Tangled(), mlstm.Cell(heads=3)],
    ids=str,
)
def test_a_scan_stays_within_its_scratch_memory(cell: cells.Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers behind every part of scratch memory, at sizes of no whole vectors and with a gradient of the input."""
    guard, mark = 32, np.float32(123.456)
    fused = derived.fused(cell, guard)
    held: list[Loan] = []
    whole = Loan.__init__

    def marked(loan: Loan, *shape: int) -> None:
        whole(loan, *shape)
        loan.memory[:] = mark
        held.append(loan)

    monkeypatch.setattr(Loan, "__init__", marked)
    for T, B, I, H in ((3, 5, 3, 20), (2, 1, 1, 1), (9, 40, 7, 33)):
        held.clear()
        xs = torch.from_numpy(stream(1, "xs").normal((T, B, I))).requires_grad_()
        H *= cell.heads
        p = {k: torch.from_numpy(stream(1, k).normal(shape)) for k, shape in cell.shapes(I, H).items()}
        ys = scans.scan(fused, cell, p, xs)
        (dxs,) = torch.autograd.grad(ys.sum(), [xs])
        kept = fused.kept(T, B, H, True)
        assert (next(each for each in held if each.shape == (kept,)).memory[kept:] == mark).all()
        expected = derived.scan(cell, p, xs)
        assert torch.equal(ys, expected)
        assert torch.equal(dxs, torch.autograd.grad(expected.sum(), [xs])[0])
        steps = max(2, scans.STRETCH // B)
        for parts in (
            derived.module(cell, guard).forward_parts(B, I, H),
            derived.module(cell, guard).backward_parts(T, B, I, H, steps),
        ):
            size = sum(parts) + guard * len(parts)
            loan = next(each for each in held if each.shape == (size,))
            ends = np.cumsum([part + guard for part in parts])
            for end in ends:
                assert (loan.memory[end - guard : end] == mark).all()


def test_the_text_of_a_scan_can_be_read(tmp_path: Path) -> None:
    text = derived.source(mgu.Cell())
    compile(text, "mgu", "exec")
    assert "def forward(" in text
    assert "sigmoid(" in text
