"""Where lines for other programs go: a file, a FIFO or stdout, which may be full, slow or gone and end nothing but
themselves."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from rnnbench.cli import common
from rnnbench.errors import UserError
from rnnbench.text import printable

STDOUT = "-"
HELD = 1 << 24  # bytes that are kept for a reader that is slow
LAST_SECONDS = 10.0  # that it has at the end to take them
START = b'{"event": '  # how a file of events begins
PIECE = select.PIPE_BUF  # so many bytes never wait, where a pipe has room at all


class Sink:
    """Takes whole lines, waits for nobody, and ends at the first that can't be written, with one warning.

    A file is appended to, so that the lines of a run that goes on follow those before; a line that a full disk cuts is
    taken back. What reads a pipe may be slower than the lines come, but not by more than HELD.
    """

    def __init__(self, number: int, name: str, warn: Callable[[str], None]) -> None:
        self._number: int | None = number
        self._name, self._warn = name, warn
        self._regular = stat.S_ISREG(os.fstat(number).st_mode)
        self._held = bytearray()
        self.terminal = os.isatty(number)

    @classmethod
    def opened(cls, name: str, warn: Callable[[str], None]) -> Sink:
        """UserError, before anything is trained, where it can't be written to or holds something else."""
        if name == STDOUT:
            return cls(os.dup(1), "stdout", warn)
        with common.writing(Path(name)):
            return cls(_opened(Path(name)), printable(name, 1000), warn)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Gives a reader that is slow some time for what is left."""
        deadline = time.monotonic() + LAST_SECONDS
        while self._held and self._number is not None and (left := deadline - time.monotonic()) > 0:
            self._push(left)
        if self._held:
            self._end("its reader is too slow")
        self._close()

    def write(self, line: str) -> None:
        if self._number is not None:
            self._held += line.encode("ascii")
            self._push(0.0)
            if len(self._held) > HELD:
                self._end("its reader is too slow")

    def _push(self, seconds: float) -> None:
        """Writes what there is room for, after waiting for some so long at most."""
        assert self._number is not None
        try:
            if self._regular:
                _append(self._number, bytes(self._held))
                self._held.clear()
            watched = select.poll()
            watched.register(self._number, select.POLLOUT)
            while self._held and watched.poll(1000 * seconds):
                del self._held[: os.write(self._number, self._held[:PIECE])]
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error.strerror or str(error))

    def _end(self, why: str) -> None:
        self._held.clear()
        self._close()
        self._warn(f"{self._name}: no more events are written: {why}; the run goes on")

    def _close(self) -> None:
        number, self._number = self._number, None
        if number is not None:
            with suppress(OSError):  # what was written is there or was told
                os.close(number)


def _append(number: int, data: bytes) -> None:
    """All of it or nothing."""
    end = os.fstat(number).st_size
    try:
        while data:
            data = data[os.write(number, data) :]
    except OSError:
        with suppress(OSError):
            os.ftruncate(number, end)
        raise


def _opened(path: Path) -> int:
    mode = path.stat().st_mode if path.exists() else stat.S_IFREG
    if stat.S_ISFIFO(mode):
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ENXIO:  # nobody reads it yet
                raise
        common.say(f"{path}: waiting for somebody to read it", err=True)
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    if not stat.S_ISREG(mode):
        return os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    number = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    size = os.fstat(number).st_size
    if size and os.pread(number, len(START), 0) != START:
        os.close(number)
        raise UserError(f"{path}: holds something else than events; expected a new file, or one that --events made")
    if size and os.pread(number, 1, size - 1) != b"\n":
        _append(number, b"\n")  # after a line that a kill cut
    return number
