"""How the cost of a run grows: `python -m benchmarks.growth`.

One process, one thread, in rounds: a whole training step of a run, one measure changed at a time around H = 64, B = 32,
T = 100 of the adding task; and, for cells without a fused scan, a step of R runs side by side, a run. Shown are medians
of milliseconds with half the distance between the quartiles, and each one's ratio to the line's first.
"""

from __future__ import annotations

import os

from rnnbench.running.executors.local import ENVIRONMENT

os.environ.update(ENVIRONMENT)  # as in a worker, before torch is imported

import time
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Any

import torch

from rnnbench.records import Run, Rung
from rnnbench.training.cohort import Cohort
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

ROUNDS, SECONDS = 9, 0.15  # how often each is measured, and for how long at least
AROUND = {"T": 100, "H": 64, "B": 32, "R": 1}
LINES: list[tuple[str, str, list[int]]] = [
    *((cell, name, values) for cell in ("lstm", "gru") for name, values in (
        ("T", [25, 50, 100, 200, 400, 800]), ("H", [16, 32, 64, 128, 256]), ("B", [8, 16, 32, 64, 128]),
    )),
    *((cell, "R", [1, 2, 4, 8, 16]) for cell in ("mgu", "minlstm")),
]  # fmt: skip


class Stepper:
    """Training steps of so many runs of one shape."""

    def __init__(self, cell: str, T: int, H: int, B: int, R: int) -> None:
        rung = Rung({"cell": cell}, {"task": "adding"}, T, {"hidden": H, "batch": B, "steps": 10**6})
        runs = [Run(rung, seed) for seed in range(R)]
        layer = Trainer().solo(runs[0])
        self.runs = R
        self.rows = Cohort(Model.of(rung, layer), runs, layer is not None, "cpu")
        self.once()

    def once(self) -> None:
        self.rows.train(listen=False)

    def milliseconds(self) -> float:
        """Of a step, a run."""
        began, steps = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < SECONDS:
            self.once()
            steps += 1
        return 1e3 * passed / steps / self.runs


def table(cell: str, name: str, values: Sequence[int]) -> str:
    steppers = [Stepper(cell, **AROUND | {name: value}) for value in values]
    times: list[list[float]] = [[] for _ in values]
    for _ in range(ROUNDS):
        for own, stepper in zip(times, steppers, strict=True):
            own.append(stepper.milliseconds())
    cells: list[Any] = []
    for value, own in zip(values, times, strict=True):
        low, _, high = quantiles(own, n=4)
        ratio = median(t / first for t, first in zip(own, times[0], strict=True))
        cells.append(f"{value}: {median(own):.2f} ±{(high - low) / 2:.2f} (×{ratio:.2f})")
    return f"{cell:8} {name}   " + "   ".join(cells)


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for line in LINES:
        print(table(*line), flush=True)


if __name__ == "__main__":
    main()
