"""The sweep of a suite that tunes: mean validation of the pilots against what was tuned, the choices marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnnbench.analysis import tuning
from rnnbench.analysis.tuning import Sweep
from rnnbench.plan.tuning import Trial
from rnnbench.report import lines, marks
from rnnbench.report.charts import Chart, Spec
from rnnbench.report.charts.scores import share
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean
from rnnbench.report.study import Study
from rnnbench.suite import TaskEntry
from rnnbench.suite.tuning import label

FIRST = "lr"  # what is drawn across where several settings are tuned
SHAPES = {"": "diamond", "largest": "triangle-right", "least": "triangle-left"}  # of a choice, by what end it is at


def chart(task: TaskEntry, study: Study, series: Mapping[str, Series], look: Look) -> Chart | None:
    """A line a variant over the values of one setting; of what else is tuned the best that was tried beside each."""
    sweeps = [s for s in tuning.sweeps(study.climbs) if s.task == task.name and s.variant in series]
    setting = _setting([trial for sweep in sweeps for trial in sweep.chosen.trials])
    shown = {series[s.variant]: points for s in sweeps if setting and (points := _points(s, setting))}
    if not shown or setting is None:
        return None
    x = _axis(setting, sorted({float(p["length"]) for points in shown.values() for p in points}))
    y = share("validation")
    names = {one.name: one for one in shown}
    chosen = [
        _choice(s, setting, series[s.variant], {"x": x, "y": y, **look.encoded(series[s.variant], names)}, look)
        for s in sweeps
        if s.chosen.candidate
    ]
    others = [name for name in sweeps[0].chosen.trials[0].candidate if name != setting]
    best = f", each with the best {' and '.join(others)} that was tried beside it" if others else ""
    return Chart(
        look.spec([*lines.layers(shown, x, y, look), *chosen], 0.55 * look.width),
        clean(task.name),
        f"mean validation of the pilots by {setting}{best}; around the choice a diamond, or a triangle where it is the "
        "least or the largest that was tried: beyond it may be better",
        f"Mean validation of each variant's pilots on {clean(task.name)} by {setting}: "
        + "; ".join(_said(sweep) for sweep in sweeps if series[sweep.variant] in shown)
        + ".",
    )


def _setting(trials: Sequence[Trial]) -> str | None:
    """The setting that is drawn across: the learning rate where it is tuned, else the first number that varies."""
    tried: dict[str, set[Any]] = {}
    for trial in trials:
        for name, value in trial.candidate.items():
            tried.setdefault(name, set()).add(value)
    able = [n for n, values in tried.items() if len(values) > 1 and all(type(v) in (int, float) for v in values)]
    return FIRST if FIRST in able else next(iter(able), None)


def _points(sweep: Sweep, setting: str) -> list[dict[str, Any]]:
    """The best mean validation at each value of which any trial is whole."""
    best: dict[float, float] = {}
    for trial in sweep.chosen.trials:
        if trial.eligible:
            at = float(trial.candidate[setting])
            best[at] = max(best.get(at, 0.0), trial.score)
    return [{"length": at, "value": round(best[at], 4)} for at in sorted(best)]


def _axis(setting: str, values: Sequence[float]) -> Spec:
    """On a log scale, unless 0 was tried; a tick at each value, where there is room."""
    room = (values[-1] / values[0]) ** 0.06 if values[0] > 0 else 0.06 * (values[-1] - values[0])
    scale: Spec = {"zero": False, "domain": [values[0] - room, values[-1] + room], "nice": False}
    if values[0] > 0:
        scale = {"type": "log", "domain": [values[0] / room, values[-1] * room], "nice": False}
    ticks = {"values": list(values), "grid": False, "labelOverlap": True, "format": "~g"}
    title = f"{setting} (log)" if values[0] > 0 else setting
    return {"field": "length", "type": "quantitative", "title": title, "scale": scale, "axis": ticks}


def _end(sweep: Sweep, setting: str) -> str:
    edge = next((edge for edge in sweep.edges if edge.setting == setting), None)
    return "" if edge is None else "largest" if edge.largest else "least"


def _choice(sweep: Sweep, setting: str, one: Series, encoding: Spec, look: Look) -> Spec:
    """A hollow mark around the choice."""
    assert sweep.chosen.best is not None
    trial = sweep.chosen.trials[sweep.chosen.best]
    data = {"values": [{"length": float(trial.candidate[setting]), "value": round(trial.score, 4)}]}
    mark = {"type": "point", "filled": False, "size": 14 * look.font, "strokeWidth": 1.5, "opacity": 1}
    mark["shape"] = SHAPES[_end(sweep, setting)]
    return {"name": f"{one.key}_choice", "data": data, "mark": mark, "encoding": encoding}


def _said(sweep: Sweep) -> str:
    chosen = sweep.chosen
    if chosen.best is None or chosen.candidate is None:
        return f"{clean(sweep.variant)} has chosen nothing yet"
    ends = [f"the {'largest' if edge.largest else 'least'} {edge.setting} tried" for edge in sweep.edges]
    told = f"{clean(sweep.variant)} chose {label(chosen.candidate)} ({marks.fixed(chosen.trials[chosen.best].score)}"
    return f"{told}{', ' if ends else ''}{', '.join(ends)})"
