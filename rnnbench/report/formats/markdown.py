"""A report as Markdown (GitHub's tables), aligned so that its source can be read too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from rnnbench.plan.ladders import Climb
from rnnbench.report import tables
from rnnbench.report.model import NBSP, Report, Table
from rnnbench.suite import Suite

SUFFIXES = (".md", ".markdown")

_MARKUP = re.compile(r"[\\`*\[\]|~]|_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_|<(?=[A-Za-z/!?])|&(?=#?\w+;)")


def escape(text: str) -> str:
    r"""A text that Markdown shows as it is.

    >>> print(escape("a|b, *c*, <b>, < 10, forget_gate"))
    a\|b, \*c\*, \<b>, < 10, forget_gate
    """
    return _MARKUP.sub(r"\\\g<0>", text.replace(NBSP, " "))


def draw(table: Table) -> list[str]:
    """The lines of a table."""
    head = [escape(column.title) for column in table.columns]
    rows = [[f"**{escape(c.text)}**" if c.best else escape(c.text) for c in row] for row in table.rows]
    wide = [max(3, *(cell_len(row[k]) for row in [head, *rows])) for k in range(len(head))]
    rule = ["-" * (w - 1) + ":" if c.number else "-" * w for w, c in zip(wide, table.columns, strict=True)]

    def line(cells: Sequence[str]) -> str:
        pairs = zip(cells, wide, table.columns, strict=True)
        padded = [" " * (w - cell_len(t)) + t if c.number else t + " " * (w - cell_len(t)) for t, w, c in pairs]
        return f"| {' | '.join(padded)} |"

    return [line(head), line(rule), *(line(row) for row in rows)]


def render(
    suite: Suite, climbs: Sequence[Climb], *, width: int | None = None, color: bool = False, notes: Sequence[str] = ()
) -> str:
    return show(tables.report(suite, climbs, notes))


def show(report: Report) -> str:
    """Any report."""
    blocks = [f"# {escape(report.title)}", escape(report.about), escape(report.summary)]
    blocks += [escape(sentence) for sentence in report.answer]
    for table in report.tables:
        blocks += [f"## {escape(table.title)}", escape(table.about), "\n".join(draw(table))]
        blocks += ["\n".join(f"- {escape(note)}" for note in table.notes)]
    if report.legend:
        blocks += ["## Legend", "\n".join(f"- {escape(text)}" for text in report.legend)]
    if report.notes:
        blocks += ["## Notes", "\n".join(f"- {escape(note)}" for note in report.notes)]
    return "\n\n".join(block for block in blocks if block) + "\n"
