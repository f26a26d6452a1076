"""Two views held against each other -> the report's tables, and the same as values."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import stats
from rnnbench.analysis.comparison import Comparison, Pair
from rnnbench.report import marks
from rnnbench.report.formats import markdown, table
from rnnbench.report.formats.json import strict
from rnnbench.report.model import NBSP, Cell, Column, Report, Table, clean, counted
from rnnbench.report.sections.effects import bound

FORMATS = ("json", "markdown", "table")
KINDS = {False: ("span", "lengths"), True: ("need", "numbers of examples")}  # what rungs give, and are told apart by
SHOWN = 12  # names in a note


def render(found: Comparison, format: str, *, width: int | None = None, color: bool = False) -> str:
    """A comparison in one of FORMATS, as a text that ends in a newline."""
    if format == "json":
        return json.dumps(strict(dataclasses.asdict(found)), indent=2, allow_nan=False) + "\n"
    told = report(found)
    return markdown.show(told) if format == "markdown" else table.show(told, width, color)


def report(found: Comparison) -> Report:
    """What two sides have in common and what they differ in."""
    same = [(pair.runs, pair.equal) for pair in found.pairs if pair.same and pair.equal is not None]
    runs, equal = (sum(column) for column in zip((0, 0), *same, strict=True))
    told = f"; {equal:,} of {counted(runs, 'run')} that both have are equal to the bit" if runs else ""
    return Report(
        title=f"{clean(found.a)} and {clean(found.b)}",
        about="",
        summary=f"{counted(len(found.pairs), 'variant')} on a task that both have{told}",
        tables=tuple(each for each in (_spans(found), _settings(found.pairs), _alone(found)) if each is not None),
        legend=(f"a: {clean(found.a)}", f"b: {clean(found.b)}"),
    )


def _names(pair: Pair) -> tuple[Cell, Cell]:
    return Cell((clean(pair.variant),), pair.variant), Cell((clean(pair.task),), pair.task)


def _spans(found: Comparison) -> Table | None:
    """Pairs x (spans, their difference, equal runs)."""
    if not found.pairs:
        return None
    effects = [pair.effect for pair in found.pairs]
    tell = any(e.least <= 1 - stats.LEVEL for e in effects)
    rows = []
    for pair in found.pairs:
        e = pair.effect
        spans = [marks.span(each, started=True) for each in pair.spans]
        difference = marks.effect(e.octaves, e.bound)
        chances = (marks.p_value(e.p), marks.p_value(e.adjusted)) if tell else ()
        told = "other runs" if not pair.same else "unknown" if pair.equal is None else f"{pair.equal} of {pair.runs}"
        equal = Cell((told,), pair.equal if pair.same else None, "plain" if told[0].isdigit() else "quiet")
        rows.append((*_names(pair), *spans, Cell((str(e.n),), e.n), difference, *chances, equal))
    kinds = {bool(one and one.need): KINDS[bool(one and one.need)] for pair in found.pairs for one in pair.spans}
    names, places = (" or ".join(words) for words in zip(*(kinds[need] for need in sorted(kinds)), strict=True))
    return Table(
        title=f"{names.replace(' or ', 's and ')}s",
        about=f"of each side, and the {names} of b less that of a, paired by seed at the {places} that both have, in "
        f"octaves (log2): mean ± half the 95{NBSP}% t interval"
        + ("; two-sided sign-flip p, adjusted over all rows (step-down max-T)" if tell else "")
        + "; how many of the runs have equal records",
        columns=(
            *(Column("", False), Column("task", False), Column("a"), Column("b"), Column("n"), Column("octaves")),
            *((Column("p"), Column("adjusted")) if tell else ()),
            Column("equal"),
        ),
        rows=tuple(rows),
        notes=(bound(),) if any(e.bound for e in effects) else (),
    )


def _settings(pairs: Sequence[Pair]) -> Table | None:
    """What the runs of pairs differ in, a row a difference; variants that share it together."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for pair in pairs:
        for name, a, b in pair.settings:
            found.setdefault((name, _value(a), _value(b)), []).append(f"{pair.variant} on {pair.task}")
    if not found:
        return None
    rows = [
        (*(Cell((clean(text),), text) for text in texts), Cell((_listed(where),), None))
        for texts, where in found.items()
    ]
    return Table(
        title="settings",
        about="what the runs differ in",
        columns=tuple(Column(title, False) for title in ("", "a", "b", "where")),
        rows=tuple(rows),
    )


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _alone(found: Comparison) -> Table | None:
    if not found.alone:
        return None
    rows = [
        (Cell((clean(what),), what), *(Cell((_listed(names) or marks.MISSING,), None) for names in sides))
        for what, sides in found.alone.items()
    ]
    return Table(
        title="in one alone",
        about="what nothing on the other side is compared with",
        columns=(Column("", False), Column("a", False), Column("b", False)),
        rows=tuple(rows),
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(clean, names[:SHOWN]))
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown
