"""Fused scans against the equations: values, every gradient, the same bits, and the cache on disk."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
import pytest
import torch
from torch import Tensor

import rnnbench
from rnnbench import cells, kernels
from rnnbench.cells import gru, lru, lstm, mgu, minlstm, mlstm, mut1, mut3, orthogonal, rnn, slstm
from rnnbench.kernels import compile
from rnnbench.kernels import scan as scans
from rnnbench.kernels.loans import Loan
from rnnbench.layers import recurrent
from rnnbench.rng import stream

Scan = Callable[[cells.Cell, Mapping[str, Tensor], Tensor], Tensor]

# Against float64, of the largest entry. An entry that many terms cancel in is held to a hundredth of their size, 1.
TOLERANCE, SMALLEST = 2e-5, 1e-2

# Every way in which a scan can be made up, compiled; `test_derivation.py` interprets all switches of all cells.
CELLS: dict[str, cells.Cell] = {
    "lstm": lstm.Cell(),
    "lstm-peepholes-coupled": lstm.Cell(coupled_gates=True, peepholes=True),
    "lstm-recurrence": lstm.Cell(gate_recurrence=True),  # four operands of one sum
    "gru": gru.Cell(),
    "gru-v3": gru.Cell(reset="v3"),  # two stages
    "rnn": rnn.Cell(),  # one sum, which becomes the output
    "rnn-leaky-relu": rnn.Cell(activation="relu", leak=True),  # rows that are computed once
    "mgu-bias": mgu.Cell(gate_input=False, gate_state=False),  # an operand before the first stage
    "mut1": mut1.Cell(),  # a sum of the input alone
    "mut3": mut3.Cell(),
    "slstm": slstm.Cell(),  # comparisons, quotients, four states
    "minlstm": minlstm.Cell(),
    "lru": lru.Cell(),  # products of the new state
    "orthogonal": orthogonal.Cell(),  # a matrix that is prepared
    "mlstm": mlstm.Cell(),  # a matrix for a memory
    "mlstm-heads": mlstm.Cell(heads=3),  # heads that are no whole vectors
}
SIZES = [(7, 5, 3, 20), (1, 4, 2, 32), (6, 1, 1, 1), (5, 9, 40, 63)]  # (T, B, I, H)

each_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())


def family(cell: cells.Cell) -> ModuleType:
    found = kernels.fused(cell)
    assert found is not None
    return found


def draw(cell: cells.Cell, T: int, B: int, I: int, H: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Parameters about as large as trained ones, an input, and a gradient from above; H units in each head."""
    H *= cell.heads
    g = torch.Generator().manual_seed(T + 10 * B + 100 * I + 1000 * H)
    p = {k: torch.randn(shape, generator=g) * (shape[0] ** -0.5) for k, shape in cell.shapes(I, H).items()}
    if isinstance(cell, lru.Cell):  # its ring is within the unit circle, and its inputs are scaled down to it
        start = cell.init(cell.shapes(I, H), lambda name: stream(T, name))
        p |= {k: torch.from_numpy(start[k]) for k in ("nu", "theta", "gamma")}
    return p, torch.randn(T, B, I, generator=g), torch.randn(T, B, H, generator=g)


def gradients(scan: Scan, cell: cells.Cell, p: dict[str, Tensor], xs: Tensor, dys: Tensor) -> dict[str, Tensor]:
    """ys, and what dys becomes at xs and at every parameter."""
    p = {k: value.clone().requires_grad_() for k, value in p.items()}
    xs = xs.clone().requires_grad_()
    ys = scan(cell, p, xs)
    torch.autograd.backward(ys, dys)
    found = {"ys": ys, "dxs": xs.grad, **{f"d{k}": value.grad for k, value in p.items()}}
    return {name: value.detach() for name, value in found.items() if value is not None}


@pytest.mark.thorough
def test_every_parameter_reaches_the_reference() -> None:
    for cell in CELLS.values():
        assert set(gradients(family(cell).scan, cell, *draw(cell, 3, 2, 2, 4))) == {
            "ys", "dxs", *(f"d{k}" for k in cell.shapes(2, 4))
        }  # fmt: skip


