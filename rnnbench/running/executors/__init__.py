"""Where cohorts run: `local` on this machine's cores, in worker processes.

An executor takes cohorts, and tells what became of them as events; it knows neither the plan nor the store.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rnnbench import plugins
from rnnbench.errors import UserError, nearest
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


@cache
def names() -> tuple[str, ...]:
    """The names of all executors, sorted: those of this folder's files that define a class of their own name.

    >>> "local" in names(), "worker" in names()
    (True, False)
    """
    files = sorted(Path(__file__).parent.glob("[a-z]*.py"))
    return tuple(p.stem for p in files if f"\nclass {p.stem.capitalize()}" in p.read_text("utf-8"))


def named(name: str) -> Any:
    """The class of the executor of that name; UserError with the nearest known name. It is called with the number of
    workers, the device, the kernels, the seconds that a run may take and the seconds between two checkpoints."""
    if "/" in name:
        return plugins.function("executors", name)
    if name not in names():
        known = (*names(), *plugins.named("executors"))
        raise UserError(f"--executor: got '{name}', expected an executor; {nearest(name, known)}")
    return getattr(importlib.import_module(f"rnnbench.running.executors.{name}"), name.capitalize())
