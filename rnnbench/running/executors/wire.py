"""What a worker and its driver say to each other: frames on a socket, and what a driver believes of them.

A frame is MAGIC, the token of the job that it is of, two lengths, a message in JSON and raw bytes. A worker runs other
people's code, which can write to any descriptor of its process: what isn't a frame of the job at hand, or says what no
sound worker says of it, is never believed. It is `Unsound`, which costs that job and its worker, and nobody else.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rnnbench import strict
from rnnbench.probing import Probe
from rnnbench.records import Point, Record, Run
from rnnbench.running.executors import (
    CheckpointEvent,
    Event,
    Job,
    PreparingEvent,
    ProgressEvent,
    ReadyEvent,
    RecordEvent,
    WarningEvent,
)
from rnnbench.settings import Settings
from rnnbench.text import printable

MAGIC = b"rnnb"
HEAD = struct.Struct(">4s16sII")
TOKEN_BYTES = 16
MESSAGE_BYTES = 1 << 24  # a curve has a look every hundred steps
RAW_BYTES = 1 << 30  # a checkpoint holds three numbers a parameter
LINE = 1000  # characters of a text that is one line
ERROR = 20_000  # characters of an error


class Unsound(ValueError):
    """What came is nothing that a sound worker says."""


@dataclass(frozen=True)
class End:
    """The job is done with: `status` as in EndEvent. `worn`: what the job has changed of the whole process."""

    status: str
    error: str
    worn: tuple[str, ...]


def frame(token: bytes, message: Mapping[str, Any], raw: bytes = b"") -> bytes:
    """Raises ValueError where the message holds a number that isn't finite or what is no JSON, or is too long."""
    text = json.dumps(message, allow_nan=False).encode()
    if len(text) > MESSAGE_BYTES or len(raw) > RAW_BYTES:
        raise ValueError(f"got a message of {len(text):,} and {len(raw):,} bytes, expected at most {MESSAGE_BYTES:,}"
                         f" and {RAW_BYTES:,}")  # fmt: skip
    return HEAD.pack(MAGIC, token, len(text), len(raw)) + text + raw


