"""How many examples a task's runs train on: `examples: 1000`, drawn once for each seed; fresh ones where nothing is
said. `examples: [100, 300, 1000]` is a ladder, at one length, climbed from the most to the fewest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnnbench.suite import Suite, training
from rnnbench.suite.faults import Path
from rnnbench.suite.reader import Reader, hints

if TYPE_CHECKING:
    from rnnbench.tasks import Task

KEY = "examples"
MOST = 100_000  # they are held in memory, a set a seed
ONE = "how many examples to train on, a whole number"


def taken(
    reader: Reader,
    path: Path,
    task: type[Task],
    entry: Mapping[str, Any],
    train: Mapping[str, int],
    lengths: Sequence[int],
) -> tuple[int, ...]:
    """What the entry of a task says of it, checked, most first. Of a task that has a difficulty of the same name that
    is meant."""
    if KEY not in entry or KEY in hints(task):
        return ()
    where = (*path, KEY)
    if train:
        reader.got(where, f"none beside `{training.KEY}`: a set of examples is of one length")
        return ()
    if not isinstance(entry[KEY], list):
        one = reader.whole(where, 1, MOST, ONE)
        return () if one is None else (one,)
    several = reader.distinct(where, "numbers of examples", ONE, 1, MOST)
    if len(entry[KEY]) == 1:
        reader.got(where, "a number, or a list of two or more")
    if len(lengths) > 1:
        reader.got((*path, "lengths"), f"one length beside a ladder of `{KEY}`")
    return tuple(sorted(several, reverse=True))


def check(reader: Reader, suite: Suite) -> None:
    """A fault for each ladder of examples in a suite whose other instruments are made for lengths."""
    beside = {"tune": suite.tuning is not None, "budgets": len(suite.budgets.times) > 1}
    for task in suite.tasks:
        for key, used in beside.items():
            if used and task.headline == "need":
                reader.got(("tasks", task.name, KEY), f"one number beside `{key}`")
