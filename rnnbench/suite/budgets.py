"""`budgets: [1, 4]`: whole ladders, each at so many times the stated steps; of the tasks that are named, else of all.

Older suites say `more_steps: {times: 4, seeds: 3}`, which is read as `budgets: {times: [1, 4], seeds: 3}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rnnbench.settings import MOST_STEPS
from rnnbench.suite import Budgets, Suite
from rnnbench.suite.faults import Path, shown
from rnnbench.suite.reader import Reader

MOST_TIMES = 100  # the steps
MANY = "a list of multiples of the steps such as [1, 4]"
ONE = "a multiple of the steps"
SEEDS = "a number of the suite's seeds"
KEYS = ("times", "seeds", "tasks")


def read(reader: Reader, top: Mapping[str, Any], most: int) -> Budgets:
    """What a suite says of its budgets; `most` seeds of its own may be those of the larger ones."""
    older = top.get("more_steps", False) is not False
    if "budgets" in top:
        if older:
            reader.fault(("budgets",), "got it beside more_steps, expected one of them", key=True)
        return _budgets(reader, most)
    return _more_steps(reader, most) if older else Budgets()


def check(reader: Reader, suite: Suite) -> None:
    """A fault where some run would get more steps than any run may, or a task is named that isn't there."""
    entries = reader.document.value.get("tasks")
    known = tuple(entries) if isinstance(entries, dict) else ()  # those with a fault of their own, too
    for i, name in enumerate(suite.budgets.tasks):
        if name not in known:
            reader.got(("budgets", "tasks", i), "a task of the suite", name, known)
    longer = [task for task in suite.tasks if len(suite.budgets.of(task.name)) > 1]
    if longer:
        every = (suite.settings(variant, task).steps for variant in suite.variants for task in longer)
        most = max(every, default=0)
        if suite.budgets.times[-1] * most > MOST_STEPS:
            path: Path = ("budgets",) if "budgets" in reader.document.value else ("more_steps", "times")
            reader.got(path, f"at most {MOST_STEPS} steps a run, where some have {most} already")


def _budgets(reader: Reader, most: int) -> Budgets:
    path: Path = ("budgets",)
    if isinstance(reader.document.get(path), list):
        return Budgets(_times(reader, path))
    want = f"{MANY}, or {{times: LIST, seeds: NUMBER, tasks: LIST}}"
    entry = reader.mapping(path, want, KEYS, of="times, seeds or tasks")
    if entry is None:
        return Budgets()
    if "times" not in entry:
        reader.missing((*path, "times"), MANY)
    times = _times(reader, (*path, "times")) if "times" in entry else (1,)
    return Budgets(times, _seeds(reader, path, entry, most), tuple(_tasks(reader, path)) if "tasks" in entry else ())


def _tasks(reader: Reader, path: Path) -> Iterator[str]:
    """By name, each once; whether they are the suite's is known when all of it has been read."""
    seen: set[str] = set()
    for i, _ in enumerate(reader.items((*path, "tasks"), "a list of tasks")):
        where = (*path, "tasks", i)
        name = reader.text(where, "a task of the suite")
        if name in seen:
            reader.fault(where, f"got {shown(name)} again, expected it once")
        elif name is not None:
            seen.add(name)
            yield name


def _times(reader: Reader, path: Path) -> tuple[int, ...]:
    """1, then each more than the one before: the first is what the suite states, and what its claims speak of."""
    found: list[int] = []
    for i, value in enumerate(reader.items(path, MANY)):
        where = (*path, i)
        number = reader.whole(where, 1, MOST_TIMES, ONE)
        if number is None:
            continue
        if not found and not i and number != 1:
            reader.fault(where, f"got {value}, expected 1 first: the steps that the suite states")
        elif found and number <= found[-1]:
            reader.fault(where, f"got {value}, expected more than {found[-1]}, which is before it")
        found.append(number)
    return tuple(found)


def _more_steps(reader: Reader, most: int) -> Budgets:
    path: Path = ("more_steps",)
    entry = reader.mapping(path, "{times: NUMBER, seeds: NUMBER} or false", ("times", "seeds"), of="times or seeds")
    if entry is None:
        return Budgets()
    if "times" not in entry:
        reader.missing((*path, "times"), f"{ONE} from 2 to {MOST_TIMES}")
    times = reader.whole((*path, "times"), 2, MOST_TIMES, ONE) if "times" in entry else None
    return Budgets((1, times) if times else (1,), _seeds(reader, path, entry, most))


def _seeds(reader: Reader, path: Path, entry: Mapping[str, Any], most: int) -> int | None:
    return reader.whole((*path, "seeds"), 1, most, SEEDS) if "seeds" in entry else None
