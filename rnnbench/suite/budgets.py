"""`budgets: [1, 4]`: whole ladders, each at so many times the stated steps.

Older suites say `more_steps: {times: 4, seeds: 3}`, which is read as `budgets: {times: [1, 4], seeds: 3}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnbench.settings import MOST_STEPS
from rnnbench.suite import Budgets, Suite
from rnnbench.suite.faults import Path
from rnnbench.suite.reader import Reader

MOST_TIMES = 100  # the steps
MANY = "a list of multiples of the steps such as [1, 4]"
ONE = "a multiple of the steps"
SEEDS = "a number of the suite's seeds"


def read(reader: Reader, top: Mapping[str, Any], most: int) -> Budgets:
    """What a suite says of its budgets; `most` seeds of its own may be those of the larger ones."""
    older = top.get("more_steps", False) is not False
    if "budgets" in top:
        if older:
            reader.fault(("budgets",), "got it beside more_steps, expected one of them", key=True)
        return _budgets(reader, most)
    return _more_steps(reader, most) if older else Budgets()


def check(reader: Reader, suite: Suite) -> None:
    """A fault where some run would get more steps than any run may."""
    if len(suite.budgets.times) > 1:
        most = max(suite.settings(variant, task).steps for variant in suite.variants for task in suite.tasks)
        if suite.budgets.times[-1] * most > MOST_STEPS:
            path: Path = ("budgets",) if "budgets" in reader.document.value else ("more_steps", "times")
            reader.got(path, f"at most {MOST_STEPS} steps a run, where some have {most} already")


def _budgets(reader: Reader, most: int) -> Budgets:
    path: Path = ("budgets",)
    if isinstance(reader.document.get(path), list):
        return Budgets(_times(reader, path))
    entry = reader.mapping(path, f"{MANY}, or {{times: LIST, seeds: NUMBER}}", ("times", "seeds"), of="times or seeds")
    if entry is None:
        return Budgets()
    if "times" not in entry:
        reader.missing((*path, "times"), MANY)
    times = _times(reader, (*path, "times")) if "times" in entry else (1,)
    return Budgets(times, _seeds(reader, path, entry, most))


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
