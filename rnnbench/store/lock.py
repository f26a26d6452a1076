"""One writer at a time: an `flock` on a file of its own, and on the folder of checkpoints.

The kernel drops it with the process that held it, so there is nothing to unlock by hand after a kill. The file's text
only says who holds it. What lets no second writer in where somebody removes one of the two by hand is the other, on a
file system that locks folders; a holder that has lost both is told so before it writes anything more.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rnnbench.errors import Exit, UserError
from rnnbench.store.faults import odd, shown, told

NAMED_SECONDS = 1.0  # that a new holder has to write down who it is
EXCLUSIVE = fcntl.LOCK_EX | fcntl.LOCK_NB
# Neither followed, where somebody put a link in its place, nor waited for, where it is a FIFO.
OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@contextmanager
def held(directory: Path, folder: Path) -> Iterator[Callable[[], None]]:
    """Holds a directory that is there, with a folder in it: UserError with exit code 4, and the holder, where another
    process does, and with 3 where it can't be locked at all. What is given raises UserError with 3 once the lock is
    lost: the file and the folder were removed or replaced, and another process may hold those that are there now."""
    path = directory / "lock"
    lock = _taken(directory, path)
    second = None
    try:
        second = _folder(directory, folder)
        with told(path):
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"process {os.getpid()} on {os.uname().nodename}\n".encode(), 0)

        def kept() -> None:
            if not _same(lock, path) and (second is None or not _same(second, folder, follow=True)):
                raise UserError(f"{shown(directory)}: its lock was removed or replaced while this process held it; "
                                "nothing more is written, what was acknowledged is there; next: run again, once no "
                                "other process writes to it", code=Exit.STORE)  # fmt: skip

        yield kept
    finally:
        with suppress(OSError):
            os.ftruncate(lock, 0)  # a name that stays is that of a process that was killed
        os.close(lock)
        if second is not None:
            os.close(second)


def alive(directory: Path) -> bool:
    """Whether a process of this machine that lives wrote down that it holds a directory. The lock itself isn't tried: a
    run that starts just then would find it taken."""
    try:
        lock = os.open(directory / "lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        said = re.fullmatch(r"process (\d{1,9}) on (.+)\n", os.pread(lock, 1000, 0).decode(errors="replace"))
        if not said or said[2] != os.uname().nodename:
            return False
        os.kill(int(said[1]), 0)
    except PermissionError:
        return True
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def _folder(directory: Path, folder: Path) -> int | None:
    """The descriptor of a folder, locked; None where the file system locks no folders."""
    try:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(number, EXCLUSIVE)
    except OSError as error:
        os.close(number)
        if isinstance(error, BlockingIOError):
            raise _taken_by(directory, "another process, whose lock file was removed") from None
        return None
    return number


def _taken_by(directory: Path, holder: str) -> UserError:
    return UserError(f"{shown(directory)}: held by {holder}; wait for it to end or choose another place with "
                     "--results", code=Exit.LOCKED)  # fmt: skip


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
            fcntl.flock(lock, EXCLUSIVE)
            if _same(lock, path):
                return lock
        except BlockingIOError:
            holder = _holder(lock)
            os.close(lock)
            raise _taken_by(directory, holder) from None
        except OSError as error:  # a network's file system may know no locks
            os.close(lock)
            raise UserError(f"{shown(path)}: can't be locked ({error.strerror}); "
                            "choose another place with --results", code=Exit.STORE) from None  # fmt: skip
        except UserError:
            os.close(lock)
            raise
        os.close(lock)  # somebody removed the file between opening and locking: it keeps nobody out


def _same(lock: int, path: Path, follow: bool = False) -> bool:
    """Whether what is locked is what others will find."""
    try:
        return os.path.samestat(os.fstat(lock), os.stat(path, follow_symlinks=follow))
    except OSError:
        return False


def _holder(lock: int) -> str:
    """Who holds it, as it wrote down; it may have taken it a moment ago."""
    deadline = time.monotonic() + NAMED_SECONDS
    while not (text := os.pread(lock, 100, 0).decode(errors="replace").strip()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return shown(Path(text)) if text else "another process"
