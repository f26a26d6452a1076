"""Score against length, or number of examples: a line a variant, its interval where it has one, and the task's bar."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from rnnbench import registry
from rnnbench.analysis import spans
from rnnbench.plan.ladders import Climb
from rnnbench.report import lines, marks
from rnnbench.report.axes import rung_axis
from rnnbench.report.charts import Chart, Spec
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean
from rnnbench.report.study import Study
from rnnbench.suite import TaskEntry, rungs


def chart(task: TaskEntry, study: Study, series: Mapping[str, Series], look: Look) -> Chart | None:
    """Rungs on a log axis, mean scores from 0 to 1; a rung that was pruned or not run has no point."""
    shown = {series[c.ladder.variant.name]: points for c in study.of(task) if (points := _points(c))}
    if not shown:
        return None
    bar = float(registry.task_class(task.task["task"]).bar)
    x = rung_axis(task)
    trained = shaded(task, x)
    banded = any("low" in p for points in shown.values() for p in points)
    layers = [*trained, *lines.rule(bar, f"bar {marks.fixed(bar)}"), *lines.layers(shown, x, share("score"), look)]
    about = "mean score of the seeds on held-out examples; dashed: the task's bar"
    return Chart(
        look.spec(layers, 0.55 * look.width),
        clean(task.name),
        about + ("; band: 95 % interval" if banded else "") + (TRAINED if trained else ""),
        f"Mean score against {rungs.words(task).name} on {clean(task.name)}, bar {marks.fixed(bar)}: "
        f"{lines.said(shown, marks.fixed, partial(rungs.at, task))}.",
    )


TRAINED = "; shaded: the lengths that were trained on"


def share(title: str) -> Spec:
    """An axis from 0 to 1."""
    ticks = {"values": [0, 0.25, 0.5, 0.75, 1], "format": ".2~f"}
    return {"field": "value", "type": "quantitative", "title": title, "scale": {"domain": [0, 1]}, "axis": ticks}


def shaded(task: TaskEntry, x: Spec) -> list[Spec]:
    """Of one training that is tested at many lengths: those up to which it trained."""
    if not task.train:
        return []
    ends = {"values": [{"from": x["scale"]["domain"][0], "upto": task.trained[-1]}]}
    across = {"x": x | {"field": "from"}, "x2": {"field": "upto"}}
    return [{"data": ends, "mark": {"type": "rect", "opacity": 0.12, "color": "#8C8C8C"}, "encoding": across}]


def _points(climb: Climb) -> list[dict[str, Any]]:
    """What is known of each rung: its mean score, and an interval where it has one."""
    found = []
    for place, step in zip(climb.places, climb.steps, strict=True):
        value, low, high = spans.score(step).score
        if math.isfinite(value):
            ends = {"low": round(low, 4), "high": round(high, 4)} if math.isfinite(high - low) else {}
            found.append({"place": place, "value": round(value, 4), **ends})
    return found
