"""The exact tier of `check`: a few numbers of every task and every variant that any change of the mathematics moves.

A task's examples are hashed: they are made of whole words and exact float32 arithmetic, equal on every machine. What
goes through a model is rounded differently by different machines, so of it there are numbers, held to a tolerance:
of each array its root mean square and its sum along fixed random signs. Parameters are moved off their start, where
biases and peepholes are zero and would hide; they are looked at at the longest length and at a width of another kind
too, where a kernel goes other ways. The loss after STEPS steps sees optimiser, clipping and data as well; what shows
later is `ends.py`'s, what seeds have in common `seeds.py`'s.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
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
from rnnbench.settings import Settings
from rnnbench.suite import TaskEntry
from rnnbench.tasks import Batch
from rnnbench.training import ways
from rnnbench.training.backprop import backprop
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 20  # trained for the loss
SEEDS = (0, 1)  # side by side, so that a run that leans on its neighbour shows
SIZE = 8  # examples in the batch whose answers and gradients are taken
NUDGE = 0.2  # how far parameters are moved off their start
JITTER = 1e-6  # relative: parameters moved so must not move what is looked at by more than its tolerance
DIGITS = 6

# By how much numbers of two machines may differ: of arrays relative to their root mean square, of losses relative.
# Seen between a fused scan and the equations, and between AVX-512 and no vectors: at most 1.4e-6, of losses 7e-6.
TOLERANCE = {"start": 1e-5, "answers": 2e-5, "gradients": 2e-5, "losses": 1e-4, "score": 0.01}

# Of the largest gradient: a smaller one is held to that, since a zero has no scale of its own but rounding of what sums
# to it, 6e-8 of the largest or a few times that.
FLOOR = 1e-2

# Nats: a smaller loss is held to that, since what a softmax sums is 1 and rounds by 6e-8, however small its logarithm.
LEAST_LOSS = 1e-2

Numbers = list[float]


def rounded(x: float) -> float:
    """A number with DIGITS digits, as a baseline holds it."""
    return float(f"{x:.{DIGITS}g}")


def summary(name: str, array: NDArray[Any]) -> Numbers:
    """An array as [root mean square, sum along random signs / root of the size]; the signs are the name's own."""
    x = array.astype(np.float64).ravel()
    signs = 2.0 * stream(0, f"check/{name}").integers(2, x.size) - 1.0
    return [rounded(math.sqrt(float(np.mean(x * x)))), rounded(float(signs @ x) / math.sqrt(x.size))]


def batch_hash(batch: Batch) -> str:
    """Of all that a batch holds."""
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
        text = " ".join(map(batch_hash, batches)) + f" {tuple(made.lag(length))} {made.bar}"
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


def looks(ladder: Ladder) -> list[tuple[int, int]]:
    """(length, width) at which answers and gradients are taken: the shortest length, the longest at which rounding
    doesn't grow beyond what is told from a change, and the shortest at a width that fills vectors of 16 numbers where
    the suite's doesn't, or doesn't where it does."""
    rung, path = ladder.rungs[0], next(paths(ladder.rungs[0]))
    width = Settings.of(rung).hidden
    found = [(rung.length, width)]
    longer = (r.length for r in reversed(ladder.rungs[1:]) if r.length != rung.length)
    found += [(length, width) for length in longer if _steady(rung, length, path)][:1]
    return found + [(rung.length, other) for other in _other_widths(rung, width)][:1]


def _other_widths(rung: Rung, width: int) -> Iterator[int]:
    layer = registry.layer(rung.model)
    if registry.kind(rung.model) != "module":  # which may take any width or just one
        for other in (32, 48, 64, 80) if width % 16 else (24, 20, 28, 36, 40):
            if not layer.incompatible(Settings(**rung.settings | {"hidden": other})):
                yield other


def can_be(passes: Collection[str], ladder: Ladder) -> bool:
    """Whether these may be the names that `looks` gave a ladder's passes: those at its shortest length, and perhaps one
    at its own width and another length."""
    rung = ladder.rungs[0]
    width = Settings.of(rung).hidden
    needed = {f"{rung.length}/{other}" for other in [width, *_other_widths(rung, width)][:2]}
    return needed <= set(passes) <= needed | {f"{r.length}/{width}" for r in ladder.rungs}


def _steady(rung: Rung, length: int, path: str) -> bool:
    was, now = (_passed(rung, path, length, Settings.of(rung).hidden, jitter) for jitter in (0.0, JITTER))
    return not _pass_differences("", was, now)


