"""How many examples a task's runs train on: `examples: 1000`, drawn once for each seed; fresh ones where nothing is
said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnnbench.suite import training
from rnnbench.suite.faults import Path
from rnnbench.suite.reader import Reader, hints

if TYPE_CHECKING:
    from rnnbench.tasks import Task

KEY = "examples"
MOST = 100_000  # they are held in memory, a set a seed


def taken(
    reader: Reader, path: Path, task: type[Task], entry: Mapping[str, Any], train: Mapping[str, int]
) -> int | None:
    """What the entry of a task says of it, checked. Of a task that has a difficulty of the same name that is meant."""
    if KEY not in entry or KEY in hints(task):
        return None
    if train:
        reader.got((*path, KEY), f"none beside `{training.KEY}`: a set of examples is of one length")
        return None
    return reader.whole((*path, KEY), 1, MOST, "how many examples to train on, a whole number")
