"""What a training step costs besides its scan: `python -m benchmarks.steps`.

One process, one thread, in rounds: the compiled scan of the cell alone, forward and backward, on the step's own inputs;
and the whole step: drawing the batch, read-out, loss, gradients, clipping, optimiser, running sums. Shown are medians
of milliseconds with half the distance between the quartiles, and the part of a step that is not its scan. Then whole
runs: the part of their time that goes into looks and tests, which come on top.
"""

from __future__ import annotations

import os

from rnnbench.running.executors.local import ENVIRONMENT

os.environ.update(ENVIRONMENT)  # as in a worker, before torch is imported

import time
from collections.abc import Sequence
from statistics import median, quantiles

import numpy as np
import torch

from rnnbench.kernels import scan
from rnnbench.layers import Layer
from rnnbench.layers.recurrent import Recurrent
from rnnbench.records import Record, Run, Rung
from rnnbench.rng import stream
from rnnbench.tasks import Batch, Split
from rnnbench.training.cohort import Cohort
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

ROUNDS = 60
CASES = [({"task": "adding"}, 200), ({"task": "copy"}, 180), ({"task": "qa"}, 184), ({"task": "counting"}, 100)]


def spread(times: list[float]) -> str:
    low, _, high = quantiles(times, n=4)
    return f"{1e3 * median(times):6.2f} ±{1e3 * (high - low) / 2:.2f} ms"


class Scan:
    """The cell's compiled scan alone, with a gradient at the last step."""

    def __init__(self, layer: Layer, model: Model, rows: Cohort, batch: Batch) -> None:
        assert isinstance(layer, Recurrent)
        assert layer.kernel is not None
        self.fused = layer.kernel.fused(layer.cell)
        views = model.views(rows.state["flat"][0])
        self.p = [views[f"0/forward/{name}"].clone() for name in self.fused.names]
        self.dp = [torch.zeros_like(each) for each in self.p]
        self.xs = model.encode(torch.from_numpy(batch.xs))
        self.dys, part = scan.rows(2, self.xs.shape[1], model.settings.hidden)
        self.dys.zero_()
        part[0] = 1e-3
        self.answered = np.array([1] * (len(self.xs) - 1) + [0])

    def __call__(self) -> None:
        done = scan.Pass(self.fused, self.xs, self.p, keep=True)
        done.back(self.dys.data_ptr(), self.answered, [each.data_ptr() for each in self.dp])


def looks() -> None:
    """Of whole runs, with looks where they are worth it, the part that looks and tests take."""
    spent = 0.0
    evaluate = Cohort.evaluate

    def timed(self: Cohort, rows: Sequence[int], split: Split, length: int | None = None) -> list[tuple[float, float]]:
        nonlocal spent
        began = time.perf_counter()
        found = evaluate(self, rows, split, length)
        spent += time.perf_counter() - began
        return found

    Cohort.evaluate = timed  # type: ignore[method-assign]
    for task, length in CASES:
        spent = 0.0
        run = Run(Rung({"cell": "lstm"}, task, length // 4, {"hidden": 64, "steps": 600, "lr": 3e-3}), 0)
        began = time.perf_counter()
        *_, record = Trainer().train([run])
        assert isinstance(record, Record)
        part = 100 * spent / (time.perf_counter() - began)
        name = f"{task['task']} {length // 4} H=64"
        print(f"{name:24} {record.status} after {record.steps} steps, looks and tests {part:.1f} %")


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for hidden in (32, 64):
        for task, length in CASES:
            run = Run(Rung({"cell": "lstm"}, task, length, {"hidden": hidden, "steps": 10**6}), 0)
            layer = Trainer().solo(run)
            assert layer is not None
            model = Model.of(run.rung, layer)
            rows = Cohort(model, [run], True, "cpu")
            drawn = rows.task.batch(rows.settings.batch, length, stream(0, "train", 1))
            scan = Scan(layer, model, rows, drawn)
            scans, steps = [], []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                scan()
                between = time.perf_counter()
                rows.train(listen=False)
                scans.append(between - began)
                steps.append(time.perf_counter() - between)
            rest = 1 - median(scans) / median(steps)
            name = f"{task['task']} T={drawn.xs.shape[0]} H={hidden}"
            print(f"{name:24} scan {spread(scans)}   step {spread(steps)}   rest {100 * rest:.0f} %")
    looks()


if __name__ == "__main__":
    main()
