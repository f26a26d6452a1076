"""Worker processes on this machine, each with one thread and an explicit environment, started once.

A worker is replaced where it died, took too long, said what no worker says, or was changed by what it ran.
"""

from __future__ import annotations

import os
import secrets
import select
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from rnnbench import registry
from rnnbench.running.cores import cores
from rnnbench.running.executors import EndEvent, Event, Job, PreparingEvent, ReadyEvent, WarningEvent, wire, worker
from rnnbench.running.executors.processes import PIECE, Process, program
from rnnbench.text import flow

GRACE_SECONDS = 2.0  # between TERM and KILL
START_SECONDS = 300.0  # that importing and compiling may take where a run's time is limited
WAIT_SECONDS = 3600.0  # at most, between two looks at the clock
PIECES = 4096  # of what a worker said before it ended

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


@dataclass
class _Worker:
    """One process, and the job that it has: its token is in every message of it."""

    number: int
    process: Process
    job: Job | None = None
    token: bytes = b""
    warm: bool = False
    deadline: float = float("inf")
    killed_at: float = float("inf")
    timed_out: bool = False
    frames: wire.Frames = field(default_factory=wire.Frames)
    unsent: bytearray = field(default_factory=bytearray)

    def send(self, data: bytes = b"") -> None:
        """Sends as much as fits, of what is left from before too: a worker that reads nothing holds nobody up. What a
        dead one doesn't take is nobody's loss: that it ended is told elsewhere."""
        self.unsent += data
        with suppress(OSError):
            while self.unsent:
                del self.unsent[: self.process.channel.send(memoryview(bytes(self.unsent[:PIECE])))]


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
        self.leaving: list[Process] = []  # told to end, perhaps not gone yet

    def idle(self) -> list[int]:
        """The numbers of the workers that wait for a job, started or not."""
        return [n for n in range(self.jobs) if n not in self.workers or self.workers[n].job is None]

    def busy(self) -> bool:
        return any(w.job is not None for w in self.workers.values())

    def submit(self, number: int, job: Job) -> None:
        """Gives an idle worker a job; starts the worker if there is none, or none any longer."""
        if (there := self.workers.get(number)) and there.process.ended() is not None:
            self._end(there)
        if number not in self.workers:
            self.workers[number] = _Worker(number, Process(program(worker.main), self.environment))
        it = self.workers[number]
        message = {
            "do": "train",
            "runs": [r.as_dict() for r in job.runs],
            "checkpoints": [[id, len(raw)] for id, raw in job.checkpoints],
            "files": registry.placed(),
            "probe": job.probe and job.probe.as_dict(),
        }
        it.process.log = b""  # what was printed before is no matter of this job's
        it.job, it.token, it.warm = job, secrets.token_bytes(wire.TOKEN_BYTES), False
        if self.seconds_per_run is not None:
            it.deadline = time.monotonic() + START_SECONDS + self.seconds_per_run * len(job.runs)
        it.send(wire.frame(it.token, message | self.options, b"".join(raw for _, raw in job.checkpoints)))

    def stop(self) -> None:
        """Asks every worker to checkpoint and end."""
        for it in self.workers.values():
            it.send(wire.frame(bytes(wire.TOKEN_BYTES), {"do": "stop"}))

    def poll(self, seconds: float) -> Iterator[Event]:
        """What has happened, after waiting for at most so long."""
        self.leaving = [process for process in self.leaving if not process.gone()]
        watched, sources = select.poll(), {}
        for it in self.workers.values():
            for source in it.process.sources():
                sources[source] = it
                watched.register(source, select.POLLIN)
            if it.unsent and not it.process.deaf:
                watched.modify(it.process.channel, select.POLLIN | select.POLLOUT)
        now = time.monotonic()
        horizon = min((min(w.deadline, w.killed_at) - now for w in self.workers.values()), default=WAIT_SECONDS)
        for ready, _ in watched.poll(1000 * max(0.0, min(seconds, horizon, WAIT_SECONDS))):
            it = sources[ready]
            if self.workers.get(it.number) is it:  # else ended by what was read just before
                it.process.drain()
                it.send()
                yield from self._hear(it)
        yield from self._overdue()

    def _hear(self, it: _Worker) -> Iterator[Event]:
        """What a worker has said, and its end, if that has come: it is asked for first, so that what was said before is
        there by then. Of a worker that lives only a part is heard at a time: others wait."""
        how = it.process.ended()
        try:
            for _ in range(1 if how is None else PIECES):
                data = b"" if it.process.deaf else it.process.heard()
                if it.process.deaf:
                    it.killed_at = min(it.killed_at, time.monotonic() + GRACE_SECONDS)
                if not data:
                    break
                for token, text, raw in it.frames.feed(data):
                    if it.job is not None and token == it.token:  # else left over from what is over
                        yield from self._told(it, wire.read(it.number, it.job, text, raw))
        except wire.Unsound as error:
            yield from self._lost(it, f"worker sent {error}")
        if how is not None and self.workers.get(it.number) is it:
            it.process.drain()
            yield from self._lost(it, f"worker {how} without a result")

    def _told(self, it: _Worker, said: Event | wire.End) -> Iterator[Event]:
        if isinstance(said, PreparingEvent):
            if not it.warm:
                yield said
        elif isinstance(said, ReadyEvent):
            if it.warm or it.job is None:
                return
            if self.seconds_per_run is not None:
                it.deadline = time.monotonic() + self.seconds_per_run * len(it.job.runs)
            it.warm = True
            yield said
        elif isinstance(said, wire.End):
            if said.worn and it.job is not None:
                what = f"{flow(it.job.runs[0].rung.model)} changed {', '.join(said.worn)}"
                yield WarningEvent(
                    it.number, f"{what} of its whole process; a fresh worker takes what comes next", what
                )
            yield from self._ended(it, said.status, said.error)
            if said.worn:
                self._end(it)
        else:
            yield said

    def _ended(self, it: _Worker, status: str, error: str) -> Iterator[Event]:
        job, it.job, it.deadline, it.killed_at = it.job, None, float("inf"), float("inf")
        if job is not None:
            yield EndEvent(it.number, job, status, error)

    def _lost(self, it: _Worker, why: str) -> Iterator[Event]:
        """A worker that is of no use any longer: its job ends with it."""
        log = wire.legible(it.process.log.decode(errors="replace").strip())
        self._end(it)
        if it.timed_out:
            yield from self._ended(it, "timeout", f"no result within {self.seconds_per_run:g} seconds a run")
        else:
            yield from self._ended(it, "crashed", f"{log}\n{why}" if log else why)

    def _end(self, it: _Worker) -> None:
        del self.workers[it.number]
        it.process.end()
        self.leaving.append(it.process)

    def _overdue(self) -> Iterator[Event]:
        """Ends runs that took too long: TERM to the worker's whole session, then KILL to all that it has started."""
        now = time.monotonic()
        for it in list(self.workers.values()):
            if now >= it.killed_at:
                yield from self._lost(it, "worker closed its channel without a result")
            elif now >= it.deadline:
                it.timed_out, it.deadline = True, float("inf")
                it.process.terminate()
                it.killed_at = now + GRACE_SECONDS

    def close(self) -> None:
        """Ends every worker, at once, and waits until all are gone."""
        for it in list(self.workers.values()):
            self._end(it)
        for process in self.leaving:
            process.wait()
        self.leaving.clear()
