"""An executor whose workers train nothing, for tests of whoever drives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rnnbench.plan import plan
from rnnbench.records import FINISHED, Point, Record, Run, Status
from rnnbench.running.driver import Driver, Outcome
from rnnbench.running.executors import EndEvent, Event, Executor, Job, ProgressEvent, RecordEvent
from rnnbench.running.listeners import Label, Listener, Silent
from rnnbench.seeds import Seed
from rnnbench.settings import Settings
from rnnbench.store import Store
from rnnbench.suite import Suite

Decide = Callable[[Run], Status]


def steps(run: Run) -> int:
    return Settings(**run.rung.settings).steps


def at_most(length: int, with_more: int = 0) -> Decide:
    """Solves what is no longer than a length, with more steps than 300 another."""
    return lambda run: "solved" if run.rung.length <= (with_more if steps(run) > 300 else length) else "unsolved"


class Fake:
    """Workers that look at each run once and then say of it what `decide` says; they stop for good after `most` runs.
    The one that has waited longest answers next; `used` says with how many steps. A cohort with a run that breaks ends
    there."""

    def __init__(
        self,
        decide: Decide,
        most: int = 10**6,
        workers: int = 1,
        device: str = "cpu",
        kernels: str = "auto",
        used: Callable[[Run], int] = steps,
    ) -> None:
        self.decide, self.most, self.workers, self.used = decide, most, workers, used
        self.device, self.kernels = device, kernels
        self.jobs: dict[int, Job] = {}
        self.sent: list[tuple[int, Job]] = []
        self.asked: list[tuple[int, int, Seed]] = []  # length, steps, seed

    def idle(self) -> list[int]:
        return [] if len(self.asked) >= self.most else [n for n in range(self.workers) if n not in self.jobs]

    def busy(self) -> bool:
        return bool(self.jobs)

    def submit(self, number: int, job: Job) -> None:
        assert number not in self.jobs
        self.jobs[number] = job
        self.sent.append((number, job))

    def poll(self, seconds: float) -> Iterator[Event]:
        number, job = next(iter(self.jobs.items()))
        del self.jobs[number]
        yield from self.answers(number, job)

    def answers(self, number: int, job: Job) -> Iterator[Event]:
        for run in job.runs:
            self.asked.append((run.rung.length, steps(run), run.seed))
            yield ProgressEvent(number, run.id, Point(steps(run), 0.1, 0.5))
            if (status := self.decide(run)) not in FINISHED:
                yield EndEvent(number, job, status, "an error")
                return
            yield RecordEvent(number, Record(run, status, 0.5, steps=self.used(run)))
        yield EndEvent(number, job, "done")

    def stop(self) -> None: ...

    def close(self) -> None: ...


class Notes(Silent):
    """A listener that remembers messages, and which records it was told of."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.records: list[Record] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def recorded(self, record: Record, label: Label) -> None:
        self.records.append(record)


def run_through(
    where: Path, suite: Suite, executor: Executor, listener: Listener | None = None, **options: Any
) -> Outcome:
    """Drives a suite's plan, over the store in a folder."""
    store, asked = Store(where), plan(suite)
    with store.writing():
        return Driver(asked, store.records(asked.runs()), store, executor, listener or Silent(), **options).drive()
