"""The results of a suite as Python has them: frames, and in a notebook what is to be seen at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from rnnbench.analysis import verdicts
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.report import answer, frames, render, tables
from rnnbench.report.page import tabled
from rnnbench.report.page.markup import tag
from rnnbench.report.study import Study
from rnnbench.suite import Suite

if TYPE_CHECKING:
    from pandas import DataFrame


class Results:
    """What a store has of a suite, as it was when it was read: `climbs` are the view of it, `curved` reads the same
    with every run's learning curve, which is done when they are first asked for.

    Frames are tidy, with the same columns and types whatever there is; docs/notebooks.md says what each column holds.
    Numbers are those of the report. Of a suite with several budgets, or one that tunes, they are about the stated
    steps and each variant's own choice, but for the frames of budgets and of tuning.
    """

    def __init__(self, suite: Suite, climbs: Sequence[Climb], curved: Callable[[], Sequence[Climb]]) -> None:
        self.suite, self.climbs, self._curved = suite, climbs, curved

    @cached_property
    def curved(self) -> Sequence[Climb]:
        """The view with learning curves."""
        return self._curved()

    def runs(self) -> DataFrame:
        """A row a run: status, score, steps."""
        return frames.frame("runs", self.suite, self.climbs)

    def curves(self) -> DataFrame:
        """A row a look at a run under way: step, loss, score."""
        return frames.frame("curves", self.suite, self.curved)

    def scores(self) -> DataFrame:
        """A row a variant, task and rung: the mean score, and the share of seeds that solve it."""
        return frames.frame("scores", self.suite, self.climbs)

    def spans(self) -> DataFrame:
        """A row a variant and task: the span, with its interval, as a length and in octaves."""
        return frames.frame("spans", self.suite, self.climbs)

    def reach(self) -> DataFrame:
        """A row a variant and task that is tested beyond what is trained on: how far it reaches."""
        return frames.frame("reach", self.suite, self.climbs)

    def need(self) -> DataFrame:
        """A row a variant and task with a ladder of examples: how many it needs."""
        return frames.frame("need", self.suite, self.climbs)

    def effects(self) -> DataFrame:
        """A row a part and task: what it does to the span, in octaves, with an interval and p."""
        return frames.frame("effects", self.suite, self.climbs)

    def interactions(self) -> DataFrame:
        """A row a pair of parts and task: what both do together beyond what each does alone."""
        return frames.frame("interactions", self.suite, self.climbs)

    def budgets(self) -> DataFrame:
        """A row a variant, task and budget of steps: the span at each, and what more steps bring."""
        return frames.frame("budgets", self.suite, self.climbs)

    def tuning(self) -> DataFrame:
        """A row a variant, task and candidate of what is tuned: how its pilots came out, and which is chosen."""
        return frames.frame("tuning", self.suite, self.climbs)

    def claims(self) -> DataFrame:
        """A row a claim of the suite: its verdict, and why."""
        return frames.frame("claims", self.suite, self.climbs)

    def report(self, format: str = "table", *, brief: bool = False) -> str:
        """The report as a text, as `rnnbench report --format` has it: table, markdown, csv, json, latex, html; `brief`,
        of a table: what is to be seen at once."""
        climbs = self.curved if format == "html" else self.climbs
        return render(self.suite, climbs, format, width=100, brief=brief)

    def __str__(self) -> str:
        """What `rnnbench report` shows on a terminal."""
        return self.report(brief=True).rstrip("\n")

    def __repr__(self) -> str:
        return f"<results of {self._title}>"

    @property
    def _title(self) -> str:
        return f"{self.suite.name}: {tables.summary(self.suite, views.at(self.climbs), self.climbs)}"

    def _repr_html_(self) -> str:
        """The answer in sentences, and the spans; every text in it escaped."""
        found = verdicts.verdicts(self.suite, self.climbs)
        said = answer.sentences(self.suite, Study(self.climbs), found)
        headlines = tables.headlines(self.suite, views.at(self.climbs))
        return tag("div", tag("p", self._title), *(tag("p", each) for each in said), *map(tabled.grid, headlines))
