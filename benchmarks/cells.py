"""What one training step of a recurrent layer costs: `python -m benchmarks.cells --help`.

Forward and backward of one layer, one run, one thread, a given gradient at its output and none wanted at its input:
our fused scans, every switch, against

- torch.nn, where it has the cell;
- the loop over time that people write by hand, gates packed into one product, with autograd;
- torchrecurrent, and JAX's `lax.scan` under jit, alone and for 8 seeds under vmap (the extra `peers`);
- the floor: the products with U alone, 6 B T G H^2 flop for G gates, at the rate that torch.mm reaches in the same
  round on (B, H) x (H, 4H), the product of one LSTM step; and at its rate on 1024 x 1024.

Everything runs in one process, in rounds: each contender once a round, repeated for some milliseconds. Ratios are
formed within a round. Shown are medians and half the distance between the quartiles.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import processor

if TYPE_CHECKING:
    from torch import Tensor

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}
SIZES = ["32x32x200", "64x32x200", "64x64x200", "128x64x200", "64x32x1000"]
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "lstm": {
        "lstm": {},
        "lstm-input_gate": {"input_gate": False},
        "lstm-forget_gate": {"forget_gate": False},
        "lstm-output_gate": {"output_gate": False},
        "lstm-all three": {"input_gate": False, "forget_gate": False, "output_gate": False},
        "lstm-candidate_activation": {"candidate_activation": "identity"},
        "lstm-output_activation": {"output_activation": "identity"},
        "lstm+coupled_gates": {"coupled_gates": True},
        "lstm+peepholes": {"peepholes": True},
    },
    "gru": {
        "gru": {},
        "gru reset: v3": {"reset": "v3"},
        "gru-reset_gate": {"reset_gate": False},
        "gru-update_gate": {"update_gate": False},
    },
    "rnn": {"rnn": {}, "rnn activation: relu": {"activation": "relu"}},
}
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
SEEDS = 8  # under vmap


@dataclass(frozen=True)
class Size:
    """Hidden units, batch rows, steps, inputs."""

    H: int
    B: int
    T: int
    I: int

    @classmethod
    def read(cls, text: str, inputs: int) -> Size:
        H, B, T = map(int, text.split("x"))
        return cls(H, B, T, inputs)

    def __str__(self) -> str:
        return f"H{self.H} B{self.B} T{self.T}"


Times = dict[tuple[str, Size], dict[str, list[float]]]  # of each contender, seconds a run, one a round


@dataclass(frozen=True)
class Contender:
    """Something that makes a step; `runs` at once. `gates` is how many a fused variant has, else 0."""

    name: str
    step: Callable[[], object]
    runs: int = 1
    gates: int = 0


def parameters_of(shapes: dict[str, tuple[int, int]]) -> dict[str, Tensor]:
    import torch

    return {k: (torch.randn(s) * s[0] ** -0.5).requires_grad_() for k, s in shapes.items()}


def training(parameters: list[Tensor], forward: Callable[[], Tensor], dys: Tensor) -> Callable[[], None]:
    """Forward and backward, with no gradients from the time before."""
    import torch

    def step() -> None:
        for each in parameters:
            each.grad = None
        torch.autograd.backward(forward(), dys)

    return step


def ours(family: str, xs: Tensor, dys: Tensor) -> Iterator[Contender]:
    from rnnbench.kernels import fused

    for name, switches in VARIANTS[family].items():
        cell = import_module(f"rnnbench.cells.{family}").Cell(**switches)
        module = fused(cell)
        assert module is not None
        p = parameters_of(cell.shapes(xs.shape[2], dys.shape[2]))
        step = training(list(p.values()), partial(module.scan, cell, p, xs), dys)
        yield Contender(name, step, gates=sum(k[0] == "U" for k in p))


def by_torch(family: str, xs: Tensor, dys: Tensor) -> Iterator[Contender]:
    import torch

    module = getattr(torch.nn, family.upper())(xs.shape[2], dys.shape[2])
    yield Contender("torch.nn", training(list(module.parameters()), lambda: module(xs)[0], dys))


def by_hand(family: str, xs: Tensor, dys: Tensor) -> Iterator[Contender]:
    """The loop that people write."""
    import torch

    I, H, G = xs.shape[2], dys.shape[2], GATES[family]
    p = parameters_of({"W": (I, G * H), "U": (H, G * H), "b": (1, G * H), "c": (1, H), "p": (1, 3 * H)})
    W, U, b, c_n = p["W"], p["U"], p["b"], p["c"]

    def lstm(peepholes: bool) -> Tensor:
        h = c = xs.new_zeros(xs.shape[1], H)
        p_i, p_f, p_o = p["p"].chunk(3, -1)
        ys = []
        for x in xs:
            i, f, g, o = (x @ W + h @ U + b).chunk(4, -1)
            if peepholes:
                i, f = i + p_i * c, f + p_f * c
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            o = torch.sigmoid(o + p_o * c if peepholes else o)
            h = o * torch.tanh(c)
            ys.append(h)
        return torch.stack(ys)

    def gru() -> Tensor:
        h = xs.new_zeros(xs.shape[1], H)
        ys = []
        for x in xs:
            x_r, x_z, x_n = (x @ W + b).chunk(3, -1)
            h_r, h_z, h_n = (h @ U).chunk(3, -1)
            r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
            n = torch.tanh(x_n + r * (h_n + c_n))
            h = (1 - z) * n + z * h
            ys.append(h)
        return torch.stack(ys)

    def rnn() -> Tensor:
        h = xs.new_zeros(xs.shape[1], H)
        ys = []
        for x in xs:
            h = torch.tanh(x @ W + h @ U + b)
            ys.append(h)
        return torch.stack(ys)

    loops: dict[str, Callable[[], Tensor]] = {"lstm": lambda: lstm(False), "gru": gru, "rnn": rnn}
    yield Contender("loop", training(list(p.values()), loops[family], dys))
    if family == "lstm":
        yield Contender("loop, peepholes", training(list(p.values()), lambda: lstm(True), dys))


def by_torchrecurrent(family: str, xs: Tensor, dys: Tensor) -> Iterator[Contender]:
    if family == "lstm":
        module = import_module("torchrecurrent").PeepholeLSTM(xs.shape[2], dys.shape[2])
        yield Contender("torchrecurrent.PeepholeLSTM", training(list(module.parameters()), lambda: module(xs)[0], dys))


def by_jax(family: str, xs: Tensor, dys: Tensor) -> Iterator[Contender]:
    jax, jnp = import_module("jax"), import_module("jax.numpy")
    I, H, G = xs.shape[2], dys.shape[2], GATES[family]
    shapes = {"W": (I, G * H), "U": (H, G * H), "b": (1, G * H), "c": (1, H)}
    one = {k: jnp.asarray(value.detach().numpy()) for k, value in parameters_of(shapes).items()}
    x_all, weight = jnp.asarray(xs.numpy()), jnp.asarray(dys.numpy())
    zero = jnp.zeros((xs.shape[1], H), jnp.float32)

    def lstm(p: Any, state: Any, x: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(x @ p["W"] + h @ p["U"] + p["b"], 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    def gru(p: Any, state: Any, x: Any) -> Any:
        (h, c) = state
        x_r, x_z, x_n = jnp.split(x @ p["W"] + p["b"], 3, -1)
        h_r, h_z, h_n = jnp.split(h @ p["U"], 3, -1)
        r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
        h = (1 - z) * jnp.tanh(x_n + r * (h_n + p["c"])) + z * h
        return (h, c), h

    def rnn(p: Any, state: Any, x: Any) -> Any:
        h = jnp.tanh(x @ p["W"] + state[0] @ p["U"] + p["b"])
        return (h, state[1]), h

    cell = {"lstm": lstm, "gru": gru, "rnn": rnn}[family]

    def loss(p: Any) -> Any:
        _, ys = jax.lax.scan(lambda state, x: cell(p, state, x), (zero, zero), x_all)
        return (ys * weight).sum()

    alone, many = jax.jit(jax.grad(loss)), jax.jit(jax.vmap(jax.grad(loss)))
    stacked = {k: jnp.stack([value] * SEEDS) for k, value in one.items()}
    yield Contender("jax", lambda: jax.block_until_ready(alone(one)))
    yield Contender(f"jax, vmap {SEEDS}", lambda: jax.block_until_ready(many(stacked)), runs=SEEDS)


def products(size: Size) -> Iterator[tuple[Contender, float]]:
    """Plain products, with the flop of each."""
    import torch

    h, U, out = torch.randn(size.B, size.H), torch.randn(size.H, 4 * size.H), torch.empty(size.B, 4 * size.H)
    big, big_out = torch.randn(1024, 1024), torch.empty(1024, 1024)
    yield Contender("sgemm", lambda: torch.mm(h, U, out=out)), 2.0 * size.B * size.H * 4 * size.H
    yield Contender("sgemm 1024", lambda: torch.mm(big, big, out=big_out)), 2.0 * 1024**3


def seconds(contender: Contender, times: int) -> float:
    """One run's time, the mean of so many."""
    start = time.perf_counter()
    for _ in range(times):
        contender.step()
    return (time.perf_counter() - start) / times / contender.runs


