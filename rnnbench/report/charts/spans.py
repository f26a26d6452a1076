"""How far back each variant remembers, or how many examples it needs: the span of every seed, and their mean."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rnnbench.analysis import spans
from rnnbench.analysis.spans import VariantSpan
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.axes import names_axis, rung_axis
from rnnbench.report.charts import Chart, Spec
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean
from rnnbench.report.study import Study
from rnnbench.suite import TaskEntry

ROW = 1.7  # height of a row, in sizes of the font


def chart(task: TaskEntry, study: Study, series: Mapping[str, Series], look: Look) -> Chart | None:
    """Variants down, lengths or numbers of examples across: a circle a span, as large as seeds have it, a triangle
    where it is at an end of the ladder; a bar at the mean, over a line for its interval."""
    known = [c for c in study.of(task) if c.steps and any(not s.provisional for s in spans.seed_spans(c))]
    if not known:
        return None
    shown = [series[c.ladder.variant.name] for c in known]
    names = {one.name: one for one in shown}
    every = [s.octaves for c in known for s in spans.seed_spans(c) if not s.provisional]
    ends = [*task.places, *(2.0**octaves for octaves in every)]
    of = ", in examples," if task.headline == "need" else ""
    x = rung_axis(task, f"{task.headline}{of.rstrip(',')} (log)", within=(min(ends), max(ends)))
    y = names_axis([one.name for one in shown])
    plain = replace(look, legend=False)  # the names stand beside the rows
    layers: list[Spec] = []
    for climb, one in zip(known, shown, strict=True):
        places = {"x": x, "y": y, **plain.encoded(one, names)}
        whole = spans.span(climb)
        layers += [_seeds(climb, one, look, places), *(_mean(whole, one, look, places, ends) if whole else [])]
    told = "; ".join(
        f"{one.name} {marks.span(spans.span(climb), True).text}" for one, climb in zip(shown, known, strict=True)
    )
    return Chart(
        plain.spec(layers, ROW * look.font * len(shown)),
        clean(task.name),
        f"{task.headline} of each seed: area, how many seeds have it; triangle: at an end of the ladder; bar: the mean "
        "of all, with its 95 % interval",
        f"{task.headline.capitalize()}{of} of each variant on {clean(task.name)}: {told}.",
    )


def _seeds(climb: Climb, one: Series, look: Look, places: Spec) -> Spec:
    each = [span for span in spans.seed_spans(climb) if not span.provisional]
    counts = Counter((s.octaves, "top" if s.top else "bottom" if s.bottom else "within") for s in each)
    dots = [
        {"name": one.name, "place": round(2.0**octaves, 3), "end": end, "seeds": n}
        for (octaves, end), n in counts.items()
    ]
    size: Spec = {"field": "seeds", "type": "quantitative", "legend": None}
    size["scale"] = {"domain": [0, max(len(climb.steps[0].records), 1)], "range": [0, 14 * look.font]}
    shape: Spec = {"field": "end", "type": "nominal", "legend": None}
    shape["scale"] = {"domain": ["within", "top", "bottom"], "range": ["circle", "triangle-right", "triangle-left"]}
    mark = {"type": "point", "filled": True, "opacity": 0.6}
    encoding = places | {"size": size, "shape": shape}
    return {"name": f"{one.key}_dots", "data": {"values": dots}, "mark": mark, "encoding": encoding}


def _mean(whole: VariantSpan, one: Series, look: Look, places: Spec, ends: list[float]) -> list[Spec]:
    """A bar, and a line as far as its interval goes: to the edge where it has no end."""
    value, low, high = whole.octaves
    row: dict[str, Any] = {"name": one.name, "place": round(2.0**value, 3)}
    tick = {"type": "tick", "color": look.ink, "thickness": 2, "size": 1.2 * look.font, "orient": "vertical"}
    bar = {"x": places["x"], "y": places["y"]}
    drawn: list[Spec] = [{"name": f"{one.key}_tick", "data": {"values": [row]}, "mark": tick, "encoding": bar}]
    if not math.isnan(low):
        row |= {"low": max(min(ends), 2.0**low), "high": min(max(ends), 2.0**high)}
        over = places | {"x": places["x"] | {"field": "low"}, "x2": {"field": "high"}}
        line = {"type": "rule", "strokeWidth": 1.5}
        drawn.insert(0, {"name": f"{one.key}_rule", "data": {"values": [row]}, "mark": line, "encoding": over})
    return drawn
