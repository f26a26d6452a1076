"""rnnbench's command line, its workers aside: `python -m tests.soak.program run SUITE ...`.

Workers are instant, and deterministic as real ones are: a run is a chain of hashes, a checkpoint a place in the chain,
and a chain that went on from anywhere but where it was ends elsewhere. SOAK_WORKERS=local takes real ones. SOAK_LOG
names a file in which is noted, a line each, what the driver begins and what it has acknowledged: it comes back for the
next event only once it is done with the one before.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnnbench.records import Point, Record, Run, Status
from rnnbench.running import executors
from rnnbench.running.executors import (
    CheckpointEvent,
    EndEvent,
    Event,
    Executor,
    Job,
    Maker,
    ProgressEvent,
    RecordEvent,
)
from rnnbench.running.executors.local import Local
from rnnbench.training.checkpoint import Checkpoint

LOOKS = 3  # of each run; after each but the last it writes a checkpoint


def link(run_id: str, step: int, before: bytes) -> bytes:
    return hashlib.blake2b(before + f"{run_id} {step}".encode(), digest_size=8).digest()


def share(chain: bytes) -> float:
    """A number in [0, 1) made of a link."""
    return int.from_bytes(chain[:4], "big") / 2**32


NAMED = executors.named


class Chain:
    """A run under way."""

    def __init__(self, run: Run, raw: bytes | None) -> None:
        self.run, self.step, self.last = run, 0, b""
        self.curve: list[Point] = []
        if raw is not None:
            saved = Checkpoint.from_bytes(raw)  # a kill leaves none behind that can't be read
            assert not saved.misfit(run.id, "chain", "chain")
            self.step, self.last = saved.state["step"], bytes(saved.arrays["last"].astype(np.uint8).tolist())
            self.curve = [Point.of_row(row) for row in saved.state["curve"]]

    def look(self) -> Point:
        self.step += 1
        self.last = link(self.run.id, self.step, self.last)
        point = Point(self.step, share(self.last), share(self.last[::-1]))
        self.curve.append(point)
        return point

    def checkpoint(self) -> bytes:
        state = {"step": self.step, "curve": [point.as_row() for point in self.curve], "seconds": 0.0}
        arrays = {"last": np.frombuffer(self.last, np.uint8).astype(np.float32)}
        return Checkpoint(self.run.id, "chain", "chain", state, arrays).to_bytes()

    def record(self) -> Record:
        score = share(self.last)
        status: Status = "solved" if score > 0.3 else "unsolved"
        curve = tuple(self.curve)
        made = Record(self.run, status, score, score, self.step, parameters=1, curve=curve)
        return replace(made, numerics="chain", fingerprint="chain")


class Chains:
    """Workers that take turns, an event each time that they are asked; `pause` seconds pass with each look."""

    device, kernels = "cpu", "auto"

    def __init__(self, workers: int = 2, pause: float = 0.0) -> None:
        self.workers, self.pause = workers, pause
        self.jobs: dict[int, tuple[Job, Iterator[Event]]] = {}
        self.stopping = False

    def idle(self) -> list[int]:
        return [number for number in range(self.workers) if number not in self.jobs]

    def busy(self) -> bool:
        return bool(self.jobs)

    def submit(self, number: int, job: Job) -> None:
        self.jobs[number] = job, self._train(number, job)

    def poll(self, seconds: float) -> Iterator[Event]:
        number, (job, events) = next(iter(self.jobs.items()))
        del self.jobs[number]
        event = next(events)
        if not isinstance(event, EndEvent):
            self.jobs[number] = job, events  # and the others come first
        yield event

    def _train(self, number: int, job: Job) -> Iterator[Event]:
        saved = dict(job.checkpoints)
        for run in job.runs:
            chain = Chain(run, saved.get(run.id))
            while chain.step < LOOKS and not self.stopping:
                time.sleep(self.pause)
                yield ProgressEvent(number, run.id, chain.look())
                if chain.step < LOOKS:
                    yield CheckpointEvent(number, run.id, chain.checkpoint())
            if chain.step == LOOKS:
                yield RecordEvent(number, chain.record())
        yield EndEvent(number, job, "done")

    def stop(self) -> None:
        self.stopping = True

    def close(self) -> None: ...


class Noted:
    """An executor, and a log of what it was asked for and of what was acknowledged."""

    def __init__(self, executor: Executor, log: str) -> None:
        self.executor, self.device, self.kernels = executor, executor.device, executor.kernels
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def note(self, *words: str) -> None:
        os.write(self.log, " ".join(words).encode() + b"\n")

    def idle(self) -> Sequence[int]:
        return self.executor.idle()

    def busy(self) -> bool:
        return self.executor.busy()

    def submit(self, number: int, job: Job) -> None:
        for run in job.runs:
            self.note("began", run.id)
        self.executor.submit(number, job)

    def poll(self, seconds: float) -> Iterator[Event]:
        for event in self.executor.poll(seconds):
            yield event
            if isinstance(event, RecordEvent):
                self.note("acknowledged", event.record.id)

    def stop(self) -> None:
        self.executor.stop()

    def close(self) -> None:
        self.executor.close()
        os.close(self.log)


def executor(jobs: int, device: str, kernels: str, timeout: float | None, checkpoints: float) -> Executor:
    """What `--executor` names here."""
    real = os.environ.get("SOAK_WORKERS") == "local"
    made: Executor = (
        Local(jobs, device, kernels, timeout, checkpoints)
        if real
        else Chains(pause=float(os.environ.get("SOAK_PAUSE", "0")))
    )
    log = os.environ.get("SOAK_LOG")
    return Noted(made, log) if log else made


def named(name: str, options: Mapping[str, Any] | None = None) -> Maker:
    """What makes the workers, whatever --executor says."""
    return executor


def noted(name: str, options: Mapping[str, Any] | None = None) -> Maker:
    """Instant workers; what is begun and acknowledged is noted in the file of that name, an absolute path. Any other
    name is what it always was."""
    return (lambda *given: Noted(Chains(), name)) if os.path.isabs(name) else NAMED(name, options)


def main() -> None:
    from rnnbench.cli import main

    executors.named = named
    main()


if __name__ == "__main__":
    main()