@each_cell
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients_are_the_equations(cell: cells.Cell, size: tuple[int, int, int, int]) -> None:
    p, xs, dys = draw(cell, *size)
    double = {k: value.double() for k, value in p.items()}
    expected = gradients(recurrent.scan, cell, double, xs.double(), dys.double())
    got = gradients(family(cell).scan, cell, p, xs, dys)
    rounded = gradients(recurrent.scan, cell, p, xs, dys)
    for name, value in expected.items():
        scale = max(float(value.abs().max()), SMALLEST)
        # Where large terms cancel to nothing, as in the slope of slstm's bi, nobody comes nearer in float32.
        bound = max(TOLERANCE * scale, 2 * float((rounded[name] - value).abs().max()))
        assert float((got[name] - value).abs().max()) <= bound, name


@each_cell
@pytest.mark.parametrize("size", [(129, 2, 2, 5), (200, 1, 1, 24)], ids=str)
def test_long_sequences_are_the_equations(cell: cells.Cell, size: tuple[int, int, int, int]) -> None:
    """Gradients of every step's output, and of the last one's alone; parameters small enough that rounding stays."""
    p, xs, dys = draw(cell, *size)
    p = {k: value if isinstance(cell, lru.Cell) else 0.6 * value for k, value in p.items()}
    last = torch.cat([torch.zeros_like(dys[1:]), dys[-1:]])
    for above in (dys, last):
        double = {k: value.double() for k, value in p.items()}
        expected = gradients(recurrent.scan, cell, double, xs.double(), above.double())
        got = gradients(family(cell).scan, cell, p, xs, above)
        rounded = gradients(recurrent.scan, cell, p, xs, above)
        for name, value in expected.items():
            scale = max(float(value.abs().max()), SMALLEST)
            bound = max(TOLERANCE * scale, 4 * float((rounded[name] - value).abs().max()))
            assert float((got[name] - value).abs().max()) <= bound, name


@each_cell
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_tokens_have_the_bits_of_one_hot_inputs(cell: cells.Cell, size: tuple[int, int, int, int]) -> None:
    T, B, I, _ = size
    p, _, dys = draw(cell, *size)
    tokens = torch.randint(0, I, (T, B, 1), generator=torch.Generator().manual_seed(T))
    p = {k: value.requires_grad_() for k, value in p.items()}
    found = []
    for xs in (tokens, torch.eye(I)[tokens[:, :, 0]]):
        ys = family(cell).scan(cell, p, xs)
        found.append([ys, *torch.autograd.grad(ys, list(p.values()), dys)])
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))
    with torch.no_grad():
        assert torch.equal(family(cell).scan(cell, p, tokens), found[0][0])


@pytest.mark.parametrize("cell", [cell for cell in CELLS.values() if not cell.rotations()], ids=str)
def test_the_way_back_takes_the_gradients_of_some_steps_alone(cell: cells.Cell) -> None:
    p, xs, dys = draw(cell, 9, 5, 3, 32)
    answering = [1, 4, 8]
    dense = torch.zeros_like(dys)
    dense[answering] = dys[: len(answering)]
    expected = gradients(family(cell).scan, cell, p, xs, dense)
    fused = family(cell).fused(cell)
    done = scans.Pass(fused, xs, [p[name] for name in fused.names], keep=True)
    sparse = torch.cat([dys[: len(answering)], torch.zeros_like(dys[:1])])
    answered = np.full(9, len(answering))
    answered[answering] = range(len(answering))
    places = {name: torch.full_like(p[name], np.nan) for name in fused.names}
    done.back(sparse.data_ptr(), answered, [each.data_ptr() for each in places.values()])
    assert all(torch.equal(place, expected[f"d{name}"]) for name, place in places.items())


