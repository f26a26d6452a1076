"""Plan -> executor -> store, and the events on the way.

Ladders are climbed from the shortest rung, with a barrier at each; a rung that gets more steps is trained beside them.
Among the rungs that are ready the one with the longest way to its ladder's top goes first. The driver alone writes to
the store. A cohort that fails, or whose worker dies, costs its unfinished runs one retry each, alone; a run that breaks
alone is recorded as broken, and tried again as often as `retries` says.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from rnnbench.errors import Exit
from rnnbench.plan import Plan, cost
from rnnbench.plan.ladders import Climb, climb, view
from rnnbench.records import Record, Run, Status
from rnnbench.running.executors import (
    CheckpointEvent,
    EndEvent,
    Event,
    Executor,
    Job,
    ProgressEvent,
    RecordEvent,
    WarningEvent,
)
from rnnbench.running.listeners import Listener
from rnnbench.settings import Settings
from rnnbench.store import Store
from rnnbench.training import ways

STACK = 16  # at most so many runs of one shape train side by side
STOP_SECONDS = 20.0  # that workers have to write a checkpoint when asked to stop


@dataclass(frozen=True)
class Outcome:
    """What a drive came to: runs trained now, runs broken now or before, and the exit code."""

    trained: int
    broken: int
    exit: Exit


@dataclass
class _Running:
    """A run that a worker trains."""

    worker: int
    scores: list[float] = field(default_factory=list)


class Driver:
    """One drive of a plan. `records` are those known at the start, by id; runs without one are trained."""

    def __init__(
        self,
        plan: Plan,
        records: dict[str, Record],
        store: Store,
        executor: Executor,
        listener: Listener,
        retries: int = 1,
        fail_fast: bool = False,
    ) -> None:
        self.plan, self.store, self.executor, self.listener = plan, store, executor, listener
        self.retries, self.fail_fast = retries, fail_fast
        self.records = dict(records)
        self.climbs: list[Climb] = view(plan, self.records)
        self.ladders: dict[str, list[int]] = defaultdict(list)  # run id -> the ladders that it is on
        self.labels: dict[str, tuple[str, Run]] = {}
        for i, ladder in enumerate(plan.ladders):
            label = f"{ladder.variant.name} {ladder.task.name}"
            for run in ladder.runs(plan.suite.seeds):
                self.ladders[run.id].append(i)
                self.labels.setdefault(run.id, (label, run))
            for run in ladder.more_runs():  # known beforehand, whichever of them come to be asked for
                self.ladders[run.id].append(i)
                self.labels.setdefault(run.id, (f"{label} (more steps)", run))
        self.ready: dict[str, Run] = {}
        self.priority: dict[str, float] = defaultdict(float)
        self.running: dict[str, _Running] = {}
        self.solo: set[str] = set()  # runs that are tried again, each by itself
        self.attempts: dict[str, int] = defaultdict(int)
        self.work = [cost.work(c) for c in self.climbs]
        self.trained = 0
        self.gave_up = False
        self.signal = 0

    def drive(self) -> Outcome:
        """Trains all that is missing. Returns early, with checkpoints written, on SIGINT or SIGTERM."""
        with self.listener, self._signals():
            self.listener.started(self.plan)
            try:
                self._start()
                self._loop()
            finally:
                self.executor.close()
        broken = sum(len(s.broken) for c in self.climbs for s in c.every)
        if self.signal:
            code = Exit.INTERRUPTED if self.signal == signal.SIGINT else Exit.TERMINATED
        else:
            code = Exit.FAILED if broken else Exit.OK
        return Outcome(self.trained, broken, code)

    def _start(self) -> None:
        for i in range(len(self.climbs)):
            self._make_ready(i)
        self._tell_work()
        self.listener.climbs(self.climbs)

    def _loop(self) -> None:
        while not self.signal:
            if not (self.fail_fast and self.gave_up):
                self._feed()
            if not self.executor.busy():
                return
            self._handle_all(0.5)
        self.listener.message("stopping: runs under way are written to checkpoints; again to stop at once")
        self.executor.stop()
        deadline = time.monotonic() + STOP_SECONDS
        while self.executor.busy() and time.monotonic() < deadline:
            self._handle_all(0.2)

    def _handle_all(self, seconds: float) -> None:
        for event in self.executor.poll(seconds):
            self._handle(event)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first SIGINT or SIGTERM asks to stop; a second stops now. Off the main thread, where Python takes no
        handlers, signals stay whoever's they are."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def asked(number: int, frame: FrameType | None) -> None:
            if self.signal:
                raise KeyboardInterrupt
            self.signal = number

        before = {s: signal.signal(s, asked) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        except KeyboardInterrupt:
            pass
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _make_ready(self, ladder: int) -> None:
        """Adds the runs of a ladder's open rungs that are neither known nor under way."""
        for step in self.climbs[ladder].open:
            runs = [run for run in step.todo(self.plan.suite.seeds) if run.id not in self.running]
            priority = cost.priority(self.climbs[ladder], step) if runs else 0.0
            for run in runs:
                self.ready[run.id] = run
                self.priority[run.id] = max(priority, self.priority[run.id])

    def _feed(self) -> None:
        """Gives every idle worker a job: of those that are ready, the one with the longest way still to go."""
        for worker in self.executor.idle():
            if not self.ready:
                return
            first = self.ready[max(self.ready, key=self.priority.__getitem__)]
            runs = self._cohort(first, len(self.executor.idle()))
            for run in runs:
                del self.ready[run.id]
                self.running[run.id] = _Running(worker)
            saved = ((run.id, self.store.checkpoint(run.id)) for run in runs)
            self.executor.submit(worker, Job(runs, tuple((id, raw) for id, raw in saved if raw is not None)))
            self._tell_progress(worker, first.id, 0, [])

    def _cohort(self, first: Run, idle: int) -> tuple[Run, ...]:
        """The runs to train beside the first: none where the worker takes one at a time, else those of its shape (other
        seeds and learning rates), but shared out where workers would stand idle."""
        if first.id in self.solo or self._way(first) != ways.STACKED:
            return (first,)
        kinds = {run.id: run.rung.shape for run in self.ready.values()}
        same = [run for run in self.ready.values() if kinds[run.id] == first.rung.shape and run.id not in self.solo]
        others = len(set(kinds.values())) - 1
        share = len(same) if others >= idle - 1 else -(-len(same) // idle)
        return tuple(same[: min(STACK, share)])

    def _way(self, run: Run) -> str:
        """How a worker will compute it."""
        return ways.way(run.rung, self.executor.device, self.executor.kernels)

    def _handle(self, event: Event) -> None:
        """Takes an event in. What comes of a run that its worker was not given, or is done with, came too late: the run
        is recorded, or tried again, and a checkpoint would be left lying."""
        if isinstance(event, WarningEvent):
            self.listener.message(event.text)
        elif isinstance(event, EndEvent):
            self._ended(event)
        else:
            id = event.record.id if isinstance(event, RecordEvent) else event.run_id
            running = self.running.get(id)
            if running is None or running.worker != event.worker:
                return
            if isinstance(event, ProgressEvent):
                running.scores.append(event.point.score or 0.0)
                self._tell_progress(event.worker, id, event.point.step, running.scores)
            elif isinstance(event, CheckpointEvent):
                self.store.save_checkpoint(id, event.checkpoint)
            else:
                self._record(event.record)

    def _tell_progress(self, worker: int, run_id: str, step: int, scores: Sequence[float]) -> None:
        label, run = self.labels[run_id]
        steps = Settings(**run.rung.settings).steps
        self.listener.progress(worker, label, run.rung.length, run.seed, step, steps, scores)

    def _record(self, record: Record) -> None:
        """A run's last word: stored, and its ladders climbed on."""
        record = self.store.add(record)
        self.trained += record.finished
        self.gave_up |= not record.finished
        self.records[record.id] = record
        self.running.pop(record.id, None)
        for i in self.ladders[record.id]:
            self.climbs[i] = climb(self.plan.ladders[i], self.plan.suite.seeds, self.records, self.plan.suite.prune)
            self.work[i] = cost.work(self.climbs[i])
            self._make_ready(i)
        self.listener.recorded(record, self.labels[record.id][0])
        self._tell_work()
        self.listener.climbs(self.climbs)

    def _ended(self, event: EndEvent) -> None:
        """A worker is free again. Runs that it left unfinished are tried again alone, or recorded as broken."""
        self.listener.idle(event.worker)
        unfinished = [run for run in event.job.runs if self.running.pop(run.id, None) is not None]
        if not unfinished or self.signal:
            return
        reason = event.error.strip().splitlines()[-1] if event.error.strip() else event.status
        if len(event.job.runs) > 1:
            self.listener.message(
                f"a cohort of {len(event.job.runs)} {event.status} ({reason}): its unfinished runs go on alone"
            )
            self._again(unfinished)
            return
        (run,) = unfinished
        label = f"{self.labels[run.id][0]} {run.rung.length} seed {run.seed}"
        status: Status = (
            "timeout" if event.status == "timeout" else "crashed" if event.status == "crashed" else "failed"
        )
        record = Record(run, status, error=event.error or event.status)
        self.attempts[run.id] += 1
        if self.attempts[run.id] <= self.retries:
            self.store.add(record)
            self.listener.message(f"{label}: {status} ({reason}); trying again")
            self._again([run])
        else:
            self.listener.message(f"{label}: {status} ({reason})")
            self._record(record)

    def _again(self, runs: Sequence[Run]) -> None:
        for run in runs:
            self.solo.add(run.id)
            self.ready[run.id] = run

    def _tell_work(self) -> None:
        done, total = (sum(column) for column in zip(*self.work, strict=True)) if self.work else (0.0, 0.0)
        self.listener.work(done, total)
