"""Results as tidy pandas frames: one file, one frame, found by its name.

A frame has COLUMNS, name -> what it holds; and `rows(suite, climbs)`, one after another, None where a value is absent.
What it holds is computed in `analysis/`, by the functions that a report is made of, over all climbs of a view: of one
that has ladders with more than the stated steps, or pilots, each says itself which it is about.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from rnnbench.analysis.spans import Bound
from rnnbench.lazy import pandas
from rnnbench.plan.ladders import Climb
from rnnbench.suite import Suite

if TYPE_CHECKING:
    from pandas import DataFrame

CENSORED: dict[Bound, str] = {"": "", "≥": "above", "≤": "below", "?": "both"}  # on which side of what is shown


@dataclass(frozen=True)
class Column:
    """The dtype of a column, and what it holds, with its unit. Int64 and boolean know that a value can be absent; a
    float is nan where there is none, and infinite where an interval has no end."""

    kind: str
    about: str


@cache
def names() -> tuple[str, ...]:
    """Those of all frames."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


@cache
def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")


def columns(name: str) -> Mapping[str, Column]:
    """What the columns of a frame hold, in their order."""
    found: Mapping[str, Column] = _module(name).COLUMNS
    return found


def about(name: str) -> str:
    """What the rows of a frame are, in a phrase."""
    return (_module(name).__doc__ or "").strip().removesuffix(".")


def frame(name: str, suite: Suite, climbs: Sequence[Climb]) -> DataFrame:
    """The frame of that name on a view; the same columns, of the same types, where it has no rows."""
    wanted = columns(name)
    found = list(_module(name).rows(suite, climbs))
    values = zip(*found, strict=True) if found else ((),) * len(wanted)
    return pandas.DataFrame({
        title: pandas.Series(list(each), dtype=column.kind)
        for (title, column), each in zip(wanted.items(), values, strict=True)
    })  # fmt: skip
