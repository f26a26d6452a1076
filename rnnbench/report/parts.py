"""What parts do -> the report's tables: each alone, every two together, on the score, on the steps to solve."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.analysis import stats, verdicts
from rnnbench.analysis.effects import Effect, ScoreEffect
from rnnbench.analysis.effort import Pace
from rnnbench.analysis.interactions import Interaction
from rnnbench.report import marks
from rnnbench.report.model import NBSP, Cell, Column, Table, clean, counted
from rnnbench.suite import TaskEntry

BOUND = "≥, ≤, ?: at least, at most, or either: in some pair one span is at an end of the ladder"
BOUND_OF_FOUR = "≥, ≤, ?: at least, at most, or either: for some seed one of the spans is at an end of the ladder"
FLAT = "without ±: the seeds all came to the same, which does not say how much others would vary"
SIDES = "p is 1 where that could make an interaction 0"


def alone(task: TaskEntry, found: Sequence[Effect]) -> Table:
    """Parts x measures: what each part does to the span. p values only where n and the parts could reach one."""
    tell = any(e.least <= 1 - stats.LEVEL for e in found)
    ends = ["both at the top" if e.top else "both at the bottom" if e.bottom else "" for e in found]
    rows = []
    for e, end in zip(found, ends, strict=True):
        names = Cell((clean(e.variant),), clean(e.variant)), Cell((clean(e.base),), clean(e.base))
        sizes = [Cell((bound, *marks.signed(x)), x.value) for x, bound in ((e.rungs, e.bound), (e.octaves, e.bound))]
        chances = (marks.p_value(e.p), marks.p_value(e.holm), marks.p_value(e.least)) if tell else ()
        remark = (Cell((end,), end, "quiet"),) if any(ends) else ()
        rows.append((*names, Cell((str(e.n),), e.n), *sizes, *chances, *remark))
    tested = counted(sum(e.n > 0 for e in found), "part")
    least = marks.p_value(min(e.least for e in found)).text
    numbers = ("n", "rungs", "octaves", *(("p", "Holm", "least") if tell else ()))
    return Table(
        title=f"{clean(task.name)}: effects",
        about="span of the variant less that of its base, paired by seed, in rungs and octaves (log2): mean ± half the "
        f"95{NBSP}% t interval"
        + (f"; two-sided sign-flip p, Holm's adjustment over {tested}, the least it could reach" if tell else ""),
        columns=(
            *(Column("", False), Column("against", False)),
            *(Column(title) for title in numbers),
            *([Column("", False)] if any(ends) else []),
        ),
        rows=tuple(rows),
        notes=(
            *([] if tell else [f"n too small for p values: over {tested} the least that could be reached is {least}"]),
            *([BOUND] if any(e.bound for e in found) else []),
            *([FLAT] if any(e.n > 1 and marks.flat(e.octaves) for e in found) else []),
        ),
    )


def joint(task: TaskEntry, found: Sequence[Interaction]) -> Table:
    """Pairs x measures: what two parts do together that they don't do alone."""
    tell = any(i.least <= 1 - stats.LEVEL for i in found)
    rows = []
    for i in found:
        alone = [
            Cell((size.bound, marks.difference(size.octaves)), size.octaves) for size in (i.first, i.second, i.both)
        ]
        sizes = [Cell((i.bound, *marks.signed(x)), x.value) for x in (i.rungs, i.octaves)]
        chances = (marks.p_value(i.p), marks.p_value(i.holm), marks.p_value(i.least)) if tell else ()
        rows.append((Cell((clean(i.variant),), clean(i.variant)), Cell((str(i.n),), i.n), *alone, *sizes, *chances))
    tested = counted(sum(i.n > 0 for i in found), "pair")
    least = marks.p_value(min(i.least for i in found)).text
    numbers = ("n", "first", "second", "both", "rungs", "octaves", *(("p", "Holm", "least") if tell else ()))
    bounds = {bound for i in found for bound in (i.bound, i.first.bound, i.second.bound, i.both.bound)}
    return Table(
        title=f"{clean(task.name)}: interactions",
        about="effect of both parts less that of the first and that of the second alone (each in octaves), paired by "
        f"seed, in rungs and octaves: mean ± half the 95{NBSP}% t interval; 0 where each does the same with the other "
        "as without it"
        + (f"; two-sided sign-flip p, Holm's adjustment over {tested}, the least it could reach" if tell else ""),
        columns=(Column("", False), *(Column(title) for title in numbers)),
        rows=tuple(rows),
        notes=(
            *([] if tell else [f"n too small for p values: over {tested} the least that could be reached is {least}"]),
            *([f"{BOUND_OF_FOUR}; {SIDES}" if tell else BOUND_OF_FOUR] if bounds != {""} else []),
            *([FLAT] if any(i.n > 1 and marks.flat(i.octaves) for i in found) else []),
        ),
    )


