"""A cohort of runs -> their records.

Runs whose cell has a fused scan train one after another, each alone; others train stacked, in lockstep, along an R
axis. Either way a run's bits are its own: its data, clipping, learning rate and stopping depend on no neighbour. A
product with an R axis of 1 has other bits than with one of 2 or more, so a lone run of a stack is padded with a copy
of itself.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnbench import kernels, layers, optimiser
from rnnbench.checkpoint import Checkpoint
from rnnbench.fingerprint import fingerprint
from rnnbench.lazy import torch
from rnnbench.model import Model, Scan
from rnnbench.records import Point, Record, Run
from rnnbench.rng import stream
from rnnbench.settings import Settings
from rnnbench.tasks import Batch, Split

if TYPE_CHECKING:
    from torch import Tensor

LOOK = 100  # steps between looks at a run
LISTEN = 5  # last training batches before a look whose mean score tells whether looking is worth it
SLACK = 0.05  # how far below the bar that score may be
CHUNK = 256  # examples scored at once


@dataclass(frozen=True)
class Progress:
    """A look at a run under way."""

    run_id: str
    point: Point


@dataclass
class _Live:
    """A run under way: what is known of it besides its tensors."""

    run: Run
    curve: list[Point] = field(default_factory=list)
    passes: int = 0
    solved_at: int | None = None
    seconds: float = 0.0

    def note(self, point: Point, bar: float) -> None:
        """Solved is what passes the bar at two looks in a row, from the first of them on."""
        self.curve.append(point)
        passed = point.select is not None and point.select >= bar
        self.passes = self.passes + 1 if passed else 0
        if self.passes == 2 and self.solved_at is None:
            self.solved_at = self.curve[-2].step


class Trainer:
    """How runs are computed here: on which device, with which kernels."""

    def __init__(self, device: str = "cpu", kernels_wanted: str = "auto") -> None:
        self.device = device
        self.kernels_wanted = kernels_wanted

    def fused(self, run: Run) -> ModuleType | None:
        """The module with the fused scan of the run's cell, if there is one to be used."""
        if self.device != "cpu" or self.kernels_wanted == "reference":
            return None
        return kernels.fused(Model.of(run.rung).cell)

    def numerics(self, run: Run) -> str:
        """How a run would be computed here: records with equal numerics have equal bits."""
        kind = "fused" if self.fused(run) else "stacked"
        if self.device == "cpu":
            chip = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
        else:
            chip = torch.cuda.get_device_name(self.device)
        return f"{kind}, torch {torch.__version__}, {chip}"

    def warm(self, run: Run) -> None:
        """Compiles what the run needs, so that its clock starts afterwards."""
        if module := self.fused(run):
            module.warm(Model.of(run.rung).cell)

    def train(
        self,
        runs: Sequence[Run],
        checkpoints: dict[str, Checkpoint] | None = None,
        stop: Callable[[], bool] = lambda: False,
        checkpoint_seconds: float = 10.0,
    ) -> Iterator[Progress | Checkpoint | Record]:
        """Trains runs of one shape (one rung but for its learning rate) and yields what happens on the way.

        `checkpoints` by run id, where they fit, is where runs go on. When `stop()` turns true every run under way
        yields a checkpoint, and the iterator ends.
        """
        checkpoints = {
            run.id: found
            for run in runs
            if (found := (checkpoints or {}).get(run.id)) is not None
            and found.fits(run.id, self.numerics(run), fingerprint(run.rung, self.fused(run) is not None))
        }
        if self.fused(runs[0]):
            groups = [[run] for run in runs]
        else:  # only runs at one step can go on in lockstep
            starts = {run.id: checkpoints[run.id].state["step"] if run.id in checkpoints else 0 for run in runs}
            groups = [[r for r in runs if starts[r.id] == s] for s in sorted(set(starts.values()))]
        for group in groups:
            yield from _Group(self, group, checkpoints).train(stop, checkpoint_seconds)
            if stop():
                return