def test_activations_are_exact_to_float32_everywhere() -> None:
    xs = torch.cat([torch.linspace(-30, 30, 100_001), torch.logspace(-30, 0, 1001)]).view(1, -1, 1)
    one, zero = torch.ones(1, 1), torch.zeros(1, 1)
    tanh = family(rnn.Cell()).scan(rnn.Cell(), {"W": one, "U": zero, "b": zero}, xs).double()
    relative = ((tanh - xs.double().tanh()) / xs.double().tanh().abs().clamp_min(1e-30)).abs()
    assert float(relative.max()) < 4e-7
    cell = gru.Cell(reset_gate=False)  # n = 1, h = 0: h' = 1 - sigmoid
    p = {"Wz": one, "Uz": zero, "bz": zero, "Wn": zero, "Un": zero, "bn": 20 * one}
    sigmoid = 1 - family(cell).scan(cell, p, xs).double()
    assert float((sigmoid - xs.double().sigmoid()).abs().max()) < 4e-7


@each_cell
def test_nothing_depends_on_where_buffers_lie_or_what_was_in_them(cell: cells.Cell) -> None:
    p, xs, dys = draw(cell, 9, 6, 3, 40)
    scan = family(cell).scan
    expected = gradients(scan, cell, p, xs, dys)
    for offset in (1, 3, 7):
        for loans in Loan.pool.values():
            for memory, _ in loans:
                memory.fill(np.nan)

        def moved(value: Tensor, offset: int = offset) -> Tensor:
            return torch.cat([torch.zeros(offset), value.flatten()])[offset:].view(value.shape)

        moved_p = {k: moved(value) for k, value in p.items()}
        got = gradients(scan, cell, moved_p, moved(xs), moved(dys))
        assert all(torch.equal(got[name], value) for name, value in expected.items())
    xs, dys = (each.transpose(0, 1).contiguous().transpose(0, 1) for each in (xs, dys))
    got = gradients(scan, cell, {k: value.t().contiguous().t() for k, value in p.items()}, xs, dys)
    assert all(torch.equal(got[name], value) for name, value in expected.items())


@each_cell
def test_a_row_does_not_depend_on_the_batch_around_it(cell: cells.Cell) -> None:
    p, xs, _ = draw(cell, 9, 21, 3, 40)
    ys = family(cell).scan(cell, p, xs)
    assert all(torch.equal(family(cell).scan(cell, p, xs[:, b : b + 1]), ys[:, b : b + 1]) for b in (0, 7, 20))


@each_cell
def test_without_gradients_the_values_are_the_same(cell: cells.Cell) -> None:
    p, xs, dys = draw(cell, 8, 5, 2, 24)
    ys = gradients(family(cell).scan, cell, p, xs, dys)["ys"]
    assert torch.equal(family(cell).scan(cell, p, xs), ys)
    with torch.no_grad():
        p = {k: value.requires_grad_() for k, value in p.items()}
        assert torch.equal(family(cell).scan(cell, p, xs), ys)


@each_cell
def test_a_nan_goes_where_the_equations_take_it(cell: cells.Cell) -> None:
    p, xs, dys = draw(cell, 6, 5, 3, 24)
    xs[2, 1, 0] = np.nan
    expected, got = (gradients(scan, cell, p, xs, dys) for scan in (recurrent.scan, family(cell).scan))
    assert not got["ys"][:, [0, 2, 3, 4]].isnan().any()
    assert all(torch.equal(got[name].isnan(), value.isnan()) for name, value in expected.items())


@each_cell
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinity_is_not_lost(cell: cells.Cell, value: float) -> None:
    p, xs, dys = draw(cell, 6, 5, 3, 24)
    xs[2, 1, 0] = value
    expected, got = (gradients(scan, cell, p, xs, dys) for scan in (recurrent.scan, family(cell).scan))
    if not all(value.isfinite().all() for value in expected.values()):  # a closed gate is 6e-8 here, and not 0
        assert not all(value.isfinite().all() for value in got.values())


def test_a_diverged_parameter_is_seen_in_every_family() -> None:
    for cell in (lstm.Cell(), gru.Cell(), rnn.Cell(), rnn.Cell(activation="relu")):
        p, xs, dys = draw(cell, 4, 5, 3, 24)
        next(value for k, value in p.items() if k[0] == "U")[0, 0] = np.nan
        assert all(bool(value.isnan().any()) for value in gradients(family(cell).scan, cell, p, xs, dys).values())


