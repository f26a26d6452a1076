r"""A report's tables for LaTeX, with booktabs: each a `table` to \input or to copy; amssymb has the tick."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rnnbench.plan.ladders import Climb
from rnnbench.report import tables
from rnnbench.report.model import NBSP, Cell, Report, Table
from rnnbench.suite import Suite

HEAD = "% \\usepackage{booktabs,amssymb,graphicx}"
SIGNS = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "±": r"$\pm$",
    "≥": r"$\ge$",
    "≤": r"$\le$",
    "×": r"$\times$",
    "−": r"$-$",
    "–": "--",
    "·": r"$\cdot$",
    "…": r"\dots{}",
    "✓": r"\checkmark{}",
    "∞": r"$\infty$",
    "↑": r"$\uparrow$",
    "→": r"$\rightarrow$",
    "◦": r"$\circ$",
    NBSP: "~",
}
_SIGN = re.compile("|".join(map(re.escape, SIGNS)))

SUFFIXES = (".tex",)


def escape(text: str) -> str:
    r"""A text that LaTeX prints as it is.

    >>> print(escape("lstm-forget_gate ±.01, 5 % & {x}"))
    lstm-forget\_gate $\pm$.01, 5 \% \& \{x\}
    """
    return _SIGN.sub(lambda sign: SIGNS[sign.group()], text)


def draw(table: Table) -> list[str]:
    """The lines of a table, no wider than the text."""
    columns = "".join("r" if column.number else "l" for column in table.columns)
    return [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escape(table.title)}: {escape(table.about)}.}}",
        r"  \resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        f"    {' & '.join(escape(column.title) for column in table.columns)} \\\\",
        r"    \midrule",
        *(f"    {' & '.join(map(_cell, row))} \\\\" for row in table.rows),
        r"    \bottomrule",
        r"  \end{tabular}}",
        *(rf"  \par\smallskip\footnotesize {escape(note)}" for note in table.notes),
        r"\end{table}",
    ]


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    return rf"\textbf{{{text}}}" if cell.best else text


def render(
    suite: Suite, climbs: Sequence[Climb], *, width: int | None = None, color: bool = False, notes: Sequence[str] = ()
) -> str:
    return show(tables.report(suite, climbs, notes))


def show(report: Report) -> str:
    """Any report; what is not a table stands in comments."""
    said = [report.title, report.summary, *report.legend, *report.notes]
    blocks = ["\n".join([HEAD, *(f"% {line}" for line in said)])]
    return "\n\n".join([*blocks, *("\n".join(draw(table)) for table in report.tables)]) + "\n"
