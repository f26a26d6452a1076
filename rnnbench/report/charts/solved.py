"""The share of seeds that solve a rung: a line a variant, with Jeffreys' interval."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from rnnbench.analysis import spans
from rnnbench.plan.ladders import Climb
from rnnbench.report import lines, marks
from rnnbench.report.axes import rung_axis
from rnnbench.report.charts import Chart
from rnnbench.report.charts.scores import TRAINED, shaded, share
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean
from rnnbench.report.study import Study
from rnnbench.suite import TaskEntry, rungs


def chart(task: TaskEntry, study: Study, series: Mapping[str, Series], look: Look) -> Chart | None:
    """Lengths, or numbers of examples, on a log axis; of one seed there is no share."""
    shown = {series[c.ladder.variant.name]: points for c in study.of(task) if (points := _points(c))}
    if not any(p["n"] > 1 for points in shown.values() for p in points):
        return None
    x = rung_axis(task)
    trained = shaded(task, x)
    return Chart(
        look.spec([*trained, *lines.layers(shown, x, share("share solved"), look)], 0.55 * look.width),
        clean(task.name),
        "share of the seeds that solve it; band: Jeffreys' 95 % interval of the share" + (TRAINED if trained else ""),
        f"Share of seeds that solve {clean(task.name)} at each {rungs.words(task).one}: "
        f"{lines.said(shown, marks.fixed, partial(rungs.at, task))}.",
    )


def _points(climb: Climb) -> list[dict[str, Any]]:
    found = []
    for place, step in zip(climb.places, climb.steps, strict=True):
        score = spans.score(step)
        if score.n:
            ends = {"low": round(score.share.low, 4), "high": round(score.share.high, 4)}
            value = round(score.solved / score.n, 4)
            found.append({"place": place, "value": value, "n": score.n, **ends})
    return found
