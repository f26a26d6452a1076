"""Compiling a scan with numba, and keeping the machine code on disk.

numba's own cache asks whether a function's file changed, and not whether the files it imports did: an edit to a
helper elsewhere would bring back the old code. So the cache directory is named after everything that a scan is
made of, and where no directory can be written the scan is compiled anew in each process.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba import types

UNUSED = 30 * 24 * 3600  # seconds after which machine code is taken for that of sources which are no more
SHARED = (
    "compile.py",
    "lanes.py",
    "lanewise.py",
    "maths.py",
    "matrix.py",
    "matrix_back.py",
    "panels.py",
    "readout.py",
    "tiles.py",
    "vector.py",
)


def fingerprint(source: Path) -> str:
    """Sixteen letters that change with a family's file, the files it shares, and the compiler."""
    parts = [source.read_bytes(), *((Path(__file__).parent / name).read_bytes() for name in SHARED)]
    parts.append(f"{numba.__version__} {llvmlite.__version__}".encode())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]


def _writable(directory: Path) -> bool:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError:
        return False
    return True


def cache_directory(source: Path) -> Path | None:
    """Where the machine code of a family goes: $NUMBA_CACHE_DIR, else beside its file, else the user's cache; None
    if none of them can be written."""
    return writable_directory(source, f"{source.stem}-{fingerprint(source)}")


def writable_directory(source: Path, name: str = "derived") -> Path | None:
    """The folder `name` for what is made of a file, in the first place that can be written to."""
    if numba.config.CACHE_DIR:
        candidates = [Path(numba.config.CACHE_DIR)]
    else:
        home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
        candidates = [source.parent / "__pycache__", Path(home, "rnnbench")]
    return next((each / name for each in candidates if _writable(each / name)), None)


def forget_unused(directory: Path) -> None:
    """Marks a directory as used, and removes its siblings that nobody used for a month: those of other sources."""
    with suppress(OSError):  # somebody else's, or gone already
        os.utime(directory)
        for each in directory.parent.iterdir():
            old = each.stat().st_mtime < time.time() - UNUSED
            if old and each.is_dir() and re.fullmatch(r".+-[0-9a-f]{16}", each.name):
                shutil.rmtree(each, ignore_errors=True)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Lets one process at a time compile what goes to a directory: the others then find it there. Where files can't be
    locked, each compiles for itself."""
    with open(directory / "lock", "w") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def compiled(function: Callable[..., None], parameters: int, tuples: int, numbers: int) -> Callable[..., None]:
    """The function as machine code, from the disk if it was compiled before.

    It takes so many tuples of as many addresses as there are parameters, then numbers: addresses and sizes.
    """
    signature = types.void(*[types.UniTuple(types.intp, parameters)] * tuples, *[types.intp] * numbers)
    compile: Any = partial(numba.njit, signature, nogil=True, error_model="numpy")
    result: Callable[..., None]
    directory = cache_directory(Path(function.__code__.co_filename))
    if directory is not None:
        kept, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(directory)
        try:
            with _alone(directory):
                result = compile(cache=True)(function)
            forget_unused(directory)
            return result
        except OSError:
            pass  # a disk that is full must not stop a run
        finally:
            numba.config.CACHE_DIR = kept
    result = compile()(function)
    return result