class Frames:
    """A stream in pieces -> whole frames. What is left of the last one is kept."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
        """The token, message and raw bytes of each frame that is whole by now. Raises Unsound at the first byte that is
        of none."""
        self._held += data
        while self._held:
            start = bytes(self._held[: len(MAGIC)])
            if not MAGIC.startswith(start):
                raise Unsound(f"bytes on its channel that are no message: {printable(ascii(start))}")
            if len(self._held) < HEAD.size:
                return
            _, token, text, raw = HEAD.unpack_from(self._held)
            if text > MESSAGE_BYTES:
                raise Unsound(f"a message of {text:,} bytes, expected at most {MESSAGE_BYTES:,}")
            middle, end = HEAD.size + text, HEAD.size + text + raw
            if len(self._held) < end:
                return
            with memoryview(self._held) as view:
                found = token, bytes(view[HEAD.size : middle]), bytes(view[middle:end])
            del self._held[:end]
            yield found


def read(number: int, job: Job, text: bytes, raw: bytes) -> Event | End:
    """What worker `number` says of its job. Raises Unsound, and nothing else."""
    try:
        message = strict.loads(text)
        if not isinstance(message, dict):
            strict.refuse("message", message, "an object")
        kind = message.pop("is", None)
        if not isinstance(kind, str) or kind not in READ:
            strict.refuse("is", kind, f"one of {', '.join(READ)}")
        if raw and kind != "checkpoint":
            raise ValueError(f"bytes behind a {kind}")
        return READ[kind](number, job, message, raw)
    except ValueError as error:
        raise Unsound(f"what no worker sends: {printable(str(error), LINE)}") from None


def _run(job: Job, message: Mapping[str, Any]) -> Run:
    found = next((run for run in job.runs if run.id == message.get("id")), None)
    return found or strict.refuse("id", message.get("id"), "that of one of the job's runs")


def _look(number: int, job: Job, message: dict[str, Any], raw: bytes) -> Event:
    strict.keys("look", message, ("id", "point"))
    run = _run(job, message)
    point = Point.of_row(message["point"])
    strict.whole("step", point.step, 1, _steps(run))
    return ProgressEvent(number, run.id, point)


def _checkpoint(number: int, job: Job, message: dict[str, Any], raw: bytes) -> Event:
    return CheckpointEvent(number, _run(job, message).id, raw)


def _record(number: int, job: Job, message: dict[str, Any], raw: bytes) -> Event:
    """Its run is the job's own, and has finished: what breaks is told by the job's end."""
    run = _run(job, message)
    probes = message.pop("probes", []) if job.probe else []
    if type(probes) is not list:
        strict.refuse("probes", probes, "a list")
    record = Record.from_dict(message | {"run": run.as_dict()})
    strict.whole("steps", record.steps, 0, _steps(run))
    if not record.finished or record.error is not None or record.attempt != 1:
        strict.refuse("status, error and attempt", [record.status, record.error, record.attempt], "those of a result")
    shown = replace(
        record,
        run=run,
        numerics=printable(record.numerics, LINE),
        fingerprint=printable(record.fingerprint, LINE),
        host=printable(record.host, LINE),
        started=printable(record.started, LINE),
    )
    return RecordEvent(number, shown, tuple(map(Probe.from_dict, probes)))


def _steps(run: Run) -> int:
    return Settings.of(run.rung).steps


def _warned(number: int, job: Job, message: dict[str, Any], raw: bytes) -> Event:
    strict.keys("warned", message, ("text", "once"))
    return WarningEvent(number, *(_line(name, message[name]) for name in ("text", "once")))


def _preparing(number: int, job: Job, message: dict[str, Any], raw: bytes) -> Event:
    strict.keys("preparing", message, ("compiles",))
    if type(message["compiles"]) is not bool:
        strict.refuse("compiles", message["compiles"], "true or false")
    return PreparingEvent(number, message["compiles"])


def _warm(number: int, job: Job, message: dict[str, Any], raw: bytes) -> Event:
    strict.keys("warm", message, ())
    return ReadyEvent(number)


def _end(status: str) -> Reader:
    def end(number: int, job: Job, message: dict[str, Any], raw: bytes) -> End:
        strict.keys(status, message, ("error", "worn"))
        error, worn = message["error"], message["worn"]
        if type(error) is not str or type(worn) is not list or len(worn) > LINE:
            strict.refuse("error and worn", [error, worn], "a text and a list")
        return End(status, legible(error), tuple(_line("worn", each) for each in worn))

    return end


def _line(name: str, value: object) -> str:
    """A text, made one line that may be shown and stored."""
    return printable(value, LINE) if isinstance(value, str) else strict.refuse(name, value, "a text")


Reader = Callable[[int, Job, dict[str, Any], bytes], Event | End]
READ: dict[str, Reader] = {
    "preparing": _preparing,
    "warm": _warm,
    "look": _look,
    "checkpoint": _checkpoint,
    "record": _record,
    "warned": _warned,
    **{status: _end(status) for status in ("done", "failed", "refused")},
}


def legible(text: str, limit: int = ERROR) -> str:
    r"""A text of several lines as it may be shown and stored: what can't be printed is spelled out, and of one that is
    too long the middle is left out.

    >>> legible("a\x1b\n\udc80"), legible("123456789" * 9, 40)
    ('a\\x1b\n\\udc80', '12345678\n... 65 characters ...\n23456789')
    """
    shown = "\n".join(map(printable, cut(text, limit).split("\n")))
    return shown if len(shown) <= limit else cut(shown, limit)


def cut(text: str, limit: int) -> str:
    """A text, or its beginning and its end."""
    if len(text) <= limit:
        return text
    part = max(0, limit - 24) // 2
    return f"{text[:part]}\n... {len(text) - 2 * part} characters ...\n{text[len(text) - part :]}"
