"""How near every derived scan comes to the floor of its own products: `python -m benchmarks.floor --help`.

Forward and backward of one layer, one run, one thread, a given gradient at its output and none wanted at its input. The
floor is what its step multiplies and nothing else: two passes over each product with the input, three over each product
with anything else (there, back to the operand, back to the matrix), at the rate that torch.mm reaches in the same round
on (B, H) x (H, 4H). A round times each cell and then that product; shown is the median part of the floor's rate, with
half the distance between the quartiles.
"""

from __future__ import annotations

import os

from rnnbench.running.executors.local import ENVIRONMENT

os.environ.update(ENVIRONMENT)  # as in a worker, before torch is imported

import argparse
import math
import time
from collections.abc import Callable
from functools import partial
from statistics import median, quantiles

import torch

from benchmarks.machine import processor
from rnnbench import kernels, registry
from rnnbench.cells import Cell
from rnnbench.kernels import derived
from rnnbench.kernels.schedule import Schedule
from rnnbench.kernels.trace import trace
from rnnbench.layers.recurrent import Recurrent

SIZES = ("64x32x200", "128x64x200")


def flop(cell: Cell, H: int, B: int, T: int, I: int) -> float:
    """Of all products of a step, in three passes, or two where nothing is wanted at their operand."""
    schedule = Schedule(trace(cell))
    terms = [operand for each in schedule.sums for operand, _ in each.terms]
    return sum(2.0 * B * T * H * (2 * I if operand is schedule.graph.x else 3 * H) for operand in terms)


def training(cell: Cell, H: int, B: int, T: int, I: int) -> Callable[[], None]:
    """Forward and backward of the derived scan."""
    shapes = cell.shapes(I, H)
    p = {name: (torch.randn(shape) * shape[0] ** -0.5).requires_grad_() for name, shape in shapes.items()}
    xs, dys = torch.randn(T, B, I), torch.randn(T, B, H)

    def step() -> None:
        torch.autograd.grad(derived.scan(cell, p, xs), list(p.values()), dys, allow_unused=True)

    return step


def seconds(step: Callable[[], object], times: int) -> float:
    """Of this thread's CPU, for one of so many."""
    began = time.thread_time()
    for _ in range(times):
        step()
    return (time.thread_time() - began) / times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", help="names, or files such as ./mine.py; default: all that ship")
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="HxBxT")
    parser.add_argument("--inputs", type=int, default=8, metavar="I")
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    names = {registry.file_name(name) or name: name for name in chosen.cells or registry.names("cells")}
    registry.place({name: path for name, path in names.items() if name.endswith(".py")})
    layers = {name: registry.layer({"cell": name}) for name in names}
    cells = {name: layer.cell for name, layer in layers.items() if isinstance(layer, Recurrent)}
    print(f"{processor()}, torch {torch.__version__}, {chosen.inputs} inputs")
    for size in chosen.sizes:
        H, B, T = map(int, size.split("x"))
        plain = partial(torch.mm, torch.randn(B, H), torch.randn(H, 4 * H), out=torch.empty(B, 4 * H))
        print(f"H{H} B{B} T{T}")
        for name, cell in cells.items():
            if kernels.refusal(cell):
                print(f"  {name:12} stepped through: {kernels.refusal(cell)}")
                continue
            step, rates = training(cell, H, B, T, chosen.inputs), []
            seconds(step, 2)  # compiles
            times = math.ceil(0.02 / seconds(step, 2))
            for _ in range(chosen.rounds):
                took = seconds(step, times)
                one = seconds(plain, 200) / (2.0 * B * H * 4 * H)
                rates.append(flop(cell, H, B, T, chosen.inputs) * one / took)
            low, _, high = quantiles(rates, n=4)
            print(f"  {name:12} {median(rates):.2f} ±{(high - low) / 2:.2f}", flush=True)


if __name__ == "__main__":
    main()