def measure(contenders: list[Contender], rounds: int, milliseconds: float) -> dict[str, list[float]]:
    """Seconds a run, one number a round. The first call compiles, the second says how often to repeat."""
    times = {}
    for each in contenders:
        seconds(each, 1)
        times[each.name] = max(1, min(1000, math.ceil(milliseconds * 1e-3 / seconds(each, 1) / each.runs)))
    found: dict[str, list[float]] = {each.name: [] for each in contenders}
    for _ in range(rounds):
        for each in contenders:
            found[each.name].append(seconds(each, times[each.name]))
    return found


def spread(values: list[float]) -> tuple[float, float]:
    """The median, and half the distance between the quartiles."""
    low, _, high = quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return median(values), (high - low) / 2


def ratios(above: list[float], below: list[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]


def geometric_mean(values: Iterable[float]) -> float:
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def shown(values: list[float], digits: int = 2) -> str:
    middle, half = spread(values)
    return f"{middle:.{digits}f} ±{half:.{digits}f}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cells", description="Fused scans against their peers.")
    parser.add_argument("--cells", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="HxBxT", help="default: " + " ".join(SIZES))
    parser.add_argument("--inputs", type=int, default=8, metavar="I")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--milliseconds", type=float, default=20.0, help="of each contender in each round")
    parser.add_argument("--without", nargs="+", default=[], choices=["loop", "torchrecurrent", "jax"])
    parser.add_argument("--json", metavar="FILE", help="every time of every round, and the machine")
    return parser.parse_args()


