"""Where cohorts run: `local` on this machine's cores, in worker processes.

An executor takes cohorts, and tells what became of them as events; it knows neither the plan nor the store.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnbench.records import Point, Record, Run


@dataclass(frozen=True)
class Job:
    """A cohort for one worker: runs of one shape, with the checkpoints that they may go on from."""

    runs: tuple[Run, ...]
    checkpoints: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class ProgressEvent:
    worker: int
    run_id: str
    point: Point


@dataclass(frozen=True)
class CheckpointEvent:
    worker: int
    run_id: str
    checkpoint: bytes


@dataclass(frozen=True)
class RecordEvent:
    worker: int
    record: Record


@dataclass(frozen=True)
class WarningEvent:
    """Something worth telling that cost no result: a checkpoint that could not be used."""

    worker: int
    text: str


@dataclass(frozen=True)
class EndEvent:
    """A worker is done with its job. `status` says how: "done", "failed" (its code raised; `error` holds the
    traceback), "crashed" (the process is gone), "timeout", "stopped" (asked to). Runs without a record are unfinished.
    """

    worker: int
    job: Job
    status: str
    error: str = ""


Event = ProgressEvent | CheckpointEvent | RecordEvent | WarningEvent | EndEvent
