"""What a worker and its driver say to each other: frames on a socket, and what a driver believes of them.

A frame is MAGIC, the token of the job that it is of, two lengths, a message in JSON and raw bytes. A worker runs other
people's code, which can write to any descriptor of its process: what isn't a frame of the job at hand, or says what no
sound worker says of it, is never believed. It is `Unsound`, which costs that job and its worker, and nobody else.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from rnnbench.records import FINISHED, Point, Record, Run
from rnnbench.running.executors import CheckpointEvent, Event, Job, ProgressEvent, RecordEvent, WarningEvent
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
class Warm:
    """All is compiled: a run's time begins."""


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


def read(number: int, job: Job, text: bytes, raw: bytes) -> Event | Warm | End:
    """What worker `number` says of its job. Raises Unsound, and nothing else."""
    try:
        message = json.loads(text.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Unsound(f"a message that is no JSON: {printable(str(error), LINE)}") from None
    if not isinstance(message, dict):
        raise Unsound("a message without names")
    kind = message.get("is")
    if not isinstance(kind, str) or kind not in READ:
        raise Unsound(f"a message of no known kind: {printable(ascii(kind), 60)}")
    if raw and kind != "checkpoint":
        raise Unsound(f"bytes behind a message of kind {kind}")
    return READ[kind](number, job, _Fields(message), raw)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


class _Fields:
    """A message's fields, each of the type that is asked for."""

    def __init__(self, message: dict[str, Any]) -> None:
        self._message = message

    def _wrong(self, name: str, want: str) -> NoReturn:
        raise Unsound(f"a message with {name} {printable(ascii(self._message.get(name))[:60])}, expected {want}")

    def text(self, name: str, limit: int = LINE) -> str:
        """A line, or with a limit beyond a line's a text of several, made fit to be shown and stored."""
        value = self._message.get(name)
        if not isinstance(value, str):
            self._wrong(name, "a text")
        return printable(value, limit) if limit <= LINE else legible(value, limit)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._message.get(name, [])
        if not isinstance(value, list) or len(value) > LINE or not all(isinstance(each, str) for each in value):
            self._wrong(name, "texts")
        return tuple(printable(each, LINE) for each in value)

    def whole(self, name: str, low: int, high: int) -> int:
        return self._whole(name, self._message.get(name), low, high)

    def number(self, name: str) -> float:
        return self._number(name, self._message.get(name))

    def maybe(self, name: str) -> float | None:
        return None if self._message.get(name) is None else self.number(name)

    def run(self, job: Job) -> Run:
        found = next((run for run in job.runs if run.id == self._message.get("id")), None)
        return found or self._wrong("id", "one of the job's runs")

    def rows(self, name: str, steps: int) -> tuple[Point, ...]:
        value = self._message.get(name)
        if not isinstance(value, list):
            self._wrong(name, "looks")
        return tuple(self._point(name, row, steps) for row in value)

    def _point(self, name: str, row: object, steps: int) -> Point:
        if not isinstance(row, list) or len(row) != 4:
            self._wrong(name, "looks of four numbers")
        loss, score, select = (None if each is None else self._number(name, each) for each in row[1:])
        return Point(self._whole(name, row[0], 0, steps), loss, score, select)

    def point(self, name: str, steps: int) -> Point:
        return self._point(name, self._message.get(name), steps)

    def _whole(self, name: str, value: object, low: int, high: int) -> int:
        if type(value) is not int or not low <= value <= high:
            self._wrong(name, f"a whole number from {low} to {high}")
        return value

    def _number(self, name: str, value: object) -> float:
        if type(value) not in (int, float) or not -1e308 <= value <= 1e308:  # type: ignore[operator]
            self._wrong(name, "a finite number")
        return value  # type: ignore[return-value]

    def status(self, name: str) -> Any:
        value = self._message.get(name)
        return value if value in FINISHED else self._wrong(name, " or ".join(FINISHED))


def _steps(run: Run) -> int:
    return Settings.of(run.rung).steps


def _look(number: int, job: Job, fields: _Fields, raw: bytes) -> Event:
    run = fields.run(job)
    return ProgressEvent(number, run.id, fields.point("point", _steps(run)))


def _checkpoint(number: int, job: Job, fields: _Fields, raw: bytes) -> Event:
    return CheckpointEvent(number, fields.run(job).id, raw)


def _record(number: int, job: Job, fields: _Fields, raw: bytes) -> Event:
    """Its run is the job's own, whatever else the message says."""
    run = fields.run(job)
    steps = _steps(run)
    record = Record(
        run,
        fields.status("status"),
        score=fields.number("score"),
        loss=fields.maybe("loss"),
        steps=fields.whole("steps", 0, steps),
        solved_at=None if fields.maybe("solved_at") is None else fields.whole("solved_at", 0, steps),
        parameters=fields.whole("parameters", 0, 1 << 53),
        seconds=fields.number("seconds"),
        curve=fields.rows("curve", steps),
        numerics=fields.text("numerics"),
        fingerprint=fields.text("fingerprint"),
        host=fields.text("host"),
        started=fields.text("started"),
    )
    return RecordEvent(number, record)


def _warned(number: int, job: Job, fields: _Fields, raw: bytes) -> Event:
    return WarningEvent(number, fields.text("text"), fields.text("once"))


def _end(status: str) -> Callable[[int, Job, _Fields, bytes], End]:
    return lambda number, job, fields, raw: End(status, fields.text("error", ERROR), fields.texts("worn"))


READ: dict[str, Callable[[int, Job, _Fields, bytes], Event | Warm | End]] = {
    "warm": lambda number, job, fields, raw: Warm(),
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
