"""Several workers and cohorts of many runs: how work is shared out, what a cohort that fails costs, what comes too
late, and signals. Nothing is trained."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import fakes
import pytest
from fakes import Notes, run_through
from rich.console import Console

from rnnbench.errors import Exit
from rnnbench.records import Point, Record, Run, Status
from rnnbench.report.live import Display
from rnnbench.report.log import LogLines
from rnnbench.running import driver
from rnnbench.running.driver import Outcome
from rnnbench.running.executors import CheckpointEvent, EndEvent, Event, Job, ProgressEvent, RecordEvent, WarningEvent
from rnnbench.running.listeners import Label, Silent
from rnnbench.seeds import data
from rnnbench.store import Store
from rnnbench.suite import Suite, TaskEntry, Variant


def solved(run: Run) -> Status:
    """Every run is solved."""
    return "solved"


class Fake(fakes.Fake):
    """Workers that step through every cell, so that runs of one shape are stacked."""

    def __init__(
        self, decide: fakes.Decide, most: int = 10**6, workers: int = 1, device: str = "cpu", kernels: str = "reference"
    ) -> None:
        super().__init__(decide, most, workers, device, kernels)


def suite(seeds: int, *variants: Mapping[str, object], lengths: tuple[int, ...] = (10,)) -> Suite:
    """Variants x0, x1, ... of a cell."""
    made = tuple(Variant(f"x{k}", {"cell": "lstm"}, dict(s)) for k, s in enumerate(variants or ({},)))
    return Suite("s", made, (TaskEntry("adding", {"task": "adding"}, lengths),), tuple(range(seeds)))


def sizes(fake: Fake) -> list[tuple[int, int]]:
    """Which worker was given how many runs, in order."""
    return [(number, len(job.runs)) for number, job in fake.sent]


def test_one_shape_is_shared_out_between_workers_that_would_stand_idle(tmp_path: Path) -> None:
    fake = Fake(solved, workers=2)
    assert run_through(tmp_path, suite(9), fake) == Outcome(9, 0, Exit.OK)
    assert sizes(fake) == [(0, 5), (1, 4)]
    assert {run.seed for _, job in fake.sent for run in job.runs} == set(range(9))


def test_shapes_enough_for_all_workers_stay_whole(tmp_path: Path) -> None:
    fake = Fake(solved, workers=2)
    assert run_through(tmp_path, suite(6, {}, {"hidden": 16}), fake).trained == 12
    assert sizes(fake) == [(0, 6), (1, 6)]
    assert all(len({run.rung.shape for run in job.runs}) == 1 for _, job in fake.sent)


def test_three_workers_and_two_shapes(tmp_path: Path) -> None:
    fake = Fake(solved, workers=3)
    run_through(tmp_path, suite(6, {}, {"hidden": 16}), fake)
    assert sizes(fake)[0] == (0, 2)  # shared out, since one of three would have nothing to do
    assert sum(n for _, n in sizes(fake)) == 12
    assert {number for number, _ in sizes(fake)} == {0, 1, 2}


def test_learning_rates_train_side_by_side_and_widths_do_not(tmp_path: Path) -> None:
    fake = Fake(solved)
    run_through(tmp_path, suite(3, {"lr": 1e-2}, {"lr": 3e-3}, {"hidden": 16}), fake)
    assert sorted(n for _, n in sizes(fake)) == [3, 6]


def test_a_cohort_is_no_larger_than_it_may_be(tmp_path: Path) -> None:
    fake = Fake(solved)
    run_through(tmp_path, suite(driver.STACK * 2 + 3), fake)
    assert [n for _, n in sizes(fake)] == [driver.STACK, driver.STACK, 3]


def test_a_rung_is_a_barrier_however_many_workers_wait(tmp_path: Path) -> None:
    fake = Fake(solved, workers=4)
    run_through(tmp_path, suite(2, lengths=(10, 20)), fake)
    assert [length for length, _, _ in fake.asked] == [10, 10, 20, 20]
    assert sizes(fake) == [(0, 1), (1, 1), (0, 1), (1, 1)]


def test_a_plan_of_which_much_is_known_asks_for_the_rest_alone(tmp_path: Path) -> None:
    run_through(tmp_path, suite(5), Fake(solved))
    fake = Fake(solved, workers=2)
    assert run_through(tmp_path, suite(8), fake).trained == 3
    assert sorted(run.seed for _, job in fake.sent for run in job.runs) == [5, 6, 7]


class Breaks(Fake):
    """Checkpoints each run, and breaks at the one with seed 2, as often as it is told to."""

    def __init__(self, times: int, workers: int = 1, how: str = "crashed") -> None:
        self.times, self.how = times, how
        super().__init__(solved, workers=workers)

    def answers(self, number: int, job: Job) -> Iterator[Event]:
        for run in job.runs:
            yield CheckpointEvent(number, run.id, b"so far %d" % data(run.seed))
        for run in job.runs:
            if run.seed == 2 and self.times:
                self.times -= 1
                yield EndEvent(number, job, self.how, "Traceback\nlast words\n")
                return
            yield RecordEvent(number, Record(run, "solved", 0.9))
        yield EndEvent(number, job, "done")


def test_a_cohort_that_breaks_keeps_its_records_and_its_unfinished_runs_go_on_solo(tmp_path: Path) -> None:
    fake, notes = Breaks(times=1), Notes()
    assert run_through(tmp_path, suite(5), fake, notes) == Outcome(5, 0, Exit.OK)
    seeds = [[run.seed for run in job.runs] for _, job in fake.sent]
    assert seeds == [[0, 1, 2, 3, 4], [2], [3], [4]]
    assert [dict(job.checkpoints) for _, job in fake.sent[1:]] == [
        {job.runs[0].id: b"so far %d" % data(job.runs[0].seed)} for _, job in fake.sent[1:]
    ]
    assert notes.messages == ["a cohort of 5 crashed (last words): its unfinished runs go on alone"]
    assert [r.run.seed for r in notes.records] == [0, 1, 2, 3, 4]
    assert all(r.attempt == 1 for r in Store(tmp_path).records().values())  # what a neighbour broke is no attempt
    assert not list((tmp_path / "checkpoints").iterdir())


@pytest.mark.parametrize(
    ("how", "status"), [("crashed", "crashed"), ("timeout", "timeout"), ("failed", "failed"), ("stopped", "failed")]
)
def test_one_that_breaks_in_company_and_solo_is_broken(tmp_path: Path, how: str, status: str) -> None:
    fake, notes = Breaks(times=3, how=how), Notes()
    assert run_through(tmp_path, suite(4), fake, notes) == Outcome(3, 1, Exit.FAILED)
    assert [[run.seed for run in job.runs] for _, job in fake.sent] == [[0, 1, 2, 3], [2], [3], [2]]
    broken = [r for r in Store(tmp_path).records().values() if not r.finished]
    assert [(r.run.seed, r.status, r.attempt, r.error) for r in broken] == [(2, status, 2, "Traceback\nlast words\n")]
    assert notes.messages[1:] == [f"x0 adding 10 seed 2: {status} (last words); trying again"]
    assert [r.status for r in notes.records if not r.finished] == [status]  # which tells why, once


def test_what_the_user_got_wrong_is_not_tried_again_and_goes_for_all_of_the_shape(tmp_path: Path) -> None:
    fake, notes = Breaks(times=1, how="refused"), Notes()
    assert run_through(tmp_path, suite(driver.STACK + 4, {}, {"hidden": 16}), fake, notes, retries=5) == Outcome(
        driver.STACK + 4 + 2, driver.STACK + 2, Exit.FAILED
    )
    assert notes.messages == []
    assert {(r.status, r.attempt) for r in Store(tmp_path).records().values() if not r.finished} == {("failed", 1)}


def test_without_retries_a_run_still_gets_the_chance_that_its_neighbours_took(tmp_path: Path) -> None:
    fake = Breaks(times=2)
    assert run_through(tmp_path, suite(4), fake, retries=0) == Outcome(3, 1, Exit.FAILED)
    assert [len(job.runs) for _, job in fake.sent] == [4, 1, 1]


def test_two_workers_and_one_that_breaks(tmp_path: Path) -> None:
    fake = Breaks(times=1, workers=2)
    assert run_through(tmp_path, suite(8), fake) == Outcome(8, 0, Exit.OK)
    asked = [run.seed for _, job in fake.sent for run in job.runs]
    assert sorted(asked) == [0, 1, 2, 2, 3, 3, 4, 5, 6, 7]
    assert {number for number, _ in fake.sent} == {0, 1}


def test_fail_fast_starts_nothing_more_once_a_run_broke_for_good(tmp_path: Path) -> None:
    fake = Breaks(times=2)
    outcome = run_through(tmp_path, suite(4), fake, retries=0, fail_fast=True)
    assert outcome == Outcome(2, 1, Exit.FAILED)
    assert [len(job.runs) for _, job in fake.sent] == [4, 1]


class Late(Fake):
    """Says something more of its first job once that has ended."""

    def __init__(self, late: Callable[[int, Run], Event]) -> None:
        self.late = late
        super().__init__(solved, workers=2)

    def answers(self, number: int, job: Job) -> Iterator[Event]:
        if job is self.sent[0][1]:
            yield EndEvent(number, job, "timeout", "too long")
            yield self.late(number, job.runs[0])
        else:
            yield from super().answers(number, job)
            yield self.late(number, job.runs[0])


@pytest.mark.parametrize(
    "late",
    [
        lambda number, run: ProgressEvent(number, run.id, Point(1, 0.1, 0.9)),
        lambda number, run: CheckpointEvent(number, run.id, b"late"),
        lambda number, run: RecordEvent(number, Record(run, "unsolved", 0.1)),
        lambda number, run: RecordEvent(number + 7, Record(run, "unsolved", 0.1)),
        lambda number, run: WarningEvent(number, "late"),
    ],
)
def test_what_comes_after_the_end_of_a_job_changes_nothing(tmp_path: Path, late: Callable[[int, Run], Event]) -> None:
    notes = Notes()
    assert run_through(tmp_path, suite(3), Late(late), notes) == Outcome(3, 0, Exit.OK)
    records = Store(tmp_path).records().values()
    assert [(r.status, r.attempt) for r in records] == [("solved", 1)] * 3
    assert len(notes.records) == 3
    assert not list((tmp_path / "checkpoints").iterdir())


class Stale(Fake):
    """Before a worker answers, another one, which was not given the job, says that its runs failed to be solved."""

    def answers(self, number: int, job: Job) -> Iterator[Event]:
        for run in job.runs:
            yield RecordEvent(number + 1, Record(run, "unsolved", 0.1))
        yield from super().answers(number, job)


def test_what_a_worker_says_of_a_run_that_it_was_not_given_is_dropped(tmp_path: Path) -> None:
    assert run_through(tmp_path, suite(3), Stale(solved)) == Outcome(3, 0, Exit.OK)
    assert {(r.status, r.attempt) for r in Store(tmp_path).records().values()} == {("solved", 1)}


class Asked(Fake):
    """Sends this process signals while its runs are under way, then ends its jobs once it is asked to stop."""

    def __init__(self, *signals: signal.Signals, deaf: bool = False) -> None:
        self.signals, self.deaf = list(signals), deaf
        self.stops = self.closed = self.polls = 0
        super().__init__(solved, workers=2)

    def poll(self, seconds: float) -> Iterator[Event]:
        self.polls += 1
        if self.signals:
            os.kill(os.getpid(), self.signals.pop(0))
        elif self.stops and not self.deaf:
            number, job = next(iter(self.jobs.items()))
            del self.jobs[number]
            for run in job.runs:
                yield CheckpointEvent(number, run.id, b"where it was")
            yield EndEvent(number, job, "done")
        yield from ()

    def stop(self) -> None:
        self.stops += 1

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED), (signal.SIGHUP, Exit.HUNG_UP)],
)
def test_a_signal_asks_for_checkpoints_and_stops(tmp_path: Path, number: signal.Signals, code: Exit) -> None:
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    fake, notes = Asked(number), Notes()
    assert run_through(tmp_path, suite(6), fake, notes) == Outcome(0, 0, code)
    assert (fake.stops, fake.closed) == (1, 1)
    assert len(fake.sent) == 2  # nothing more was begun, and nothing is tried again
    assert notes.messages == ["stopping: runs under way are written to checkpoints; again to stop at once"]
    assert {p.read_bytes() for p in (tmp_path / "checkpoints").iterdir()} == {b"where it was"}
    assert len(list((tmp_path / "checkpoints").iterdir())) == 6
    assert {s: signal.getsignal(s) for s in before} == before
    again = Fake(solved)
    assert run_through(tmp_path, suite(6), again) == Outcome(6, 0, Exit.OK)
    assert [raw for _, raw in again.sent[0][1].checkpoints] == [b"where it was"] * 6


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once(tmp_path: Path, second: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "STOP_SECONDS", 1.0)
    before = signal.getsignal(signal.SIGINT)
    fake = Asked(signal.SIGINT, second, deaf=True)
    assert run_through(tmp_path, suite(6), fake) == Outcome(0, 0, Exit.INTERRUPTED)
    assert (fake.stops, fake.closed, fake.polls) == (1, 1, 2)
    assert fake.busy()
    assert signal.getsignal(signal.SIGINT) == before


def test_workers_that_do_not_stop_are_left_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "STOP_SECONDS", 0.05)
    fake = Asked(signal.SIGTERM, deaf=True)
    assert run_through(tmp_path, suite(2), fake) == Outcome(0, 0, Exit.TERMINATED)
    assert fake.closed == 1


def test_off_the_main_thread_no_signals_are_taken(tmp_path: Path) -> None:
    before, seen, outcomes = signal.getsignal(signal.SIGINT), [], []

    def decide(run: Run) -> Status:
        seen.append(signal.getsignal(signal.SIGINT))
        return "solved"

    thread = threading.Thread(target=lambda: outcomes.append(run_through(tmp_path, suite(3), Fake(decide))))
    thread.start()
    thread.join()
    assert outcomes == [Outcome(3, 0, Exit.OK)]
    assert set(seen) == {before}


def test_an_executor_is_closed_whatever_happens(tmp_path: Path) -> None:
    class Raises(Asked):
        def poll(self, seconds: float) -> Iterator[Event]:
            raise RuntimeError("out of order")

    fake = Raises()
    with pytest.raises(RuntimeError, match="out of order"):
        run_through(tmp_path, suite(3), fake)
    assert fake.closed == 1


def calls(where: Path, suite: Suite, listener: Silent, workers: int, kernels: str) -> float:
    """How many calls of functions a run costs the driver, in C or not."""
    seen: Counter[str] = Counter()

    def note(frame: object, event: str, argument: object) -> None:
        seen[event] += 1

    fake = Fake(solved, workers=workers, kernels=kernels)
    sys.setprofile(note)
    try:
        outcome = run_through(where, suite, fake, listener)
    finally:
        sys.setprofile(None)
    return (seen["call"] + seen["c_call"]) / outcome.trained


LISTENERS: dict[str, Callable[[], Any]] = {
    "silent": Silent,
    "lines": lambda: LogLines(io.StringIO()),
    "display": lambda: Display(Console(file=io.StringIO())),
}


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("many", ["seeds", "ladders", "ladders of a fused scan"])
def test_what_a_run_costs_the_driver_does_not_grow_with_how_many_there_are(
    many: str, listener: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "add", lambda store, record: record)  # a disk takes its time, and that's no call

    def made(n: int) -> Suite:
        if many == "seeds":
            return suite(n, lengths=(10, 20))
        return suite(2, *({"lr": (k + 1) / n} for k in range(n // 4)), lengths=(10, 20))

    kernels = "auto" if many == "ladders of a fused scan" else "reference"
    calls(tmp_path / "warm", made(8), LISTENERS[listener](), 2, kernels)
    few, lots = (calls(tmp_path / str(n), made(n), LISTENERS[listener](), 2, kernels) for n in (60, 480))
    assert lots < 1.15 * few


def test_of_runs_that_are_done_the_driver_keeps_a_tally(tmp_path: Path) -> None:
    def alive() -> int:
        return sum(type(o) is Record for o in gc.get_objects())

    class Counts(Silent):
        told = 0
        found: ClassVar[list[int]] = []

        def recorded(self, record: Record, label: Label) -> None:
            self.told += 1
            if self.told % 24 == 0:
                self.found.append(alive())

    asked = suite(3, *({"lr": 0.1 * k} for k in range(1, 9)), lengths=(10, 20, 40))
    before = alive()
    outcome = run_through(tmp_path, asked, Fake(solved), Counts())
    assert outcome.trained == 72
    assert max(Counts.found) - before <= 3 * 8 + 2  # a rung of each ladder that is not done yet, and what is told
    assert len(Counts.found) == 3
    rungs = [rung for climb in outcome.climbs for rung in climb.steps]
    assert [(rung.records, rung.tally.solved) for rung in rungs] == [((), 3)] * 24
