"""The lengths of a task, and how they are searched.

`[5, 10, 20]`, or `{from: 5, to: 640, per_octave: 2}`: 5, 7, 10, 14, 20, .., each 2^(1/2) times the one before, rounded.
`search: bisect` finds a seed's span in few runs; a task's own word beats the suite's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from rnnbench.suite.faults import Path
from rnnbench.suite.reader import Reader

Search = Literal["climb", "bisect"]

LONGEST = 10**7  # steps
FINEST = 12  # rungs an octave
WAYS: tuple[Search, ...] = ("climb", "bisect")
WANT = "a list of lengths, or {from: LENGTH, to: LENGTH, per_octave: NUMBER}"


def lengths(reader: Reader, path: Path, shortest: int) -> tuple[int, ...]:
    """The lengths at a path, ascending."""
    if isinstance(reader.document.get(path), dict):
        return _ladder(reader, path, shortest)
    return tuple(sorted(reader.distinct(path, WANT, "a length", shortest, LONGEST)))


def ladder(first: int, last: int, per_octave: int) -> tuple[int, ...]:
    """Lengths from the first to the last at most, so many an octave.

    >>> ladder(5, 80, 2)
    (5, 7, 10, 14, 20, 28, 40, 57, 80)
    """
    found: list[int] = []
    while (length := round(first * 2 ** (len(found) / per_octave))) <= last:
        found.append(length)
    return tuple(dict.fromkeys(found))


def search(reader: Reader, path: Path, of: Mapping[str, Any], default: Search = "climb") -> Search:
    """How an entry at a path says that lengths are searched."""
    if "search" not in of:
        return default
    where = (*path, "search")
    value = reader.document.get(where)
    if value not in WAYS:
        near = (value, WAYS) if isinstance(value, str) else ("", ())
        reader.got(where, "climb or bisect", *near)
    return "bisect" if value == "bisect" else "climb"


def _ladder(reader: Reader, path: Path, shortest: int) -> tuple[int, ...]:
    keys = ("from", "to", "per_octave")
    entry = reader.mapping(path, WANT, keys, of="from, to or per_octave") or {}
    least = {"from": shortest, "to": shortest, "per_octave": 1}
    found = {}
    for key in keys:
        if key not in entry:
            reader.missing((*path, key), "a number of lengths an octave" if key == "per_octave" else "a length")
        elif key == "per_octave":
            found[key] = reader.whole((*path, key), 1, FINEST, "a number of lengths an octave")
        else:
            found[key] = reader.whole((*path, key), least[key], LONGEST, "a length")
    first, last, per_octave = (found.get(key) for key in keys)
    if first is None or last is None or per_octave is None:
        return ()
    if last < first:
        reader.got((*path, "to"), f"a length from {first} on")
        return ()
    return ladder(first, last, per_octave)


def count(value: Any) -> int:
    """How many lengths a document's value comes to; whatever isn't as it should be counts as none.

    >>> count([5, 10]), count({"from": 5, "to": 80, "per_octave": 2}), count("5")
    (2, 9, 0)
    """
    if isinstance(value, list):
        return len(value)
    found = [value.get(key) for key in ("from", "to", "per_octave")] if isinstance(value, dict) else []
    whole = [each for each in found if type(each) is int and 1 <= each <= LONGEST]
    return len(ladder(whole[0], whole[1], min(whole[2], FINEST))) if len(whole) == 3 else 0
