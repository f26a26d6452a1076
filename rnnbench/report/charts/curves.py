"""Learning curves: the training score of every seed against the step, at one rung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnnbench.plan.ladders import Climb, RungState
from rnnbench.plan.reach import folded
from rnnbench.records import Record
from rnnbench.report.charts import Chart
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean, counted
from rnnbench.report.study import Study
from rnnbench.suite import TaskEntry, rungs

AT = {
    rungs.LENGTHS: "at the longest length that all variants trained",
    rungs.EXAMPLES: "with the fewest examples that all variants trained on",
}
CURVES = True
MOST = 40  # points a line: what is left of a curve can't be told from it at this size


def chart(task: TaskEntry, study: Study, series: Mapping[str, Series], look: Look) -> Chart | None:
    """A thin line a seed. An export without curves has none to draw."""
    climbs = [folded(climb) for climb in study.of(task)]
    common = _common(climbs)
    if not common:
        return None
    place = rungs.ordered(task, common)[-1]
    at = {c.ladder.variant.name: dict(zip(c.places, c.steps, strict=True)) for c in climbs}
    shown = {series[name]: _curves(steps[place]) for name, steps in at.items() if place in steps}
    shown = {one: rows for one, rows in shown.items() if rows}
    names = {one.name: one for one in shown}
    layers = []
    for one, rows in shown.items():
        encoding = {
            "x": {"field": "step", "type": "quantitative", "title": "step", "axis": {"tickCount": 5, "grid": False}},
            "y": {"field": "score", "type": "quantitative", "title": "training score", "scale": {"domain": [0, 1]}},
            "detail": {"field": "seed", "type": "nominal"},
            **look.encoded(one, names, "strokeDash", lines=True),
        }
        mark = {"type": "line", "strokeWidth": 1, "opacity": 0.9}
        layers.append({"name": one.key, "data": {"values": rows}, "mark": mark, "encoding": encoding})
    ends = "; ".join(f"{one.name} {counted(len({r['seed'] for r in rows}), 'seed')}" for one, rows in shown.items())
    return Chart(
        look.spec(layers, 0.55 * look.width),
        f"{clean(task.name)} {rungs.at(task, place)}",
        f"score of the training batches against the step, a line a seed, {AT[rungs.words(task)]}; each ends where "
        "training stopped",
        f"Training score against step on {clean(task.name)} {rungs.at(task, place)}: {ends}.",
    )


def _common(climbs: Sequence[Climb]) -> set[int]:
    """The places at which every variant that has curves at all has some."""
    having = [
        {place for place, s in zip(c.places, c.steps, strict=True) if any(map(_usable, s.finished))} for c in climbs
    ]
    return set.intersection(*(h for h in having if h)) if any(having) else set()


def _usable(record: Record) -> bool:
    return any(point.score is not None for point in record.curve)


def _curves(step: RungState) -> list[dict[str, Any]]:
    rows = []
    for record in step.finished:
        points = [p for p in record.curve if p.score is not None]
        stride = -(-len(points) // MOST) or 1
        kept = points[::stride] + (points[-1:] if points and (len(points) - 1) % stride else [])
        rows += [{"seed": record.run.seed, "step": p.step, "score": round(p.score or 0.0, 3)} for p in kept]
    return rows
