"""Plan -> executor -> store, and the events on the way.

Ladders are climbed from the shortest rung, with a barrier at each; a rung that gets more steps is trained beside them.
Among the rungs that are ready the one with the longest way to its ladder's top goes first. The driver alone writes to
the store. A cohort that fails, or whose worker dies, costs its unfinished runs one retry each, alone; a run that breaks
alone is recorded as broken, and tried again as often as `retries` says. What a run was refused for, a mistake of the
user's, goes for all of its shape: they are recorded so without being tried, and none is tried again.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from sys import intern
from types import FrameType

from rnnbench import interrupts
from rnnbench.errors import Exit
from rnnbench.plan import Plan, cost
from rnnbench.plan.ladders import Climb, climb_on, counted, view
from rnnbench.records import Record, Run
from rnnbench.running.executors import (
    CheckpointEvent,
    EndEvent,
    Event,
    Executor,
    Job,
    ProgressEvent,
    RecordEvent,
    WarningEvent,
    broken,
)
from rnnbench.running.listeners import Listener
from rnnbench.running.ready import Ready
from rnnbench.settings import Settings
from rnnbench.store import Store
from rnnbench.text import raised
from rnnbench.training import ways

STACK = 16  # at most so many runs of one shape train side by side
LOSSES = 5  # of a worker that a run survives by itself: more, and it may be the run that brings them about
STOP_SECONDS = 20.0  # that workers have to write a checkpoint when asked to stop
WARNINGS = 100  # that are told of one drive


@dataclass(frozen=True)
class Outcome:
    """What a drive came to: runs trained now, runs broken now or before, the exit code, and the view at its end, in
    which rungs that are done are only counted."""

    trained: int
    broken: int
    exit: Exit
    climbs: Sequence[Climb] = field(default=(), compare=False, repr=False)


@dataclass
class _Running:
    """A run that a worker trains."""

    run: Run
    worker: int
    priority: float
    scores: list[float] = field(default_factory=list)


class Driver:
    """One drive of a plan. `records` are those known at the start, by id; runs without one are trained. `climbs`: the
    view of them, where there is one already.

    What is kept is a line for each rung, and for each run that waits, is under way, or has a rung that isn't done. What
    a record changes is worked out from it alone, however many others there are.
    """

    def __init__(
        self,
        plan: Plan,
        records: Mapping[str, Record],
        store: Store,
        executor: Executor,
        listener: Listener,
        retries: int = 1,
        fail_fast: bool = False,
        climbs: Sequence[Climb] | None = None,
    ) -> None:
        self.plan, self.store, self.executor, self.listener = plan, store, executor, listener
        self.retries, self.fail_fast = retries, fail_fast
        self.climbs: list[Climb] = view(plan, records) if climbs is None else list(climbs)
        self.seeds = {seed: place for place, seed in enumerate(plan.suite.seeds)}
        self.places: dict[str, list[tuple[int, int]]] = defaultdict(
            list
        )  # of each rung: ladder, place (-1: more steps)
        self.labels: dict[str, str] = {}  # of each rung
        more = set()  # rungs that may be trained with more steps
        for i, ladder in enumerate(plan.ladders):
            for k, rung in enumerate(ladder.rungs):
                self.places[rung.key].append((i, k))
                self.labels.setdefault(rung.key, f"{ladder.variant.name} {ladder.task.name}")
        for i, ladder in enumerate(plan.ladders):
            for rung in ladder.more.rungs if ladder.more else ():
                self.places[rung.key].append((i, -1))
                self.labels.setdefault(rung.key, f"{ladder.variant.name} {ladder.task.name} (more steps)")
                more.add(rung.key)
        self.more = more
        self.records = {id: record for id, record in records.items() if record.run.rung.key in more}
        self.ready = Ready()
        self.running: dict[str, _Running] = {}
        self.attempts: dict[str, int] = defaultdict(int)  # of those that broke by themselves
        self.losses: dict[str, int] = defaultdict(int)  # of workers, by what they had
        # in whole microseconds, so that sums that are kept up are those that would be made anew
        self.work = [_microseconds(c) for c in self.climbs]
        self.done, self.total = (sum(column) for column in zip((0, 0), *self.work, strict=True))
        self.trained = 0
        self.warned: set[str] = set()
        self.gave_up = False
        self.signal = 0

    def drive(self) -> Outcome:
        """Trains all that is missing. Returns early, with checkpoints written, on SIGINT, SIGTERM or SIGHUP."""
        with self._signals(), self.listener:
            self.listener.started(self.plan)
            try:
                self._start()
                self._loop()
            finally:
                self.executor.close()
        lost = sum(rung.tally.broken for climb in self.climbs for rung in climb.every)
        code = interrupts.code(self.signal) if self.signal else Exit.FAILED if lost else Exit.OK
        return Outcome(self.trained, lost, code, tuple(self.climbs))

    def _start(self) -> None:
        for climb in self.climbs:
            self._make_ready(climb, ())
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
        """The first of these signals asks to stop; a second stops now. One that is ignored, as by `nohup`, stays so;
        off the main thread, where Python takes no handlers, signals stay whoever's they are."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def asked(number: int, frame: FrameType | None) -> None:
            if self.signal:
                raise KeyboardInterrupt
            self.signal = number

        before = {s: signal.signal(s, asked) for s in interrupts.heeded()}
        try:
            yield
        except KeyboardInterrupt:
            pass
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _make_ready(self, climb: Climb, open: Collection[str]) -> None:
        """Adds the runs of a ladder's open rungs that are neither known nor under way, but for those rungs that were
        `open` before."""
        for rung in climb.open:
            if rung.rung.key not in open:
                priority = cost.priority(climb, rung)
                for run in rung.todo(self.plan.suite.seeds):
                    if run.id not in self.running:
                        self.ready.add(run, priority)

    def _feed(self) -> None:
        """Gives every idle worker a job: of those that are ready, the one with the longest way still to go."""
        if not self.ready:
            return
        idle = list(self.executor.idle())
        for k, worker in enumerate(idle):
            if not self.ready:
                return
            first = self.ready.first()
            taken = self.ready.take(first, self._size(first, len(idle) - k))
            for run, priority in taken:
                self.running[run.id] = _Running(run, worker, priority)
            saved = ((run.id, self.store.checkpoint(run.id)) for run, _ in taken)
            checkpoints = tuple((id, raw) for id, raw in saved if raw is not None)
            self.executor.submit(worker, Job(tuple(run for run, _ in taken), checkpoints))
            self._tell_progress(worker, first, 0, [])

    def _size(self, first: Run, idle: int) -> int:
        """How many runs to train together with the first: it alone where a worker takes one at a time, else all of its
        shape (other seeds and learning rates), but shared out where workers would stand idle."""
        if not ways.together(first.rung, self.executor.device, self.executor.kernels):
            return 1
        same = self.ready.beside(first)
        return min(STACK, same if self.ready.shapes() >= idle else -(-same // idle))

    def _handle(self, event: Event) -> None:
        """Takes an event in. What comes of a run that its worker was not given, or is done with, came too late: the run
        is recorded, or tried again, and a checkpoint would be left lying."""
        if isinstance(event, WarningEvent):
            self._warn(event.text, event.once)
        elif isinstance(event, EndEvent):
            self._ended(event)
        else:
            id = event.record.id if isinstance(event, RecordEvent) else event.run_id
            running = self.running.get(id)
            if running is None or running.worker != event.worker:
                return
            if isinstance(event, ProgressEvent):
                running.scores.append(event.point.score or 0.0)
                self._tell_progress(event.worker, running.run, event.point.step, running.scores)
            elif isinstance(event, CheckpointEvent):
                self.store.save_checkpoint(id, event.checkpoint)
            else:
                del self.running[id]
                self._record(running.run, event.record)

    def _warn(self, text: str, once: str) -> None:
        """Tells something, but what has been told before, and not without end."""
        once = once or text
        if once not in self.warned and len(self.warned) < WARNINGS:
            self.warned.add(once)
            self.listener.message(text)

    def _tell_progress(self, worker: int, run: Run, step: int, scores: Sequence[float]) -> None:
        steps = Settings.of(run.rung).steps
        self.listener.progress(worker, self.labels[run.rung.key], run.rung.length, run.seed, step, steps, scores)

    def _record(self, run: Run, record: Record) -> None:
        """A run's last word: stored, and its ladders climbed on."""
        record = self.store.add(record)
        self.trained += record.finished
        self.gave_up |= not record.finished
        kept = _lean(record, run)
        if run.rung.key in self.more:
            self.records[run.id] = kept
        self.listener.recorded(record, self.labels[run.rung.key])
        for i, k in self.places[run.rung.key]:
            was = self.climbs[i]
            now = climb_on(was, k, self.seeds[run.seed], kept, self.records, self.plan.suite.prune)
            self.climbs[i] = now = counted(now)
            done, total = _microseconds(now)
            self.done, self.total = self.done + done - self.work[i][0], self.total + total - self.work[i][1]
            self.work[i] = done, total
            self._make_ready(now, {rung.rung.key for rung in was.open})
            self.listener.climbed(i, now)
        self._tell_work()

    def _ended(self, event: EndEvent) -> None:
        """A worker is free again. Runs that it left unfinished are tried again alone, or recorded as broken."""
        self.listener.idle(event.worker)
        lost = [self.running.pop(run.id, None) for run in event.job.runs]
        unfinished = [running for running in lost if running is not None]
        if not unfinished or self.signal:
            return
        reason = raised(event.error) or event.status
        if event.status == "lost":
            for running in unfinished:
                self.losses[running.run.id] += 1
            if all(self.losses[running.run.id] <= LOSSES for running in unfinished):
                self.listener.message(f"a worker is lost ({reason}): its runs go on elsewhere, from their checkpoints")
                self._again(unfinished, solo=False)
                return
            event = replace(event, status="crashed")
        if event.status == "refused":
            self._refused(event, unfinished)
            return
        if len(event.job.runs) > 1:
            self.listener.message(
                f"a cohort of {len(event.job.runs)} {event.status} ({reason}): its unfinished runs go on alone"
            )
            self._again(unfinished)
            return
        (one,) = unfinished
        run = one.run
        label = f"{self.labels[run.rung.key]} {run.rung.length} seed {run.seed}"
        record = broken(run, event)
        self.attempts[run.id] += 1
        if self.attempts[run.id] <= self.retries:
            self.store.add(record)
            once = f"{self.labels[run.rung.key].partition(' ')[0]} {record.status} {reason}"
            self._warn(f"{label}: {record.status} ({reason}); trying again", once)
            self._again([one])
        else:
            self._record(run, record)

    def _refused(self, event: EndEvent, unfinished: Sequence[_Running]) -> None:
        """Runs that can't be trained as they are asked for, and with them those of their shape that wait."""
        runs = [running.run for running in unfinished]
        for run in (*runs, *self.ready.take_like(runs[0])):
            self._record(run, broken(run, event))

    def _again(self, lost: Iterable[_Running], solo: bool = True) -> None:
        """Runs go back to those that wait, each to be tried by itself unless it is known to be sound."""
        for running in lost:
            self.ready.add(running.run, running.priority, solo)

    def _tell_work(self) -> None:
        self.listener.work(self.done / 1e6, self.total / 1e6)


def _lean(record: Record, run: Run) -> Record:
    """A record of a run as it is kept: without its curve, and with one copy of each text that most have in common."""
    numerics, fingerprint, host = map(intern, (record.numerics, record.fingerprint, record.host))
    return replace(record, run=run, curve=(), numerics=numerics, fingerprint=fingerprint, host=host)


def _microseconds(climb: Climb) -> tuple[int, int]:
    """The work of a ladder, done and in all."""
    done, total = cost.work(climb)
    return round(1e6 * done), round(1e6 * total)
