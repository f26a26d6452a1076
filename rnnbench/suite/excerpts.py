"""The line of a file in which a fault is, and a caret below its column, as far as a terminal has room."""

from __future__ import annotations

import unicodedata
from typing import Protocol

from rnnbench.text import printable

ROOM = 72  # columns of a line that are shown
BEFORE = 48  # of them at most before the caret
MORE = "…"


class At(Protocol):
    """Where something was read, 1-based; line 0 where there are no lines."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


def excerpt(at: At, text: str) -> tuple[str, ...]:
    r"""Two lines, or none where the text has no such line: what stands there, and a caret below the column.

    >>> from rnnbench.suite.faults import Place
    >>> print("\n".join(excerpt(Place("s.yaml", 2, 7), "name: s\nseeds: -1\n")))
      2 | seeds: -1
        |       ^
    """
    lines = text.split("\n")
    if not 0 < at.line <= len(lines):
        return ()
    line, column = lines[at.line - 1], at.column - 1
    before = printable(line[max(0, column - ROOM) : column])
    rest = printable(line[column : column + ROOM])
    if len(line) > ROOM or columns(before + rest) > ROOM:
        cut = column > ROOM or columns(before) > BEFORE
        while columns(before) >= BEFORE:
            before = before[1:]
        before = MORE * cut + before
        more = len(line) > column + ROOM or columns(before + rest) > ROOM
        while rest and columns(before + rest) >= ROOM:
            rest = rest[:-1]
        rest += MORE * more
    number = f"{at.line:>3}"
    return f"{number} | {before}{rest}".rstrip(), f"{' ' * len(number)} | {' ' * columns(before)}^"


def columns(text: str) -> int:
    """The columns that a text takes on a terminal: two for a wide character, none for what is put upon another."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
