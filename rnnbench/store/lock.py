"""One writer at a time: an `flock` on a file of its own.

The kernel drops it with the process that held it, so there is nothing to unlock by hand after a kill. The file's text
only says who holds it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rnnbench.errors import Exit, UserError
from rnnbench.store.faults import odd, shown, told

NAMED_SECONDS = 1.0  # that a new holder has to write down who it is
# Neither followed, where somebody put a link in its place, nor waited for, where it is a FIFO.
OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Holds a directory that is there: UserError with exit code 4, and the holder, where another process does, and
    with 3 where it can't be locked at all."""
    path = directory / "lock"
    lock = _taken(directory, path)
    try:
        with told(path):
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"process {os.getpid()} on {os.uname().nodename}\n".encode(), 0)
        yield
    finally:
        with suppress(OSError):
            os.ftruncate(lock, 0)  # a name that stays is that of a process that was killed
        os.close(lock)


def _taken(directory: Path, path: Path) -> int:
    """The lock's file descriptor, locked."""
    while True:
        try:
            lock = os.open(path, OPEN, 0o644)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise odd(path, stat.S_IFLNK) from None
            at, why = (path, error.strerror) if path.exists() else (directory, error.strerror)
            raise UserError(f"{shown(at)}: can't be written to ({why}); choose another place with --results",
                            code=Exit.STORE) from None  # fmt: skip
        try:
            if not stat.S_ISREG(mode := os.fstat(lock).st_mode):
                raise odd(path, mode)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _same(lock, path):
                return lock
        except BlockingIOError:
            holder = _holder(lock)
            os.close(lock)
            raise UserError(f"{shown(directory)}: held by {holder}; wait for it to end or choose another place with "
                            "--results", code=Exit.LOCKED) from None  # fmt: skip
        except OSError as error:  # a network's file system may know no locks
            os.close(lock)
            raise UserError(f"{shown(path)}: can't be locked ({error.strerror}); "
                            "choose another place with --results", code=Exit.STORE) from None  # fmt: skip
        except UserError:
            os.close(lock)
            raise
        os.close(lock)  # somebody removed the file between opening and locking: it keeps nobody out


def _same(lock: int, path: Path) -> bool:
    """Whether the file that is locked is the one that others will find."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(lock), there)


def _holder(lock: int) -> str:
    """Who holds it, as it wrote down; it may have taken it a moment ago."""
    deadline = time.monotonic() + NAMED_SECONDS
    while not (text := os.pread(lock, 100, 0).decode(errors="replace").strip()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return shown(Path(text)) if text else "another process"
