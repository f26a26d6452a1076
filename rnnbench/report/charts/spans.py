"""How far back each variant remembers: the span of every seed, and that of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rnnbench.analysis import spans
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.axes import length_axis, names_axis
from rnnbench.report.charts import Chart, Spec
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean
from rnnbench.suite import TaskEntry

ROW = 1.7  # height of a row, in sizes of the font


def chart(task: TaskEntry, climbs: Sequence[Climb], series: Mapping[str, Series], look: Look) -> Chart | None:
    """Variants down, lengths across: a circle a span, as large as seeds had it; a bar for the variant's. Below the
    ladder is half its shortest rung; a triangle stands at its end, which the span may be beyond."""
    known = [c for c in climbs if c.records and c.steps]
    if not known:
        return None
    below = task.lengths[0] / 2
    shown = [series[c.ladder.variant.name] for c in known]
    names = {one.name: one for one in shown}
    x = length_axis(task.lengths, f"{task.headline} (log)", low=below)
    x["axis"] |= {"values": [below, *task.lengths], "labelExpr": f"datum.value < {task.lengths[0]} ? '<' : datum.label"}
    y = names_axis([one.name for one in shown])
    plain = replace(look, legend=False)  # the names stand beside the rows
    layers = []
    for climb, one in zip(known, shown, strict=True):
        each = [span for span in spans.seed_spans(climb) if not span.provisional]
        counts = Counter((span.low or below, "beyond" if span.top else "within") for span in each)
        dots = [{"name": one.name, "length": at, "end": end, "seeds": n} for (at, end), n in counts.items()]
        size: Spec = {"field": "seeds", "type": "quantitative", "legend": None}
        size["scale"] = {"domain": [0, max(len(climb.steps[0].records), 1)], "range": [0, 14 * look.font]}
        shape: Spec = {"field": "end", "type": "nominal", "legend": None}
        shape["scale"] = {"domain": ["within", "beyond"], "range": ["circle", "triangle-right"]}
        encoding = {"x": x, "y": y, "size": size, "shape": shape, **plain.encoded(one, names)}
        mark = {"type": "point", "filled": True, "opacity": 0.75}
        layers.append({"name": f"{one.key}_dots", "data": {"values": dots}, "mark": mark, "encoding": encoding})
        whole = spans.span(climb)
        if whole and not whole.provisional:
            tick = {"type": "tick", "color": look.ink, "thickness": 2, "size": 1.3 * look.font, "orient": "vertical"}
            at = {"values": [{"name": one.name, "length": whole.low or below}]}
            layers.append({"name": f"{one.key}_tick", "data": at, "mark": tick, "encoding": {"x": x, "y": y}})
    told = "; ".join(
        f"{one.name} {marks.span(spans.span(climb), True).text}" for one, climb in zip(shown, known, strict=True)
    )
    return Chart(
        plain.spec(layers, ROW * look.font * len(shown)),
        clean(task.name),
        f"area: how many seeds have that {task.headline}; bar: that of the variant; triangle: at least, as the ladder "
        "ends there",
        f"{task.headline.capitalize()} of each variant on {clean(task.name)}: {told}.",
    )
