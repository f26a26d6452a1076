"""Where cohorts run: `local` on this machine's cores, in worker processes; `ray` on a cluster.

An executor takes cohorts, and tells what became of them as events; it knows neither the plan nor the store.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

from rnnbench import plugins
from rnnbench.errors import UserError, nearest
from rnnbench.probing import Asked, Probe
from rnnbench.records import Point, Record, Run, Status
from rnnbench.text import printable
from rnnbench.training import devices

# How a worker may be done with a job. "lost": it is gone by no fault of the job's, as where a machine was switched off.
STATUSES = ("done", "failed", "refused", "crashed", "timeout", "stopped", "lost")


@dataclass(frozen=True)
class Job:
    """A cohort for one worker: runs of one shape, with the checkpoints that they may go on from. Where a `probe` is
    asked for, each run is trained from its start and probed, one after another; the local executor does that."""

    runs: tuple[Run, ...]
    checkpoints: tuple[tuple[str, bytes], ...] = ()
    probe: Asked | None = None


@dataclass(frozen=True)
class PreparingEvent:
    """A worker is up, has its job and loads what was compiled for it at an earlier time, or waits for another one that
    compiles it now; or `compiles` it itself."""

    worker: int
    compiles: bool


@dataclass(frozen=True)
class ReadyEvent:
    """All is compiled that a worker needs for its job: the time of its runs begins."""

    worker: int


@dataclass(frozen=True)
class ProgressEvent:
    """A look at a run under way."""

    worker: int
    run_id: str
    point: Point


@dataclass(frozen=True)
class CheckpointEvent:
    """Where a run may go on from: the bytes of a `training.checkpoint.Checkpoint`."""

    worker: int
    run_id: str
    checkpoint: bytes


@dataclass(frozen=True)
class RecordEvent:
    """A run's result: one that finished, never one that broke; and its probes, of a job that asks for them."""

    worker: int
    record: Record
    probes: tuple[Probe, ...] = ()


@dataclass(frozen=True)
class WarningEvent:
    """Something worth telling that cost no result: a checkpoint that could not be used. Of those that have the same
    `once`, where it isn't empty, the first is told, whichever worker it comes from."""

    worker: int
    text: str
    once: str = ""


@dataclass(frozen=True)
class EndEvent:
    """A worker is done with its job: the last event of it. `status`, one of STATUSES, says how: "done", "failed" (its
    code raised; `error` holds the traceback), "refused" (a mistake of the user's, which trying again won't mend;
    `error` is its line), "crashed" (the process is gone, or says what no worker says), "timeout", "stopped" (asked to),
    "lost". Runs that have no record by then are unfinished.
    """

    worker: int
    job: Job
    status: str
    error: str = ""


def broken(run: Run, event: EndEvent) -> Record:
    """The record of a run that a job's end left unfinished."""
    status: Status = "timeout" if event.status == "timeout" else "crashed" if event.status == "crashed" else "failed"
    return Record(run, status, error=event.error or f"its job ended as {event.status}, without a result")


Event = PreparingEvent | ReadyEvent | ProgressEvent | CheckpointEvent | RecordEvent | WarningEvent | EndEvent


