"""What each part does to the span: a forest plot, in octaves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from rnnbench.analysis import tuning
from rnnbench.analysis.effects import Effect
from rnnbench.report import marks
from rnnbench.report.axes import names_axis
from rnnbench.report.charts import Chart, Spec
from rnnbench.report.charts.spans import ROW
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean, counted
from rnnbench.report.study import Study
from rnnbench.suite import TaskEntry

SHAPES = {"": "circle", "≥": "triangle-right", "≤": "triangle-left", "?": "diamond"}


def chart(task: TaskEntry, study: Study, series: Mapping[str, Series], look: Look) -> Chart | None:
    """Parts down, difference of spans across, from the variant's base: the mean over seeds with its interval. Filled
    where it is told from 0, and of another shape where it is a bound."""
    found = study.effects(task)
    at_base = {b.base.variant: b.base for b in tuning.both(study.climbs) if b.base.n and b.base.task == task.name}
    if not found:
        return None
    shown = [series[e.variant] for e in found]
    names = {one.name: one for one in shown}
    every = [*found, *at_base.values()]
    ends = [v for e in every for v in e.octaves if math.isfinite(v)]
    x: Spec = {"field": "octaves", "type": "quantitative", "title": f"effect on the {task.headline} (octaves)"}
    x["scale"] = {"domain": [min(-1.0, *ends), max(1.0, *ends)]}
    x["axis"] = {
        "tickMinStep": 1,
        "format": "+.2~g",
        "labelFlush": False,
        "labelExpr": "datum.value ? datum.label : '0'",
    }
    y = names_axis([one.name for one in shown])
    plain = replace(look, legend=False)  # the names stand beside the rows
    layers = [{"data": {"values": [{}]}, "mark": {"type": "rule", "opacity": 0.7}, "encoding": {"x": {"datum": 0}}}]
    for e, one in zip(found, shown, strict=True):
        places = {"x": x, "y": y, **plain.encoded(one, names)}
        layers += _drawn(e, one, look, places)
        if e.variant in at_base:
            layers += _drawn(at_base[e.variant], one, look, places, below=0.5 * look.font)
    said = "; ".join(
        f"{one.name} against {clean(e.base)} {marks.effect(e.octaves, e.bound).text}"
        for e, one in zip(found, shown, strict=True)
    )
    return Chart(
        plain.spec(layers, ROW * look.font * len(shown)),
        clean(task.name),
        f"effect of each part on the {task.headline}, against its base, in octaves: mean and 95 % t interval over "
        "seeds; filled: told from 0, over all effects together; triangle: at least, or at most, that much"
        + ("; dashed: all at the base's choice of settings" if at_base else "")
        + ("; to the right: more examples needed" if task.headline == "need" else ""),
        f"Effects of {counted(len(found), 'part')} on the {task.headline} on {clean(task.name)}, in octaves: {said}.",
    )


def _drawn(effect: Effect, one: Series, look: Look, places: Spec, below: float = 0) -> list[Spec]:
    """A line over the interval and a mark at the mean; dashed and that many points below, of another choice."""
    value, low, high = effect.octaves
    left, right = places["x"]["scale"]["domain"]  # an interval without an end goes to the edge
    ends = {"low": value, "high": value} if math.isnan(low) else {"low": max(left, low), "high": min(right, high)}
    data = {"values": [{"name": one.name, "octaves": value, **ends}]}
    rule = {"type": "rule", "strokeWidth": 1.5, "yOffset": below, "strokeDash": [2, 2] if below else [1, 0]}
    mark = {"type": "point", "filled": told(effect), "size": 6 * look.font, "opacity": 1, "yOffset": below}
    mark["shape"] = SHAPES[effect.bound]
    over = places | {"x": places["x"] | {"field": "low"}, "x2": {"field": "high"}}
    other = "base" if below else ""  # no two layers of a chart may have one name
    return [
        {"name": f"{one.key}_{other}rule", "data": data, "mark": rule, "encoding": over},
        {"name": f"{one.key}_{other}dot", "data": data, "mark": mark, "encoding": places},
    ]


def told(effect: Effect) -> bool:
    """Whether it is told from 0, adjusted over all effects of the report."""
    return effect.outcome == "differs"
