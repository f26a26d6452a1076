"""What a part of the soak counts, and what it found wanting."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

LONGEST = 600  # characters of a finding
FIRST = ("trials", "trials that held")
SHOWN = 5  # findings of a kind that are printed whole


@dataclass(frozen=True)
class Options:
    """How much, from which seed, in which empty folder; and until when (time.monotonic) something new is begun."""

    folder: Path
    seed: int
    count: int
    until: float = float("inf")

    def more(self, done: int) -> bool:
        """Whether there is more to do."""
        return done < self.count and time.monotonic() < self.until


@dataclass
class Tally:
    """Counts by name, and what did not hold, by its kind, the word before its colon."""

    part: str
    counts: Counter[str] = field(default_factory=Counter)
    found: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, name: str, n: int = 1) -> None:
        with self.lock:
            self.counts[name] += n

    def fail(self, where: str, what: str) -> None:
        """One thing that does not hold, and where: what somebody needs to see it again."""
        self.found.setdefault(what.partition(":")[0], []).append(f"{where}: {what}")

    @property
    def failures(self) -> int:
        return sum(map(len, self.found.values()))

    def judge(self, where: str, wrong: Iterable[str]) -> None:
        """A trial, and all that did not hold of it."""
        wrong = list(wrong)
        self.add("trials")
        self.add("trials that held", not wrong)
        for what in wrong:
            self.fail(where, what)

    def text(self) -> str:
        """The counts, and of each kind of what did not hold how often and the first of them."""
        width = max(map(len, (*self.counts, *self.found, "did not hold")))
        lines = [
            f"  {name:<{width}}  {n:,}"
            for name, n in sorted(self.counts.items(), key=lambda pair: pair[0] not in FIRST)
        ]
        lines += [f"  {note}" for note in self.notes]
        lines.append(f"  {'did not hold':<{width}}  {self.failures:,}")
        for kind, each in sorted(self.found.items(), key=lambda pair: -len(pair[1])):
            lines.append(f"    {kind:<{width}}{len(each):,}")
            lines += [f"      {one[:LONGEST]}" for one in each[:SHOWN]]
        return "\n".join(lines)
