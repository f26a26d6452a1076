"""Whose luck it is: how much of what varies is the initialisation's and how much the data's, where they are crossed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import luck
from rnnbench.analysis.components import Part, Split
from rnnbench.analysis.luck import Luck
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks, sections
from rnnbench.report.model import NBSP, Cell, Column, Table, clean, counted
from rnnbench.suite import TaskEntry, rungs

EVERY = True
PARTS = ("init", "data", "rest")
END = "≥, ≤, ?: some span is at an end of the ladder: what varies beyond it is not seen, and the mean is a bound"
FLAT = "without shares: all pairs came to the same, which does not say how much others would vary"
BARE = "without brackets: row and column add up to every number, so that nothing says how large the rest may be"


def table(task: TaskEntry, climbs: Sequence[Climb]) -> Table | None:
    """Variants, and their differences from their bases, x the mean, the deviation of a pair, and whose it is."""
    every = luck.lucks(climbs)
    if not every:
        return None
    found = [each for each in every if each.of == "span" or each.missing or each.split is None or each.split.deviation]
    first = found[0]
    pairs = counted(first.init * first.data, "pair")
    scored = any(each.of == "score" for each in found)
    columns = [Column("", False), Column("against", False), *([Column("of", False)] if scored else [])]
    columns += map(Column, ("mean", "deviation", *PARTS))
    return Table(
        title=f"{clean(task.name)}: whose luck",
        about=f"{first.init} initialisations, each trained on each of {first.data} streams of data: mean of the {pairs}"
        " (of spans as a length, of differences in octaves, pair by pair), deviation of one of them (of spans in "
        "octaves), and the share of its variance that is the initialisation's, the data's, and the rest, which is of "
        f"their meeting; with 95{NBSP}% intervals for other initialisations and other data",
        columns=tuple(columns),
        rows=tuple(_row(each, task, scored) for each in found),
        notes=tuple(_notes(found)),
    )


def _row(found: Luck, task: TaskEntry, scored: bool) -> tuple[Cell, ...]:
    of = task.headline if found.place is None else f"score {rungs.at(task, found.place)}"
    names = tuple(Cell((clean(text),), text) for text in (found.variant, found.base, *([of] if scored else [])))
    if found.split is None:
        return (*names, marks.mark(f"{marks.MISSING}{found.missing}"), *[marks.mark(marks.MISSING)] * 4)
    size = found.split.deviation
    told = marks.fixed(size) if found.of == "score" else f"{size:.1f}" if size > 0.05 else "0"
    deviation = Cell((told,), size)
    return (*names, _mean(found), deviation, *(_share(part) for part in parts(found.split)))


def parts(found: Split) -> tuple[Part, Part, Part]:
    """In the order of PARTS."""
    return found.rows, found.columns, found.rest


def _mean(found: Luck) -> Cell:
    if found.base:
        digits = 2 if found.of == "score" else 1
        if found.bound:
            return marks.effect(found.mean, found.bound)
        return Cell(("", *marks.signed(found.mean, digits)), found.mean.value)
    if found.of == "score":
        return Cell(("", marks.fixed(found.mean.value), marks.interval(found.mean)), found.mean.value)
    octaves = found.mean.value
    return Cell((found.bound, marks.length(2.0**octaves), marks.lengths(found.mean)), 2.0**octaves)


def _share(part: Part) -> Cell:
    share = part.share
    if share.value != share.value:  # nothing varies
        return Cell(("",))
    return Cell((marks.fixed(share.value), marks.interval(share)), share.value)


def _notes(found: Sequence[Luck]) -> list[str]:
    splits = [each.split for each in found if each.split]
    bare = any(each.deviation and each.rest.share.low != each.rest.share.low for each in splits)
    notes = [(END, any(each.bound for each in found)), (BARE, bare), (FLAT, any(not each.deviation for each in splits))]
    return [note for note, so in notes if so]


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    keys = sections.keys(climbs)

    def one(found: Luck) -> dict[str, Any]:
        plain = sections.placed(found, keys[found.task]) | {"mean": found.mean._asdict()}
        if found.split:
            told = zip(PARTS, parts(found.split), strict=True)
            shares = {name: {key: value._asdict() for key, value in part._asdict().items()} for name, part in told}
            plain["split"] = {"deviation": found.split.deviation, **shares}
        return plain

    return [one(each) for each in luck.lucks(climbs)]
