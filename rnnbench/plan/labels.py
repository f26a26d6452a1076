"""`variant/task/length/seed`, or `variant/task/examples/seed`: what a run is called within a suite, in the words that
a user types."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rnnbench.errors import Exit, UserError, nearest
from rnnbench.plan import Ladder, Plan
from rnnbench.records import Run
from rnnbench.suite import Suite, rungs
from rnnbench.text import printable

PARTS = ("variant", "task", "length", "seed")


@dataclass(frozen=True)
class Named:
    """A run and the ladder of a suite that asks for it."""

    suite: Suite
    ladder: Ladder
    run: Run

    @property
    def label(self) -> str:
        return label(self.ladder, self.run)

    @property
    def filter(self) -> str:
        """What -k is to be given for its rung alone."""
        return f"{self.ladder.variant.name} and {self.ladder.task.name} and {self.ladder.place(self.run.rung)}"


def label(ladder: Ladder, run: Run) -> str:
    return f"{ladder.variant.name}/{ladder.task.name}/{ladder.place(run.rung)}/{run.seed}"


def of_run(plan: Plan, run: Run) -> Named | None:
    """A run as a plan has it; None where it doesn't ask for it."""
    for ladder in plan.ladders:
        if run.rung in ladder.rungs and run.seed in plan.seeds(ladder):
            return Named(plan.suite, ladder, run)
    return None


def of_label(plan: Plan, text: str) -> Named:
    """The run of that label, with the steps that the suite states; UserError, with what of it is unknown."""
    names = text.split("/")
    if len(names) != len(PARTS):
        raise UserError(f"RUN: got '{printable(text, 100)}', expected {'/'.join(PARTS)} or the id of a run")
    variant, task, place, seed = names
    ladders = [ladder for ladder in plan.ladders if ladder.rungs]
    _among("variant", variant, {ladder.variant.name for ladder in ladders}, plan)
    ladders = [ladder for ladder in ladders if ladder.variant.name == variant]
    _among("task", task, {ladder.task.name for ladder in ladders}, plan)
    ladder = next(ladder for ladder in ladders if ladder.task.name == task)
    by_place = {str(ladder.place(rung)): rung for rung in ladder.rungs}
    _among(rungs.words(ladder.task).one, place, by_place, plan)
    seeds = {str(each): each for each in (plan.suite.crossing.every if plan.suite.crossing else plan.suite.seeds)}
    _among("seed", seed, seeds, plan)
    return Named(plan.suite, ladder, Run(by_place[place], seeds[seed]))


def _among(part: str, name: str, known: Collection[str], plan: Plan) -> None:
    """UserError unless a part of a label is one of those that there are."""
    if name not in known:
        got = printable(name, 60)
        want = f"one of {plan.suite.name}; {nearest(got, known)}"
        raise UserError(f"RUN: got the {part} '{got}', expected {want}", code=Exit.NOTHING_SELECTED)