def variant(ladder: Ladder, path: str, at: Iterable[tuple[int, int]]) -> dict[str, Any]:
    """The numbers of a variant on a task, by one of the `paths`; answers and gradients at these (length, width)."""
    rung = ladder.rungs[0]
    layer = Trainer("cpu", path).solo(Run(rung, SEEDS[0]))
    model = Model.of(rung, layer)
    return {
        "parameters": model.parameters,
        "passes": {f"{length}/{width}": _passed(rung, path, length, width) for length, width in at},
        "losses": {str(r.run.seed): _losses(r) for r in _trained(rung, path)},
    }


def looked(passes: Iterable[str]) -> list[tuple[int, int]]:
    """The (length, width) of passes by their names.

    >>> looked(["4/16", "16/24"])
    [(4, 16), (16, 24)]
    """
    return [(int(length), int(width)) for length, _, width in (name.partition("/") for name in passes)]


def _passed(rung: Rung, path: str, length: int, width: int, jitter: float = 0.0) -> dict[str, Any]:
    """Answers and gradients at fixed parameters and examples, as when training: of one run alone, or as the first of a
    stack of two. `jitter`: parameters are so much larger."""
    sized = Rung(rung.model, rung.task, length, rung.settings | {"hidden": width})
    layer = Trainer("cpu", path).solo(Run(sized, SEEDS[0]))
    model, solo = Model.of(sized, layer), layer is not None
    seeds = SEEDS[:1] if solo else SEEDS
    rows = []
    for seed in seeds:
        flat = model.init(seed)
        for name, (start, (rows_, columns)) in model.layout.places.items():
            size = rows_ * columns
            flat[start : start + size] += np.float32(NUDGE) * (2 * stream(seed, f"check/{name}").uniform(size) - 1)
        rows.append(flat * np.float32(1 + jitter))
    batches = [model.task.batch(SIZE, length, stream(seed, "train", 1)) for seed in seeds]

    def put(arrays: list[Any]) -> Any:
        return torch.from_numpy(arrays[0] if solo else np.stack(arrays))

    weights = None if batches[0].weights is None else put([b.weights for b in batches])
    flat = put(rows)
    slopes = model.views(torch.zeros_like(flat))
    noise = Noise(seeds, 1, solo)
    _, answers = backprop(model, model.views(flat), slopes)(
        put([b.xs for b in batches]), put([b.ys for b in batches]), weights, batches[0].at, noise
    )

    def first(name: str, stack: Tensor) -> Numbers:
        return summary(name, np.asarray((stack if solo else stack[0]).numpy()))

    gradients = {name: first(name, g) for name, g in slopes.items()}
    return {"answers": first("answers", answers), "gradients": gradients}


def _trained(rung: Rung, path: str) -> list[Record]:
    short = replace(rung, settings=rung.settings | {"steps": STEPS, "stop": "never"})
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
    for name, before in was["passes"].items():
        length, width = looked([name])[0]
        found += _pass_differences(f" at length {length}, width {width}", before, now["passes"][name])
    for seed in was["losses"]:
        before, after = was["losses"][seed], now["losses"].get(seed, [])
        words = f"after {STEPS} steps, seed {seed}"
        if len(before) != len(after):
            found.append(f"{words}: {'no loss' if not after else 'a loss'}, was {'none' if not before else 'one'}")
            continue
        for what, a, b in zip(("training loss", "test loss"), before, after, strict=False):
            if not abs(a - b) <= TOLERANCE["losses"] * max(abs(a), LEAST_LOSS):
                found.append(f"{what} {words}: {b:g}, was {a:g}")
        if before and not abs(before[2] - after[2]) <= TOLERANCE["score"]:
            found.append(f"score {words}: {after[2]:g}, was {before[2]:g}")
    return found


def _pass_differences(where: str, was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    found = differs(f"answers{where}", was["answers"], now["answers"], TOLERANCE["answers"])
    largest = max((g[0] for g in was["gradients"].values()), default=0.0)
    for name in dict.fromkeys([*was["gradients"], *now["gradients"]]):
        pair = was["gradients"].get(name), now["gradients"].get(name)
        if None in pair:
            found.append(f"parameter {name}: {'new' if pair[0] is None else 'gone'}")
        else:
            found += differs(f"gradient of {name}{where}", *pair, TOLERANCE["gradients"], FLOOR * largest)
    return found


def differs(name: str, was: Numbers, now: Numbers, tolerance: float, least: float = 0.0) -> list[str]:
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
