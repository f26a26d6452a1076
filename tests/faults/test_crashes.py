"""Crash points: of the commit of one record all, by kill -9, and of what a disk may hold after power loss some.

`make soak` tries all of a longer run, with errors too; `tests/soak` says how.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from soak import crashes, disk, power
from soak.crashes import Point
from soak.tally import Tally
from soak.trial import ladders

needs_strace = pytest.mark.skipif(crashes.strace() is None, reason="needs strace, which kills at a system call")
COMMIT = {"pwrite64", "fdatasync", "unlink", "rename", "ftruncate"}


@needs_strace
def test_a_kill_at_any_call_of_one_records_run_loses_nothing(tmp_path: Path) -> None:
    tally = Tally("crashes")
    crashes.enumerate_points(tmp_path, ladders(1, 1), ("SIGKILL",), tally, lambda point: point.call in COMMIT)
    assert tally.counts["trials"] > 25, tally.text()
    assert not tally.failures, tally.text()


@needs_strace
def test_what_was_acknowledged_outlasts_a_power_loss(tmp_path: Path) -> None:
    tally = Tally("power")
    power.states(tmp_path, ladders(1, 1), tally, random.Random(1), some=1)
    assert tally.counts["trials"] > 100, tally.text()
    assert not tally.failures, tally.text()


def test_a_disk_keeps_what_was_synced_and_forgets_what_was_not() -> None:
    trace = [
        r'openat(AT_FDCWD, "\x61", O_RDWR|O_CREAT, 0644) = 3',
        r'pwrite64(3, "\x68\x69", 2, 0) = 2',
        r"fdatasync(3)            = 0",
        r'openat(AT_FDCWD, "\x2e", O_RDONLY|O_DIRECTORY) = 4',
        r"fsync(4)                = 0",
        r'pwrite64(3, "\x48\x6f", 2, 1) = 2',
        r'rename("\x61", "\x62")  = 0',
        r"fdatasync(3)            = 0",
        r'unlink("\x62")          = 0',
    ]
    done = list(disk.operations(trace))
    kinds = [operation.kind for operation in done]
    assert kinds == ["link", "write", "sync", "sync", "write", "rename", "sync", "unlink"]

    def left(calls: int, how: str) -> dict[str, bytes]:
        _, files = disk.after(done[:calls], disk.lost(done[:calls], how, random.Random(0)))
        return {str(name): content for name, content in files.items()}

    assert [left(k, "none") for k in (1, 2, 5, 6, 8)] == [{"a": b""}, {"a": b"hi"}, {"a": b"hHo"}, {"b": b"hHo"}, {}]
    assert [left(k, "all") for k in (2, 3, 4, 5, 6, 7, 8)] == [{}, {}, *[{"a": b"hi"}] * 3, *[{"a": b"hHo"}] * 2]


def test_a_point_says_how_it_is_met_again() -> None:
    assert str(Point("fdatasync", 7, "EIO")) == "fdatasync 7 EIO"
