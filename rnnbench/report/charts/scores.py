"""Score against length: a line a variant with its interval, and the task's bar."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rnnbench import registry
from rnnbench.analysis import spans
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.axes import length_axis
from rnnbench.report.charts import Chart, Spec
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean
from rnnbench.suite import TaskEntry


def chart(task: TaskEntry, climbs: Sequence[Climb], series: Mapping[str, Series], look: Look) -> Chart | None:
    """Lengths on a log axis, scores from 0 to 1; a rung that was pruned or not run has no point."""
    shown = {series[c.ladder.variant.name]: _points(c) for c in climbs}
    shown = {one: points for one, points in shown.items() if points}
    if not shown:
        return None
    bar = float(registry.task_class(task.task["task"]).bar)
    x = length_axis(task.lengths)
    names = {one.name: one for one in shown}
    bands, lines = [], []
    for one, points in shown.items():
        colour = look.encoded(one, names)
        styled = look.encoded(one, names, "strokeDash")
        shaped = look.encoded(one, names, "shape")
        data = {"values": points}
        y = {"field": "score", "type": "quantitative", "title": "score", "scale": {"domain": [0, 1]}}
        y["axis"] = {"values": [0, 0.25, 0.5, 0.75, 1], "format": ".2~f"}
        band = {"x": x, "y": y | {"field": "low"}, "y2": {"field": "high"}, **colour}
        bands.append(
            {"name": f"{one.key}_band", "data": data, "mark": {"type": "area", "opacity": 0.1}, "encoding": band}
        )
        at = {"x": x, "y": y}
        lines += [
            {"name": one.key, "data": data, "mark": {"type": "line", "strokeWidth": 1.5}, "encoding": at | styled},
            {
                "name": f"{one.key}_dots",
                "data": data,
                "mark": {"type": "point", "filled": True, "size": 3 * look.font, "opacity": 1},
                "encoding": at | shaped,
            },
        ]
    rule = {"data": {"values": [{}]}, "mark": {"type": "rule", "strokeDash": [3, 3], "opacity": 0.6}}
    rule |= {"encoding": {"y": {"datum": bar}}}
    word = {
        "data": {"values": [{"text": f"bar {marks.fixed(bar)}"}]},
        "mark": {"type": "text", "align": "right", "baseline": "top", "dy": 2, "opacity": 0.8},
        "encoding": {"y": {"datum": bar}, "x": {"value": "width"}, "text": {"field": "text"}},
    }
    trained = _trained(task, x)
    return Chart(
        look.spec([*trained, *bands, rule, word, *lines], 0.55 * look.width),
        clean(task.name),
        "score on held-out examples against length; band: 95 % t interval of the mean over seeds; dashed: the task's "
        "bar" + ("; shaded: the lengths that were trained on" if trained else ""),
        _said(task, shown, bar),
    )


def _trained(task: TaskEntry, x: Spec) -> list[Spec]:
    """Of one training that is tested at many lengths: those up to which it trained, shaded."""
    if not task.train:
        return []
    ends = {"values": [{"from": x["scale"]["domain"][0], "upto": task.trained[-1]}]}
    across = {"x": x | {"field": "from"}, "x2": {"field": "upto"}}
    return [{"data": ends, "mark": {"type": "rect", "opacity": 0.12, "color": "#8C8C8C"}, "encoding": across}]


def _points(climb: Climb) -> list[dict[str, Any]]:
    """What is known of each rung: its mean score and interval, cut to [0, 1]; where there is none, the mean itself."""
    found = []
    for step in climb.steps:
        score = spans.score(step).score
        if math.isfinite(score.value):
            low, high = (v if math.isfinite(v) else score.value for v in (score.low, score.high))
            point = {"length": step.rung.length, "score": score.value, "low": max(0, low), "high": min(1, high)}
            found.append({k: round(v, 4) for k, v in point.items()})
    return found


def _said(task: TaskEntry, shown: Mapping[Series, Sequence[Mapping[str, Any]]], bar: float) -> str:
    told = (
        f"{one.name} " + ", ".join(f"{marks.fixed(p['score'])} at {p['length']}" for p in points)
        for one, points in shown.items()
    )
    return f"Mean score against length on {clean(task.name)}, bar {marks.fixed(bar)}: {'; '.join(told)}."
