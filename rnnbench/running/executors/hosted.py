"""The driver's end of an executor that another process hosts (`host.py`): on this machine, or wherever a command leads.

Whatever happens to that process, the driver keeps its own life, its store and its display: it reads and writes in
threads, waits for nothing longer than it says, and tells a loss in one line.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import Empty, Queue
from typing import IO, Any

from rnnbench.errors import Exit, UserError
from rnnbench.running.executors import EndEvent, Event, Job, WarningEvent, relay, sides
from rnnbench.running.executors.relay import pack, unpack
from rnnbench.text import printable

OPEN_SECONDS = 90.0  # that the other side has to get ready
LOST_SECONDS = 30.0  # without a sign of life, after which it is lost
LAST_WORDS_SECONDS = 1.0  # between its end and that of what it prints
CLOSE_SECONDS = 10.0  # that it has to end by itself
LOG_BYTES = 20_000  # of what it prints, the last that are kept for the error message
MESSAGE_BYTES = 1 << 28  # no message is longer
WAITING = 1000  # messages that may wait to be looked at, before the other side has to wait

GONE = b""  # the last thing that is read


class Away:
    """An executor that `command` hosts; `made` is what it is made of there. `place` is what errors call it;
    `environment`: of the process (None: the driver's own)."""

    def __init__(
        self,
        command: Sequence[str],
        made: Mapping[str, Any],
        place: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.command, self.made, self.place, self.environment = command, dict(made), place, environment
        self.device, self.kernels = str(made["device"]), str(made["kernels"])
        self.process: subprocess.Popen[bytes] | None = None
        self.inbox: Queue[bytes] = Queue(WAITING)
        self.outbox: Queue[bytes | None] = Queue()
        self.jobs: dict[int, Job] = {}
        self.waiting: list[int] = []  # workers that wait for a job
        self.asked = False  # whether there was none when the driver had a job
        self.open = self.stopping = self.ended = False
        self.heard = 0.0
        self.log = b""
        self.readers: list[threading.Thread] = []

    def idle(self) -> list[int]:
        if not self.process:
            self._start()
        self.asked = not self.waiting
        return list(self.waiting)

    def busy(self) -> bool:
        """Whether a job has not ended, or the driver has one and is to wait for a worker."""
        return not self.ended and (bool(self.jobs) or self.asked)

    def submit(self, number: int, job: Job) -> None:
        self.waiting.remove(number)
        self.jobs[number] = job
        message, raw = relay.job_message(job)
        self.outbox.put(pack({"do": "submit", "worker": number} | message, raw))

    def stop(self) -> None:
        self.stopping, self.asked = True, False
        self.outbox.put(pack({"do": "stop"}))

    def poll(self, seconds: float) -> Iterator[Event]:
        """What has been heard, after waiting for at most so long. UserError where the other side is lost, once all
        that it had said is told."""
        if self.process is None or self.ended:
            return
        self.asked = False
        with suppress(Empty):
            yield from self._take(self.inbox.get(timeout=seconds))
            for _ in range(self.inbox.qsize()):  # what comes meanwhile comes next: the driver has more to do
                if not self.ended:
                    yield from self._take(self.inbox.get_nowait())
        patience = LOST_SECONDS if self.open else OPEN_SECONDS  # the driver itself may be late: it read all there was
        if not self.ended and time.monotonic() - self.heard > patience:
            yield from self._lost(f"no sign of life for {patience:g} s")

    def _start(self) -> None:
        try:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.environment,
                start_new_session=True,
            )
        except OSError as error:
            raise UserError(f"{self.place}: {self.command[0]} can't be started ({error.strerror})") from None
        self.heard = time.monotonic()
        self.readers = [
            threading.Thread(target=target, args=(self.process,), daemon=True)
            for target in (self._read, self._write, self._keep_log)
        ]
        for reader in self.readers:
            reader.start()
        self.outbox.put(pack({"do": "open", "made": self.made}))

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout, suppress(EOFError, OSError), _end(process.stdout, writable=False) as source:
            while True:
                self.inbox.put(source.recv_bytes(MESSAGE_BYTES))
        self.inbox.put(GONE)

    def _write(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        with suppress(OSError), process.stdin, _end(process.stdin, readable=False) as sink:
            while (message := self.outbox.get()) is not None:
                sink.send_bytes(message)

    def _keep_log(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        with process.stderr:
            while data := process.stderr.read1(1 << 16):  # type: ignore[attr-defined]
                self.log = (self.log + data)[-LOG_BYTES:]

    def _take(self, data: bytes) -> Iterator[Event]:
        self.heard = time.monotonic()
        if data == GONE:
            self.readers[-1].join(LAST_WORDS_SECONDS)  # what it wrote last says why, and comes by another pipe
            last = self.log.decode(errors="replace").strip().splitlines()[-1:]
            yield from self._lost(": ".join(["its process ended", *last]))
            return
        try:
            message, raw = unpack(data)
            kind = message["is"]
            if kind == "open":
                self.open = True
                yield from self._compare(message["sides"])
            elif kind == "idle":
                self.waiting = [n for n in message["workers"] if n not in self.jobs]
            elif kind == "refused":
                self.ended = True
                raise UserError(*(printable(line, 1000) for line in message["lines"]), code=Exit(message["code"]))
            elif kind == "broke":
                yield from self._lost(message["error"].strip().splitlines()[-1])
            elif kind != "closed":
                event = relay.heard(message, raw, self.jobs)
                if isinstance(event, EndEvent):
                    del self.jobs[event.worker]
                yield event
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            yield from self._lost(f"it said what can't be understood ({type(error).__name__}: {error})")

    def _compare(self, theirs: Mapping[str, str]) -> Iterator[Event]:
        """A host on another machine may be other code."""
        words, counts = sides.differences(sides.here(), theirs)
        if words and not counts:
            raise UserError(f"{self.place}: {printable(words, 500)}; next: install there what is here")
        if words:
            yield WarningEvent(-1, f"{self.place}: {words}")

    def _lost(self, why: str) -> Iterator[Event]:
        """The other side is gone, and all that it was busy with. Asked to stop, that is how it stops."""
        self.ended, self.asked = True, False
        lost, self.jobs = self.jobs, {}
        if self.stopping:
            for number, job in lost.items():
                yield EndEvent(number, job, "stopped")
            return
        raise UserError(
            f"{self.place}: lost: {printable(why, 500)}; nothing that was stored is lost: another run, here or there, "
            "goes on from it",
            code=Exit.STORE,
        )

    def close(self) -> None:
        """Ends the process and, by the end of its input, all of its own."""
        process, self.process = self.process, None
        self.ended = True
        if process is None:
            return
        self.outbox.put(pack({"do": "close"}))
        self.outbox.put(None)
        end = time.monotonic() + CLOSE_SECONDS
        while process.poll() is None and time.monotonic() < end:
            with suppress(Empty):  # what it still says, so that it isn't kept from ending
                self.inbox.get(timeout=0.05)
        process.kill()
        process.wait()
        while not self.inbox.empty():
            self.inbox.get_nowait()


def _end(pipe: IO[bytes], **way: bool) -> Connection:
    """One end of a pipe, for whole messages."""
    return Connection(os.dup(pipe.fileno()), **way)
