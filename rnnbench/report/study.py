"""What the pictures and sentences of a report are made of: a view, and what is computed over all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rnnbench.analysis import effects, interactions
from rnnbench.analysis.effects import Effect
from rnnbench.analysis.interactions import Interaction
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.suite import TaskEntry


@dataclass(frozen=True)
class Study:
    """`climbs` are all of a view. Effects and interactions are one family each over all tasks, so that a task's are
    taken out of all."""

    climbs: Sequence[Climb]

    @cached_property
    def stated(self) -> list[Climb]:
        """One climb a (variant, task): what the suite states, of a suite that tunes at its own choice."""
        return views.at(self.climbs)

    @cached_property
    def _effects(self) -> list[Effect]:
        return [e for e in effects.effects(self.stated, estimates=False) if e.n]

    @cached_property
    def _interactions(self) -> list[Interaction]:
        return [i for i in interactions.interactions(self.stated) if i.n]

    def of(self, task: TaskEntry) -> list[Climb]:
        """A task's climbs."""
        return [c for c in self.stated if c.ladder.task.name == task.name]

    def effects(self, task: TaskEntry) -> list[Effect]:
        """Those of a task of which any pair of seeds is known."""
        return [e for e in self._effects if e.task == task.name]

    def interactions(self, task: TaskEntry) -> list[Interaction]:
        """Those of a task of which any seed is known."""
        return [i for i in self._interactions if i.task == task.name]
