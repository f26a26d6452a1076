"""Steps to solve against length, or number of examples: the middle seed of each variant, censored at its budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rnnbench.analysis.effort import middle
from rnnbench.plan.ladders import Climb
from rnnbench.plan.reach import folded
from rnnbench.report.axes import rung_axis
from rnnbench.report.charts import Chart, Spec
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean
from rnnbench.report.study import Study
from rnnbench.suite import TaskEntry, rungs


def chart(task: TaskEntry, study: Study, series: Mapping[str, Series], look: Look) -> Chart | None:
    """Both axes log. A hollow triangle: the middle seed had not solved it by then. One training that is tested at many
    lengths has no line to draw, and a search trains which seeds it likes."""
    shown = {series[c.ladder.variant.name]: _points(folded(c)) for c in study.of(task)}
    shown = {one: points for one, points in shown.items() if points}
    if task.train or task.search != "climb" or not any(not p["censored"] for points in shown.values() for p in points):
        return None
    names = {one.name: one for one in shown}
    x = rung_axis(task)
    y: Spec = {"field": "steps", "type": "quantitative", "title": "steps to solve (log)"}
    y |= {"scale": {"type": "log", "nice": False, "padding": 6}, "axis": {"tickCount": 4, "format": "~s"}}
    layers = []
    for one, points in shown.items():
        at = {"x": x, "y": y}
        solved = {"values": [p for p in points if not p["censored"]]}
        censored = {"values": [p for p in points if p["censored"]]}
        line = {"type": "line", "strokeWidth": 1.5}
        dot = {"type": "point", "filled": True, "size": 3 * look.font, "opacity": 1}
        open_ = {"type": "point", "filled": False, "shape": "triangle-up", "size": 4 * look.font, "opacity": 1}
        layers += [
            {"name": one.key, "data": solved, "mark": line, "encoding": at | look.encoded(one, names, "strokeDash")},
            {
                "name": f"{one.key}_dots",
                "data": solved,
                "mark": dot,
                "encoding": at | look.encoded(one, names, "shape"),
            },
            {"name": f"{one.key}_open", "data": censored, "mark": open_, "encoding": at | look.encoded(one, names)},
        ]
    said = "; ".join(f"{one.name} {', '.join(_told(task, p) for p in points)}" for one, points in shown.items())
    return Chart(
        look.spec(layers, 0.55 * look.width),
        clean(task.name),
        "steps to solve of the middle seed; hollow triangle: it had not by then",
        f"Steps to solve of the middle seed on {clean(task.name)}: {said}.",
    )


def _told(task: TaskEntry, point: Mapping[str, Any]) -> str:
    """A point in words."""
    return f"{'over ' * point['censored']}{point['steps']} {rungs.at(task, point['place'])}"


def _points(climb: Climb) -> list[dict[str, Any]]:
    """The look by which the middle seed had solved a rung, or the steps after which it had not."""
    found = []
    for place, step in zip(climb.places, climb.steps, strict=True):
        taken = None if step.state == "pruned" else middle(step)
        if taken is not None:
            censored = math.isinf(taken.high)
            steps = taken.low if censored else taken.high
            if steps > 0:
                found.append({"place": place, "steps": round(steps), "censored": censored})
    return found
