"""Records as a tidy pandas frame: one row a run."""

from __future__ import annotations

import csv as csv_module
import io
import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rnnbench.lazy import pandas
from rnnbench.plan.budgets import derived
from rnnbench.plan.ladders import Climb
from rnnbench.seeds import Pair
from rnnbench.settings import Settings

if TYPE_CHECKING:
    from pandas import DataFrame

# column -> its type; Int64 and Float64 know that a number can be absent; a seed is a text where one is a pair
COLUMNS = {
    "variant": "str", "task": "str", "length": "int64", "seed": "int64", "status": "str", "score": "float64",
    "steps": "int64", "solved_at": "Int64", "parameters": "int64", "seconds": "float64", "id": "str",
    "budget": "int64", "choice": "str", "examples": "Int64",
}  # fmt: skip


def frame(climbs: Iterable[Climb]) -> DataFrame:
    """A row for every run of a view that there is a record of, in the order of its climbs, lengths and seeds; `score`
    is nan for a run that broke, `solved_at` NA for one that was not solved within its `budget` of steps. Nothing run:
    no rows, the same columns."""
    found = list(rows(climbs))
    columns = zip(*found, strict=True) if found else ((),) * len(COLUMNS)
    series = {}
    for (name, kind), values in zip(COLUMNS.items(), columns, strict=True):
        paired = name == "seed" and any(isinstance(seed, Pair) for seed in values)
        kept = list(map(str, values)) if paired else list(values)
        series[name] = pandas.Series(kept, dtype="str" if paired else kind)
    return pandas.DataFrame(series)


def rows(climbs: Iterable[Climb]) -> Iterator[tuple[Any, ...]]:
    """The frame's rows, one after the other, None where a value is absent."""
    for climb in climbs:
        names = climb.ladder.variant.name, climb.ladder.task.name
        for rung in climb.steps:
            budget = Settings.of(rung.rung).steps
            for r in rung.records:
                if r is not None and not derived(rung.rung, r):  # that has a row of its own
                    result = r.status, r.score, r.steps, r.solved_at, r.parameters, r.seconds, r.id, budget
                    asked = climb.ladder.choice, r.run.rung.train.get("examples")
                    yield (*names, r.run.rung.length, r.run.seed, *result, *asked)


def csv(climbs: Iterable[Climb]) -> Iterator[str]:
    """The frame as the lines of a CSV file, one at a time; what is absent is empty."""
    line = io.StringIO()
    writer = csv_module.writer(line, lineterminator="")
    for row in itertools.chain([tuple(COLUMNS)], rows(climbs)):
        writer.writerow(row)
        yield line.getvalue()
        line.seek(0)
        line.truncate()
