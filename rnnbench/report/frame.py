"""Records as a tidy pandas frame: one row a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rnnbench.lazy import pandas
from rnnbench.plan.ladders import Climb
from rnnbench.settings import Settings

if TYPE_CHECKING:
    from pandas import DataFrame

# column -> its type; Int64 and Float64 know that a number can be absent
COLUMNS = {
    "variant": "str", "task": "str", "length": "int64", "seed": "int64", "status": "str", "score": "float64",
    "steps": "int64", "solved_at": "Int64", "parameters": "int64", "seconds": "float64", "id": "str",
    "budget": "int64",
}  # fmt: skip


def frame(climbs: Iterable[Climb]) -> DataFrame:
    """A row for every record of a view, in the order of its climbs, lengths and seeds, those with more steps
    last of their climb; `score` is nan for a run that broke, `solved_at` NA for one that was not solved within its
    `budget` of steps. Nothing run: no rows, the same columns."""
    rows = []
    for climb in climbs:
        names = climb.ladder.variant.name, climb.ladder.task.name
        for r in climb.records:
            budget = Settings.of(r.run.rung).steps
            result = r.status, r.score, r.steps, r.solved_at, r.parameters, r.seconds, r.id, budget
            rows.append((*names, r.run.rung.length, r.run.seed, *result))
    columns = zip(*rows, strict=True) if rows else ((),) * len(COLUMNS)
    series = {
        name: pandas.Series(list(values), dtype=kind)
        for (name, kind), values in zip(COLUMNS.items(), columns, strict=True)
    }
    return pandas.DataFrame(series)