class _Group:
    """Runs in lockstep: their parameters, moments and running sums, a row a run."""

    def __init__(self, trainer: Trainer, runs: Sequence[Run], checkpoints: dict[str, Checkpoint]) -> None:
        self.model = Model.of(runs[0].rung)
        self.settings = self.model.settings
        self.task = self.model.task
        self.length = runs[0].rung.length
        self.device = torch.device(trainer.device)
        module = trainer.fused(runs[0])
        self.alone = module is not None
        self.scan: Scan = module.scan if module else layers.scan
        self.numerics = trainer.numerics(runs[0])
        self.fingerprint = fingerprint(runs[0].rung, self.alone)
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self.live = [_Live(run) for run in runs]
        self.step = 0
        self.bar = (1 + self.task.bar) / 2
        self.held: dict[tuple[Split, int], Batch] = {}
        rows = [self.model.init(run.seed) for run in runs]
        zeros = np.zeros_like(rows[0])
        buffers = {"flat": rows, "first": [zeros] * len(rows), "second": [zeros] * len(rows)}
        sums = {"losses": [np.zeros(1, np.float32)] * len(rows), "scores": [np.zeros(1, np.float32)] * len(rows)}
        arrays = buffers | sums
        for i, live in enumerate(self.live):
            if found := checkpoints.get(live.run.id):
                self.step = found.state["step"]
                live.curve = [Point(*p) for p in found.state["curve"]]
                live.passes, live.solved_at = found.state["passes"], found.state["solved_at"]
                live.seconds = found.state["seconds"]
                for name in arrays:
                    arrays[name] = [*arrays[name][:i], found.arrays[name], *arrays[name][i + 1 :]]
        self._bind({name: torch.from_numpy(np.stack(rows)).to(self.device) for name, rows in arrays.items()})

    def _bind(self, state: dict[str, Tensor]) -> None:
        """Takes rows of state, one a live run, and makes leaves of the parameters that share their memory."""
        rows = list(range(len(self.live)))
        if not self.alone and len(rows) == 1:
            rows = [0, 0]
        self.state = {name: tensor[: len(self.live)][rows].contiguous() for name, tensor in state.items()}
        flat = self.state["flat"]
        self.gradient = torch.zeros_like(flat)
        own = flat[0] if self.alone else flat
        self.leaves = {name: view.detach().requires_grad_() for name, view in self.model.views(own).items()}
        self.gradients = list(self.model.views(self.gradient[0] if self.alone else self.gradient).values())
        lrs = [[Settings(**self.live[r].run.rung.settings).lr] for r in rows]
        self.lr = torch.tensor(lrs, dtype=torch.float32, device=self.device)
        self.seeds = [self.live[r].run.seed for r in rows]

    def _tensors(self, batches: Sequence[Batch]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Inputs, targets and weights of a batch a row, on the device, with an R axis unless alone."""

        def put(arrays: Sequence[Any]) -> Tensor:
            return torch.from_numpy(arrays[0] if self.alone else np.stack(arrays)).to(self.device)

        weights = None if batches[0].weights is None else put([b.weights for b in batches])
        return self.model.encode(put([b.xs for b in batches])), put([b.ys for b in batches]), weights

    def _train_step(self) -> None:
        self.step += 1
        size = self.settings.batch
        drawn = {
            s: self.task.batch(size, self.length, stream(s, "train", self.step)) for s in dict.fromkeys(self.seeds)
        }
        batches = [drawn[seed] for seed in self.seeds]
        xs, ys, weights = self._tensors(batches)
        answers = self.model.answers(self.leaves, xs, batches[0].at, self.scan)
        losses = self.task.loss(answers, ys, weights)
        found = torch.autograd.grad(losses.sum(), list(self.leaves.values()), allow_unused=True, materialize_grads=True)
        with torch.no_grad():
            for place, gradient in zip(self.gradients, found, strict=True):
                place.copy_(gradient)
            optimiser.clip(self.gradient, self.settings.clip)
            s = self.state
            optimiser.update(self.settings, self.lr, self.step, s["flat"], self.gradient, s["first"], s["second"])
            s["losses"] += losses.detach().reshape(-1, 1)
            if self._to_look() < LISTEN:
                s["scores"] += self.task.score(answers.detach(), ys, weights).float().reshape(-1, 1)

    def _to_look(self) -> int:
        """Steps until the next look: every LOOK steps and at the last."""
        return min(-self.step % LOOK, self.settings.steps - self.step)

    def _evaluate(self, rows: Sequence[int], split: Split) -> list[tuple[float, float]]:
        """Score and loss of these live runs on a held-out split."""
        if not rows:
            return []
        padded = list(rows) * 2 if len(rows) == 1 and not self.alone else list(rows)
        flat = self.state["flat"][padded].contiguous()
        p = self.model.views(flat[0] if self.alone else flat)
        batches = []
        for row in padded:
            seed = self.live[row].run.seed
            if (split, seed) not in self.held:
                self.held[split, seed] = self.task.held_out(split, self.length, partial(stream, seed))
            batches.append(self.held[split, seed])
        answers, ys, weights = [], [], []
        with torch.no_grad():
            for start in range(0, batches[0].xs.shape[1], CHUNK):
                x, y, w = self._tensors([b.part(start, start + CHUNK) for b in batches])
                answers.append(self.model.answers(p, x, batches[0].at, self.scan))
                ys.append(y)
                weights.append(w)
            axis = 1 if self.alone else 2
            all_answers, all_ys = torch.cat(answers, axis), torch.cat(ys, axis)
            all_weights = None if weights[0] is None else torch.cat([w for w in weights if w is not None], axis)
            scores = self.task.score(all_answers, all_ys, all_weights).reshape(-1).tolist()
            losses = self.task.loss(all_answers, all_ys, all_weights).reshape(-1).tolist()
        return list(zip(scores, losses, strict=True))[: len(rows)]

    def train(self, stop: Callable[[], bool], checkpoint_seconds: float) -> Iterator[Progress | Checkpoint | Record]:
        last_saved = time.perf_counter()
        while self.live:
            began, count = time.perf_counter(), len(self.live)
            while True:
                self._train_step()
                if self._to_look() == 0 or stop():
                    break
            looking = self._to_look() == 0
            ended: dict[int, str] = self._look() if looking else {}
            final = [row for row in ended if ended[row] != "diverged"]
            tested = dict(zip(final, self._evaluate(final, "test"), strict=True))
            for live in self.live:
                live.seconds += (time.perf_counter() - began) / count
            if looking:
                for live in self.live:
                    yield Progress(live.run.id, live.curve[-1])
            for row in ended:
                yield self._record(self.live[row], tested.get(row))
            keep = [row for row in range(len(self.live)) if row not in ended]
            if stop():
                yield from (self._checkpoint(row) for row in keep)
                return
            if ended:
                self.live = [self.live[row] for row in keep]
                if keep:
                    self._bind({name: tensor[keep] for name, tensor in self.state.items()})
            elif time.perf_counter() - last_saved >= checkpoint_seconds:
                yield from (self._checkpoint(row) for row in keep)
                last_saved = time.perf_counter()

    def _look(self) -> dict[int, str]:
        """Notes a point for every live run; the rows that end here, and why."""
        window = self.step % LOOK or LOOK
        losses = (self.state["losses"][:, 0] / window).tolist()
        scores = (self.state["scores"][:, 0] / min(LISTEN, window)).tolist()
        self.state["losses"].zero_()
        self.state["scores"].zero_()
        rows = range(len(self.live))
        worth = [row for row in rows if math.isfinite(losses[row]) and scores[row] >= self.task.bar - SLACK]
        selected = dict(zip(worth, (score for score, _ in self._evaluate(worth, "select")), strict=True))
        ended = {}
        for row, live in enumerate(self.live):
            if not math.isfinite(losses[row]):
                live.note(Point(self.step, None, None), self.bar)
                ended[row] = "diverged"
                continue
            live.note(Point(self.step, losses[row], scores[row], selected.get(row)), self.bar)
            if live.passes >= 2 and self.settings.stop == "solved":
                ended[row] = "solved"
            elif self.step >= self.settings.steps:
                ended[row] = "spent"
        return ended

    def _record(self, live: _Live, tested: tuple[float, float] | None) -> Record:
        score, loss = tested or (0.0, None)
        if loss is not None and not math.isfinite(loss):
            tested, score, loss = None, 0.0, None
        return Record(
            live.run,
            "diverged" if tested is None else "solved" if score >= self.task.bar else "unsolved",
            score=score,
            loss=loss,
            steps=self.step,
            solved_at=live.solved_at,
            parameters=self.model.parameters,
            seconds=live.seconds,
            curve=tuple(live.curve),
            numerics=self.numerics,
            fingerprint=self.fingerprint,
            host=platform.node(),
            started=self.started,
        )

    def _checkpoint(self, row: int) -> Checkpoint:
        live = self.live[row]
        state = {
            "step": self.step,
            "curve": [list(asdict(p).values()) for p in live.curve],
            "passes": live.passes,
            "solved_at": live.solved_at,
            "seconds": live.seconds,
        }
        arrays = {name: tensor[row].cpu().numpy() for name, tensor in self.state.items()}
        return Checkpoint(live.run.id, self.numerics, self.fingerprint, state, arrays)
