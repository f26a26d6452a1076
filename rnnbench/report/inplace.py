"""The live display in a notebook: one output of a cell, which is replaced a few times a second. No widgets.

IPython is no dependency: a notebook is where a process has it already, as the kernel of one.
"""

from __future__ import annotations

import io
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextvars import copy_context
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.text import Text

from rnnbench.report.model import clean
from rnnbench.report.progress import Progress

WIDTH, HEIGHT = 100, 40  # columns and lines of the display
SECONDS = 0.25  # between two pictures
STYLE = "white-space: pre; overflow-x: auto; line-height: 1.3; font-family: Menlo, DejaVu Sans Mono, monospace"
PRE = f'<pre style="{STYLE}">{{code}}</pre>'


def notebook() -> Any:
    """IPython's shell, in the kernel of a notebook; None elsewhere, in IPython on a terminal too."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if getattr(shell, "kernel", None) is not None else None


class InPlace(Progress):
    """What is told stays above the display, and alone once it ends. A thread of its own draws while the driver waits
    for its workers; it is gone when the display is left."""

    def __init__(self, shell: Any, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._publish = shell.display_pub.publish
        self._id = uuid.uuid4().hex  # of the output that is replaced
        self._messages: list[Text] = []
        self._shown: str | None = None
        self._over = threading.Event()  # set while nobody draws
        self._over.set()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._began = self._clock()
        self._over.clear()
        self._show()
        # in the context of the cell: by it a kernel knows whose output this is
        self._thread = threading.Thread(target=copy_context().run, args=(self._draw,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._messages += [Text(line) for line in self._reasons.again()]
        self._show()

    def message(self, text: str) -> None:
        """A line above the display."""
        with self._lock:
            self._messages.append(Text(clean(text)))
        if self._over.is_set():  # nobody draws any longer
            self._show()

    def _draw(self) -> None:
        while not self._over.wait(SECONDS):
            self._show()

    def _show(self) -> None:
        """Publishes what there is to see, in the place of what was there."""
        with self._lock:
            lines = list(self._messages)
        if not self._over.is_set():
            lines.append(self.drawn(WIDTH, HEIGHT))
        text = Text("\n").join(lines)
        if text.plain != self._shown:
            bundle = {"text/plain": text.plain, "text/html": html(text)}
            self._publish(bundle, metadata={}, transient={"display_id": self._id}, update=self._shown is not None)
            self._shown = text.plain


def html(text: Text) -> str:
    """A text with its styles as HTML, whatever it says escaped.

    >>> html(Text("1 < 2", "green")).partition(">")[2]
    '<span style="color: #008000; text-decoration-color: #008000">1 &lt; 2</span></pre>'
    """
    console = Console(file=io.StringIO(), record=True, width=10_000, force_jupyter=False)
    console.print(text, soft_wrap=True, highlight=False, end="")
    return console.export_html(inline_styles=True, code_format=PRE)
