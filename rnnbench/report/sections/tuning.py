"""The whole sweep of a suite that tunes, what each variant chose, and what a smaller sweep would have found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rnnbench.analysis import tuning
from rnnbench.analysis.tuning import Sweep
from rnnbench.plan.ladders import Climb
from rnnbench.plan.tuning import Chosen
from rnnbench.report import marks
from rnnbench.report.model import Cell, Column, Table, clean, counted
from rnnbench.suite import TaskEntry
from rnnbench.suite.tuning import label

EVERY = True
CHOSEN = "◆"


def table(task: TaskEntry, climbs: Sequence[Climb]) -> Table | None:
    """Variants x candidates, the choice marked; its margin; the expected best of so many trials."""
    found = tuning.sweeps(climbs)
    if not found:
        return None
    candidates = [trial.candidate for trial in found[0].chosen.trials]
    budgets = powers_of_two(len(candidates))
    pilots = next(climb for climb in climbs if climb.ladder.choice == "pilot" and climb.steps)
    lengths = ", ".join(str(step.rung.length) for step in pilots.steps)
    seeds = counted(len(pilots.steps[0].records), "pilot seed")
    return Table(
        title=f"{clean(task.name)}: tuning",
        about=f"mean validation of each candidate's pilots, {seeds} at {lengths}; "
        f"{CHOSEN} chosen, its margin over the next; equals by steps to solve, then loss; best of k: expected best "
        "validation of k trials drawn from these",
        columns=(
            Column("", False),
            *(Column(label(candidate)) for candidate in candidates),
            Column("margin"),
            *(Column(f"best of {k}") for k in budgets),
        ),
        rows=tuple(_row(sweep, budgets) for sweep in found),
        notes=(*_edges(found), *_undecided(found)),
    )


def powers_of_two(n: int) -> list[int]:
    """
    >>> powers_of_two(4), powers_of_two(6), powers_of_two(1)
    ([1, 2, 4], [1, 2, 4, 6], [1])
    """
    return [*(2**k for k in range(n.bit_length()) if 2**k < n), n]


def _row(sweep: Sweep, budgets: Sequence[int]) -> tuple[Cell, ...]:
    expected = [
        Cell((marks.fixed(sweep.expected[k - 1], 3),), sweep.expected[k - 1])
        if k <= len(sweep.expected)
        else marks.mark(marks.MISSING)
        for k in budgets
    ]
    name = Cell((clean(sweep.variant),), clean(sweep.variant))
    return (name, *_trials(sweep.chosen), _margin(sweep.chosen), *expected)


def _trials(chosen: Chosen) -> list[Cell]:
    """`◆ .98` a trial; the mean steps to solve, too, of those that only these tell apart."""
    best = None if chosen.best is None else chosen.trials[chosen.best].score
    tied = sum(trial.score == best for trial in chosen.trials) > 1
    cells = []
    for k, trial in enumerate(chosen.trials):
        if not trial.eligible:
            left = ((marks.FAILED, trial.broken), (marks.MISSING, trial.missing))
            cells.append(marks.mark(" ".join(f"{sign}{count}" for sign, count in left if count), 1))
            continue
        steps = f"{trial.steps:.0f} steps" if tied and trial.score == best else ""
        sign, is_best = (CHOSEN, True) if k == chosen.best else ("", False)
        cells.append(Cell((sign, marks.fixed(trial.score), steps), trial.score, marks.tone(trial.score), is_best))
    return cells


def _margin(chosen: Chosen) -> Cell:
    """By how much the choice is better than the next: in validation, else in steps, else in loss."""
    if chosen.best is None or chosen.second is None:
        return marks.mark(marks.MISSING)
    best, second = chosen.trials[chosen.best], chosen.trials[chosen.second]
    if chosen.margin:
        return Cell((marks.fixed(chosen.margin, 3),), chosen.margin)
    if best.steps != second.steps:
        return Cell((f"{second.steps - best.steps:.0f} steps",), 0.0)
    return Cell(("loss" if best.loss_nats != second.loss_nats else "none",), 0.0)


def _edges(found: Sequence[Sweep]) -> list[str]:
    """Which choices are at an edge of the sweep, in one line."""
    names: dict[str, list[str]] = {}
    for sweep in found:
        for edge in sweep.edges:
            what = f"{label({edge.setting: edge.value})}, the {'largest' if edge.largest else 'least'} tried"
            names.setdefault(what, []).append(clean(sweep.variant))
    told = "; ".join(f"{what}: {', '.join(variants)}" for what, variants in names.items())
    return [f"at an edge of the sweep, beyond which may be better: {told}"] if told else []


def _undecided(found: Sequence[Sweep]) -> list[str]:
    """For whom nothing is chosen, and why."""
    groups = {
        "not chosen yet, since pilots are missing": [s.variant for s in found if not s.chosen.done],
        "nothing to choose, since of each candidate a pilot broke": [
            s.variant for s in found if s.chosen.done and s.chosen.best is None
        ],
    }
    return [f"{why}: {', '.join(map(clean, names))}" for why, names in groups.items() if names]


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    return [_sweep(sweep) for sweep in tuning.sweeps(climbs)]


def _sweep(sweep: Sweep) -> dict[str, Any]:
    chosen = sweep.chosen
    return {
        "variant": sweep.variant,
        "task": sweep.task,
        "chosen": chosen.candidate,
        "margin": chosen.margin,
        "edges": [asdict(edge) for edge in sweep.edges],
        "expected_best": list(sweep.expected),
        "trials": [asdict(trial) for trial in chosen.trials],
    }
