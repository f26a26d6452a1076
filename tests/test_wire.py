"""What a driver believes of what comes from a worker: frames whole and in pieces, and nothing that isn't sound."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rnnbench.records import Point, Record, Run, Rung
from rnnbench.running.executors import (
    CheckpointEvent,
    Job,
    PreparingEvent,
    ProgressEvent,
    ReadyEvent,
    RecordEvent,
    WarningEvent,
    wire,
)
from rnnbench.running.executors.worker import told

TOKEN = b"0123456789abcdef"
RUN = Run(Rung({"cell": "rnn"}, {"task": "adding"}, 3, {"steps": 300}), 0)
JOB = Job((RUN,))
RECORD = {
    "is": "record", "id": RUN.id, "status": "solved", "score": 0.5, "loss": 0.1, "steps": 300, "solved_at": 200,
    "parameters": 7, "seconds": 1.5, "curve": [[100, 0.5, 0.2, None], [200, 0.1, 0.9, 0.9]], "numerics": "n",
    "fingerprint": "f", "host": "h", "started": "s", "attempt": 1, "error": None,
}  # fmt: skip


def said(message: Any, raw: bytes = b"") -> Any:
    return wire.read(4, JOB, json.dumps(message).encode(), raw)


@given(some.lists(some.tuples(some.dictionaries(some.text(), some.text()), some.binary(max_size=50))), some.data())
def test_frames_come_whole_however_they_are_cut(
    messages: list[tuple[dict[str, str], bytes]], data: some.DataObject
) -> None:
    stream = b"".join(wire.frame(TOKEN, message, raw) for message, raw in messages)
    frames = wire.Frames()
    found: list[tuple[bytes, bytes, bytes]] = []
    while stream:
        size = data.draw(some.integers(1, len(stream)))
        found += frames.feed(stream[:size])
        stream = stream[size:]
    assert [(token, json.loads(text), raw) for token, text, raw in found] == [(TOKEN, *m) for m in messages]


@given(some.binary(min_size=1))
def test_bytes_that_are_no_frame_are_told_at_once(data: bytes) -> None:
    frames = wire.Frames()
    if wire.MAGIC.startswith(data[:4]):
        return
    with pytest.raises(wire.Unsound, match=r"^bytes on its channel that are no message: "):
        list(frames.feed(data))


def test_a_length_that_nobody_would_send_is_not_waited_for() -> None:
    head = wire.HEAD.pack(wire.MAGIC, TOKEN, wire.MESSAGE_BYTES + 1, 0)
    with pytest.raises(wire.Unsound, match=r"^a message of 16,777,217 bytes, expected at most 16,777,216$"):
        list(wire.Frames().feed(head))


def test_what_is_sound_is_taken() -> None:
    points = Point(100, 0.5, 0.2), Point(200, 0.1, 0.9, 0.9)
    record = Record(RUN, "solved", 0.5, 0.1, 300, 200, 7, 1.5, points, None, "n", "f", "h", "s")
    assert said(RECORD) == RecordEvent(4, record)
    assert said({"is": "look", "id": RUN.id, "point": [100, 0.5, 1, None]}) == ProgressEvent(
        4, RUN.id, Point(100, 0.5, 1)
    )
    assert said({"is": "checkpoint", "id": RUN.id}, b"x") == CheckpointEvent(4, RUN.id, b"x")
    assert said({"is": "warned", "text": "a\x1bb", "once": ""}) == WarningEvent(4, "a\\x1bb", "")
    assert said({"is": "failed", "error": "a\n\udc80", "worn": ["x"]}) == wire.End("failed", "a\n\\udc80", ("x",))
    assert said({"is": "warm"}) == ReadyEvent(4)
    assert said({"is": "preparing", "compiles": True}) == PreparingEvent(4, compiles=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "0" * 24), ("id", None), ("id", 5), ("id", [RUN.id]), ("status", "failed"), ("status", ["solved"]),
        ("status", None), ("score", float("nan")), ("score", float("inf")), ("score", None), ("score", "1"),
        ("score", True), ("score", 10**400),
        ("loss", "0"), ("loss", float("-inf")), ("steps", 301), ("steps", -1), ("steps", 1.5), ("steps", True),
        ("solved_at", 10**9), ("solved_at", 1.5), ("parameters", -1), ("seconds", float("nan")), ("seconds", None),
        ("curve", None), ("curve", {}), ("curve", [[1, 2, 3]]), ("curve", [5]), ("curve", [[100, float("nan"), 0, 0]]),
        ("curve", [[301, 0, 0, 0]]), ("curve", [["1", 0, 0, 0]]), ("numerics", 1), ("host", None), ("is", "recorded"),
        ("is", None), ("is", ["record"]), ("is", {}),
    ],
)  # fmt: skip
def test_a_record_with_what_no_worker_says_is_none(field: str, value: object) -> None:
    with pytest.raises(wire.Unsound):
        said(RECORD | {field: value})


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"5", b"null", b"\xff", b"[" * 100_000, b'{"is":' + b"9" * 5000 + b"}"]
)
def test_what_is_no_message_is_none(text: bytes) -> None:
    with pytest.raises(wire.Unsound):
        wire.read(0, JOB, text, b"")


def test_bytes_come_with_checkpoints_alone() -> None:
    with pytest.raises(wire.Unsound, match=r"^what no worker sends: bytes behind a look$"):
        said({"is": "look", "id": RUN.id, "point": [100, 0.5, 1, None]}, b"x")


PLAIN = some.none() | some.booleans() | some.integers() | some.floats() | some.text()
JSON = some.recursive(PLAIN, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner), max_leaves=5)


@given(JSON, some.sampled_from(sorted(wire.READ)), some.sampled_from(sorted(RECORD)))
def test_whatever_comes_it_is_an_event_or_unsound(value: Any, kind: str, field: str) -> None:
    for message in (value, RECORD | {"is": kind, field: value, "point": value, "text": value, "error": value}):
        try:
            told = repr(said(message))
        except wire.Unsound as error:
            told = str(error)
        assert told.isprintable()


def test_a_worker_packs_no_number_that_is_none() -> None:
    with pytest.raises(ValueError, match="JSON"):
        wire.frame(TOKEN, {"score": float("nan")})


def test_an_error_is_told_with_what_led_to_it_and_not_at_any_length() -> None:
    def raises(depth: int) -> None:
        if depth:
            raises(depth - 1)
        raise ValueError("deep")

    try:
        try:
            raises(300)
        except ValueError as first:
            raise RuntimeError("x" * 10**6) from first
    except RuntimeError as error:
        text = told(error)
    assert len(text) <= 2 * wire.ERROR
    assert text.index("ValueError: deep") < text.index("RuntimeError: xxx")
    assert text.count("Traceback (most recent call last)") == 2
