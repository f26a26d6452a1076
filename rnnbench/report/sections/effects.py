"""What each part does to the span."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rnnbench.analysis import bars, effects, flips, stats
from rnnbench.analysis.effects import Effect
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks, sections
from rnnbench.report.model import NBSP, Cell, Column, Table, clean, counted
from rnnbench.report.sections import FLAT, ByTask

OTHER = (
    f"at other bars ({', '.join(map(marks.fixed, bars.BARS))} as the score that counts as solved), where runs can tell"
)


def sign(headlines: Collection[str]) -> str:
    """Which sign of an effect is the bad one, where that isn't plain."""
    return "; +, of a need: more examples" if "need" in headlines else ""


def bound(what: str = "span") -> str:
    """What the signs of a bound mean, of spans or others."""
    return (
        f"≥, ≤, ?: at least, at most, or either, since in some pair one {what} is at an end of the ladder: the end of "
        "the interval that is left"
    )


def normal(what: str = "span") -> str:
    """What is said beside a bound."""
    many = "reaches" if what == "reach" else f"{what}s"
    return f"if normal: the mean, and its 95{NBSP}% interval, were {many} beyond the ladder those of normal differences"


def tables(by_task: ByTask) -> list[Table]:
    """Parts x measures, all tasks in one table: what each part does to the span. p values only where n could reach one;
    what is the same in all rows is told above them."""
    found = effects.effects(sections.every(by_task))
    if not any(e.n for e in found):
        return []
    tell = any(e.least <= 1 - stats.LEVEL for e in found)
    open_ended = any(e.bound for e in found)
    told = any(map(_verdict, found))
    bases, numbers = {e.base for e in found}, {e.n for e in found}
    columns = [
        Column("", False),
        Column("task", False),
        *([Column("against", False)] if len(bases) > 1 else []),
        *([Column("n")] if len(numbers) > 1 else []),
        Column("octaves"),
        *([Column("if normal")] if open_ended else []),
        *([Column("p"), Column("adjusted"), Column("tells")] if tell else []),
        *([Column("verdict", False)] if told else []),
    ]
    rows = []
    for e in found:
        names = (_name(e), e.task, *([e.base] if len(bases) > 1 else []))
        verdict = _verdict(e)
        rows.append((
            *(Cell((clean(name),), clean(name)) for name in names),
            *([Cell((str(e.n),), e.n)] if len(numbers) > 1 else []),
            marks.effect(e.octaves, e.bound),
            *([_estimate(e)] if open_ended else []),
            *([marks.p_value(e.p), marks.p_value(e.adjusted), _tells(e)] if tell else []),
            *([Cell((verdict,), verdict, "quiet" if verdict.startswith("both") else "plain")] if told else []),
        ))  # fmt: skip
    others = bars.effect_outcomes(sections.every(by_task)) if tell else {}
    kinds = sorted({task.headline for task, _ in by_task}, reverse=True)
    about = f"{' or '.join(kinds)} {_about(found, tell)}{sign(kinds)}"
    notes = tuple(_notes(found, tell, others, kinds[0] if len(kinds) == 1 else "span"))
    return [Table("effects", about, tuple(columns), tuple(rows), notes)]


def _about(found: Sequence[Effect], tell: bool) -> str:
    tested = counted(sum(e.n > 0 for e in found), "effect")
    bases, numbers = {e.base for e in found}, {e.n for e in found}
    primary = sum(e.primary for e in found)
    ones = "primary one" if primary == 1 else f"{primary} primary ones"
    first = f", the {ones} (*) at {100 * flips.PRIMARY:.0f}{NBSP}% of the level" if primary else ""
    return (
        f"of the variant less that of {clean(*bases) if len(bases) == 1 else 'its base'}, paired by seed"
        + (f" (n = {min(numbers)})" if len(numbers) == 1 else "")
        + f", in octaves (log2): mean ± half the 95{NBSP}% t interval"
        + (
            f"; two-sided sign-flip p; adjusted over {tested} (step-down max-T{first}); tells: the least effect that "
            "would be told of in four suites of five"
            if tell
            else ""
        )
        + (
            "; differs: the adjusted p is at most .05; alike: within "
            f"{effects.MARGIN:g} octaves (two one-sided tests at 5{NBSP}%)"
            if any(e.outcome for e in found)
            else ""
        )
    )


def _notes(
    found: Sequence[Effect], tell: bool, others: Mapping[tuple[str, str], Mapping[float, str]], what: str
) -> list[str]:
    least = marks.p_value(min(e.least for e in found)).text
    moved = [
        f"{clean(variant)} on {clean(task)} {marks.bars(there)}" for (task, variant), there in others.items() if there
    ]
    return [
        *([] if tell else [f"n too small for p values: the least that could be reached is {least}"]),
        *([f"{bound(what)}; {normal(what)}"] if any(e.bound for e in found) else []),
        *([FLAT] if any(e.n > 1 and not e.bound and marks.flat(e.octaves) for e in found) else []),
        *([f"{OTHER}: {'; '.join(moved)}"] if moved else []),
    ]


def _name(e: Effect) -> str:
    return f"{e.variant} *" if e.primary else e.variant


def _verdict(e: Effect) -> str:
    return "both at the top" if e.top else "both at the bottom" if e.bottom else e.outcome


def _estimate(e: Effect) -> Cell:
    if not e.bound:
        return Cell(("",))
    return Cell(marks.around(e.estimate), e.estimate.value) if math.isfinite(e.estimate.value) else marks.mark("?")


def _tells(e: Effect) -> Cell:
    if math.isnan(e.detectable):
        return Cell(("",))
    return Cell(("none" if math.isinf(e.detectable) else f"{e.detectable:.1f}",), e.detectable)


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    others = bars.effect_outcomes(climbs)

    def one(effect: Effect) -> dict[str, Any]:
        estimates = {name: getattr(effect, name)._asdict() for name in ("rungs", "octaves", "estimate")}
        return (
            {field.name: getattr(effect, field.name) for field in dataclasses.fields(effect)}
            | estimates
            | {"other_bars": {f"{bar:g}": outcome for bar, outcome in others[effect.task, effect.variant].items()}}
        )

    return [one(effect) for effect in effects.effects(climbs)]
