"""What each part does to the span with each variant at its own choice, and with all at that of the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnnbench.analysis import tuning
from rnnbench.analysis.effects import Effect
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.model import NBSP, Cell, Column, Table, clean
from rnnbench.suite import TaskEntry
from rnnbench.suite.tuning import label

EVERY = True


def table(task: TaskEntry, climbs: Sequence[Climb]) -> Table | None:
    """Parts x choices, of those parts alone whose choices differ."""
    found = [both for both in tuning.both(climbs) if both.own.n or both.base.n]
    if not found:
        return None
    rows = []
    for both in found:
        names = (Cell((clean(name),), clean(name)) for name in (both.own.variant, both.own.base))
        remark = "they part" if both.parts else ""
        rows.append((*names, *_side(both.chosen, both.own), *_side(both.at_base, both.base),
                     Cell((remark,), remark, "alarm" if remark else "quiet")))  # fmt: skip
    side = (Column("n"), Column("octaves"))
    return Table(
        title=f"{clean(task.name)}: effects, each at its own choice and all at the base's",
        about="of the parts whose choices differ: span of the variant less that of its base in octaves, mean ± half "
        f"the 95{NBSP}% t interval; they part: another sign, or only one is told from 0",
        columns=(
            *(Column("", False), Column("against", False)),
            *(Column("its own", False), *side, Column("the base's", False), *side),
            Column("", False),
        ),
        rows=tuple(rows),
    )


def _side(candidate: Mapping[str, Any], effect: Effect) -> tuple[Cell, ...]:
    text = label(candidate)
    size = marks.effect(effect.octaves, effect.bound)
    return Cell((text,), text), Cell((str(effect.n),), effect.n), size


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    return [
        {
            "task": both.own.task,
            "variant": both.own.variant,
            "base": both.own.base,
            "own": _values(both.chosen, both.own),
            "at_base": _values(both.at_base, both.base),
            "parts": both.parts,
        }
        for both in tuning.both(climbs)
    ]


def _values(candidate: Mapping[str, Any], effect: Effect) -> dict[str, Any]:
    return {"settings": dict(candidate), "n": effect.n, "octaves": effect.octaves._asdict(), "bound": effect.bound}
