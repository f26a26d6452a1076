"""What a smaller sweep would have found: the expected best validation of so many trials, a line a variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnnbench.analysis import tuning
from rnnbench.report import lines, marks
from rnnbench.report.charts import Chart, Spec
from rnnbench.report.charts.scores import share
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean
from rnnbench.report.study import Study
from rnnbench.suite import TaskEntry


def chart(task: TaskEntry, study: Study, series: Mapping[str, Series], look: Look) -> Chart | None:
    """Trials across; nothing where only one was made."""
    shown = {
        series[s.variant]: [{"place": k, "value": round(value, 4)} for k, value in enumerate(s.expected, 1)]
        for s in tuning.sweeps(study.climbs)
        if s.task == task.name and s.variant in series and len(s.expected) > 1
    }
    if not shown:
        return None
    most = max(len(points) for points in shown.values())
    return Chart(
        look.spec(lines.layers(shown, _axis(most), share("expected best"), look), 0.55 * look.width),
        clean(task.name),
        "expected best mean validation of so many trials, drawn from those that were made; where a line still rises at "
        "its end, more trials may find better",
        f"Expected best validation by number of trials on {clean(task.name)}: "
        f"{lines.said(shown, marks.fixed, 'at {}'.format)}.",
    )


def _axis(most: int) -> Spec:
    ticks: Sequence[int] = range(1, most + 1)
    axis = {"values": list(ticks), "grid": False, "labelOverlap": True, "format": "d"}
    scale = {"domain": [1 - 0.06 * most, most + 0.06 * most], "nice": False}
    return {"field": "place", "type": "quantitative", "title": "trials", "scale": scale, "axis": axis}
