"""Probes as values, a run each: JSON with all of them, and tidy CSV, a number a row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rnnbench.probing import Asked, Probed
from rnnbench.report.formats.csv import number, text
from rnnbench.report.formats.json import strict

COLUMNS = ("variant", "base", "task", "length", "seed", "id", "step", "end", "probe", "of", "what", "at", "value")
# The kinds of probes, and what tells the entries of each apart.
KINDS = {
    "gradients": ("direction",),
    "inputs": ("needed",),
    "gates": ("place", "gate"),
    "carries": ("place", "state"),
    "outputs": ("place",),
    "readouts": ("needed",),
    "swaps": ("needed",),
}


def as_json(name: str, made: Sequence[Probed], asked: Asked) -> str:
    """One strict object."""
    runs = [_names(each) | {"status": _status(each), "probes": [p.as_dict() for p in each.probes]} for each in made]
    return json.dumps(strict({"suite": name, "asked": asked.as_dict(), "runs": runs}), indent=2, allow_nan=False) + "\n"


def as_csv(made: Sequence[Probed]) -> str:
    """`probe` is the kind, `of` what it is of (a direction, a gate, an input), `at` the lag or the quantile's place."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for each in made:
        names = [text(v) if isinstance(v, str) else "" if v is None else v for v in _names(each).values()]
        for probe in each.probes:
            start = [*names, probe.step, int(probe.end)]
            if probe.score is not None:
                rows.writerow([*start, "score", "", "score", "", number(probe.score)])
            for kind, names_of in KINDS.items():
                for entry in getattr(probe, kind):
                    of = "/".join("others" if entry[key] is None else str(entry[key]) for key in names_of)
                    rows.writerows(
                        [*start, kind, text(of), what, at, number(v)] for what, at, v in _numbers(entry, names_of)
                    )
    return out.getvalue()


def _names(each: Probed) -> dict[str, Any]:
    run = each.run
    return {"variant": each.variant, "base": each.base, "task": each.task, "length": run.rung.length, "seed": run.seed,
            "id": run.id}  # fmt: skip


def _status(each: Probed) -> str:
    return each.record.status if each.record else "missing"


def _numbers(entry: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[str, int | str, float]]:
    """The numbers of an entry, each by its name and its place in a list: a lag, where it is by lag."""
    lags = entry.get("lags")
    for what, value in entry.items():
        if what in names or what == "lags" or value is None:
            continue
        if what == "by_lag":
            yield from ((what, lag, mean) for lag, mean, _ in value)
        elif isinstance(value, list):
            yield from ((what, at, float(v)) for at, v in zip(lags or range(len(value)), value, strict=True))
        else:
            yield what, "", float(value)
