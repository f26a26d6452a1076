"""What a training step of every cell and arrangement costs beside a plain script: `python -m benchmarks.everything`.

The script is what people write: torch.nn.LSTM, a read-out, mean squared error, clipping, torch.optim.Adam, on the same
batches of adding. One process, one thread, in rounds; a ratio is formed within a round, to the script and to the LSTM's
step, and shown are medians with half the distance between the quartiles. Times are those of the thread's CPU, which
tells what a step costs beside other processes too. What trains side by side is timed as three runs of a cohort, a run.
"""

from __future__ import annotations

import os

from rnnbench.running.executors.local import ENVIRONMENT

os.environ.update(ENVIRONMENT)  # as in a worker, before torch is imported

import argparse
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

import torch

from benchmarks.machine import processor
from rnnbench import registry
from rnnbench.records import Run, Rung
from rnnbench.rng import stream
from rnnbench.training.cohort import Cohort
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

SIZES = ((64, 32, 100), (32, 32, 40), (32, 32, 200))  # H, B, T
# What a step may cost at the first size, as a part of the script's.
BARS = {
    "lstm": 0.47, "gru": 0.39, "rnn": 0.13, "mgu": 0.33, "janet": 0.33, "mut1": 0.45, "mut2": 0.45, "mut3": 0.45,
    "slstm": 0.65, "lstm+gate_recurrence": 1.7, "mingru": 0.2, "minlstm": 0.25, "lru": 0.5, "mlstm": 2.5,
    "bidirectional": 1.0, "attention": 0.55, "layer norm": 0.52, "transformer, 2 layers": 3.2,
}  # fmt: skip
MATRIX_BAR = 1.5  # what a step of a cell with matrices of 16 keys for a memory may cost at H64 B32 T128, of the LSTM's
HEADS = 4
MATRICES: dict[str, dict[str, Any]] = {
    **{f"linear_attention, {decay}": {"decay": decay} for decay in ("none", "fixed", "scalar", "vector")},
    "deltanet, plain": {},
    "deltanet, gated": {"gate": "scalar"},
    "deltanet, gated by key": {"gate": "vector"},
    "deltanet, two householders": {"householders": 2},
}
ARRANGED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "lstm+gate_recurrence": ({"cell": "lstm", "gate_recurrence": True}, {}),
    "bidirectional": ({"cell": "lstm"}, {"bidirectional": True}),
    "two layers": ({"cell": "lstm"}, {"layers": 2}),
    "attention": ({"cell": "lstm"}, {"attention": "additive"}),
    "layer norm": ({"cell": "lstm"}, {"layer_norm": True}),
    "dropout": ({"cell": "lstm"}, {"dropout": 0.1, "layers": 2}),
    "conv": ({"cell": "lstm"}, {"conv": 4}),
    "transformer, 2 layers": ({"layer": "transformer"}, {"layers": 2}),
    **{name: ({"cell": name.split(",")[0], "heads": HEADS} | switches, {}) for name, switches in MATRICES.items()},
}


def script(H: int, B: int, T: int) -> Callable[[], None]:
    """A step of the plain script."""
    torch.manual_seed(0)
    task = registry.task({"task": "adding"})
    lstm, readout = torch.nn.LSTM(task.inputs, H), torch.nn.Linear(H, 1)
    parameters = [*lstm.parameters(), *readout.parameters()]
    adam, count = torch.optim.Adam(parameters, lr=1e-3), iter(range(10**9))

    def step() -> None:
        batch = task.batch(B, T, stream(0, "train", next(count)))
        answers = readout(lstm(torch.from_numpy(batch.xs))[0][-1:])
        loss = (answers - torch.from_numpy(batch.ys)).square().mean()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()

    return step


def ours(model: dict[str, Any], settings: dict[str, Any], H: int, B: int, T: int) -> tuple[Callable[[], None], int]:
    """A step of a run, or of three where they train side by side; and how many."""
    rung = Rung(model, {"task": "adding"}, T, {"hidden": H, "batch": B, "clip": 1.0, "steps": 10**6} | settings)
    runs = [Run(rung, seed) for seed in range(3)]
    layer = Trainer().solo(runs[0])
    runs = runs[:1] if layer else runs
    rows = Cohort(Model.of(rung, layer), runs, layer is not None, "cpu")
    return lambda: rows.train(listen=False), len(runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--size", action="append", help="HxBxT, as 64x32x100")
    parser.add_argument("-k", nargs="+", default=[""], help="names that contain one of these")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    sizes = [(int(H), int(B), int(T)) for H, B, T in (size.split("x") for size in chosen.size or ())] or SIZES
    cells: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {n: ({"cell": n}, {}) for n in registry.names("cells")}
    contenders = cells | ARRANGED
    print(f"{processor()}, torch {torch.__version__}")
    for H, B, T in sizes:
        steps = {"script": (script(H, B, T), 1), "lstm": ours(*contenders["lstm"], H, B, T)}
        for name, what in contenders.items():
            if any(part in name for part in chosen.k) and name not in steps:
                steps[name] = ours(*what, H, B, T)
        times: dict[str, list[float]] = {name: [] for name in steps}
        for number in range(chosen.rounds + 2):  # two to warm up
            for name, (step, runs) in steps.items():
                began = time.thread_time()
                step()
                if number > 1:
                    times[name].append((time.thread_time() - began) / runs)
        print(f"H{H} B{B} T{T}: ms of CPU, of the script, of the lstm", flush=True)
        for name, found in times.items():
            ms, bar = f"{1e3 * median(found):7.2f} ms", ""
            if name in BARS and SIZES[0] == (H, B, T):
                bar = f"   bar {BARS[name]} of the script"
            elif name in MATRICES and (H, B, T) == (64, 32, 128):
                bar = f"   bar {MATRIX_BAR} of the lstm"
            print(f"{name:28}{ms}   {_ratio(found, times['script'])}   {_ratio(found, times['lstm'])}{bar}")


def _ratio(found: list[float], reference: list[float]) -> str:
    """Of a reference, each within its round."""
    ratios = [a / b for a, b in zip(found, reference, strict=True)]
    low, _, high = quantiles(ratios, n=4)
    return f"{median(ratios):6.2f} ±{(high - low) / 2:.2f}"


if __name__ == "__main__":
    main()