def scores(task: TaskEntry, found: Sequence[ScoreEffect]) -> Table:
    """Parts x lengths: what each part does to the score."""
    by_name = {(e.variant, e.length): e for e in found}
    rows = []
    for variant, base in dict.fromkeys((e.variant, e.base) for e in found):
        every = [by_name.get((variant, length)) for length in task.lengths]
        cells = [Cell(marks.signed(e.score, 2), e.score.value) if e else Cell(("",)) for e in every]
        rows.append((Cell((clean(variant),), clean(variant)), Cell((clean(base),), clean(base)), *cells))
    return Table(
        title=f"{clean(task.name)}: effects on the score",
        about=f"score of the variant less that of its base at each length, paired by seed: mean ± half the 95{NBSP}% t "
        "interval; without p, since there are many",
        columns=(Column("", False), Column("against", False), *(Column(str(length)) for length in task.lengths)),
        rows=tuple(rows),
        notes=(FLAT,) if any(e.n > 1 and marks.flat(e.score) for e in found) else (),
    )


def paces(task: TaskEntry, found: Sequence[Pace], seeds: int) -> Table:
    """Parts x lengths: how much longer it takes to solve the task without, or with, each part; lengths and parts of
    which nothing is known are left out."""
    known = [pace for pace in found if pace.length is not None]
    ratios = [{ratio.length: ratio for ratio in pace.ratios} for pace in known]
    lengths = sorted({length for own in ratios for length, ratio in own.items() if ratio.known})
    tell = any(pace.least <= 1 - stats.LEVEL for pace in known)
    rows = []
    for pace, own in zip(known, ratios, strict=True):
        names = Cell((clean(pace.variant),), clean(pace.variant)), Cell((clean(pace.base),), clean(pace.base))
        chances = [marks.p_value(p) for p in (pace.p, pace.holm, pace.least)]
        test = (Cell((str(pace.length),), pace.length), *chances) if tell else ()
        rows.append((*names, *(marks.ratio(own[length], seeds) for length in lengths), *test))
    headings = (*map(str, lengths), *(("at", "p", "Holm", "least") if tell else ()))
    enough = seeds >= verdicts.MINIMUM
    tested = f"; two-sided sign test at one length, Holm's adjustment over {counted(len(known), 'part')}, the least it"
    return Table(
        title=f"{clean(task.name)}: effects on the steps to solve",
        about=f"steps of the variant over those of its base, paired by seed: median ratio of {counted(seeds, 'seed')}"
        + (f" and its 95{NBSP}% interval" if enough else "")
        + "; ≥, ≤, ?: runs that did not solve took more than their budget"
        + (f"{tested} could reach" if tell else ""),
        columns=(Column("", False), Column("against", False), *(Column(title) for title in headings)),
        rows=tuple(rows),
        notes=() if enough else (f"n too small for intervals and p: {verdicts.MINIMUM} seeds needed",),
    )
