"""A worker process: takes cohorts from a private channel, trains them, sends back what happens.

Started by `processes.program(main)`, with the number of an inherited socket. Nothing is pickled. Standard output and
error are only a log to the driver, so that a plugin that floods or closes them harms nobody. The process speaks for
itself alone: one that other people's code forks from it has no channel, and ends where it would send.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any, NoReturn

from rnnbench.errors import UserError
from rnnbench.running.executors import wire
from rnnbench.text import flow

COMPILE_SECONDS = 0.5  # compiling that took longer is told
WARNINGS = 20  # of Python's that a job passes on
FRAMES = 50  # of a traceback that are told, the innermost
CHAIN = 5  # exceptions that led to one another that are told
RESERVE_BYTES = 1 << 22  # given back where memory is short, so that it can be told


class Channel:
    """The worker's end. Sends under the token of the job at hand."""

    def __init__(self, number: int) -> None:
        os.set_inheritable(number, False)
        self._socket = socket.socket(fileno=number)
        self._process, self._inode = os.getpid(), os.fstat(number).st_ino
        self._lock = threading.Lock()
        self._frames = wire.Frames()
        self.token = b""
        os.register_at_fork(after_in_child=self._socket.close)

    def send(self, message: Mapping[str, Any], raw: bytes = b"") -> None:
        """Ends the process where it isn't the one that was started, or its channel was closed: somebody else's file may
        have the number by now."""
        data = wire.frame(self.token, message, raw)
        if os.getpid() != self._process:
            os._exit(0)
        with self._lock:
            try:
                if os.fstat(self._socket.fileno()).st_ino != self._inode:
                    raise OSError
                self._socket.sendall(data)
            except OSError:
                _end("the channel to the driver was closed by what this worker ran")

    def receive(self) -> list[tuple[dict[str, Any], bytes, bytes]]:
        """Messages with their tokens and raw bytes, at least one unless a frame is still incomplete; ends the process
        where the driver is gone."""
        try:
            data = self._socket.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            os._exit(0)  # nobody is left to report to
        return [(json.loads(text), token, raw) for token, text, raw in self._frames.feed(data)]


def _end(why: str) -> NoReturn:
    try:
        os.write(2, f"{why}\n".encode())
    finally:
        os._exit(70)


