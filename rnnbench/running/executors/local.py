"""Worker processes on this machine, each with one thread and an explicit environment, started once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from rnnbench import registry
from rnnbench.records import Point, Record
from rnnbench.running.executors import CheckpointEvent, EndEvent, Event, Job, ProgressEvent, RecordEvent, WarningEvent
from rnnbench.running.executors.worker import pack, unpack

LOG_BYTES = 20_000  # of a worker's output, the last that are kept for the error message
GRACE_SECONDS = 2.0  # between TERM and KILL

# One thread each; MKL is held to code paths whose bits do not depend on how memory happens to be aligned.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "MKL_CBWR": "AVX2",
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",
}


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class _Worker:
    number: int
    process: subprocess.Popen[bytes]
    channel: Connection
    job: Job | None = None
    deadline: float = float("inf")
    log: bytes = b""
    timed_out: bool = False
    killed_at: float = field(default=float("inf"))

    def kill(self, how: signal.Signals) -> None:
        """The whole session of the worker: a plugin's children too."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)


class Local:
    """`jobs` workers (0: one a core). `seconds_per_run` is the time limit of a run, compiling excluded (None: none)."""

    def __init__(
        self,
        jobs: int,
        device: str = "cpu",
        kernels: str = "auto",
        seconds_per_run: float | None = None,
        checkpoint_seconds: float = 10.0,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.jobs = jobs or cores()
        self.device, self.kernels = device, kernels
        self.options = {"device": device, "kernels": kernels, "checkpoint_seconds": checkpoint_seconds}
        self.seconds_per_run = seconds_per_run
        self.environment = dict(environment) | ENVIRONMENT
        self.workers: dict[int, _Worker] = {}

    def _start(self, number: int) -> _Worker:
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(
            [sys.executable, "-m", "rnnbench.running.executors.worker", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            env=self.environment,
            start_new_session=True,
        )
        theirs.close()
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        worker = _Worker(number, process, Connection(ours.detach()))
        self.workers[number] = worker
        return worker

    def idle(self) -> list[int]:
        """The numbers of the workers that wait for a job, started or not."""
        return [n for n in range(self.jobs) if n not in self.workers or self.workers[n].job is None]

    def busy(self) -> bool:
        return any(w.job is not None for w in self.workers.values())

    def submit(self, number: int, job: Job) -> None:
        """Gives an idle worker a job; starts the worker if there is none."""
        worker = self.workers.get(number) or self._start(number)
        message = {
            "do": "train",
            "runs": [r.as_dict() for r in job.runs],
            "checkpoints": [[id, len(raw)] for id, raw in job.checkpoints],
            "files": registry.placed(),
        }
        worker.job = job
        with suppress(OSError):  # it died while idle: poll() will see the end of its channel
            worker.channel.send_bytes(pack(message | self.options, b"".join(raw for _, raw in job.checkpoints)))

    def stop(self) -> None:
        """Asks every worker to checkpoint and end."""
        for worker in self.workers.values():
            with suppress(OSError):
                worker.channel.send_bytes(pack({"do": "stop"}))

    def poll(self, seconds: float) -> Iterator[Event]:
        """What has happened, after waiting for at most so long."""
        sources: dict[Any, _Worker] = {w.channel: w for w in self.workers.values()}
        sources |= {w.process.stdout: w for w in self.workers.values() if w.process.stdout is not None}
        now = time.monotonic()
        horizon = min((min(w.deadline, w.killed_at) for w in self.workers.values()), default=float("inf"))
        for source in wait(list(sources), max(0.0, min(seconds, horizon - now))):
            worker = sources[source]
            if self.workers.get(worker.number) is not worker:
                continue  # ended by an event just before
            if source is worker.channel:
                yield from self._receive(worker)
            else:
                self._drain(worker)
        yield from self._overdue()

    def _receive(self, worker: _Worker) -> Iterator[Event]:
        try:
            message, raw = unpack(worker.channel.recv_bytes())
        except (EOFError, OSError):
            yield from self._gone(worker)
            return
        kind, number = message["is"], worker.number
        if kind == "warm" and self.seconds_per_run is not None and worker.job is not None:
            worker.deadline = time.monotonic() + self.seconds_per_run * len(worker.job.runs)
        elif kind == "look":
            yield ProgressEvent(number, message["id"], Point.of_row(message["point"]))
        elif kind == "checkpoint":
            yield CheckpointEvent(number, message["id"], raw)
        elif kind == "record":
            yield RecordEvent(number, Record.from_dict(message["record"]))
        elif kind == "warned":
            yield WarningEvent(number, message["text"])
        elif kind in ("done", "failed"):
            yield from self._ended(worker, kind, message.get("error", ""))

    def _ended(self, worker: _Worker, status: str, error: str) -> Iterator[Event]:
        job, worker.job, worker.deadline = worker.job, None, float("inf")
        if job is not None:
            yield EndEvent(worker.number, job, status, error)

    def _gone(self, worker: _Worker) -> Iterator[Event]:
        """The process has closed its channel: it crashed, was killed, or ended as asked."""
        worker.kill(signal.SIGKILL)
        code = worker.process.wait()
        self._drain(worker)
        if worker.process.stdout is not None:
            worker.process.stdout.close()
        worker.channel.close()
        del self.workers[worker.number]
        how = f"killed by signal {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        log = worker.log.decode(errors="replace").strip()
        if worker.timed_out:
            yield from self._ended(worker, "timeout", f"no result within {self.seconds_per_run:g} seconds a run")
        else:
            yield from self._ended(worker, "crashed", f"worker {how} without a result" + (f"\n{log}" if log else ""))

    def _drain(self, worker: _Worker) -> None:
        try:
            data = os.read(worker.process.stdout.fileno(), 1 << 16) if worker.process.stdout else b""
        except (BlockingIOError, ValueError):
            return
        if data:
            worker.log = (worker.log + data)[-LOG_BYTES:]
        elif worker.process.stdout is not None:
            worker.process.stdout.close()
            worker.process.stdout = None

    def _overdue(self) -> Iterator[Event]:
        """Ends runs that took too long: TERM, then KILL, to the worker's whole session."""
        now = time.monotonic()
        for worker in list(self.workers.values()):
            if now >= worker.killed_at:
                worker.kill(signal.SIGKILL)
                worker.killed_at = float("inf")
            elif now >= worker.deadline:
                worker.timed_out, worker.deadline = True, float("inf")
                worker.kill(signal.SIGTERM)
                worker.killed_at = now + GRACE_SECONDS
        yield from ()

    def close(self) -> None:
        """Ends every worker, at once, and waits until all are gone."""
        for worker in list(self.workers.values()):
            if worker.job is None:
                worker.channel.close()  # an idle worker ends by itself at the end of its channel
            else:
                worker.kill(signal.SIGKILL)
        for worker in list(self.workers.values()):
            try:
                worker.process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill(signal.SIGKILL)
                worker.process.wait()
            worker.kill(signal.SIGKILL)
            if worker.process.stdout is not None:
                worker.process.stdout.close()
            if not worker.channel.closed:
                worker.channel.close()
        self.workers.clear()
