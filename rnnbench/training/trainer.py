"""A cohort of runs -> their records.

Runs whose layer is best computed solo (a cell with a fused scan, a transformer, a foreign module) train one after
another; others train stacked, in lockstep, along an R axis. Either way a run's bits are its own: its data, clipping,
learning rate and stopping depend on no neighbour.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from rnnbench import registry
from rnnbench.layers import Layer
from rnnbench.records import Point, Record, Run, Status
from rnnbench.settings import LOOK
from rnnbench.tasks import Split
from rnnbench.training import devices, optimiser, ways
from rnnbench.training.backprop import by_hand
from rnnbench.training.checkpoint import Checkpoint, again
from rnnbench.training.cohort import Cohort, shapes
from rnnbench.training.fingerprint import fingerprint
from rnnbench.training.model import Model

Judged = dict[int, tuple[float, float]]  # by length: score and loss
LISTEN = 5  # last training batches before a look whose mean score tells whether looking is worth it
SLACK = 0.05  # how far below the bar that score may be


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
    seconds: float = 0.0

    @classmethod
    def of(cls, run: Run, found: Checkpoint | None) -> _Live:
        """A run at its start, or where a checkpoint left it."""
        if found is None:
            return cls(run)
        state = found.state
        return cls(run, list(map(Point.of_row, state["curve"])), state["seconds"])


def solved_at(curve: Sequence[Point], bar: float) -> int | None:
    """The look by which a run that is solved in the end was so: the first of two in a row whose validation is at the
    bar, or the last, after which nobody looked again. None where only the test tells, and so not since when.

    >>> solved_at([Point(100, 0.1, 1.0, 0.97), Point(200, 0.1, 1.0, 0.96), Point(300, 0.1, 1.0, 0.99)], 0.95)
    100
    >>> solved_at([Point(100, 0.9, 0.8), Point(200, 0.2, 1.0, 0.97)], 0.95)
    200
    """
    twice = (a.step for a, b in pairwise(curve) if _at(a, bar) and _at(b, bar))
    return next(twice, curve[-1].step if _at(curve[-1], bar) else None)


def _at(point: Point, bar: float) -> bool:
    return point.select is not None and point.select >= bar


def _worst(judged: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Of (score, loss) at several lengths that of the least score; where some are no numbers, one of these."""
    return min(judged, key=lambda found: (_finite(*found), found))


def _finite(*numbers: float) -> bool:
    """Whether all are numbers: where a loss or a score is none, in training or in what is held out, a run diverged."""
    return all(map(math.isfinite, numbers))


class Trainer:
    """How runs are computed here: on which device, with which kernels; `warn` is told what cost no result."""

    def __init__(
        self, device: str = "cpu", kernels_wanted: str = "auto", warn: Callable[[str], None] = lambda text: None
    ) -> None:
        self.device = device
        self.kernels_wanted = kernels_wanted
        self.warn = warn

    def solo(self, run: Run) -> Layer | None:
        """The run's layer as it trains one run at a time here; None where it trains side by side with others."""
        if self.way(run) == ways.STACKED:
            return None
        return registry.layer(run.rung.model).as_solo()

    def way(self, run: Run) -> str:
        """How a run is computed here, in a word."""
        return ways.way(run.rung, self.device, self.kernels_wanted)

    def numerics(self, run: Run) -> str:
        """How a run would be computed here: records with equal numerics have equal bits."""
        way = self.way(run)
        if way == ways.STACKED:
            return devices.numerics(way, self.device)
        model = Model.of(run.rung, self.solo(run))
        own = by_hand(model) and optimiser.compiled(True, self.device)
        return devices.numerics(way, self.device, own)

    def fingerprint(self, run: Run) -> str:
        """Of the code that a run would go through here."""
        return fingerprint(run.rung, self.numerics(run).startswith("fused"))

    def warm(self, run: Run) -> None:
        """Compiles what the run needs, so that its clock starts afterwards."""
        if layer := self.solo(run):
            layer.warm()
            if optimiser.compiled(True, self.device):
                optimiser.warm()

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
        checkpoints = self._usable(runs, checkpoints or {})
        if not ways.together(runs[0].rung, self.device, self.kernels_wanted):
            groups = [[run] for run in runs]
        else:  # only runs at one step can go on in lockstep
            starts = {run.id: checkpoints[run.id].state["step"] if run.id in checkpoints else 0 for run in runs}
            groups = [[r for r in runs if starts[r.id] == s] for s in sorted(set(starts.values()))]
        for group in groups:
            yield from _Group(self, group, checkpoints).train(stop, checkpoint_seconds)
            if stop():
                return

    def _usable(self, runs: Sequence[Run], checkpoints: Mapping[str, Checkpoint]) -> dict[str, Checkpoint]:
        """Those from which a run can go on, to the same bits; of the others it is told why not."""
        usable = {}
        for run in runs:
            if (found := checkpoints.get(run.id)) is None:
                continue
            why = found.misfit(run.id, self.numerics(run), self.fingerprint(run))
            if not why:
                model = Model.of(run.rung, self.solo(run))
                why = found.unusable(shapes(model), model.settings.steps)
            if why:
                self.warn(again(run.id, why))
            else:
                usable[run.id] = found
        return usable


