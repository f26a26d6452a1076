"""An error that nobody expected: one line for the user, and a file with all that a report of it needs."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

LIBRARIES = ("torch", "numpy", "numba", "llvmlite", "pandas", "scipy")
PACKAGE = Path(__file__).parent.parent
LONGEST = 500  # characters of the error's own text in the line; the log has the whole

_results: list[Path] = []  # where the command at hand keeps its store, once it is known


def note_results(folder: Path) -> Path:
    """Remembers where results are kept: a log of this process belongs beside them."""
    _results[:] = [folder]
    return folder


def line(error: BaseException) -> str:
    """What to print of it: what it is, where it came from, where the log is. Never raises an Exception."""
    try:
        text = f"{_about()}\n{''.join(traceback.format_exception(error))}"
    except Exception as second:  # the error's own __str__ may be what is broken
        text = f"the traceback can't be written: {type(second).__name__}\n"
    where, what = _where(error), type(error).__name__
    try:
        what = f"{what}: {' '.join(str(error).split())}"[:LONGEST].rstrip(": ")
    except Exception:
        what = f"{what}, which can't be printed"
    log = _written(text)
    told = f"versions and traceback are in {log}" if log else "no place for a log can be written to"
    return f"rnnbench: an error of its own at {where}: {what}; {told}"


def _where(error: BaseException) -> str:
    """The innermost line of this package that took part, as `plan/filter.py:40`."""
    places = [(f.f_code.co_filename, number) for f, number in traceback.walk_tb(error.__traceback__)]
    own = [(Path(name), number) for name, number in places if Path(name).is_relative_to(PACKAGE)]
    return f"{own[-1][0].relative_to(PACKAGE)}:{own[-1][1]}" if own else "an unknown place"


def _written(text: str) -> Path | None:
    """Writes the log beside the results, else in the temporary folder; None where neither can be written to."""
    for folder in _folders():
        try:
            name = f"error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
            with open(folder / name, "x", encoding="utf-8", errors="backslashreplace") as file:  # follows no link
                file.write(text)
            return folder / name
        except (OSError, ValueError):
            continue
    return None


def _folders() -> Iterator[Path]:
    yield from _results  # only where it is there: an error makes no results
    try:
        yield Path(tempfile.gettempdir()).absolute()
    except OSError:  # none that can be written to
        return


def _about() -> str:
    from rnnbench import __version__

    lines = [
        f"rnnbench {__version__}",
        f"python {sys.version.split()[0]} on {platform.platform()}",
        *(_version(name) for name in LIBRARIES),
        f"command: {shlex.join(['rnnbench', *sys.argv[1:]])}",
    ]
    return "\n".join(lines) + "\n"


def _version(name: str) -> str:
    """Of a library, without importing it: the import may be what fails."""
    from importlib import metadata

    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return f"{name} is not installed"
