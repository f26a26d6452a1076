"""What each part does to the span: a forest plot, in octaves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rnnbench.analysis import effects, stats
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.axes import names_axis
from rnnbench.report.charts import Chart
from rnnbench.report.charts.spans import ROW
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean, counted
from rnnbench.suite import TaskEntry

SHAPES = {"": "circle", "≥": "triangle-right", "≤": "triangle-left", "?": "diamond"}


def chart(task: TaskEntry, climbs: Sequence[Climb], series: Mapping[str, Series], look: Look) -> Chart | None:
    """Parts down, difference of spans across, from the variant's base: the mean over seeds with its interval. Filled where
    it is told from 0, and of another shape where it is a bound."""
    found = [e for e in effects.effects(climbs) if e.n]
    if not found:
        return None
    shown = [series[e.variant] for e in found]
    names = {one.name: one for one in shown}
    ends = [v for e in found for v in e.octaves if math.isfinite(v)]
    x = {"field": "octaves", "type": "quantitative", "title": "effect on the span (octaves)"}
    x["scale"] = {"domain": [min(-1.0, *ends), max(1.0, *ends)]}
    x["axis"] = {"tickMinStep": 1, "format": "+d", "labelExpr": "datum.value ? datum.label : '0'"}
    y = names_axis([one.name for one in shown])
    plain = Look(look.width, look.font, look.ink, legend=False)
    layers = [{"data": {"values": [{}]}, "mark": {"type": "rule", "opacity": 0.7}, "encoding": {"x": {"datum": 0}}}]
    for e, one in zip(found, shown, strict=True):
        low, high = (v if math.isfinite(v) else e.octaves.value for v in (e.octaves.low, e.octaves.high))
        data = {"values": [{"name": one.name, "octaves": e.octaves.value, "low": low, "high": high}]}
        colour = plain.encoded(one, names)
        rule = {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": y, **colour}
        point = {"type": "point", "filled": told(e), "size": 6 * look.font, "opacity": 1, "shape": SHAPES[e.bound]}
        layers += [
            {"name": f"{one.key}-rule", "data": data, "mark": {"type": "rule", "strokeWidth": 1.5}, "encoding": rule},
            {"name": f"{one.key}-dot", "data": data, "mark": point, "encoding": {"x": x, "y": y, **colour}},
        ]
    said = "; ".join(
        f"{one.name} against {clean(e.base)} {' '.join(part for part in (e.bound, *marks.signed(e.octaves)) if part)}"
        for e, one in zip(found, shown, strict=True)
    )
    return Chart(
        plain.spec(layers, ROW * look.font * len(shown)),
        f"{clean(task.name)}: effect of each part on the span against its base; 95 % t interval over seeds; filled: told "
        "from 0 over all parts; triangle: at least, or at most, that much",
        f"Effects of {counted(len(found), 'part')} on the span on {clean(task.name)}, in octaves: {said}.",
    )


def told(effect: effects.Effect) -> bool:
    """Whether it is told from 0 at the report's level, adjusted over the parts of its task."""
    return effect.holm <= 1 - stats.LEVEL
