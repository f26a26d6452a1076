"""Which runs the suites that a store remembers still ask for; records of all others are orphans.

A store remembers every form in which a suite ran: whole, or by `-k`, `--seeds` and `--set` a part of it. All forms of
a suite's last text count, and so does that text as a whole; what an older text of it asked for, edited away since, is
named no longer.
"""

from __future__ import annotations

from collections.abc import Iterable

from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.suite import Suite
from rnnbench.suite.load import loads


def current(suites: Iterable[Suite]) -> list[Suite]:
    """Of the suites that ran, the last one first, those that are of the last text of their name."""
    texts: dict[str, str] = {}
    kept = []
    for suite in suites:
        if texts.setdefault(suite.name, suite.text) == suite.text:
            kept.append(suite)
    return kept


def whole(suite: Suite) -> Suite | None:
    """The suite as its file says it, with nothing selected or overridden; None where that can't be read any longer,
    as where a file that it includes has gone."""
    if not suite.text:
        return None
    try:
        return loads(suite.text.encode(), suite.path or suite.name)
    except (UserError, OSError):
        return None


def named(suites: Iterable[Suite]) -> set[str]:
    """The ids of all runs that these suites, the last one first, ask for or may come to ask for. UserError where a
    suite's tasks can't be made: what it asks for can't be told then."""
    found: set[str] = set()
    texts: set[str] = set()
    for suite in current(suites):
        forms = [suite]
        if suite.text not in texts and (full := whole(suite)) is not None:
            forms.append(full)
        texts.add(suite.text)
        for form in forms:
            found.update(run.id for run in plan(form).runs())
    return found
