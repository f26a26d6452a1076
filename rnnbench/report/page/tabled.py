"""A table of the report's model as HTML: a caption, sortable columns, notes below."""

from __future__ import annotations

from rnnbench.report.model import Cell, Column, Table
from rnnbench.report.page.markup import Markup, join, tag


def section(table: Table) -> Markup:
    """A table without its title, which stands above it."""
    about = tag("p", table.about, cls="quiet") if table.about else ""
    return join(about, grid(table), notes(table))


def folded(table: Table) -> Markup:
    """A table that unfolds when asked."""
    return tag("details", tag("summary", table.title), section(table))


def grid(table: Table) -> Markup:
    """The table itself, in a box that scrolls sideways where the screen is narrow; its first column names the rows."""
    head = tag("thead", tag("tr", *map(_heading, table.columns)))
    rows = (
        tag(
            "tr",
            *(_cell(cell, column, k == 0) for k, (cell, column) in enumerate(zip(row, table.columns, strict=True))),
        )
        for row in table.rows
    )
    caption = tag("caption", table.title, cls="unseen")
    inner = tag("table", caption, head, tag("tbody", *rows))
    prose = not any(column.number for column in table.columns)  # which may be folded
    return tag("div", inner, cls="wide text" if prose else "wide", tabindex="0", role="region", aria_label=table.title)


def notes(table: Table) -> Markup:
    return tag("ul", *(tag("li", note) for note in table.notes), cls="quiet") if table.notes else Markup()


def _heading(column: Column) -> Markup:
    return tag("th", column.title, scope="col", cls="number" if column.number else None)


def _cell(cell: Cell, column: Column, first: bool) -> Markup:
    """`data-value` is what a column is sorted by, where that is not the text."""
    kinds = [cell.tone if cell.tone != "plain" else "", "number" if column.number else "", "best" if cell.best else ""]
    value = cell.value if cell.value is not None and str(cell.value) != cell.text else None
    cls = " ".join(kind for kind in kinds if kind) or None
    return tag("th" if first else "td", cell.text, scope="row" if first else None, cls=cls, data_value=value)
