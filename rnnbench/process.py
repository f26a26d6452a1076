"""What holds for a whole process, put back as it was: other people's code that is imported to read a suite must not
decide how the rest of the process runs, nor its workers, which inherit the environment.

torch's own settings are looked after where code is imported (`foreign.py`). What can't be put back is a thread that was
started, a handler for the exit, and a function that was replaced.
"""

from __future__ import annotations

import gc
import locale
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import ModuleType
from typing import Any

# Of these modules the attributes with these names.
HELD: tuple[tuple[ModuleType, tuple[str, ...]], ...] = (
    (sys, ("stdout", "stderr", "stdin", "excepthook", "displayhook", "unraisablehook")),
    (threading, ("excepthook",)),
    (warnings, ("showwarning", "formatwarning")),
)


@contextmanager
def unchanged() -> Iterator[None]:
    """Around an import: afterwards the current directory, umask, environment, standard streams, signals, locale,
    warnings, numpy's errors and Python's limits and hooks are what they were. Meanwhile what is written to standard
    output goes to standard error: it is no data of ours."""
    with ExitStack() as stack:
        for put_back in (_folder(), _streams(), _values(), _signals(), _umask(), _environment()):
            stack.callback(put_back)
        yield


def _folder() -> Callable[[], None]:
    """By what it is and not by its name, which may be another's by then."""
    try:
        number = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return lambda: None

    def put_back() -> None:
        try:
            os.fchdir(number)
        finally:
            os.close(number)

    return put_back


def _streams() -> Callable[[], None]:
    kept = {}
    for number in (0, 1, 2):
        with suppress(OSError):  # closed
            kept[number] = os.dup(number)
    if {1, 2} <= set(kept):
        os.dup2(2, 1)

    def put_back() -> None:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)

    return put_back


def _values() -> Callable[[], None]:
    """What Python and numpy hold."""
    held = [(module, name, getattr(module, name)) for module, names in HELD for name in names]
    filters = list(warnings.filters)
    limits, interval, collecting = sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled()
    traced, profiled, spoken = sys.gettrace(), sys.getprofile(), locale.setlocale(locale.LC_ALL)
    numpy: Any = sys.modules.get("numpy")
    errors = numpy.geterr() if numpy else None

    def put_back() -> None:
        for module, name, value in held:
            setattr(module, name, value)
        # what a library says of its own warnings stays; what is said of all of them goes
        own = [each for each in warnings.filters if each not in filters and (each[1] or each[3])]
        warnings.filters[:] = [*filters, *own]  # type: ignore[index]
        warnings._filters_mutated()  # type: ignore[attr-defined]
        sys.setrecursionlimit(limits)
        sys.setswitchinterval(interval)
        (gc.enable if collecting else gc.disable)()
        sys.settrace(traced)
        sys.setprofile(profiled)
        locale.setlocale(locale.LC_ALL, spoken)
        if found := sys.modules.get("numpy"):
            found.seterr(**(errors or {"all": "warn", "under": "ignore"}))

    return put_back


def _signals() -> Callable[[], None]:
    """Handlers and timers, where this is the thread that may set them."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    timer, blocked = signal.getitimer(signal.ITIMER_REAL), signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def put_back() -> None:
        if timer == (0.0, 0.0):
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    return put_back


def _umask() -> Callable[[], None]:
    mask = os.umask(0o077)
    os.umask(mask)

    def put_back() -> None:
        os.umask(mask)

    return put_back


def _environment() -> Callable[[], None]:
    kept = dict(os.environ)

    def put_back() -> None:
        if dict(os.environ) != kept:
            os.environ.clear()
            os.environ.update(kept)

    return put_back
