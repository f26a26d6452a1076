"""What `run` shows while it runs: a display that moves on a terminal or in a notebook, a line a record elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from rnnbench import environment
from rnnbench.report.inplace import InPlace, notebook
from rnnbench.report.log import LogLines
from rnnbench.report.model import clean
from rnnbench.report.progress import Progress


class Display(Progress):
    """On a terminal: a thread of its own draws it a few times a second, never higher or wider than that."""

    def __init__(self, console: Console | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self.console = console or Console(stderr=True)
        self._live = Live(
            get_renderable=self.render,
            console=self.console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,  # it is data and is nobody's to redirect
        )

    def __enter__(self) -> Self:
        self._began = self._clock()
        self._live.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()
        for line in self._reasons.again():
            self.message(line)

    def message(self, text: str) -> None:
        """A line above the display, folded between words."""
        self.console.print(Text(clean(text)), highlight=False)

    def render(self) -> Text:
        """What is shown now: no wider and no higher than the terminal."""
        return self.drawn(self.console.width, self.console.height - 1)  # a line for the cursor


def display() -> Display | InPlace | LogLines:
    """The live display in a notebook, or if stderr is a terminal that can move its cursor; else log lines."""
    if shell := notebook():
        return InPlace(shell)
    # not rich's own guess: FORCE_COLOR in CI wants colour, not a display that moves
    moves = sys.stderr.isatty() and environment.moves()
    return Display() if moves else LogLines()
