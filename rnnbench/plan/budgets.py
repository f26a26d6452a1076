"""One (variant, task) with several budgets of steps: which record of a shorter run tells what a longer one comes to.

A run that stops because it is solved looks at nothing but how far it has come: with more steps to spend it would have
stopped at the same look, to the same bits. So its record is known without training, but for its id, and the view has
the shorter run's own record in its place; nothing is stored under an id that was never trained. It is known of no run
that spent all its steps, and of none whose learning rate depends on how many there are (`schedule`). One that
diverged is trained again: to tell that it never would have been solved takes the whole budget.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.plan import Ladder
from rnnbench.records import Record, Rung
from rnnbench.settings import Settings


def below(ladders: Sequence[Ladder]) -> list[int | None]:
    """For each ladder the place of the same one with the next fewer steps; None where there is none."""
    found: dict[tuple[str, str, object], int] = {}
    places = []
    for i, ladder in enumerate(ladders):
        key = ladder.variant.name, ladder.task.name, ladder.choice
        places.append(found.get(key))
        found[key] = i
    return places


def steps(rung: Rung) -> int:
    """How many steps its runs may take."""
    return int(rung.settings.get("steps", Settings.steps))


def derived(rung: Rung, record: Record | None) -> bool:
    """Whether what a rung has of a seed is the record of a run with fewer steps."""
    return record is not None and steps(record.run.rung) != steps(rung)


def stands(record: Record | None, rung: Rung) -> bool:
    """Whether a record tells what the same run comes to with the steps of a rung, which has more."""
    if record is None or record.status not in ("solved", "unsolved"):
        return False
    constant = rung.settings.get("schedule", Settings.schedule) == "constant"
    return constant and record.steps < steps(record.run.rung)


def told(own: Record | None, lower: Record | None) -> Record | None:
    """Of a run's own record and of one that stands for it, that which is shown: its own, unless it broke."""
    return lower if lower is not None and (own is None or not own.finished) else own
