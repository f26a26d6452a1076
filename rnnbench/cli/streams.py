"""Standard streams that end a command only where its data is lost: a closed one leads nowhere, what a terminal's
encoding lacks is replaced, a full disk behind stderr stops nothing (progress is not data)."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from rnnbench.errors import Exit, UserError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class ReaderGone(Exception):
    """Nobody reads stdout any longer. No OSError, so that no library takes it for one of its own."""


class _Data(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise ReaderGone from None
        except OSError as error:
            raise UserError(f"stdout: {error.strerror}", code=Exit.STORE) from error


class _Progress(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def prepare() -> None:
    """Replaces stdout and stderr, before anything is opened, where they are those that Python made: what somebody else
    put in their place (a notebook, a test) stays."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed: the next file that is opened would become the stream
            place = os.open(os.devnull, os.O_RDWR)
            if place != number:
                os.dup2(place, number)
                os.close(place)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(_Data(1, "w", closefd=False), sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(_Progress(2, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, like: TextIO | None) -> io.TextIOWrapper:
    """With the encoding and buffering of the stream that Python made, if it made one."""
    old = like if isinstance(like, io.TextIOWrapper) else None
    strict = old is None or old.errors in ("strict", "surrogateescape")
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=old.encoding if old else "utf-8",
        errors="replace" if strict or old is None else old.errors,
        line_buffering=old.line_buffering if old else isinstance(raw, _Progress),
        write_through=old.write_through if old else False,
    )


def finish() -> None:
    """Writes what stdout still holds, or lets it go nowhere: the flush at exit must not complain again."""
    try:
        sys.stdout.flush()
    except (ReaderGone, UserError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
