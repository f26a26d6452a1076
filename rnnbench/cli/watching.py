"""`report --watch`: a report drawn again whenever the store has changed, until nothing of it is left to do.

It goes to the terminal's other screen, in one write a drawing, so that nothing flickers and what was on the terminal is
there again at the end, with the whole report below it. Drawing takes a small part of a core: the run needs them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Self

import typer

from rnnbench import environment, interrupts
from rnnbench.cli import common
from rnnbench.errors import UserError
from rnnbench.text import printable

if TYPE_CHECKING:
    from rnnbench.store import Store

POLL_SECONDS = 0.25
LEAST_SECONDS = 2.0  # between two drawings
SHARE = 10  # so many times as long as a drawing took nothing is drawn
OTHER, FIRST = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"  # with a cursor and wrapping, or without
BEGIN, END = "\x1b[?2026h\x1b[H", "\x1b[?2026l"  # shown at once, by terminals that know it
ERASE, BELOW = "\x1b[2K", "\x1b[J"


class Drawn(NamedTuple):
    """A report, and how many runs it lacks, and how many broke."""

    text: str
    left: int
    broken: int


def watch(draw: Callable[[int, bool], Drawn], store: Store) -> None:
    """Shows what `draw` makes, given a width and whether in colour, until no run is left and none is under way, or a
    signal asks for an end. The UserErrors that it raises, for want of a store or of a suite, say what is waited for."""
    asked, drawn, status = interrupts.Asked(), Drawn("", 1, 0), ""
    state: tuple[int, ...] | None = ()
    size, due = os.terminal_size((0, 0)), 0.0
    with asked.heeding(), Screen() as screen:
        while not (asked.signal or _complete(drawn, store)):
            now, began = common.size(), time.monotonic()
            if now != size or (began >= due and (state == () or _state(store) != state)):
                state, size = _state(store), now
                try:
                    drawn = draw(environment.columns() or size.columns, environment.color())
                    status = f"{time.strftime('%H:%M:%S')}, watching {store.directory}; Ctrl-C ends"
                except UserError as error:
                    state, status = (), f"waiting: {error.lines[0]}"  # for what it may be that changes no store
                screen.show(drawn.text, status, size)
                due = began + max(LEAST_SECONDS, (1 + SHARE) * (time.monotonic() - began))
            time.sleep(POLL_SECONDS)
    common.write(drawn.text, None)
    if asked.signal:
        raise typer.Exit(interrupts.code(asked.signal))


def _complete(drawn: Drawn, store: Store) -> bool:
    """Whether nothing will come any more; what broke may be tried again while a run is under way."""
    return not drawn.left and not (drawn.broken and store.held())


def check() -> None:
    """UserError where a report can't be drawn again."""
    if not (sys.stdout.isatty() and environment.moves()):
        raise UserError(
            "--watch: stdout is no terminal that can be drawn on again; next: without it, or rnnbench run --events FILE"
        )


def _state(store: Store) -> tuple[int, ...] | None:
    """What is another once the store is; None while there is none."""
    try:
        found = store.path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


class Screen:
    """A terminal's other screen, without a cursor."""

    def __enter__(self) -> Self:
        self._write(OTHER)
        return self

    def __exit__(self, *_: object) -> None:
        self._write(FIRST)

    def show(self, text: str, status: str, size: os.terminal_size) -> None:
        """As many lines as there is room for, and a last one."""
        lines = text.splitlines()
        room = max(1, size.lines - 1)
        if len(lines) > room:
            status += f"; {len(lines) - room} lines more"
        shown = "\r\n".join(f"{ERASE}{line}" for line in lines[:room])
        last = f"\x1b[{size.lines};1H{ERASE}{printable(status)[: size.columns - 1]}"
        self._write(f"{BEGIN}{shown}\r\n{BELOW}{last}{END}")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
