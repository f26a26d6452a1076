"""The one model that every report is drawn from: tables of cells that know their text, their value and their tone.

No format is mentioned here, and nothing here knows of runs: `tables.py` fills the model, one module a format draws it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnbench.text import counted as counted
from rnnbench.text import printable

Value = str | int | float | None

# What a cell says, for a format to colour: a score by quarters of the way to 1, a result that is absent, a fault.
Tone = Literal["plain", "full", "much", "some", "little", "quiet", "alarm"]

NBSP = "\u00a0"  # keeps a number and its unit on one line


def clean(text: str) -> str:
    """A text from outside as a report has it: as every other, and whole."""
    return printable(text)


@dataclass(frozen=True)
class Cell:
    """`parts` of a text, each aligned with the same part of the cells above and below; the plain `value` behind it;
    `best` of its column or table."""

    parts: tuple[str, ...]
    value: Value = None
    tone: Tone = "plain"
    best: bool = False

    @property
    def text(self) -> str:
        return " ".join(part for part in self.parts if part)


@dataclass(frozen=True)
class Column:
    """A column's heading, and whether its parts are numbers, which stand to the right."""

    title: str
    number: bool = True


@dataclass(frozen=True)
class Table:
    """A table; `about` says what its numbers are, `notes` what must be known to read them. The first column names
    the rows. `kind`: what can be asked for by name: `scores`, `spans`, `cost`, `claims`, or that of a section;
    `headline`: `span`, `reach` or `need`, where its marks speak of ladders of one kind."""

    title: str
    about: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    kind: str = ""
    headline: str = ""


@dataclass(frozen=True)
class Report:
    """Everything that a report on a suite says, in order: `answer` in sentences, tables, and `legend`, which explains
    the marks that they use."""

    title: str
    about: str
    summary: str
    tables: tuple[Table, ...]
    answer: tuple[str, ...] = ()
    legend: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
