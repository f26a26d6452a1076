"""Ladders written down as letters, for every test of what is made of them: a word a rung from the shortest, a letter a
seed. s solved, u unsolved, d diverged, x crashed, . not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

from rnnbench.plan import Ladder
from rnnbench.plan.ladders import Climb, climb
from rnnbench.records import Record, Run, Rung, Status
from rnnbench.suite import TaskEntry, Variant

NOT_RUN = "."
STATUS: dict[str, Status] = {"s": "solved", "u": "unsolved", "d": "diverged", "x": "crashed"}
SCORE: dict[str, float] = {"s": 0.99, "u": 0.5, "d": 0.0}


def record(run: Run, letter: str) -> Record:
    """The record of a run that a letter stands for."""
    return Record(run, STATUS[letter], SCORE.get(letter))


def records(
    rungs: Iterable[Rung],
    words: str | Iterable[Sequence[Any]],
    made: Callable[[Run, Any], Record] = record,
    seeds: Iterable[int] | None = None,
) -> dict[str, Record]:
    """The records of rungs, by id. `words` may be made of anything that `made` makes a record of, whatever is not run
    aside; `seeds` are 0, 1, ... unless told. Rungs that are left have none."""
    letters = words.split() if isinstance(words, str) else words
    runs = [
        (Run(rung, seed), letter)
        for rung, word in zip(rungs, letters, strict=False)
        for seed, letter in zip(count() if seeds is None else seeds, word, strict=False)
        if letter != NOT_RUN
    ]
    return {run.id: made(run, letter) for run, letter in runs}


def climbed(variant: Variant, task: TaskEntry, rungs: Sequence[Rung], known: dict[str, Record], n: int,
            prune: bool = True) -> Climb:  # fmt: skip
    """A ladder by hand, with no suite around it, as far as `n` seeds have climbed it."""
    return climb(Ladder(variant, task, tuple(rungs)), tuple(range(n)), known, prune)