@pytest.mark.parametrize("cell", [lstm.Cell(peepholes=True), gru.Cell(), rnn.Cell()], ids=str)
def test_graphs_live_side_by_side_and_twice(cell: cells.Cell) -> None:
    p, xs, dys = draw(cell, 9, 6, 3, 40)
    expected = gradients(family(cell).scan, cell, p, xs, dys)["dxs"]
    inputs = [(xs * scale).requires_grad_() for scale in (1.0, 0.5, 1.0)]
    outputs = [family(cell).scan(cell, p, each) for each in inputs]
    gc.collect()
    torch.autograd.backward(outputs, [dys] * 3, retain_graph=True)
    assert inputs[0].grad is not None
    assert inputs[2].grad is not None
    assert torch.equal(inputs[0].grad, expected)
    assert torch.equal(inputs[2].grad, expected)
    outputs[0].backward(dys)
    assert torch.equal(inputs[0].grad, 2 * expected)


def test_only_wanted_gradients_are_made_and_outputs_may_be_overwritten_only_before_they_are_needed() -> None:
    cell = gru.Cell()
    p, xs, dys = draw(cell, 5, 4, 3, 16)
    p["Un"].requires_grad_()
    ys = family(cell).scan(cell, p, xs)
    ys.backward(dys)
    assert p["Un"].grad is not None
    assert xs.grad is None
    assert p["Wn"].grad is None
    ys = family(cell).scan(cell, p, xs)
    ys *= 2
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        ys.backward(dys)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda p, xs: (p, xs[0]), r"expected \(T, B, I\), none of them 0, got \(4, 3\)"),
        (lambda p, xs: (p, xs[:0]), "none of them 0"),
        (lambda p, xs: (p, xs[:, :, :2]), "do not fit .* an input of 2"),
        (lambda p, xs: (p | {"Un": p["Un"][:5]}, xs), "do not fit"),
        (lambda p, xs: (p, xs.double()), "float32 on the CPU"),
        (lambda p, xs: (p, xs.int()), "tokens as int64"),
        (lambda p, xs: (p, xs.long()), "do not fit .* an input of 3"),
        (lambda p, xs: (p, 0 * xs[:, :, :1].long() + 3), "expected 0 to 2, got 3 to 3"),
        (lambda p, xs: (p, 0 * xs[:, :, :1].long() - 1), "expected 0 to 2, got -1 to -1"),
        (lambda p, xs: (p | {"bn": p["bn"].double()}, xs), "float32 on the CPU"),
    ],
)
def test_what_does_not_fit_is_refused(
    edit: Callable[[dict[str, Tensor], Tensor], tuple[dict[str, Tensor], Tensor]], message: str
) -> None:
    cell = gru.Cell()
    p, xs, _ = draw(cell, 5, 4, 3, 16)
    with pytest.raises(ValueError, match=message):
        family(cell).scan(cell, *edit(p, xs))


def test_a_cell_that_cannot_be_derived_says_why() -> None:
    @dataclass(frozen=True)
    class Summed(rnn.Cell):
        def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
            h = super().step(p, x, state)[0]
            h = h / h.sum(-1, keepdim=True)
            return h, (h,)

    assert kernels.fused(Summed()) is None
    assert kernels.refusal(Summed()) == "calls `sum` with keepdim"
    assert kernels.fused(lstm.Cell(gate_recurrence=True)) is not None


def test_numba_is_imported_only_for_a_cell_that_has_a_fused_scan() -> None:
    code = """
import sys
from rnnbench import kernels
from rnnbench.cells import Cell
from rnnbench.cells import mlstm, rnn

class Summed(rnn.Cell):
    def step(self, p, x, state):
        return x.sum(), state

assert kernels.fused(Summed()) is None and kernels.refusal(rnn.Cell()) == kernels.refusal(mlstm.Cell()) == ""
assert not {"numba", "torch"} & sys.modules.keys()
assert kernels.fused(rnn.Cell()) is not None and "numba" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def copied(to: Path) -> Path:
    """The package, somewhere else."""
    source = Path(rnnbench.__file__).parent
    return Path(shutil.copytree(source, to / "rnnbench", ignore=shutil.ignore_patterns("__pycache__")))


def run_copy(package: Path, **environment: str) -> str:
    """What the plain network of a copied package answers to one step with U = 0, W = 1, x = 1."""
    code = """
