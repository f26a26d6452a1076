"""Records by the ids of the runs that are asked for, as little of each as can be: a million of them fit in memory.

The ids that are asked for lie side by side, 12 bytes each, sorted; a record lies at the place of its id. Texts that
many records have in common are there once.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rnnbench.records import Record, Run
from rnnbench.store import rows
from rnnbench.store.faults import Damage

ID = 12  # bytes


@contextmanager
def paused() -> Iterator[None]:
    """Without looking for circles, which takes the longer the more there is and finds none among records."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


FEW = 10_000  # whole numbers that are kept once, however many records have them


class Found(Mapping[str, Record]):
    """Of each run that is asked for the last of its attempts that were taken, by id."""

    def __init__(self, runs: Iterable[Run]) -> None:
        asked = [(bytes.fromhex(run.id), run) for run in runs]
        asked.sort(key=lambda pair: pair[0])
        self._ids = b"".join(id for id, _ in asked)
        self._runs = [run for _, run in asked]
        del asked
        self._records: list[Record | None] = [None] * len(self._runs)
        self._starts = self._buckets()
        self._count = 0
        self._texts: dict[str, Any] = {}
        self._shared: dict[int | None, int | None] = {}  # steps, looks and sizes, of which there are few

    @property
    def asked(self) -> int:
        """Of how many runs."""
        return len(self._runs)

    def _buckets(self) -> array[int]:
        """Where the ids begin whose first two bytes are each number, so that a search has but a few steps."""
        starts = array("Q", bytes(8 * 0x10001))
        for place in range(0, len(self._ids), ID):
            starts[int.from_bytes(self._ids[place : place + 2], "big") + 1] += 1
        for k in range(0x10000):
            starts[k + 1] += starts[k]
        return starts

    def _place(self, id: str) -> int:
        """Where the record of an id lies; -1 where it isn't asked for."""
        try:
            key = bytes.fromhex(id)
        except ValueError:  # no id of ours: an index's, in which a bit was flipped
            return -1
        bucket = int.from_bytes(key[:2], "big")
        low, high = self._starts[bucket], self._starts[bucket + 1]
        while low < high:
            middle = (low + high) // 2
            found = self._ids[middle * ID : middle * ID + ID]
            if found == key:
                return middle
            low, high = (middle + 1, high) if found < key else (low, middle)
        return -1

    def take(self, row: rows.Row, curves: bool) -> None:
        """Takes a row that is verified, if its run is asked for. Damage where it can't come after those before."""
        place = self._place(row[0])
        if place < 0:
            return
        known = self._records[place]
        if known is not None and known.attempt >= row[1]:
            raise Damage(f"attempts of run {row[0]} aren't in their order")
        self._count += known is None
        share = self._shared
        if len(share) < FEW:
            for value in row[6:9]:
                share.setdefault(value, value)
        numbers = (share.get(value, value) for value in row[6:9])
        started = row[14] if curves else ""
        lean = (*row[:6], *numbers, *row[9:14], started, *row[15:])
        self._records[place] = rows.record(lean, self._runs[place], curves, self._texts)

    def __getitem__(self, id: str) -> Record:
        place = self._place(id)
        record = self._records[place] if place >= 0 else None
        if record is None:
            raise KeyError(id)
        return record

    def get(self, id: str, default: Any = None) -> Any:
        place = self._place(id)
        record = self._records[place] if place >= 0 else None
        return default if record is None else record

    def __iter__(self) -> Iterator[str]:
        return (record.id for record in self._records if record is not None)

    def __len__(self) -> int:
        return self._count
