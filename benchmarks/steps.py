"""What a training step costs besides its scan: `python -m benchmarks.steps`.

One process, one thread, in rounds: the scan of the cell alone, forward and backward, on the step's own inputs; and the
whole step: drawing the batch, encoding it, read-out, loss, gradients, clipping, optimiser, running sums. Shown are
medians of milliseconds with half the distance between the quartiles, and the part of a step that is not its scan.
"""

from __future__ import annotations

import os

from rnnbench.executors.local import ENVIRONMENT

os.environ.update(ENVIRONMENT)  # as in a worker, before torch is imported

import time
from statistics import median, quantiles

import torch

from rnnbench.lockstep import Lockstep
from rnnbench.model import Model
from rnnbench.records import Run, Rung
from rnnbench.rng import stream
from rnnbench.train import Trainer

ROUNDS = 60
CASES = [({"task": "adding"}, 200), ({"task": "copy"}, 180), ({"task": "qa"}, 184), ({"task": "counting"}, 100)]


def spread(times: list[float]) -> str:
    low, _, high = quantiles(times, n=4)
    return f"{1e3 * median(times):6.2f} ±{1e3 * (high - low) / 2:.2f} ms"


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for hidden in (32, 64):
        for task, length in CASES:
            run = Run(Rung({"cell": "lstm"}, task, length, {"hidden": hidden, "steps": 10**6}), 0)
            layer = Trainer().alone(run)
            assert layer is not None
            model = Model.of(run.rung, layer)
            rows = Lockstep(model, [run], True, "cpu")
            drawn = rows.task.batch(rows.settings.batch, length, stream(0, "train", 1))
            xs = model.encode(torch.from_numpy(drawn.xs))
            views = model.views(rows.state["flat"][0])
            own = {n.rpartition("/")[2]: p.detach().requires_grad_() for n, p in views.items() if n.startswith("0/")}
            scans, steps = [], []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                ys = layer.scan(own, xs, False)
                torch.autograd.grad(ys, list(own.values()), torch.ones_like(ys))
                between = time.perf_counter()
                rows.train(listen=False)
                scans.append(between - began)
                steps.append(time.perf_counter() - between)
            rest = 1 - median(scans) / median(steps)
            name = f"{task['task']} T={drawn.xs.shape[0]} H={hidden}"
            print(f"{name:24} scan {spread(scans)}   step {spread(steps)}   rest {100 * rest:.0f} %")


if __name__ == "__main__":
    main()