import torch
from rnnbench.cells import rnn
from rnnbench.kernels import fused
cell = rnn.Cell()
p = {"W": torch.ones(1, 1), "U": torch.zeros(1, 1), "b": torch.zeros(1, 1)}
print(round(fused(cell).scan(cell, p, torch.ones(1, 1, 1)).item(), 3))
"""
    kept = {k: value for k, value in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment = {**kept, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=package.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.thorough
def test_machine_code_is_kept_on_disk_until_its_source_changes(tmp_path: Path) -> None:
    package = copied(tmp_path)
    assert run_copy(package) == "0.762"
    kept = sorted(package.rglob("rnn_*.nb[ci]"))
    times = [each.stat().st_mtime_ns for each in kept]
    assert len(kept) == 4
    assert run_copy(package) == "0.762"
    assert [each.stat().st_mtime_ns for each in kept] == times
    shared = package / "kernels" / "maths.py"
    shared.write_text(shared.read_text().replace("return x * p / q", "return 2.0 * x * p / q"))
    assert run_copy(package) == "1.523"
    assert len(sorted(package.rglob("rnn_*.nb[ci]"))) == 8


@pytest.mark.thorough
def test_two_processes_never_compile_the_same_scan_at_once(tmp_path: Path) -> None:
    """The second one finds what the first one made: it loads, and writes nothing."""
    package = copied(tmp_path)
    environment = {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_DEBUG_CACHE": "1"}
    environment |= {k: value for k, value in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "PYTHONPATH")}
    code = "from rnnbench.cells import rnn\nfrom rnnbench.kernels import fused\nfused(rnn.Cell()).fused(rnn.Cell())"
    command = [sys.executable, "-c", code]
    options: dict[str, Any] = {"env": environment, "cwd": package.parent, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, **options) for _ in range(2)]
    told = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    saved = [sum("data saved to" in line and "rnn_" in line for line in each.splitlines()) for each in told]
    assert sum(saved) == 2  # a forward and a backward scan


def test_machine_code_goes_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, blocked = tmp_path / "source" / "rnn.py", tmp_path / "file"
    source.parent.mkdir()
    source.write_text("")
    blocked.write_text("")
    name = f"rnn-{compile.fingerprint(source)}"
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert compile.cache_directory(source) == source.parent / "__pycache__" / name
    (source.parent / "__pycache__" / name).rmdir()
    (source.parent / "__pycache__").rmdir()
    (source.parent / "__pycache__").write_text("")
    assert compile.cache_directory(source) == tmp_path / "home" / "rnnbench" / name
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert compile.cache_directory(source) is None
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "given"))
    assert compile.cache_directory(source) == tmp_path / "given" / name
    source.write_text("# edited")
    assert compile.cache_directory(source) != tmp_path / "given" / name


def test_machine_code_that_nobody_uses_is_removed(tmp_path: Path) -> None:
    used, old, fresh, other = (
        tmp_path / name for name in ("rnn-" + "0" * 16, "rnn-" + "1" * 16, "gru-" + "2" * 16, "notes")
    )
    for each in (used, old, fresh, other):
        each.mkdir()
        (each / "code.nbc").write_text("")
    for each in (used, old, other):
        os.utime(each, (0, 0))
    compile.forget_unused(used)
    assert [each.exists() for each in (used, old, fresh, other)] == [True, False, True, True]
    compile.forget_unused(tmp_path / "gone")


@pytest.mark.thorough
def test_without_any_room_each_process_compiles_anew(tmp_path: Path) -> None:
    package = copied(tmp_path)
    (package / "kernels" / "__pycache__").write_text("")
    (tmp_path / "file").write_text("")
    assert run_copy(package, XDG_CACHE_HOME=str(tmp_path / "file")) == "0.762"
    assert not list(tmp_path.rglob("*.nb[ci]"))