def machine() -> dict[str, str]:
    import numba
    import torch

    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numba": numba.__version__,
        **{name: import_module(name).__version__ for name in ("jax",) if find_spec(name)},
    }


def main() -> None:
    options = arguments()
    if any(os.environ.get(k) != value for k, value in ONE_THREAD.items()):  # read when the libraries load
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.cells", *sys.argv[1:]], os.environ | ONE_THREAD)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import torch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    console, progress = Console(width=None if sys.stdout.isatty() else 200), Console(stderr=True)
    peers = {"loop": by_hand, "torchrecurrent": by_torchrecurrent, "jax": by_jax}
    for name in ("torchrecurrent", "jax"):
        if name not in options.without and find_spec(name) is None:
            progress.print(f"[bold red]{name} IS NOT INSTALLED: its rows are missing (pip install 'rnnbench\\[peers]')")
            options.without.append(name)
    about = machine()
    records: list[dict[str, Any]] = []
    sizes = [Size.read(text, options.inputs) for text in options.sizes]
    found: Times = {}
    for family in options.cells:
        for size in sizes:
            progress.print(f"{family} {size}")
            xs, dys = torch.randn(size.T, size.B, size.I), torch.randn(size.T, size.B, size.H)
            plain = list(products(size))
            contenders = [*by_torch(family, xs, dys), *ours(family, xs, dys), *(each for each, _ in plain)]
            contenders += [
                c for name, make in peers.items() if name not in options.without for c in make(family, xs, dys)
            ]
            times = measure(contenders, options.rounds, options.milliseconds)
            for each, flop in plain:  # the time of a floor of one gate
                one_gate = 6.0 * size.B * size.T * size.H**2
                times[each.name] = [seconds * one_gate / flop for seconds in times[each.name]]
            found[family, size] = times
            for each in contenders:
                record = {"cell": family, **asdict(size), "contender": each.name, "gates": each.gates}
                records.append({**record, "seconds": times[each.name]})
    report(console, options.cells, sizes, found, {each["contender"]: each["gates"] for each in records})
    console.print("  ".join(f"{k} {value}" for k, value in about.items()), style="dim")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": about, "inputs": options.inputs, "records": records}, file, indent=1)


