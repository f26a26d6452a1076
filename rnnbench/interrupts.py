"""Signals that ask to end: heeded from the first moment on, never with a traceback.

Until something is under way that could be finished, a command ends at once, with its exit code: nothing is held that a
kill would harm. A signal that was ignored when the process was started (SIGHUP under `nohup`, SIGINT of what a script
puts in the background) stays ignored.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from rnnbench.errors import Exit

CODES = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED, signal.SIGHUP: Exit.HUNG_UP}


def code(number: int) -> Exit:
    """The exit code of what a signal ended.

    >>> code(signal.SIGTERM).name
    'TERMINATED'
    """
    return CODES[signal.Signals(number)]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, once what was under way has been left in order; says what there is of it."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it, where it ends a cell of a notebook: no traceback."""
        return [f"KeyboardInterrupt: {self}"]


def hand_on(exit: Exit, told: str) -> None:
    """The signal that ended what was under way, by its exit code, goes on to whoever had it before: without a handler
    of its own a program ends by it, or, of Ctrl-C, gets a KeyboardInterrupt, which then says what is `told`. Nothing of
    any other exit code. For the main thread."""
    number = next((number for number, code in CODES.items() if code == exit), None)
    if number is None:
        return
    try:
        signal.raise_signal(number)
    except KeyboardInterrupt:
        raise Interrupted(told) from None


def heeded() -> list[signal.Signals]:
    """Those signals that aren't ignored."""
    return [number for number in CODES if signal.getsignal(number) != signal.SIG_IGN]


def end_at_once() -> None:
    """Makes each of them end the process at once. For a process of our own, in its main thread."""
    for number in heeded():
        signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(code(number))


@dataclass
class Asked:
    """The signal that asked for an end; 0 while none did."""

    signal: int = 0

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """The first of these signals is noted; a second ends what is within, at once. Off the main thread, where Python
        takes no handlers, signals stay whoever's they are."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def asked(number: int, frame: FrameType | None) -> None:
            if self.signal:
                raise KeyboardInterrupt
            self.signal = number

        before = {s: signal.signal(s, asked) for s in heeded()}
        try:
            yield
        except KeyboardInterrupt:
            pass
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
