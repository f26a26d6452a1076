"""When numba compiles something in this process, and for how long. What comes from its cache is not compiled.

Imports numba, which a worker that compiles nothing needs not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event

COMPILE = "numba:compile"


class Spent(event.Listener):  # type: ignore[misc]  # numba has no types
    """Seconds from the start of each outermost compilation to its end; `began` is called at the first."""

    def __init__(self, began: Callable[[], None]) -> None:
        self.seconds = 0.0
        self._began, self._depth, self._told, self._since = began, 0, False, 0.0

    def on_start(self, event: Any) -> None:
        self._depth += 1
        if self._depth == 1:
            self._since = time.monotonic()
        if not self._told:
            self._told = True
            self._began()

    def on_end(self, event: Any) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.monotonic() - self._since


@contextmanager
def watched(began: Callable[[], None]) -> Iterator[Spent]:
    """Within it, what is compiled is counted."""
    spent = Spent(began)
    with event.install_listener(COMPILE, spent):
        yield spent
