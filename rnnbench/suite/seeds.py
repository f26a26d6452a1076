"""The seeds of a suite or an option: a number of them, a list or a range, which is not expanded, or a crossing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnbench.suite.crossing import Crossing, crossing
from rnnbench.suite.document import Document, scalar
from rnnbench.suite.faults import Faults, Path, Place, printable, shown
from rnnbench.suite.reader import Reader

LARGEST_SEED = 2**63 - 1  # what the store can hold
WANT = "a number of seeds, a list of them or {from: SEED, count: NUMBER}"


def grid(reader: Reader, path: Path = ("seeds",)) -> tuple[Sequence[int], Crossing | None]:
    """The seeds of a suite; where it crosses them those that are ordinary ones, and the crossing."""
    value = reader.document.get(path)
    if not isinstance(value, dict) or not {"init", "data"} & value.keys():
        return seeds(reader, path), None
    found = crossing(reader, path)
    return (found.diagonal if found else ()), found


def seeds(reader: Reader, path: Path = ("seeds",)) -> Sequence[int]:
    """`3` (0 to 2), a list, or `{from:, count:}`; a range is not expanded."""
    value = reader.document.get(path)
    if isinstance(value, list):
        return reader.distinct(path, "a list of seeds", "a seed", 0, LARGEST_SEED)
    if isinstance(value, dict):
        entry = reader.mapping(path, "{from: SEED, count: NUMBER}", ("from", "count"), of="from or count") or {}
        limits = {"from": ("a seed", 0), "count": ("a number of seeds", 1)}
        found = {}
        for key, (want, least) in limits.items():
            if key not in entry:
                reader.missing((*path, key), want)
            else:
                found[key] = reader.whole((*path, key), least, LARGEST_SEED, want)
        start, count = found.get("from"), found.get("count")
        if start is None or count is None:
            return ()
        if start + count - 1 > LARGEST_SEED:
            reader.got((*path, "count"), f"the last seed to be at most {LARGEST_SEED}")
            return ()
        return range(start, start + count)
    if type(value) is int:
        return range(reader.whole(path, 1, LARGEST_SEED, "a number of seeds") or 0)
    reader.got(path, WANT)
    return ()


def option(text: str, faults: Faults) -> Reader:
    """`--seeds 5` (0 to 4), `--seeds 1000..1004`, or crossed `--seeds 5x4`, as the document that a suite would have."""
    value = _asked(text)
    place = Place(printable(f"--seeds {text}"))
    known = {"seeds": 1 if value is None else value}
    reader = Reader(Document(place.file, known, values={(): place, ("seeds",): place}), faults)
    if value is None:
        reader.fault(("seeds",), f"got {shown(text)}, expected a number of seeds, FIRST..LAST or INITxDATA")
    return reader


def _asked(text: str) -> Any:
    """The value that an option would be in a suite; None where it is none."""
    crossed, ends = ([scalar(part) for part in text.split(mark)] for mark in ("x", ".."))
    if len(crossed) == 2 and all(type(part) is int for part in crossed):
        return {"init": crossed[0], "data": crossed[1]}
    if any(type(end) is not int for end in ends) or len(ends) > 2 or ends[0] > ends[-1]:
        return None
    return ends[0] if len(ends) == 1 else {"from": ends[0], "count": ends[1] - ends[0] + 1}
