"""What two parts do to the span together beyond what each does alone: a heat map, in octaves."""

from __future__ import annotations

from collections.abc import Mapping

from rnnbench.report import marks
from rnnbench.report.charts import Chart, Spec
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean, counted
from rnnbench.report.study import Study
from rnnbench.suite import TaskEntry

COLOURS = ("#E69F00", "#F2F2F2", "#56B4E9")  # less than each alone, nothing, more: all light enough for a black number


def chart(task: TaskEntry, study: Study, series: Mapping[str, Series], look: Look) -> Chart | None:
    """First parts down, second parts across; 0 where each does the same with the other as without it."""
    found = study.interactions(task)
    if not found:
        return None
    cells = [
        {
            "first": series[i.pair[0]].name,
            "second": series[i.pair[1]].name,
            "octaves": i.octaves.value,
            "text": f"{i.bound} {marks.difference(i.octaves.value)}".strip(),
        }
        for i in found
    ]
    firsts, seconds = (list(dict.fromkeys(str(c[key]) for c in cells)) for key in ("first", "second"))
    most = max(1.0, *(abs(i.octaves.value) for i in found))
    places: Spec = {
        "x": {
            "field": "second",
            "type": "nominal",
            "title": None,
            "scale": {"domain": seconds},
            "axis": {"labelAngle": -40},
        },
        "y": {"field": "first", "type": "nominal", "title": None, "scale": {"domain": firsts}},
    }
    colour: Spec = {"field": "octaves", "type": "quantitative", "legend": None}
    colour["scale"] = {"domain": [-most, 0, most], "range": list(COLOURS)}
    number = {"field": "text", "type": "nominal"}
    layers: list[Spec] = [
        {"mark": {"type": "rect", "strokeWidth": 2}, "encoding": places | {"color": colour}},
        {"mark": {"type": "text", "color": "#000"}, "encoding": places | {"text": number}},
    ]
    said = "; ".join(f"{c['first']} with {c['second']} {c['text']}" for c in cells)
    return Chart(
        look.spec(layers, max(3, 2.4 * len(firsts)) * look.font, data={"values": cells}),
        clean(task.name),
        f"in octaves, what two parts do to the {task.headline} together beyond what each does alone",
        f"Interactions of {counted(len(found), 'pair')} on {clean(task.name)}, in octaves: {said}.",
    )
