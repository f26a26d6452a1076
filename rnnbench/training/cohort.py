"""Runs in lockstep: their parameters, moments and running sums as tensors, a row a run; a training step of them all.

A product with an R axis of 1 has other bits than with one of 2 or more, so a single run of a stack is padded with a
copy of itself. A layer that computes one run at a time has no R axis at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.curriculum import Curriculum
from rnnbench.finite import Finite
from rnnbench.layers.noise import Noise
from rnnbench.lazy import torch
from rnnbench.records import Run
from rnnbench.rng import stream
from rnnbench.settings import Settings
from rnnbench.tasks import Batch, Split
from rnnbench.training import optimiser
from rnnbench.training.backprop import backprop
from rnnbench.training.model import Model

if TYPE_CHECKING:
    from torch import Tensor

    from rnnbench.seeds import Seed

CHUNK = 256  # examples scored at once
POSITIONS = 8  # parts of an example's answers that are told apart
Inputs = tuple["Tensor", "Tensor", "Tensor | None"]


def shapes(model: Model) -> dict[str, tuple[int, ...]]:
    """The buffers of a run under way and their shapes: parameters, two moments, sums of losses and of scores."""
    P = (model.layout.size,)
    return {"flat": P, "first": P, "second": P, "losses": (1,), "scores": (1,)}


class Cohort:
    """`arrays`, by run id, are where runs go on after `step` steps; the others start."""

    def __init__(
        self,
        model: Model,
        runs: Sequence[Run],
        solo: bool,
        device: str,
        step: int = 0,
        arrays: Mapping[str, Mapping[str, NDArray[np.float32]]] | None = None,
    ) -> None:
        self.model, self.solo, self.device, self.step = model, solo, torch.device(device), step
        self.settings, self.task = model.settings, model.task
        self.curriculum = Curriculum.of(runs[0].rung, self.task.shortest)
        if self.curriculum.drawn and len(runs) > 1:
            raise ValueError(f"got {len(runs)} runs that draw their lengths, expected one: a step is of one length")
        self.examples: int | None = runs[0].rung.train.get("examples")  # None: fresh ones at each step
        self.finite: dict[Seed, Finite] = {}  # by seed
        self.held: dict[tuple[Split, Seed, int], Batch] = {}
        rows = [(arrays or {}).get(run.id) or self._start(run) for run in runs]
        stacked = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        self._bind(runs, {name: torch.from_numpy(array).to(self.device) for name, array in stacked.items()})

    def _start(self, run: Run) -> dict[str, NDArray[np.float32]]:
        zeros = {name: np.zeros(shape, np.float32) for name, shape in shapes(self.model).items()}
        return zeros | {"flat": self.model.init(run.seed)}

    def _bind(self, runs: Sequence[Run], state: Mapping[str, Tensor]) -> None:
        """Takes rows of state, one a run, and makes leaves of the parameters that share their memory."""
        self.runs = list(runs)
        rows = self._padded(range(len(runs)))
        self.state = {name: tensor[rows].contiguous() for name, tensor in state.items()}
        flat = self.state["flat"]
        self.gradient = torch.zeros_like(flat)
        own = (flat[0], self.gradient[0]) if self.solo else (flat, self.gradient)
        self.backprop = backprop(self.model, *(self.model.views(each) for each in own))
        lrs = [Settings.of(runs[r].rung).lr for r in rows]
        self.optimiser: optimiser.Solo | optimiser.Stacked
        if optimiser.compiled(self.solo, self.device.type):
            self.optimiser = optimiser.Solo(self.settings, lrs[0], self.state, self.gradient)
        else:
            self.optimiser = optimiser.Stacked(self.settings, lrs, self.state, self.gradient)
        # Weight decay would shrink what is only kept.
        places = self.model.layout.kept if self.settings.weight_decay else []
        kept = [slice(start, start + size) for start, size in places]
        self.kept = [(part, flat[:, part].clone()) for part in kept]
        self.seeds = [runs[r].seed for r in rows]
        self.recorded: dict[bool, tuple[torch.cuda.CUDAGraph, Inputs]] = {}

    def _padded(self, rows: Sequence[int]) -> list[int]:
        return list(rows) * 2 if len(rows) == 1 and not self.solo else list(rows)

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with these runs only."""
        kept = list(rows)
        self._bind([self.runs[row] for row in kept], {name: tensor[kept] for name, tensor in self.state.items()})

    def row(self, row: int) -> dict[str, NDArray[np.float32]]:
        """All that a run needs to go on from here."""
        return {name: tensor[row].cpu().numpy() for name, tensor in self.state.items()}

    def take_means(self, steps: int, listened: int) -> tuple[list[float], list[float]]:
        """Each run's mean loss over so many steps and score over those listened to, since they were taken last."""
        sums = [self.state[name][: len(self.runs), 0] for name in ("losses", "scores")]
        losses, scores = ((total / n).tolist() for total, n in zip(sums, (steps, listened), strict=True))
        for total in sums:
            total.zero_()
        return losses, scores

    def _tensors(self, batches: Sequence[Batch]) -> Inputs:
        """Inputs, targets and weights of a batch a row, on the device, with an R axis unless solo."""

        def put(arrays: Sequence[Any]) -> Tensor:
            return torch.from_numpy(arrays[0] if self.solo else np.stack(arrays)).to(self.device)

        weights = None if batches[0].weights is None else put([b.weights for b in batches])
        return put([b.xs for b in batches]), put([b.ys for b in batches]), weights

    def batches(self) -> list[Batch]:
        """What the step under way trains on, a batch a row."""
        drawn = {seed: self._batch(seed) for seed in dict.fromkeys(self.seeds)}
        return [drawn[seed] for seed in self.seeds]

    def _batch(self, seed: Seed) -> Batch:
        length = self.curriculum.length(seed, self.step)
        if self.examples is None:
            return self.task.batch(self.settings.batch, length, stream(seed, "train", self.step))
        if seed not in self.finite:
            self.finite[seed] = Finite(self.task, length, self.examples, seed)
        return self.finite[seed].batch(self.settings.batch, self.step)

    def held_out(self, row: int, split: Split, length: int | None = None) -> Batch:
        """The examples of a split by which a row's run is judged, of a length (None: the longest trained on)."""
        seed, length = self.runs[row].seed, length or self.curriculum.upto
        key = split, seed, length
        if key not in self.held:
            self.held[key] = self.task.held_out(split, length, partial(stream, seed))
        return self.held[key]

    def train(self, listen: bool) -> None:
        """One training step; `listen`: its score is summed too."""
        self.step += 1
        batches = self.batches()
        inputs = self._tensors(batches)
        self.optimiser.prepare(self.step)
        if self.device.type == "cuda" and not self.settings.dropout and not self.curriculum.drawn:
            self._replay(inputs, batches[0].at, listen)
        else:
            self._advance(inputs, batches[0].at, listen)

    def _advance(self, inputs: Inputs, at: slice, listen: bool) -> None:
        """The step itself: tensors in, state changed in place."""
        xs, ys, weights = inputs
        losses, answers = self.backprop(xs, ys, weights, at, Noise(self.seeds, self.step, self.solo))
        with torch.no_grad():
            self.optimiser.apply()
            s = self.state
            for part, value in self.kept:
                s["flat"][:, part] = value
            s["losses"] += losses.reshape(-1, 1)
            if listen:
                s["scores"] += self.task.score(answers, ys, weights).float().reshape(-1, 1)

    def _replay(self, inputs: Inputs, at: slice, listen: bool) -> None:
        """The step as a CUDA graph: launching its hundreds of small kernels one by one would take longer than running
        them. Recorded at the first step of a set of runs; dropout, which draws on the host, and steps of unequal length
        keep it from that."""
        if listen not in self.recorded:
            kept = {name: tensor.clone() for name, tensor in self.state.items()}
            xs, ys, weights = inputs
            places = (xs.clone(), ys.clone(), None if weights is None else weights.clone())
            aside = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
            aside.wait_stream(torch.cuda.current_stream(self.device))
            with torch.cuda.stream(aside):
                for _ in range(3):  # as torch asks: allocations and choices of kernels happen before recording
                    self._advance(places, at, listen)
            torch.cuda.current_stream(self.device).wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._advance(places, at, listen)
            for name, tensor in kept.items():
                self.state[name].copy_(tensor)
            self.recorded[listen] = (graph, places)
        graph, places = self.recorded[listen]
        for place, fresh in zip(places, inputs, strict=True):
            if place is not None and fresh is not None:
                place.copy_(fresh)
        graph.replay()

    def evaluate(self, rows: Sequence[int], split: Split, length: int | None = None) -> list[tuple[float, float]]:
        """Score and loss of these runs on a held-out split, of a length (None: the longest trained on)."""
        if not rows:
            return []
        of, *judged = self._answered(rows, split, length)
        with torch.no_grad():
            scores, losses = (found.reshape(-1).tolist() for found in (self.task.score(*judged), of.loss(*judged)))
        return list(zip(scores, losses, strict=True))[: len(rows)]

    def positions(self, rows: Sequence[int], length: int) -> list[tuple[float, ...]]:
        """How many of the test's answers of these runs are right, by their position among those of an example: in so
        many equal parts as there are answers, at most POSITIONS. Empty where one answer is asked for, or none is a
        class."""
        if not rows:
            return []
        _, answers, ys, weights = self._answered(rows, "test", length)
        right = self.task.right(answers, ys)
        if right is None or right.shape[-2] < 2:
            return [()] * len(rows)
        counts = torch.ones_like(right) if weights is None else weights.double().expand_as(right)
        sums = ((right * counts).sum(-1).reshape(-1, right.shape[-2]), counts.sum(-1).reshape(-1, right.shape[-2]))
        K = right.shape[-2]
        parts = min(K, POSITIONS)
        edges = [K * part // parts for part in range(parts + 1)]
        shares = torch.stack([
            (sums[0][:, low:high].sum(-1) / sums[1][:, low:high].sum(-1)) for low, high in pairwise(edges)
        ], -1)  # fmt: skip
        return [tuple(share) for share in shares.tolist()][: len(rows)]

    def _answered(self, rows: Sequence[int], split: Split, length: int | None) -> tuple[Any, Tensor, Tensor, Any]:
        """Whoever answers, and the answers, targets and weights of a split's examples, a row a run unless solo."""
        padded = self._padded(rows)
        whole = padded == list(range(len(self.state["flat"])))  # what is bound already, for all runs and for one
        flat = self.state["flat"][padded].contiguous()
        of = self.backprop if whole else backprop(self.model, p := self.model.views(flat), p)
        batches = [self.held_out(row, split, length) for row in padded]
        answers, ys, weights = [], [], []
        with torch.no_grad():
            for start in range(0, batches[0].xs.shape[1], CHUNK):
                x, y, w = self._tensors([b.part(start, start + CHUNK) for b in batches])
                answers.append(of.evaluate(x, batches[0].at))
                ys.append(y)
                weights.append(w)
            axis = 1 if self.solo else 2
            all_answers, all_ys = torch.cat(answers, axis), torch.cat(ys, axis)
            all_weights = None if weights[0] is None else torch.cat([w for w in weights if w is not None], axis)
        return of, all_answers, all_ys, all_weights
