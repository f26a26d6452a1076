"""Records that no suite names any longer: what an edited suite leaves behind in a store.

A store remembers the text of each suite that ran on it, and with which options. What a suite names today is what its
latest text names, with whatever options that text ran: `-k` and `--seeds` leave nothing behind. What becomes of such a
record is not decided here.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence

from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.records import Run
from rnnbench.suite import Suite

Key = tuple[str, str]


def key(suite: Suite) -> Key:
    """What makes two texts versions of one suite: its name, and where its file is, however its path is written."""
    return suite.name, os.path.abspath(suite.path)


def earlier(suite: Suite, remembered: Iterable[Suite]) -> Iterator[Run]:
    """The runs that earlier texts of a suite named; of one that can't be read any longer, none."""
    for each in remembered:
        if key(each) == key(suite) and each.text != suite.text:
            try:
                yield from plan(each).runs()
            except UserError:  # what it named is gone or has changed: nothing can be said of its runs
                continue


def unnamed(ids: Collection[str], remembered: Sequence[Suite], current: Suite | None = None) -> set[str]:
    """Those of the ids of runs that no suite names in its latest text. `remembered` begins with the suite that ran
    last; `current` comes after it. UserError where one can't be read any longer: what it names can't be told."""
    ordered = [current, *remembered] if current is not None else list(remembered)
    texts: dict[Key, str] = {}
    for suite in ordered:
        texts.setdefault(key(suite), suite.text)
    left = set(ids)
    for suite in ordered:
        if left and texts[key(suite)] == suite.text:
            left.difference_update(run.id for run in plan(suite).runs())
    return left
