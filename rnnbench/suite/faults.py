"""Faults of a suite, each at its place: one line `FILE:LINE:COLUMN: KEY: got X, expected Y; did you mean 'Z'?`.

They are collected, not raised, so that a user sees all of them at once. What came from a file is escaped before it
is shown: no control character, escape sequence or bidirectional override of a suite reaches a terminal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from rnnbench.errors import UserError, nearest
from rnnbench.suite.excerpts import excerpt
from rnnbench.text import printable as _printable

Path = tuple[str | int, ...]

WIDTH = 60  # characters of a value, a key or a name that a message shows
MOST = 20  # lines of one error: a broken file of a megabyte could have more faults than anybody reads
ENOUGH = 1000  # faults, after which no more are looked for


class Place(NamedTuple):
    """Where something was read, 1-based; line 0 where there are no lines (an option of the command line)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        file = printable(self.file, 1000)
        return f"{file}:{self.line}:{self.column}" if self.line else file


def printable(text: str, width: int = WIDTH) -> str:
    """As every text from outside is shown, cut to a width."""
    return _printable(text, width)


def shown(value: object) -> str:
    """A value as a message shows it.

    >>> shown("no"), shown(True), shown(None), shown([1]), shown(0.001)
    ("'no'", 'true', 'nothing', 'a list', '0.001')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, str):
        text = repr(value[: WIDTH + 1])
        return text if len(text) <= WIDTH else text[: WIDTH - 4] + "..." + text[0]
    return printable(repr(value))


def dotted(path: Path) -> str:
    """A path as a message shows it.

    >>> dotted(("ablate", 0, "without", 2))
    'ablate[0].without[2]'
    """
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{printable(key)}"
    return printable(text.removeprefix("."), 200)


@dataclass(frozen=True)
class Fault:
    """`what` was got and expected; `name`, where it may be a slip of the pen for one of the `known`."""

    place: Place
    path: Path
    what: str
    name: str = ""
    known: Collection[str] = ()

    def line(self) -> str:
        """The fault as one line."""
        key = f"{dotted(self.path)}: " if self.path else ""
        return f"{self.place}: {key}{self.what}{self._tail()}"

    def _tail(self) -> str:
        if not self.known:
            return ""
        tail = nearest(self.name[:WIDTH], (printable(k) for k in islice(self.known, 1000)))
        return "; " + (tail if len(tail) <= 300 else tail[:297] + "...")


class Enough(Exception):
    """So many faults were found that it isn't worth looking for more."""


class Faults:
    """The faults found so far, in any order."""

    def __init__(self) -> None:
        self._found: list[Fault] = []
        self.texts: dict[str, str] = {}  # of the files, as far as they could be read

    def __len__(self) -> int:
        return len(self._found)

    def names(self, *keys: str) -> set[str]:
        """What was named, or is defined, where something is wrong below one of these keys of a suite."""
        own = [fault for fault in self._found if fault.path[:1] and fault.path[0] in keys]
        return {name for fault in own for name in (fault.name, *map(str, fault.path[1:2])) if name}

    def within(self, *keys: str) -> bool:
        """Whether whatever is wrong stands below one of these keys of a suite."""
        return all(fault.path[:1] and fault.path[0] in keys for fault in self._found)

    def add(self, place: Place, path: Path, what: str, name: str = "", known: Collection[str] = ()) -> None:
        """Notes a fault; raises Enough at the last that is worth noting."""
        self._found.append(Fault(place, path, what, name, known))
        if len(self._found) >= ENOUGH:
            raise Enough

    def error(self, files: Iterable[str] = ()) -> UserError:
        """They as one UserError, by place: in the order of the files, then of the options."""
        order = {file: i for i, file in enumerate(files)}
        last = len(order)
        found = sorted(self._found, key=lambda f: (order.get(f.place.file, last), f.place.line, f.place.column))
        lines = {fault.line(): excerpt(fault.place, self.texts.get(fault.place.file, "")) for fault in found[:MOST]}
        rest = f"{'at least ' * (len(found) >= ENOUGH)}{len(found) - MOST} more faults from here on"
        more = [f"{found[MOST].place}: and {rest}"] if len(found) > MOST else []
        return UserError(*lines, *more, below=lines)