class Executor(Protocol):
    """What the driver needs of the place where cohorts run. A second executor is a file beside `local.py` with a class
    of the file's name, which is made as `named` says.

    The driver calls it from one thread: `idle`, `submit` for some of the idle workers, `poll`, over and over while it
    is `busy`; `close` at last, whatever happened. What an executor owes it:

    - A job's runs are of one shape: they differ in seed and learning rate. Where `training.ways.way(rung, device,
      kernels)` says `stacked`, they are trained side by side, else one after another; `training.trainer.Trainer` with
      the same device and kernels does either.
    - Of a job it tells PreparingEvents and a ReadyEvent, if it likes, before anything of its runs.
    - Of a run it tells ProgressEvents in the order of their steps, CheckpointEvents if it likes, and one RecordEvent if
      the run finished, all under the number of the worker that was given it.
    - Of a job it tells one EndEvent, after everything else of it, whatever became of the worker: its process dying, a
      plugin raising or a run past its time are statuses, never exceptions. Runs that have no record by then are the
      driver's to try again. What comes after the EndEvent is dropped.
    - A run's record has the bits that it would have anywhere else: training happens in a process whose environment is
      the executor's own (`local.ENVIRONMENT`), never in the driver's.
    - A worker that broke is replaced: its number is idle again after the EndEvent.
    """

    device: str  # on which its workers compute, as torch names it
    kernels: str  # auto or reference

    def idle(self) -> Sequence[int]:
        """The numbers of the workers that wait for a job. They may be more or fewer each time. Asked only by a driver
        that has a job to give."""

    def busy(self) -> bool:
        """Whether a job that was submitted has not ended, an event is still to be told, or whoever asked for an `idle`
        worker since the last `poll` is to wait for one."""

    def submit(self, number: int, job: Job) -> None:
        """Gives an idle worker a job, and returns at once."""

    def poll(self, seconds: float) -> Iterator[Event]:
        """What has happened since; waits at most so many seconds for something to happen."""

    def stop(self) -> None:
        """Asks every worker to write checkpoints of its runs and to end its job; returns at once."""

    def close(self) -> None:
        """Ends every worker, busy or not, and returns when none is left."""


@cache
def names() -> tuple[str, ...]:
    """The names of all executors, sorted: those of this folder's files that define a class of their own name.

    >>> "local" in names(), "worker" in names()
    (True, False)
    """
    files = sorted(Path(__file__).parent.glob("[a-z]*.py"))
    return tuple(p.stem for p in files if re.search(rf"^class {p.stem.capitalize()}\b", p.read_text("utf-8"), re.M))


Maker = Callable[[int, str, str, float | None, float], Executor]


def named(name: str, options: Mapping[str, Any] | None = None) -> Maker:
    """What makes the executor of that name, given `options` of its own; UserError with the nearest known name. It is
    called with the number of workers (0: as many as there is room for), the device, the kernels, the seconds that a run
    may take and the seconds between two checkpoints."""
    made = _class(name)
    checked = _checked(name, made, options or {})
    return partial(made, **checked) if checked else made


def device(name: str, asked: str, options: Mapping[str, Any] | None = None) -> str:
    """The device that is meant by `--device`: of this machine, unless the executor's class has a `resolve` of its own,
    a static method of what was asked for and the options; UserError where there is no such one."""
    made = _class(name)
    resolve = getattr(made, "resolve", None)
    found = resolve(asked, **_checked(name, made, options or {})) if resolve else devices.resolve(asked)
    return str(found)


def _class(name: str) -> Any:
    if "/" in name:
        return plugins.function("executors", name)
    if name not in names():
        known = (*names(), *plugins.named("executors"))
        raise UserError(f"--executor: got '{name}', expected an executor; {nearest(name, known)}")
    made = getattr(importlib.import_module(f"rnnbench.running.executors.{name}"), name.capitalize())
    needed = getattr(made, "needs", None)  # a package, named as the extra that installs it
    if needed and importlib.util.find_spec(needed) is None:
        raise UserError(f"--executor: {name} isn't installed here; next: pip install 'rnnbench[{needed}]'")
    return made


def _checked(name: str, made: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options by name, as the executor takes them: they are the parameters of its class that are given by keyword
    alone, and each has the type of its default. UserError for one that it doesn't take or of another type."""
    parameters = inspect.signature(made).parameters.values()
    takes = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}
    found = {}
    for key, value in options.items():
        told = f"--{printable(key, 60).replace('_', '-')}"
        if key not in takes:
            has = ", ".join(f"--{option.replace('_', '-')}" for option in takes) or "none"
            raise UserError(f"{told}: the executor {name} has no such option; it has {has}")
        kind = type(takes[key])
        try:
            found[key] = kind(value)
        except ValueError:
            got = printable(str(value), 60)
            raise UserError(f"{told}: got '{got}', expected a value such as {takes[key]!r}") from None
    return found
