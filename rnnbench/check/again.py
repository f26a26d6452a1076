"""Records against those of the same runs trained again: equal to the bit, or by how much not, and whether what made
them promised that."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rnnbench.records import Record, canonical
from rnnbench.text import raised


@dataclass(frozen=True)
class Difference:
    """A run whose record is another now. `promised`: both were made by the same code with the same numerics."""

    run: str
    text: str
    promised: bool


def sample(records: Mapping[str, Record], count: int | None, seed: int) -> list[Record]:
    """So many of the records of runs that finished, drawn by the seed; all of them if there are no more, or of None."""
    finished = [records[id] for id in sorted(records) if records[id].finished]
    if count is None or count >= len(finished):
        return finished
    return random.Random(seed).sample(finished, count)


def differences(before: Iterable[Record], now: Mapping[str, Record]) -> list[Difference]:
    """Those that are not equal; curves are compared where the older record has one."""
    found = []
    for old in before:
        new = now[old.id]
        if text := _difference(old, new):
            found.append(Difference(label(old), f"{text} ({_promise(old, new)})", _promise(old, new) == SAME))
    return found


SAME = "by the same code and numerics, which promise equal bits"


def _promise(old: Record, new: Record) -> str:
    if not old.numerics or not old.fingerprint:
        return "the record doesn't say what made it, so nothing was promised"
    if old.fingerprint != new.fingerprint:
        return "made by other code than today's, so nothing was promised"
    return SAME if old.numerics == new.numerics else f"numerics were {old.numerics}, are {new.numerics}: no promise"


def label(record: Record) -> str:
    """A run in words: model, task, length, settings, seed."""
    rung = record.run.rung
    return " ".join(
        [
            canonical(rung.model),
            canonical(rung.task),
            str(rung.length),
            canonical(rung.settings),
            *([canonical(rung.train)] if rung.train else []),
            f"seed {record.run.seed}",
        ]
    )


def _difference(old: Record, new: Record) -> str:
    """What differs first, as `before, now`; empty if nothing does."""
    if not new.finished:
        return f"{new.status} now: {raised(new.error or '') or 'no error told'}"
    for name in ("status", "steps", "solved_at", "score", "loss", "parameters", "scores", "positions"):
        before, now = getattr(old, name), getattr(new, name)
        if before != now:
            far = f", {abs(now - before):.2g} apart" if isinstance(before, float) and isinstance(now, float) else ""
            return f"{name} was {before}, is {now}{far}"
    if old.curve and old.curve != new.curve:
        at = next((a.step for a, b in zip(old.curve, new.curve, strict=False) if a != b), old.curve[-1].step)
        return f"the curve differs from step {at} on"
    return ""