def report(console: Console, families: list[str], sizes: list[Size], found: Times, gates: dict[str, int]) -> None:
    console.print(bars(families, sizes, found, gates))
    for family in families:
        names = list(VARIANTS[family])
        peers = [k for k in found[family, sizes[0]] if not k.startswith("sgemm") and k not in names]
        title = f"{family}: time, as a part of torch.nn's"
        against_torch = Table("", *map(str, sizes), "geometric mean", title=title)
        title = f"{family}: of the floor's rate, at sgemm (B, H) x (H, 4H); at 1024 x 1024"
        of_floor = Table("", *map(str, sizes), title=title)
        against_peers = Table("", *map(str, sizes), title=f"{family}: time, as a part of a peer's")
        absolute = Table("", *map(str, sizes), title=f"{family}: milliseconds")
        for name in names:
            against = [ratios(found[family, size][name], found[family, size]["torch.nn"]) for size in sizes]
            against_torch.add_row(name, *map(shown, against), f"{geometric_mean(map(median, against)):.3f}")
            parts = [rates(found[family, size], name, gates) for size in sizes]
            of_floor.add_row(name, *(f"{shown(small)}; {median(big):.2f}" for small, big in parts))
        for peer in peers:
            mine = f"{family}+peepholes" if "eephole" in peer else family
            against = [ratios(found[family, size][mine], found[family, size][peer]) for size in sizes]
            against_peers.add_row(f"{mine} / {peer}", *(shown(each, 3) for each in against))
        for name in found[family, sizes[0]]:
            cells = [shown([1e3 * t for t in found[family, size][name]]) for size in sizes]
            absolute.add_row(f"floor of one gate, {name}" if name.startswith("sgemm") else name, *cells)
        for table in (against_torch, of_floor, against_peers, absolute):
            console.print(table)


def rates(times: dict[str, list[float]], name: str, gates: dict[str, int]) -> tuple[list[float], list[float]]:
    """How near a variant comes to the floor's rate, at either size of product."""
    small, big = (ratios(times[kind], times[name]) for kind in ("sgemm", "sgemm 1024"))
    return [gates[name] * each for each in small], [gates[name] * each for each in big]


def bars(families: list[str], sizes: list[Size], found: Times, gates: dict[str, int]) -> Table:
    """What was asked for, and what was reached: geometric means over the variants and sizes that were measured."""
    gated = [family for family in families if family != "rnn"]

    def against(wanted: list[str], peers: Sequence[str], where: Callable[[Size], bool] = lambda _: True) -> list[float]:
        """Each variant's median ratio to the best of the peers, at each size."""
        medians = []
        for (family, size), times in found.items():
            if family in wanted and where(size) and all(peer in times for peer in peers):
                best = min((times[peer] for peer in peers), key=median)
                medians += [median(ratios(times[name], best)) for name in VARIANTS[family]]
        return medians

    floor = [
        median(rates(times, name, gates)[0])
        for (family, size), times in found.items()
        for name in VARIANTS[family]
        if family == "lstm" and size.H >= 64
    ]
    lstm = against(["lstm"], ["torch.nn"])
    rows = [
        ("lstm / torch.nn.LSTM", geometric_mean(lstm), "<= 0.65"),
        ("lstm / torch.nn.LSTM, the worst", max(lstm, default=math.nan), "<= 0.85"),
        ("gru / torch.nn.GRU", geometric_mean(against(["gru"], ["torch.nn"])), "<= 0.35"),
        ("rnn / torch.nn.RNN", geometric_mean(against(["rnn"], ["torch.nn"])), "<= 0.5"),
        ("gated / loop", geometric_mean(against(gated, ["loop"])), "<= 0.25"),
        ("gated / loop, H = 32", geometric_mean(against(gated, ["loop"], lambda size: size.H == 32)), "<= 0.12"),
        ("gated / torchrecurrent", geometric_mean(against(gated, ["torchrecurrent.PeepholeLSTM"])), "<= 0.1"),
        ("gated / JAX's best form", geometric_mean(against(gated, ["jax", f"jax, vmap {SEEDS}"])), "<= 0.3"),
        ("lstm, of the floor's rate, H >= 64", geometric_mean(floor), ">= 0.65"),
    ]
    table = Table("geometric mean over variants and sizes", "reached", "bar")
    for name, reached, bar in rows:
        table.add_row(name, "not measured" if math.isnan(reached) else f"{reached:.3f}", bar)
    return table


if __name__ == "__main__":
    main()
