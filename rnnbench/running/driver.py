"""Plan -> executor -> store, and the events on the way.

Ladders are climbed from the shortest rung, with a barrier at each; one with more steps waits, rung by rung, for the
same rung with fewer, whose records may tell of its own. First goes each ladder's first rung, then the one with
the longest way to its ladder's top. The driver alone writes to the store. A cohort that fails, or whose worker dies,
costs its unfinished runs one retry each, alone; a run that breaks alone is recorded as broken, and tried again as
often as `retries` says. What a run was refused for, a mistake of the user's, goes for all of its shape: they are
recorded so without being tried, and none is tried again.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from sys import intern

from rnnbench import interrupts
from rnnbench.errors import Exit
from rnnbench.plan import Plan, budgets, cost
from rnnbench.plan.ladders import Climb, climb, climb_on, counted, ready, view
from rnnbench.records import Record, Run
from rnnbench.running.choosing import Choosing
from rnnbench.running.executors import (
    CheckpointEvent,
    EndEvent,
    Event,
    Executor,
    Job,
    PreparingEvent,
    ProgressEvent,
    ReadyEvent,
    RecordEvent,
    WarningEvent,
    broken,
)
from rnnbench.running.listeners import Label, Listener
from rnnbench.running.ready import Ready
from rnnbench.running.work import Work
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
        # where a seed stands among those of its ladders, by what they are
        self.seeds = {c.ladder.choice: {seed: k for k, seed in enumerate(plan.seeds(c.ladder))} for c in self.climbs}
        self.places: dict[str, list[tuple[int, int]]] = defaultdict(list)  # of each rung: ladder, place
        self.labels: dict[tuple[str, bool], Label] = {}  # of each rung, and of the pilots that are at one
        for i in range(len(self.climbs)):
            self._place(i)
        self.choosing = Choosing(plan, self.climbs, records)
        self.below = budgets.below([c.ladder for c in self.climbs])  # the same ladder with fewer steps
        self.above = {place: i for i, place in enumerate(self.below) if place is not None}
        self.opened: set[tuple[object, ...]] = set()  # ladders, rungs and seeds whose runs were made ready
        self.ready = Ready()
        self.running: dict[str, _Running] = {}
        self.attempts: dict[str, int] = defaultdict(int)  # of those that broke by themselves
        self.losses: dict[str, int] = defaultdict(int)  # of workers, by what they had
        self.work = Work(self.climbs)
        self.trained = 0
        self.warned: set[str] = set()
        self.gave_up = False
        self.asked = interrupts.Asked()

    def drive(self) -> Outcome:
        """Trains all that is missing. Returns early, with checkpoints written, on SIGINT, SIGTERM or SIGHUP."""
        with self.asked.heeding(), self.listener:
            self.listener.started(self.plan)
            try:
                self._start()
                self._loop()
            finally:
                self.executor.close()
            self.listener.ended(self.trained, self._broken(), self._exit())
        return Outcome(self.trained, self._broken(), self._exit(), tuple(self.climbs))

    def _broken(self) -> int:
        return sum(rung.tally.broken for climb in self.climbs for rung in climb.steps)

    def _exit(self) -> Exit:
        if self.asked.signal:
            return interrupts.code(self.asked.signal)
        return Exit.FAILED if self._broken() else Exit.OK

    def _start(self) -> None:
        self.listener.climbs(self.climbs)
        for i in range(len(self.climbs)):
            self._make_ready(i)
        self._tell_work()

    def _loop(self) -> None:
        while not self.asked.signal:
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

    def _place(self, i: int) -> None:
        """Notes where a ladder's rungs are, once it is known what they are."""
        ladder = self.climbs[i].ladder
        for k, rung in enumerate(() if ladder.awaits else ladder.rungs):
            self.places[rung.key].append((i, k))
            self.labels.setdefault((rung.key, ladder.choice == "pilot"), Label.of(ladder, rung))

    def _label(self, run: Run) -> Label:
        return self.labels[run.rung.key, run.seed in self.seeds.get("pilot", ())]

    def _fewer(self, i: int) -> Iterator[Climb]:
        """The same ladder with fewer steps, with each number of them."""
        below = self.below[i]
        while below is not None:
            yield self.climbs[below]
            below = self.below[below]

    def _make_ready(self, i: int) -> None:
        """Adds the runs of a ladder's rungs that may start now and that are neither known nor under way, once."""
        climb = self.climbs[i]
        for rung in ready(climb, self._fewer(i)):
            what = (i, rung.rung.key, rung.wanted)
            if what not in self.opened:
                self.opened.add(what)
                priority = cost.priority(climb, rung) + self.choosing.behind(climb.ladder, self.climbs)
                for run in rung.todo(self.plan.seeds(climb.ladder)):
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
            self.listener.begun(worker, [(self._label(run), run) for run, _ in taken])

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
        elif isinstance(event, PreparingEvent):
            self.listener.preparing(event.worker, event.compiles)
        elif isinstance(event, ReadyEvent):
            self.listener.ready(event.worker)
        elif isinstance(event, EndEvent):
            self._ended(event)
        else:
            id = event.record.id if isinstance(event, RecordEvent) else event.run_id
            running = self.running.get(id)
            if running is None or running.worker != event.worker:
                return
            if isinstance(event, ProgressEvent):
                self.listener.looked(event.worker, self._label(running.run), running.run, event.point)
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

    def _record(self, run: Run, record: Record) -> None:
        """A run's last word: stored, and its ladders climbed on."""
        record = self.store.add(record)
        self.trained += record.finished
        self.gave_up |= not record.finished
        kept = _lean(record, run)
        self.choosing.take(replace(kept, curve=record.curve))
        self.listener.recorded(record, self._label(run))
        for i, k in tuple(self.places[run.rung.key]):
            self._climb_on(i, k, kept)
        self._tell_work()

    def _climb_on(self, i: int, k: int, record: Record) -> None:
        """A ladder with one more record of its k-th rung, and what that tells of the same ladder with more steps."""
        was = self.climbs[i]
        place = self.seeds[was.ladder.choice].get(record.run.seed)
        if place is None:  # of another ladder with this rung: a pilot's, say, or one of a crossing's pairs
            return
        if place < len(was.steps[k].records):  # it may have fewer seeds, or be done
            now = self.climbs[i] = counted(climb_on(was, k, place, record, self.plan.of(was.ladder).prune))
            self._climbed(i)
            if now.ladder.choice == "pilot" and now.open is None:
                self._choose(i)
        above = self.above.get(i)
        if above is not None and budgets.stands(record, self.climbs[above].ladder.rungs[k]):
            self._climb_on(above, k, record)
        while above is not None:
            self._make_ready(above)
            above = self.above.get(above)

    def _climbed(self, i: int) -> None:
        """What follows from a ladder that has come further."""
        self.work.changed(i, self.climbs[i])
        self._make_ready(i)
        self.listener.climbed(i, self.climbs[i])

    def _choose(self, pilot: int) -> None:
        """Climbs the ladders that awaited what a pilot's last run settled, as far as their runs are known."""
        for i, ladder in self.choosing.settled(pilot, self.climbs):
            below = None if (place := self.below[i]) is None else self.climbs[place]
            seeds, prune = self.plan.seeds(ladder), self.plan.suite.prune
            self.climbs[i] = climb(ladder, seeds, self.choosing.records, prune, below)
            self._place(i)
            self._climbed(i)
        if name := self.choosing.nothing(pilot, self.climbs):
            self._warn(f"{name}: nothing is chosen, since of each candidate a pilot broke", "")

    def _ended(self, event: EndEvent) -> None:
        """A worker is free again. Runs that it left unfinished are tried again alone, or recorded as broken."""
        self.listener.idle(event.worker)
        lost = [self.running.pop(run.id, None) for run in event.job.runs]
        unfinished = [running for running in lost if running is not None]
        if not unfinished or self.asked.signal:
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
        label, record = self._label(run), broken(run, event)
        self.attempts[run.id] += 1
        if self.attempts[run.id] <= self.retries:
            self.listener.retried(self.store.add(record), label)
            at = f"{label} {run.rung.length} seed {run.seed}"
            once = f"{label.variant} {record.status} {reason}"
            self._warn(f"{at}: {record.status} ({reason}); trying again", once)
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
        self.listener.work(*self.work.seconds)


def _lean(record: Record, run: Run) -> Record:
    """A record of a run as it is kept: without its curve, and with one copy of each text that most have in common."""
    numerics, fingerprint, host = map(intern, (record.numerics, record.fingerprint, record.host))
    return replace(record, run=run, curve=(), numerics=numerics, fingerprint=fingerprint, host=host)
