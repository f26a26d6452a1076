"""What the user did wrong, and the exit codes.

A `UserError` is one line (or several, one per fault) that says what was got, what was expected and what
to do next. The command line prints it and exits with its code; it never becomes a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. Where several hold, the first of 130/143/129, 70, 3, 2, 4, 1, 6 wins.

    | code | name | when |
    | --- | --- | --- |
    | 0 | OK | it did what was asked |
    | 1 | FAILED | runs broke, or a check found something worse |
    | 2 | USAGE | a mistake in a suite, an option or a variable of the environment |
    | 3 | STORE | the store, stdout or an output file can't be read or written |
    | 4 | LOCKED | another process writes to the store |
    | 5 | NOTHING_SELECTED | nothing matches what was asked for |
    | 6 | INCONCLUSIVE | a check can't tell |
    | 70 | BUG | an error that nobody expected; the line names the file with its traceback |
    | 130, 143, 129 | INTERRUPTED, TERMINATED, HUNG_UP | SIGINT, SIGTERM, SIGHUP |
    | 141 | READER_GONE | nobody read stdout to its end |
    """

    OK = 0
    FAILED = 1
    USAGE = 2
    STORE = 3
    LOCKED = 4
    NOTHING_SELECTED = 5
    INCONCLUSIVE = 6
    BUG = 70
    HUNG_UP = 129
    INTERRUPTED = 130
    READER_GONE = 141
    TERMINATED = 143


class UserError(Exception):
    """A mistake of the user's, told in one line per fault; `below` has what a terminal shows below some of them.

    >>> str(UserError("no such suite"))
    'no such suite'
    """

    def __init__(self, *lines: str, code: Exit = Exit.USAGE, below: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.code = code
        self.below = below or {}

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it, where it ends a cell of a notebook: its lines, and no traceback."""
        return list(self.screen())

    def screen(self) -> Iterator[str]:
        """The lines as the command line prints them: each with what stands below it."""
        for line in self.lines:
            yield line
            yield from self.below.get(line, ())


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error message: the nearest known name, or all of them if none is near.

    >>> nearest("lstn", ["gru", "lstm", "rnn"])
    "did you mean 'lstm'?"
    >>> nearest("zzz", ["gru", "rnn"])
    'known: gru, rnn'
    """
    names = sorted(known)
    return closest(name, names) or "known: " + (", ".join(names) if names else "none")


def closest(name: str, known: Iterable[str]) -> str:
    """The end of an error message where all known names are too many to tell: the nearest, or nothing."""
    folded = {n.casefold(): n for n in sorted(known)}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return f"did you mean '{folded[close[0]]}'?" if close else ""
