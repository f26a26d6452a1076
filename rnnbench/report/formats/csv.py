"""A report as tidy CSV: one row per variant, task and length, trained with the stated steps; `score` and its interval
empty where there is none, `share_low` and `share_high` the interval of the share of seeds that solved it; then, where a
task says on how many examples, a column `examples`, which tells the rows of a ladder of these apart; then a column for
each factor of the suite's grids."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from rnnbench.analysis import factors, spans
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.report.model import clean
from rnnbench.suite import Suite
from rnnbench.suite.points import label

COLUMNS = ("variant", "task", "length", "score", "low", "high", "n", "solved", "failed", "share_low", "share_high")


def text(value: str) -> str:
    """A text cell that no spreadsheet takes for a formula (OWASP, CSV injection).

    >>> text("=1+1"), text("lstm+peepholes")
    ("'=1+1", 'lstm+peepholes')
    """
    value = clean(value)
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


def number(value: float) -> str:
    """A number to its last bit; empty where there is none."""
    return repr(value) if math.isfinite(value) else ""


def render(
    suite: Suite, climbs: Sequence[Climb], *, width: int | None = None, color: bool = False, notes: Sequence[str] = ()
) -> str:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    names = factors.factors(suite.variants)
    few = ("examples",) * any(task.examples for task in suite.tasks)
    rows.writerow((*COLUMNS, *few, *names))
    for climb in views.at(climbs):
        own = [factors.value(climb, name, suite.variants) for name in names]
        point = ["" if each is factors.MISSING else text(label(each)) for each in own]
        who = text(climb.ladder.variant.name), text(climb.ladder.task.name)
        if not climb.steps:  # the variant can't do the task
            nothing = ("", "", "", 0, 0, 0, "", "")
            each = [(length, n) for n in climb.ladder.task.examples or ("",) for length in climb.ladder.task.lengths]
            rows.writerows((*who, length, *nothing, *[n] * len(few), *point) for length, n in each)
        for step in climb.steps:
            found = spans.score(step)
            own_few = [step.rung.train.get("examples", "")] * len(few)
            counts = found.n, found.solved, found.failed
            share = map(number, found.share[1:]) if found.n else ("", "")
            rows.writerow((*who, step.rung.length, *map(number, found.score), *counts, *share, *own_few, *point))
    return out.getvalue()