class WorkerProcess:
    """Takes jobs one after the other. `stopping` is set while one is under way."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.jobs: SimpleQueue[tuple[dict[str, Any], bytes, bytes] | None] = SimpleQueue()
        self.stopping = threading.Event()
        self.reserve = bytearray(RESERVE_BYTES)
        self.warned: set[str] = set()

    def listen(self) -> None:
        """Reads the channel in a thread of its own, so that a request to stop is heard while a run trains."""
        while True:
            for message in self.channel.receive():
                if message[0]["do"] == "stop":
                    self.stopping.set()
                    self.jobs.put(None)
                else:
                    self.jobs.put(message)

    def work(self) -> None:
        warnings.showwarning = self._warn  # type: ignore[assignment]
        threading.Thread(target=self.listen, daemon=True).start()
        while (job := self.jobs.get()) is not None:
            message, self.channel.token, raw = job
            self.job(message, raw)

    def job(self, message: dict[str, Any], raw: bytes) -> None:
        """Trains one cohort, or probes its runs, and sends what happens."""
        from rnnbench.records import Run
        from rnnbench.running.executors import footprint

        runs = [Run.from_dict(r) for r in message["runs"]]
        footprint.settle(runs[0].seed)
        before = footprint.take() if _foreign(runs) else {}
        how, error = "done", ""
        try:
            (self._probe if message.get("probe") else self._train)(runs, message, raw)
        except UserError as mistake:
            how, error = "refused", "\n".join(mistake.lines)
        except BaseException as raised:  # whatever a plugin raises, SystemExit and KeyboardInterrupt too
            self.reserve = bytearray()
            how, error = "failed", told(raised)
        worn = footprint.changed(before, footprint.take()) if before else []
        self.channel.send({"is": how, "error": wire.cut(error, wire.ERROR), "worn": worn})

    def _train(self, runs: list[Any], message: dict[str, Any], raw: bytes) -> None:
        from rnnbench.records import Record
        from rnnbench.training.checkpoint import Checkpoint, again
        from rnnbench.training.trainer import Progress

        checkpoints, start = {}, 0
        for id, size in message["checkpoints"]:
            try:
                checkpoints[id] = Checkpoint.from_bytes(raw[start : start + size])
            except ValueError as error:
                self._tell(again(id, str(error)))
            start += size
        trainer = self._trainer(runs, message)
        for event in trainer.train(runs, checkpoints, self.stopping.is_set, message["checkpoint_seconds"]):
            if isinstance(event, Record):
                self._send_record(event)
            elif isinstance(event, Progress):
                self.channel.send({"is": "look", "id": event.run_id, "point": event.point.as_row()})
            else:
                self.channel.send({"is": "checkpoint", "id": event.run_id}, event.to_bytes())

    def _probe(self, runs: list[Any], message: dict[str, Any], raw: bytes) -> None:
        from rnnbench.probing import Asked
        from rnnbench.probing.probe import probed

        trainer = self._trainer(runs, message)
        for run in runs:
            record, probes = probed(trainer, run, Asked.from_dict(message["probe"]))
            self._send_record(record, probes=[each.as_dict() for each in probes])

    def _trainer(self, runs: list[Any], message: dict[str, Any]) -> Any:
        """What trains these runs, when all is compiled that it needs."""
        from rnnbench import registry
        from rnnbench.training.trainer import Trainer

        registry.place(message["files"])
        trainer = Trainer(message["device"], message["kernels"], self._tell)
        self._prepare(compiles=False)
        if (seconds := _compiled(trainer, runs, lambda: self._prepare(compiles=True))) > COMPILE_SECONDS:
            what = f"compiled what {flow(runs[0].rung.model)} needs"
            self._tell(f"{what} in {seconds:.1f} s; it is kept for the next time", what)
        self.channel.send({"is": "warm"})
        return trainer

    def _prepare(self, compiles: bool) -> None:
        self.channel.send({"is": "preparing", "compiles": compiles})

    def _send_record(self, record: Any, **more: Any) -> None:
        result = record.as_dict()
        del result["run"]
        self.channel.send({"is": "record"} | result | more)

    def _tell(self, text: str, once: str = "") -> None:
        self.channel.send({"is": "warned", "text": text[: wire.LINE], "once": once[: wire.LINE]})

    def _warn(self, message: Warning | str, category: type[Warning], file: str, line: int, *_: object) -> None:
        """Passes on what Python warns of, each text once."""
        text = f"{category.__name__}: {str(message)[: wire.LINE]} ({os.path.basename(file)}:{line})"
        if text not in self.warned and len(self.warned) < WARNINGS:
            self.warned.add(text)
            self._tell(text, text)


def _compiled(trainer: Any, runs: list[Any], began: Callable[[], None]) -> float:
    """Compiles what runs need, or loads it from the disk; the seconds that were spent on compiling, of which it is told
    when that has begun."""
    with ExitStack() as watch:
        spent = None
        if trainer.device == "cpu" and trainer.solo(runs[0]):  # else nothing is compiled, and numba isn't imported
            from rnnbench.running.executors import compiling

            spent = watch.enter_context(compiling.watched(began))
        for run in runs:
            trainer.warm(run)
    return spent.seconds if spent else 0.0


def _foreign(runs: list[Any]) -> bool:
    """Whether a job ran other people's code."""
    from rnnbench import registry

    rung = runs[0].rung
    return "module" in rung.model or registry.is_foreign(rung.model) or registry.is_foreign(rung.task)


def told(error: BaseException) -> str:
    """A traceback as Python prints it, but of a bounded size however long the error's own text is."""
    parts: list[str] = []
    while len(parts) < CHAIN:
        parts.append(_part(error))
        led = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if led is None or led is error:
            break
        error = led
    return wire.cut("\nwhich led to:\n\n".join(reversed(parts)), wire.ERROR)


def _part(error: BaseException) -> str:
    frames = traceback.format_tb(error.__traceback__, -FRAMES)
    if isinstance(error, SyntaxError):
        return "".join(("Traceback (most recent call last):\n", *frames, *traceback.format_exception_only(error)))
    try:
        text = wire.cut(str(error), wire.ERROR // CHAIN)
    except BaseException as second:
        text = f"its text can't be made: {type(second).__name__}"
    name = type(error).__qualname__
    if type(error).__module__ not in ("builtins", "__main__"):
        name = f"{type(error).__module__}.{name}"
    return "".join(("Traceback (most recent call last):\n", *frames, f"{name}: {text}".removesuffix(": "), "\n"))


def main(number: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's business
    channel = Channel(number)
    import torch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # vanishing gradients would otherwise train ten times slower
    WorkerProcess(channel).work()
    sys.stdout.flush()
    os._exit(0)  # no atexit handler of a plugin keeps the driver waiting
