"""The exact tier of `check`: a few numbers of every task and every variant that any change of the mathematics moves.

A task's examples are hashed: they are made of whole words and exact float32 arithmetic, equal on every machine. What
goes through a model is rounded differently by different machines, so of it there are numbers, held to a tolerance:
of each array its root mean square and its sum along fixed random signs. Parameters are moved off their start, where
biases and peepholes are zero and would hide; the loss after STEPS steps sees optimiser, clipping and data as well.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnbench import registry
from rnnbench.layers.noise import Noise
from rnnbench.lazy import torch
from rnnbench.plan import Ladder
from rnnbench.records import Record, Run, Rung
from rnnbench.rng import stream
from rnnbench.suite import TaskEntry
from rnnbench.tasks import Batch
from rnnbench.training import ways
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 20  # trained for the loss
SEEDS = (0, 1)  # side by side, so that a run that leans on its neighbour shows
SIZE = 8  # examples in the batch whose answers and gradients are taken
NUDGE = 0.2  # how far parameters are moved off their start
DIGITS = 6

# By how much numbers of two machines may differ: of arrays relative to their root mean square, of losses relative.
# Seen between a fused scan and the equations, and between AVX-512 and no vectors: at most 1.4e-6, of losses 7e-6.
TOLERANCE = {"start": 1e-5, "answers": 2e-5, "gradients": 2e-5, "losses": 1e-4, "score": 0.01}

FLOOR = 1e-3  # of the largest gradient: a smaller one is held to that, since a zero's rounding has no scale of its own

Numbers = list[float]


def rounded(x: float) -> float:
    """A number with DIGITS digits, as a baseline holds it."""
    return float(f"{x:.{DIGITS}g}")


def summary(name: str, array: NDArray[Any]) -> Numbers:
    """An array as [root mean square, sum along random signs / root of the size]; the signs are the name's own."""
    x = array.astype(np.float64).ravel()
    signs = 2.0 * stream(0, f"check/{name}").integers(2, x.size) - 1.0
    return [rounded(math.sqrt(float(np.mean(x * x)))), rounded(float(signs @ x) / math.sqrt(x.size))]


def _hash(batch: Batch) -> str:
    digest = hashlib.blake2b(f"{batch.at}".encode(), digest_size=8)
    for array in (batch.xs, batch.ys, batch.weights):
        if array is not None:
            digest.update(f"{array.dtype.str} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def task(entry: TaskEntry) -> dict[str, Any]:
    """A task's examples of every length, hashed; and at its shortest length the loss and the score of fixed answers, of
    which one half is right and the other noise."""
    made = registry.task(entry.task)
    hashes = {}
    for length in entry.lengths:
        batches = [made.batch(16, length, stream(seed, "train", 1 + seed)) for seed in SEEDS]
        batches += [made.held_out(split, length, partial(stream, 0)) for split in ("select", "test")]
        text = " ".join(map(_hash, batches)) + f" {tuple(made.lag(length))} {made.bar}"
        hashes[str(length)] = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    batch = made.batch(SIZE, entry.lengths[0], stream(0, "train", 1))
    answers, ys, weights = _answers(batch, made.outputs)
    loss, score = (float(f(answers, ys, weights)) for f in (made.loss, made.score))
    return {"hashes": hashes, "loss": rounded(loss), "score": rounded(score)}


def _answers(batch: Batch, outputs: int) -> tuple[Any, Any, Any]:
    ys = batch.ys
    classes = np.issubdtype(ys.dtype, np.integer)
    right = np.eye(outputs, dtype=np.float32)[ys] if classes else ys
    wrong = 0.1 * stream(0, "check/answers").normal(right.shape) + (0 if classes else right)
    column = np.arange(right.shape[1])[None, :, None]
    arrays = (np.where(column % 2, wrong, right).astype(np.float32), ys, batch.weights)
    answers, targets, weights = (None if a is None else torch.from_numpy(np.ascontiguousarray(a)) for a in arrays)
    return answers, targets, weights


def paths(rung: Rung) -> Iterator[str]:
    """The ways in which this rung can be computed on a CPU: one run alone, by a fused scan where the cell has one; and
    stacked, by the cell's own equations."""
    if ways.way(rung, "cpu", "auto") != ways.STACKED:
        yield "auto"
    if ways.way(rung, "cpu", "reference") == ways.STACKED:
        yield "reference"


def variant(ladder: Ladder, path: str) -> dict[str, Any]:
    """The numbers of a variant on a task, at its shortest length, by one of the `paths`."""
    rung = ladder.rungs[0]
    layer = Trainer("cpu", path).alone(Run(rung, SEEDS[0]))
    model = Model.of(rung, layer)
    found: dict[str, Any] = {"parameters": model.parameters, "start": summary("start", model.init(SEEDS[0]))}
    answers, gradients = _pass(model, rung.length, layer is not None)
    found["answers"] = summary("answers", answers)
    found["gradients"] = {name: summary(name, gradient) for name, gradient in gradients.items()}
    found["losses"] = {str(r.run.seed): _losses(r) for r in _trained(rung, path)}
    return found


def _pass(model: Model, length: int, alone: bool) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """Answers and gradients at fixed parameters and examples, as when training: of one run alone, or as the first of a
    stack of two."""
    seeds = SEEDS[:1] if alone else SEEDS
    rows = []
    for seed in seeds:
        flat = model.init(seed)
        for name, (start, (rows_, columns)) in model.layout.places.items():
            size = rows_ * columns
            flat[start : start + size] += np.float32(NUDGE) * (2 * stream(seed, f"check/{name}").uniform(size) - 1)
        rows.append(flat)
    batches = [model.task.batch(SIZE, length, stream(seed, "train", 1)) for seed in seeds]

    def put(arrays: list[Any]) -> Any:
        return torch.from_numpy(arrays[0] if alone else np.stack(arrays))

    weights = None if batches[0].weights is None else put([b.weights for b in batches])
    leaves = {k: v.detach().requires_grad_() for k, v in model.views(put(rows)).items()}
    xs, ys = model.encode(put([b.xs for b in batches])), put([b.ys for b in batches])
    answers = model.answers(leaves, xs, batches[0].at, Noise(seeds, 1, alone))
    loss = model.task.loss(answers, ys, weights).sum()
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)

    def first(stack: Tensor) -> NDArray[Any]:
        return np.asarray((stack if alone else stack[0]).detach().numpy())

    return first(answers), {name: first(g) for name, g in zip(leaves, found, strict=True)}


