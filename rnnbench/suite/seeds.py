"""The seeds that a suite gives: a number of them, a list or a range, which is not expanded."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.suite.faults import Path
from rnnbench.suite.reader import Reader

LARGEST_SEED = 2**63 - 1  # what the store can hold


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
    reader.got(path, "a number of seeds, a list of them or {from: SEED, count: NUMBER}")
    return ()
