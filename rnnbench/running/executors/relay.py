"""What executors and their workers say to each other, as bytes: for an executor whose workers are in another process or
on another machine.

Nothing is pickled. What comes back is
held against what was asked: a run that a worker was never given is an error. What a job needs besides, users' own files
and data, stays where it is: that it is there, too, is seen to before anything is trained.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from rnnbench import registry
from rnnbench.errors import UserError
from rnnbench.records import Run
from rnnbench.running.executors import (
    STATUSES,
    CheckpointEvent,
    EndEvent,
    Event,
    Job,
    PreparingEvent,
    ProgressEvent,
    ReadyEvent,
    RecordEvent,
    WarningEvent,
    sides,
    wire,
)
from rnnbench.text import printable


def pack(message: Mapping[str, Any], raw: bytes = b"") -> bytes:
    """A line of JSON, then raw bytes."""
    return json.dumps(message).encode() + b"\n" + raw


def unpack(data: bytes) -> tuple[dict[str, Any], bytes]:
    """A message and its raw bytes; ValueError where it is none."""
    line, _, raw = data.partition(b"\n")
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("got no message")
    return message, raw


def job_message(job: Job) -> tuple[dict[str, Any], bytes]:
    """A job, and where users' own files are that it may need: what to `pack`."""
    message = {
        "runs": [run.as_dict() for run in job.runs],
        "checkpoints": [[id, len(raw)] for id, raw in job.checkpoints],
        "files": registry.placed(),
        "digests": sides.files(registry.placed()),
    }
    return message, b"".join(raw for _, raw in job.checkpoints)


def job_of(message: Mapping[str, Any], raw: bytes) -> Job:
    """The job of a message; that users' files are where it says holds from now on. UserError where what it needs isn't
    here."""
    registry.place(message["files"])
    here = sides.files(message["files"])
    for file, digest in message["digests"].items():
        if here[file] != digest:
            raise _unfit(f"{file} is {'missing' if here[file] == 'missing' else 'another, or a file beside it is'}")
    checkpoints, start = [], 0
    for id, size in message["checkpoints"]:
        checkpoints.append((id, raw[start : start + size]))
        start += size
    job = Job(tuple(map(Run.from_dict, message["runs"])), tuple(checkpoints))
    try:
        if not registry.is_foreign(job.runs[0].rung.task):
            registry.task(job.runs[0].rung.task)  # reads its data, if it has any
    except (ValueError, UserError) as error:
        raise _unfit(f"{job.runs[0].rung.task['task']}: {error}") from None
    return job


def _unfit(what: str) -> UserError:
    return UserError(f"node {os.uname().nodename}: {what}; next: a folder that every node has, with the same in it")


def told(event: Event, worker: int) -> bytes:
    """An event as a message, under the number that its worker has for whoever hears it."""
    message: dict[str, Any]
    raw = b""
    if isinstance(event, PreparingEvent):
        message = {"is": "preparing", "compiles": event.compiles}
    elif isinstance(event, ReadyEvent):
        message = {"is": "warm"}
    elif isinstance(event, ProgressEvent):
        message = {"is": "look", "id": event.run_id, "point": event.point.as_row()}
    elif isinstance(event, CheckpointEvent):
        message, raw = {"is": "checkpoint", "id": event.run_id}, event.checkpoint
    elif isinstance(event, RecordEvent):
        message = {"is": "record"} | event.record.as_dict()
        del message["run"]
    elif isinstance(event, WarningEvent):
        message = {"is": "warned", "text": event.text, "once": event.once}
    else:
        message = {"is": "end", "status": event.status, "error": event.error}
    return pack(message | {"worker": worker}, raw)


def heard(message: Mapping[str, Any], raw: bytes, jobs: Mapping[int, Job]) -> Event:
    """The event of a message, by the jobs of the workers that have one. ValueError, KeyError or TypeError where it is
    none: of no worker, or nothing that a sound worker says of its job."""
    kind, worker = message["is"], message["worker"]
    if kind == "warned":
        return WarningEvent(worker, *(printable(str(message[name]), wire.LINE) for name in ("text", "once")))
    job = jobs[worker]
    if kind == "end":
        if message["status"] not in STATUSES:
            raise ValueError(f"got an end that is {message['status']!r}, expected one of {', '.join(STATUSES)}")
        return EndEvent(worker, job, message["status"], wire.legible(str(message["error"])))
    own = {name: value for name, value in message.items() if name != "worker"}
    said = wire.read(worker, job, json.dumps(own).encode(), raw)
    if isinstance(said, wire.End):
        raise ValueError(f"got a message that is {kind!r}")
    return said