class _Group:
    """Runs in lockstep: when they are looked at, when they end, and what is told of them."""

    def __init__(self, trainer: Trainer, runs: Sequence[Run], checkpoints: dict[str, Checkpoint]) -> None:
        layer = trainer.solo(runs[0])
        self.model = Model.of(runs[0].rung, layer)
        self.settings, self.task = self.model.settings, self.model.task
        self.numerics, self.fingerprint = trainer.numerics(runs[0]), trainer.fingerprint(runs[0])
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self.bar = (1 + self.task.bar) / 2  # to stop by: stricter, so that what stops is solved when it is tested
        self.live = [_Live.of(run, checkpoints.get(run.id)) for run in runs]
        found = {run.id: checkpoints[run.id] for run in runs if run.id in checkpoints}
        step = max((c.state["step"] for c in found.values()), default=0)
        arrays = {id: c.arrays for id, c in found.items()}
        self.rows = Cohort(self.model, runs, layer is not None, trainer.device, step, arrays)
        self.curriculum = self.rows.curriculum

    def _to_look(self, step: int) -> int:
        """Steps from this one to the next look: every LOOK steps and at the last."""
        return min(-step % LOOK, self.settings.steps - step)

    def train(self, stop: Callable[[], bool], checkpoint_seconds: float) -> Iterator[Progress | Checkpoint | Record]:
        last_saved = time.perf_counter()
        while self.live:
            began, count = time.perf_counter(), len(self.live)
            while True:
                self.rows.train(listen=self._to_look(self.rows.step + 1) < LISTEN)
                if self._to_look(self.rows.step) == 0 or stop():
                    break
            looking = self._to_look(self.rows.step) == 0
            ended: dict[int, str] = self._look() if looking else {}
            final = [row for row in ended if ended[row] != "diverged"]
            tested = self._judged(final, "test", self.curriculum.tested)
            positions = self._positions(final)
            for live in self.live:
                live.seconds += (time.perf_counter() - began) / count
            if looking:
                for live in self.live:
                    yield Progress(live.run.id, live.curve[-1])
            for row in ended:
                yield self._record(self.live[row], tested.get(row), positions.get(row, ()))
            keep = [row for row in range(len(self.live)) if row not in ended]
            if stop():
                yield from (self._checkpoint(row) for row in keep)
                return
            if ended:
                self.live = [self.live[row] for row in keep]
                if keep:
                    self.rows.keep(keep)
            elif time.perf_counter() - last_saved >= checkpoint_seconds:
                yield from (self._checkpoint(row) for row in keep)
                last_saved = time.perf_counter()

    def _look(self) -> dict[int, str]:
        """Notes a point for every live run; the rows that end here, and why."""
        step = self.rows.step
        window = step % LOOK or LOOK
        losses, scores = self.rows.take_means(window, min(LISTEN, window))
        rows = range(len(self.live))
        worth = [row for row in rows if math.isfinite(losses[row]) and scores[row] >= self.task.bar - SLACK]
        judged = self._judged(worth, "select", self.curriculum.trained)
        selected = {row: _worst(found.values()) for row, found in judged.items()}
        ended = {}
        for row, live in enumerate(self.live):
            if not _finite(losses[row], scores[row], *selected.get(row, ())):
                live.curve.append(Point(step, None, None))
                ended[row] = "diverged"
                continue
            live.curve.append(Point(step, losses[row], scores[row], selected[row][0] if row in selected else None))
            passed = len(live.curve) > 1 and all(_at(point, self.bar) for point in live.curve[-2:])
            if passed and self.settings.stop == "solved":
                ended[row] = "solved"
            elif step >= self.settings.steps:
                ended[row] = "spent"
        return ended

    def _judged(self, rows: list[int], split: Split, lengths: Sequence[int]) -> dict[int, Judged]:
        """Score and loss of these rows' runs on a held-out split of each of these lengths."""
        columns = [self.rows.evaluate(rows, split, length) for length in lengths]
        return {
            row: dict(zip(lengths, found, strict=True))
            for row, found in zip(rows, zip(*columns, strict=True), strict=True)
        }

    def _positions(self, rows: list[int]) -> dict[int, tuple[float, ...]]:
        """How many answers are right at each position, at the longest of several tested lengths."""
        if not self.live[0].run.rung.tested:
            return {}
        return dict(zip(rows, self.rows.positions(rows, self.curriculum.tested[-1]), strict=True))

    def _record(self, live: _Live, tested: Judged | None, positions: tuple[float, ...]) -> Record:
        """`tested`: at every length that is asked for; None where the run diverged before. It diverged, too, where what
        it says at a length that it trained on is no number; beyond these that is a score of 0."""
        own = [found for length, found in (tested or {}).items() if length <= self.curriculum.upto]
        worst = _worst(own) if own else (math.nan, math.nan)
        finished = tested is not None and _finite(*worst)
        score, loss = worst if finished else (0.0, None)
        status: Status = "diverged" if not finished else "solved" if score >= self.task.bar else "unsolved"
        several = tested if tested and finished and live.run.rung.tested else {}
        return Record(
            live.run,
            status,
            score=score,
            loss=loss,
            steps=self.rows.step,
            solved_at=solved_at(live.curve, self.task.bar) if status == "solved" else None,
            parameters=self.model.parameters,
            seconds=live.seconds,
            curve=tuple(live.curve),
            numerics=self.numerics,
            fingerprint=self.fingerprint,
            host=platform.node(),
            started=self.started,
            scores=tuple((length, found[0] if _finite(*found) else 0.0) for length, found in several.items()),
            positions=positions if several else (),
        )

    def _checkpoint(self, row: int) -> Checkpoint:
        live = self.live[row]
        state = {
            "step": self.rows.step,
            "curve": [p.as_row() for p in live.curve],
            "seconds": live.seconds,
        }
        return Checkpoint(live.run.id, self.numerics, self.fingerprint, state, self.rows.row(row))
