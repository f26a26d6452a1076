"""What a run costs the driver: runs that train nothing, on workers that answer at once.

    python -m benchmarks.driving [RUNS ...]

For 10,000 and 100,000 runs, or as many as are named: milliseconds a run, of which in the store (on a disk in memory
where there is one, since a real one's syncing is the disk's); and, in a second drive, what Python holds: megabytes when
the first run is sent, the most while runs are done, and when all are.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.tables import table
from rnnbench.plan import Plan, plan
from rnnbench.records import Point, Record, Run
from rnnbench.running.driver import Driver
from rnnbench.running.executors import EndEvent, Event, Job, ProgressEvent, RecordEvent
from rnnbench.running.listeners import Listener, Silent
from rnnbench.store import Store
from rnnbench.suite import Suite, TaskEntry, Variant

SEEDS, LENGTHS, WORKERS = 10, (5, 10, 20, 40, 80), 8
MEMORY = Path("/dev/shm")


class Nothing:
    """Workers that answer a look and a result, with a curve, of each run of a job."""

    device, kernels = "cpu", "auto"

    def __init__(self) -> None:
        self.jobs: dict[int, Job] = {}

    def idle(self) -> list[int]:
        return [n for n in range(WORKERS) if n not in self.jobs]

    def busy(self) -> bool:
        return bool(self.jobs)

    def submit(self, number: int, job: Job) -> None:
        self.jobs[number] = job

    def poll(self, seconds: float) -> Iterator[Event]:
        jobs, self.jobs = self.jobs, {}
        for number, job in jobs.items():
            for run in job.runs:
                there = Run.from_dict(run.as_dict())  # as it comes from another process
                curve = tuple(Point(100 * k, 0.1 * k, 0.5) for k in range(1, 11))
                yield ProgressEvent(number, run.id, curve[-1])
                yield RecordEvent(number, Record(there, "solved", 0.99, 0.1, 1000, 900, 4000, 1.5, curve))
            yield EndEvent(number, job, "done")

    def stop(self) -> None: ...

    def close(self) -> None: ...


class Timed(Store):
    """A store that adds up the seconds that it takes."""

    seconds = 0.0

    def add(self, record: Record) -> Record:
        began = time.perf_counter()
        try:
            return super().add(record)
        finally:
            self.seconds += time.perf_counter() - began


def suite(runs: int) -> Suite:
    """About so many runs of learning rates of an LSTM on adding."""
    variants = max(1, runs // (SEEDS * len(LENGTHS)))
    made = tuple(Variant(f"lstm-{k}", {"cell": "lstm"}, {"lr": 1e-2 * (k + 1) / variants}) for k in range(variants))
    return Suite("driving", made, (TaskEntry("adding", {"task": "adding"}, LENGTHS),), tuple(range(SEEDS)))


def drive(asked: Plan, listener: Listener) -> tuple[float, float]:
    """Milliseconds a run, in all and in the store."""
    with ExitStack() as stack:
        where = stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None))
        store = stack.enter_context(Timed(Path(where)).writing())
        assert isinstance(store, Timed)
        began = time.perf_counter()
        outcome = Driver(asked, {}, store, Nothing(), listener).drive()
        seconds = time.perf_counter() - began
    assert outcome.trained == asked.count
    return 1e3 * seconds / asked.count, 1e3 * store.seconds / asked.count


class Weighing(Silent):
    """Notes how much memory is in use once the plan is made and looked at."""

    at_start = 0

    def work(self, done: float, total: float) -> None:
        if not self.at_start:
            gc.collect()
            self.at_start, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()


def weigh(asked: Plan) -> tuple[float, float, float]:
    """Megabytes of a plan and its drive: at the start, the most, and at the end."""
    listener = Weighing()
    tracemalloc.start()
    try:
        drive(asked, listener)
        end, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return listener.at_start / 1e6, most / 1e6, end / 1e6


def main(sizes: list[int]) -> None:
    rows = {}
    for runs in sizes:
        asked = plan(suite(runs))
        ms, stored = drive(asked, Silent())
        told = [f"{ms:.3f}", f"{stored:.3f}", *(f"{x:.1f}" for x in weigh(plan(suite(runs))))]
        rows[f"{asked.count:,}"] = told
    print(table(("runs", "ms a run", "in the store", "MB at the start", "at most", "at the end"), rows))


if __name__ == "__main__":
    main([int(size.replace(",", "")) for size in sys.argv[1:]] or [10_000, 100_000])