def _trained(rung: Rung, path: str) -> list[Record]:
    short = Rung(rung.model, rung.task, rung.length, rung.settings | {"steps": STEPS, "stop": "never"})
    events = Trainer("cpu", path).train([Run(short, seed) for seed in SEEDS])
    return sorted((e for e in events if isinstance(e, Record)), key=lambda r: r.run.seed)


def _losses(record: Record) -> Numbers:
    """Mean loss while training, loss and score on the test split; a run that diverged has no numbers."""
    during = record.curve[-1].loss if record.curve else None
    return (
        [] if during is None or record.loss is None else [rounded(x) for x in (during, record.loss, record.score or 0)]
    )


def differences(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs by more than its tolerance, in words: `gradient of 0/forward/Uf: .12 .34, was .12 .35`."""
    found = []
    if was["parameters"] != now["parameters"]:
        found.append(f"parameters: {now['parameters']:,}, was {was['parameters']:,}")
    for name in ("start", "answers"):
        found += _differs(name, was[name], now[name], TOLERANCE[name])
    largest = max((g[0] for g in was["gradients"].values()), default=0.0)
    for name in dict.fromkeys([*was["gradients"], *now["gradients"]]):
        pair = was["gradients"].get(name), now["gradients"].get(name)
        if None in pair:
            found.append(f"parameter {name}: {'new' if pair[0] is None else 'gone'}")
        else:
            found += _differs(f"gradient of {name}", *pair, TOLERANCE["gradients"], FLOOR * largest)
    for seed in was["losses"]:
        before, after = was["losses"][seed], now["losses"].get(seed, [])
        words = f"after {STEPS} steps, seed {seed}"
        if len(before) != len(after):
            found.append(f"{words}: {'no loss' if not after else 'a loss'}, was {'none' if not before else 'one'}")
            continue
        for what, a, b in zip(("training loss", "test loss"), before, after, strict=False):
            if not abs(a - b) <= TOLERANCE["losses"] * abs(a):
                found.append(f"{what} {words}: {b:g}, was {a:g}")
        if before and not abs(before[2] - after[2]) <= TOLERANCE["score"]:
            found.append(f"score {words}: {after[2]:g}, was {before[2]:g}")
    return found


def _differs(name: str, was: Numbers, now: Numbers, tolerance: float, least: float = 0.0) -> list[str]:
    """Compared so that a number that is no number differs from every other."""
    scale = max(least, *(abs(x) for x in was))
    if all(abs(a - b) <= tolerance * scale for a, b in zip(was, now, strict=True)):
        return []
    return [f"{name}: {' '.join(f'{x:g}' for x in now)}, was {' '.join(f'{x:g}' for x in was)}"]


def task_differences(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between a task's numbers, in words."""
    lengths = [length for length, h in now["hashes"].items() if was["hashes"].get(length) != h]
    found = [f"examples of length {', '.join(lengths)} are others"] if lengths else []
    for name in ("loss", "score"):
        if not abs(was[name] - now[name]) <= 1e-5 * max(1.0, abs(was[name])):
            found.append(f"{name} of fixed answers: {now[name]:g}, was {was[name]:g}")
    return found
