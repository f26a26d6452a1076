"""What tells the rungs of a task's ladder apart, in words: lengths, or numbers of examples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rnnbench.records import Rung
from rnnbench.suite import TaskEntry


@dataclass(frozen=True)
class Words:
    """`name` heads a column, an axis, a key; `one` is what a claim must name. `first` and `last` are the rungs at which
    a ladder begins and ends, the easiest and the hardest; `easier` and `harder` what lies beyond them; `most` and
    `least` the ends of several spans, or needs, `more` and `less` one against another."""

    name: str
    one: str
    first: str
    last: str
    easier: str
    harder: str
    most: str
    least: str
    more: str
    less: str


LENGTHS = Words(
    name="length",
    one="length",
    first="at its shortest length",
    last="at its longest length",
    easier="lengths below",
    harder="lengths beyond",
    most="longest",
    least="shortest",
    more="longer",
    less="shorter",
)
EXAMPLES = Words(
    name="examples",
    one="number of examples",
    first="with its most examples",
    last="with its fewest examples",
    easier="numbers of examples over",
    harder="numbers of examples under",
    most="largest",
    least="smallest",
    more="larger",
    less="smaller",
)


def words(task: TaskEntry) -> Words:
    """Those for a task's rungs."""
    return EXAMPLES if task.headline == "need" else LENGTHS


def at(task: TaskEntry, place: int) -> str:
    """A rung by its place: `at 40`, `with 300 examples`."""
    return examples(place) if task.headline == "need" else f"at {place}"


def heading(task: TaskEntry, place: int) -> str:
    """A rung by its place, where what it is stands above: `40`, `3,000`."""
    return f"{place:,}" if task.headline == "need" else str(place)


def ordered(task: TaskEntry, places: Iterable[int]) -> list[int]:
    """Some places of a ladder as they are climbed, the easiest first."""
    return sorted(places, reverse=task.headline == "need")


def named(rung: Rung) -> str:
    """A rung by itself, whichever ladder it is on: `40`, `20 with 300 examples`."""
    few = rung.train.get("examples")
    return f"{rung.length} {examples(few)}" if few else str(rung.length)


def examples(number: int) -> str:
    """With how many examples something is trained.

    >>> examples(1), examples(3000)
    ('with 1 example', 'with 3,000 examples')
    """
    return f"with {number:,} example{'s' * (number != 1)}"
