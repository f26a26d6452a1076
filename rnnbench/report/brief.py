"""What a report says first, on two screens: the answer in sentences, spans and reaches with a small curve each, the
effects that are told, what a suite asks for besides, the claims. And how any of a report's parts are picked by name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rnnbench.analysis import advice, spans, verdicts
from rnnbench.analysis.verdicts import Verdict
from rnnbench.errors import UserError, nearest
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.report import answer, broken, curves, marks, tables
from rnnbench.report.model import Cell, Column, Report, Table, clean
from rnnbench.report.sections import effects
from rnnbench.report.study import Study
from rnnbench.suite import Suite
from rnnbench.text import printable

WIDEST = 12  # blocks of a small curve
TOLD = ("differs", "alike")  # verdicts on effects that say something
ASKED = (
    "spans_by_budget",
    "tuned_effects",
    "starts",
    "luck",
)  # sections that are there only where a suite asks for them
HEADLINES = {"span": "spans", "reach": "spans", "need": "spans"}  # the part in which each stands
LEFT_OUT = ("if normal", "p", "tells")  # columns of effects
MORE = "more: --all (scores at each length, all effects, steps to solve, costs), --only PART,PART"


def chosen(text: str) -> tuple[str, ...]:
    """The parts that are named, with commas between; UserError where one is none."""
    names = tuple(HEADLINES.get(name.strip(), name.strip()) for name in text.split(","))
    for name in names:
        if name not in tables.parts():
            got = printable(name, 100)
            raise UserError(f"--only: got '{got}', expected parts of a report; {nearest(name, tables.parts())}")
    return names


def only(suite: Suite, climbs: Sequence[Climb], wanted: Sequence[str], notes: Sequence[str] = ()) -> Report:
    """A report of these parts alone."""
    found = tables.report(suite, climbs, notes, only=wanted)
    return replace(found, legend=marks.legend(found.tables))


def report(suite: Suite, climbs: Sequence[Climb], notes: Sequence[str] = ()) -> Report:
    """What is to be seen at once."""
    whole = tables.report(suite, climbs, notes, only=("effects", *ASKED))
    stated = views.at(climbs)
    found = verdicts.verdicts(suite, climbs)
    few = advice.seeds(suite, stated, verdicts.MINIMUM) if advice.few(suite) else ""
    told = found if few else advice.advised(suite, stated, found)
    sign = effects.sign({climb.ladder.task.headline for climb in stated})
    kept = [
        *tables.headlines(suite, stated, _curve),
        *(some for table in whole.tables if table.kind == "effects" and (some := _told(table, sign)) is not None),
        *(table for table in whole.tables if table.kind in ASKED and table.kind != "starts"),
        *_starts([table for table in whole.tables if table.kind == "starts"]),
        *([_claims(told, few)] if found else []),
    ]
    sentences = answer.sentences(suite, Study(climbs), found)
    return replace(
        whole,
        tables=tuple(kept),
        answer=tuple(sentences),
        legend=(*marks.legend(kept), MORE),
        notes=(*broken.notes(stated), *broken.failed([c for c in climbs if c.ladder.choice == "pilot"]), *whole.notes),
    )


def _curve(cell: Cell, climb: Climb) -> Cell:
    """A cell with the mean score at each rung before it, in blocks; where a ladder is searched, so that seeds were at
    different rungs, with the share of seeds that solve it. A dot where nothing is known."""
    if not tables.started(climb):
        return cell
    heights = map(_share if climb.searches else _score, climb.steps)
    return replace(cell, parts=(curves.linear(list(heights), WIDEST).replace(" ", "·"), *cell.parts))


def _score(step: RungState) -> float | None:
    score = spans.score(step).score.value
    return None if math.isnan(score) else score


def _share(step: RungState) -> float | None:
    known = [solved for solved in step.verdicts if solved is not None]
    return sum(known) / len(known) if known else None


def _told(table: Table, sign: str) -> Table | None:
    """The effects of a table that are told from 0, or as none; None where there are no such. `sign`: what is to be said
    of that of their numbers."""
    places = [k for k, column in enumerate(table.columns) if column.title == "verdict"]
    rows = [row for row in table.rows if any(row[k].text in TOLD for k in places)]
    left = len(table.rows) - len(rows)
    if not rows:
        return None
    kept = [k for k, column in enumerate(table.columns) if column.title not in LEFT_OUT]
    about = "in octaves, paired by seed; adjusted: the p over all effects of the suite; alike: within half an octave"
    about += sign + (f"; {left} more can't be told" if left else "")
    octaves = next(k for k, column in enumerate(table.columns) if column.title == "octaves")
    bounded = any(row[octaves].text[:1] in marks.BEFORE for row in rows)
    return replace(
        table,
        about=about,
        columns=tuple(table.columns[k] for k in kept),
        rows=tuple(tuple(row[k] for k in kept) for row in rows),
        notes=(effects.bound(),) if bounded else (),
    )


def _starts(tables: Sequence[Table]) -> Iterator[Table]:
    """The answers alone, of all tasks in one table: whether it is a part, or where it starts."""
    if tables:
        notes = tuple(f"{table.title.partition(':')[0]}: {note}" for table in tables for note in table.notes)
        yield Table("the part, or where it starts", "", (Column("", False),), (), notes, "starts")


def _claims(found: Sequence[Verdict], few: str) -> Table:
    """Claims x verdict, and why, those that hold aside; claims with one reason have it once. `few`: what would decide
    those that have too few seeds."""
    reasons: dict[str, list[str]] = {}
    for v in found:
        if v.outcome != "holds":
            reasons.setdefault(clean(v.why), []).append(str(v.claim.number))
    notes = tuple(f"{', '.join(numbers)}: {why}" for why, numbers in reasons.items())
    more = (f"for {verdicts.MINIMUM} seeds: {few}",) if few else ()
    return Table(
        "claims",
        "",
        (Column("", False), Column("verdict", False)),
        tuple(map(marks.claim, found)),
        (*notes, *more),
        "claims",
    )
