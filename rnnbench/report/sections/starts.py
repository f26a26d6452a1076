"""Whether it is a part that does something, or where it starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import starts
from rnnbench.analysis.effects import Effect
from rnnbench.analysis.starts import Question, Start
from rnnbench.analysis.verdicts import MINIMUM
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.model import NBSP, Cell, Column, Table, clean
from rnnbench.suite import TaskEntry
from rnnbench.suite.points import told


def table(task: TaskEntry, climbs: Sequence[Climb]) -> Table | None:
    """Starts x (what the start does, what changing the part does from there), and an answer to each question."""
    found = [q for q in starts.questions(climbs) if any(s.left.n for s in q.starts)]
    if not found:
        return None
    rows = []
    for question in found:
        for start in question.starts:
            name, where = clean(question.variant), clean(told(start.start))
            moved = _size(start.moved) if start.moved else Cell(("",))
            rows.append((Cell((name,), name), Cell((where,), where), _count(start), moved, _size(start.left)))
    return Table(
        title=f"{clean(task.name)}: the part, or where it starts",
        about=f"what the start does: {task.headline} of the base where the part starts so, less that where it starts "
        f"as its own (the first row); what the part does from there: {task.headline} of the variant less that of the "
        "base where the part "
        f"starts so; paired by seed, in octaves: mean ± half the 95{NBSP}% t interval",
        columns=(
            *(Column(title, False) for title in ("", "starts at")),
            *(Column(title) for title in ("n", "the start", "the part")),
        ),
        rows=tuple(rows),
        notes=tuple(answer(each, task) for each in found),
    )


def answer(question: Question, task: TaskEntry) -> str:
    """The question and its answer, in a sentence or two."""
    part = clean(question.part.lstrip("+-"))
    changed = f"{'with' if question.part.startswith('+') else 'without'} {part}"
    base, by, own = clean(question.base), question.by, question.starts[0]
    at = clean(told(by.start))
    n = f"n{NBSP}{by.left.n}"
    comes = "needs as many examples as" if task.headline == "need" else "reaches as far as"
    if question.answer == "start":
        said = f"where it starts: with {at} {base} {comes} {changed} (difference {_text(by.left)} octaves, {n})"
        said += f", where with {clean(told(own.start))} it is {_text(own.left)}"
    elif question.answer == "both":
        said = f"both: {at} alone makes {_text(by.moved)} octaves, and {changed} it is still {_text(by.left)} ({n})"
    elif question.answer == "part":
        sizes = "; ".join(f"{_text(s.left)} against {clean(told(s.start))}" for s in question.starts)
        said = f"the part, wherever it starts: {changed} it is {sizes} ({n})"
    elif question.answer == "nothing":
        said = f"neither: {changed} no difference is told ({_text(own.left)} octaves, {n})"
    else:
        few = f"too few seeds ({by.left.n}, {MINIMUM} needed)" if by.left.n < MINIMUM else "these seeds can't tell"
        said = f"{few}; {changed} it is {_text(own.left)} octaves, and {_text(by.left)} against {at}"
    return f"{part}, or where it starts? {said[0].upper()}{said[1:]}"


def _text(effect: Effect | None) -> str:
    return _size(effect).text if effect else ""


def _size(effect: Effect) -> Cell:
    return marks.effect(effect.octaves, effect.bound)


def _count(start: Start) -> Cell:
    return Cell((str(start.left.n),), start.left.n)


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    return [
        {
            "task": q.task,
            "variant": q.variant,
            "base": q.base,
            "part": q.part,
            "answer": q.answer,
            "by": q.by.start,
            "starts": [
                {"start": s.start, "variant": s.variant, "moved": _value(s.moved), "left": _value(s.left)}
                for s in q.starts
            ],
        }
        for q in starts.questions(climbs)
    ]


def _value(effect: Effect | None) -> dict[str, Any] | None:
    return {"n": effect.n, "octaves": effect.octaves._asdict(), "bound": effect.bound} if effect else None
