"""Somebody else's layer, tried once: a few steps forwards and back, for two runs side by side and for each alone; and
somebody else's task, asked for one batch."""

from __future__ import annotations

import traceback
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rnnbench.cells import Cell, Parameters
from rnnbench.layers import Layer
from rnnbench.layers.recurrent import Recurrent
from rnnbench.lazy import torch
from rnnbench.rng import Stream, stream
from rnnbench.tasks import Batch, Task
from rnnbench.text import raised

if TYPE_CHECKING:
    from torch import Tensor

I, T, B = 3, 4, 5  # unlike each other, so that an axis taken for another one shows
RUNS = 2
CHEAP = 0.1  # more than noise leaves of a score that is 0


def trial(layer: Layer, H: int, causal: bool) -> str:
    """What is wrong with a layer of H units, in one line; nothing if that shows in no way. Raises nothing of its."""
    try:
        return _tried(layer, H, causal)
    except BaseException:
        return raised(traceback.format_exc())


def trial_of_task(task: Task, length: int) -> str:
    """What is wrong with a batch of a task, in one line; nothing if that shows in no way. Raises nothing of its."""
    try:
        task.lag(length)
        batch = task.batch(B, length, _stream(0, "batch"))
        steps = len(batch.xs)
        want = (steps, B) if task.tokens else (steps, B, task.inputs)
        if batch.xs.shape != want:
            kind = "tokens" if task.tokens else "numbers, as `tokens` is false"
            return f"got inputs of shape {batch.xs.shape} for {B} examples, expected {want}: {kind}, time first"
        answers = (len(range(steps)[batch.at]), B)
        if batch.ys.shape[:2] != answers:
            return f"got answers of shape {batch.ys.shape} for {B} examples, expected {answers} first, as `at` says"
        if not np.isfinite(batch.xs).all():
            return "got inputs that are not finite numbers"
        if batch.weights is not None and not batch.weights.sum() > 0:
            return "got weights that are all 0, expected an answer that is scored in each batch"
        if not _equal(batch, task.batch(B, length, _stream(0, "batch"))):
            return "gives other examples for the same stream, expected all that is random to come from it"
        return _cheated(task, length)
    except BaseException:
        return raised(traceback.format_exc())


def _cheated(task: Task, length: int) -> str:
    """Which of a task's shortcuts scores, though it does without the memory."""
    batch = task.held_out("test", length, partial(_stream, 0))
    weights = None if batch.weights is None else torch.from_numpy(batch.weights)
    for name, answers in task.shortcuts(batch).items():
        score = float(task.score(torch.from_numpy(answers), torch.from_numpy(batch.ys), weights))
        if score > CHEAP:
            return f"its shortcut '{name}' scores {score:.2f}, expected about 0: `chance` is what the best of them gets"
    return ""


def _equal(a: Batch, b: Batch) -> bool:
    if a.at != b.at or (a.weights is None) != (b.weights is None):
        return False
    weighted = a.weights is None or b.weights is None or np.array_equal(a.weights, b.weights)
    return weighted and np.array_equal(a.xs, b.xs) and np.array_equal(a.ys, b.ys)


def _tried(layer: Layer, H: int, causal: bool) -> str:
    from rnnbench.training.deciding import deciding  # imports torch

    shapes = layer.shapes(I, H, True, True)
    for name, shape in shapes.items():
        if len(shape) != 2:
            return f"got the shape {tuple(shape)} for its parameter '{name}', expected (rows, columns), as in (1, H)"
    starts = [layer.init(shapes, partial(_stream, seed), tokens=False) for seed in range(RUNS)]
    p = {name: torch.tensor(np.stack([start[name] for start in starts]), requires_grad=True) for name in shapes}
    xs = torch.tensor(_stream(0, "inputs").uniform((RUNS, T, B, I)), dtype=torch.float32)
    if isinstance(layer, Recurrent) and (wrong := _stepped(layer.cell, {name: p[name][0] for name in p}, xs[0, 0], H)):
        return wrong

    def scanned(k: int, xs: Tensor) -> Tensor:
        return layer.scan({name: p[name][k] for name in p}, xs, causal)

    alone = [scanned(k, xs[k]) for k in range(RUNS)]
    want = (T, B, layer.width(I, H))
    if alone[0].shape != want:
        return f"got an output of shape {tuple(alone[0].shape)}, expected {want}: steps, batch, width"
    if not torch.isfinite(alone[0]).all():
        return f"gives {'NaN' if alone[0].isnan().any() else 'infinity'} at its start"
    if not _same(alone[0], scanned(0, xs[0])):
        return "gives other values each time: it draws random numbers, or keeps something from one call to the next"
    if not _same(alone[0][:, 1:], scanned(0, _with_another_first(xs[0]))[:, 1:]):
        return "mixes the examples of a batch, expected each to be answered as if it were alone"
    learnt = {name: each for name, each in p.items() if not layer.untrained(name)}
    if layer.stacks and (line := deciding(lambda: scanned(0, xs[0]))):
        why = "runs side by side would decide together, and a record would hang on its neighbours"
        return f"decides by a number of its tensors{line}: {why}; next: torch.where in place of if"
    slopes = torch.autograd.grad(alone[0].sum(), list(learnt.values()), allow_unused=True) if learnt else ()
    unused = [name for name, slope in zip(learnt, slopes, strict=True) if slope is None]
    if unused and isinstance(layer, Recurrent):
        names = ", ".join(unused)
        return f"its step makes no use of {names}, expected `shapes` without what it doesn't use: it is counted"
    if not layer.stacks:
        return ""
    expected = "expected every axis counted from the end"
    if not isinstance(layer, Recurrent):
        expected += ", or `stacks: ClassVar[bool] = False`"
    try:
        ys = layer.scan(p, xs, causal)
    except Exception:
        return f"runs side by side: {raised(traceback.format_exc())}, {expected}"
    if ys.shape != (RUNS, *want) or not all(_same(ys[k], alone[k]) for k in range(RUNS)):
        return f"gives runs side by side other values than each alone, {expected}"
    return ""


def _with_another_first(xs: Tensor) -> Tensor:
    """xs (T, B, I) with other numbers in its first example."""
    other = xs.clone()
    other[:, 0] = 3 - 2 * other[:, 0]
    return other


def _stepped(cell: Cell, p: Parameters, x: Tensor, H: int) -> str:
    """What is wrong with what a cell's step returns for x (B, I)."""
    widths = cell.widths(H)
    got = cell.step(cell.prepare(p), x, tuple(x.new_zeros((B, width)) for width in widths))
    states = ", ".join(f"({B}, {width})" for width in widths)
    want = f"expected the output ({B}, {H}) and a tuple of its states, {states}"
    if not (isinstance(got, tuple) and len(got) == 2 and isinstance(got[1], tuple)):
        return f"its step returns a {type(got).__name__} that is no (output, states), {want}"
    shapes = [tuple(each.shape) for each in (got[0], *got[1])]
    if shapes != [(B, H), *((B, width) for width in widths)]:
        return f"its step returns shapes {', '.join(map(str, shapes))}, {want}"
    return ""


def _stream(seed: int, name: str) -> Stream:
    return stream(seed, f"trial/{name}")


def _same(a: Tensor, b: Tensor) -> bool:
    """Up to rounding, which may differ with what is computed at once."""
    return torch.allclose(a, b, rtol=1e-3, atol=1e-4, equal_nan=True)
