"""What probes say, as pictures: the gradient by lag, what can be read off the state, how long states last; a base and
its variants in one picture, one for each time in training at which they were probed.

Each is the median over seeds, with a band or a line from the least to the most.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rnnbench.report import lines
from rnnbench.report.axes import names_axis
from rnnbench.report.charts import Chart, Spec
from rnnbench.report.charts.scores import share
from rnnbench.report.charts.spans import ROW
from rnnbench.report.looks import Look, Series
from rnnbench.report.model import clean
from rnnbench.report.probe_rows import Row, size, steps, tau

MOST = 60  # lags a line: between them nothing is to be seen at this size
LEAST = 1e-8  # of J(0): what is less is drawn as that
LONGEST = 1e4  # steps that a state lasts: what lasts longer is drawn as that

GRADIENT = (
    "J(k) / J(0): how much the state k steps before the answer moves it, against the last; median over seeds, band "
    "from the least to the most"
)
READ = (
    "R² of a ridge from the state, k steps before the answer, to what that hangs on, in sequences that it was not "
    "fitted on; likewise over seeds"
)
LASTS = (
    "tau: steps in which what a state is multiplied by lets it fall by a factor of e; the middle unit, and a line from "
    "the one that is first forgotten to the one that lasts longest"
)


def charts(where: str, rows: Sequence[Row], series: Mapping[str, Series], look: Look) -> Iterator[Chart]:
    """Those that have something to show, each kind at each time in training side by side; `where` is the task and the
    length."""
    times = list(dict.fromkeys(row.after for row in rows))
    for draw in (gradients, readouts, constants):
        for after in times:
            own = [row for row in rows if row.after == after and row.variant in series]
            at = {"0": "before training", "end": "after training"}.get(after, f"after {after} steps")
            chart = draw(f"{where}, {at}", own, series, look)
            if chart is not None:
                yield chart


def gradients(where: str, rows: Sequence[Row], series: Mapping[str, Series], look: Look) -> Chart | None:
    """Lag across, J(k) / J(0) up on a log scale; of a second direction nothing."""
    shown: dict[Series, list[dict[str, Any]]] = {}
    for row in rows:
        curves = [_relative(probe.gradients[0]["mean"]) for _, probe in row.probes if probe.gradients]
        if points := _points(curves, LEAST, math.inf):
            shown[series[row.variant]] = points
    if not shown:
        return None
    values = [float(p[key]) for points in shown.values() for p in points for key in ("low", "high")]
    y: Spec = {"field": "value", "type": "quantitative", "title": "J(k) / J(0) (log)"}
    y["scale"] = {"type": "log", "domain": [min(values) / 1.5, max(1.0, *values) * 1.5], "nice": False}
    y["axis"] = {"format": ".0e", "tickCount": 5}
    return Chart(
        look.spec(lines.layers(shown, _lags(shown), y, look), 0.5 * look.width),
        f"gradient by lag: {where}",
        GRADIENT,
        f"Gradient by lag, {where}, as J(k) / J(0): {_ends(shown)}.",
    )


def readouts(where: str, rows: Sequence[Row], series: Mapping[str, Series], look: Look) -> Chart | None:
    """Lag across, R² up, of the input that is held longest; under 0 is drawn as 0."""
    shown: dict[Series, list[dict[str, Any]]] = {}
    for row in rows:
        found = row.found("readouts", needed=0)
        by_lag = [dict(zip(each["lags"], each["r2"], strict=True)) for each in found]
        most = max((lag for each in by_lag for lag in each), default=-1)
        curves = [[each.get(lag, math.nan) for lag in range(most + 1)] for each in by_lag]
        if points := _points(curves, 0.0, 1.0):
            shown[series[row.variant]] = points
    if not shown:
        return None
    return Chart(
        look.spec(lines.layers(shown, _lags(shown), share("R²"), look), 0.5 * look.width),
        f"read off the state: {where}",
        READ,
        f"What can be read off the state by lag, {where}, as R²: {_ends(shown)}.",
    )


def constants(where: str, rows: Sequence[Row], series: Mapping[str, Series], look: Look) -> Chart | None:
    """States down, the steps that they last across, on a log scale."""
    found = [(row, place, state) for row in rows for place, state in row.keys("carries", "place", "state")]
    places = {place for _, place, _ in found}
    drawn: list[tuple[Series, dict[str, Any]]] = []
    for row, place, state in found:
        rates = [each["rates"] for each in row.found("carries", place=place, state=state)]
        low, middle, high = (_middle([min(LONGEST, tau(r[k])) for r in rates]) for k in (4, 2, 0))
        name = f"{clean(row.variant)}, {f'{place}, ' if len(places) > 1 else ''}state {state + 1}"
        drawn.append((series[row.variant], {"name": name, "value": middle, "low": low, "high": high}))
    if not drawn:
        return None
    values = [value for _, row in drawn for value in (row["low"], row["high"])]
    x: Spec = {"field": "value", "type": "quantitative", "title": "tau (steps, log)"}
    x["scale"] = {"type": "log", "domain": [min(values) / 1.3, max(values) * 1.3], "nice": False}
    x["axis"] = {"format": "~s", "tickCount": 4}
    names = {one.name: one for one, _ in drawn}
    plain = replace(look, legend=False)  # the names stand beside the rows
    layers: list[Spec] = []
    for k, (one, lasting) in enumerate(drawn):
        at = {"x": x, "y": names_axis([str(each["name"]) for _, each in drawn]), **plain.encoded(one, names)}
        over = at | {"x": x | {"field": "low"}, "x2": {"field": "high"}}
        data = {"values": [lasting]}
        rule, dot = {"type": "rule", "strokeWidth": 1.5}, {"type": "point", "filled": True, "size": 5 * look.font}
        layers.append({"name": f"{one.key}_rule{k}", "data": data, "mark": rule, "encoding": over})
        layers.append({"name": f"{one.key}_dot{k}", "data": data, "mark": dot | {"opacity": 1}, "encoding": at})
    said = "; ".join(f"{row['name']} {_lasting(row['value'])} (to {_lasting(row['high'])})" for _, row in drawn)
    return Chart(
        plain.spec(layers, ROW * look.font * len(drawn)),
        f"how long states last: {where}",
        LASTS,
        f"How long states last, {where}, in steps, the middle unit and the longest: {said}.",
    )


def _relative(mean: Sequence[float]) -> list[float]:
    return [x / mean[0] for x in mean] if mean and mean[0] else []


def _points(curves: Sequence[Sequence[float]], least: float, most: float) -> list[dict[str, Any]]:
    """The median of seeds' curves and their range, by lag, of so many lags as can be seen; none where nothing is."""
    longest = max(map(len, curves), default=0)
    stride = -(-longest // MOST) or 1
    found = []
    for lag in {*range(0, longest, stride), *([longest - 1] if longest else [])}:
        values = [min(most, max(least, c[lag])) for c in curves if lag < len(c) and math.isfinite(c[lag])]
        if values:
            ends = {"low": min(values), "high": max(values)}
            found.append({"length": lag, "value": _middle(values), **ends})
    return sorted(found, key=lambda point: int(point["length"]))


def _middle(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _lags(shown: Mapping[Series, Sequence[Mapping[str, Any]]]) -> Spec:
    most = max(int(p["length"]) for points in shown.values() for p in points)
    scale = {"domain": [0, max(1, most)], "nice": False}
    axis = {"grid": False, "tickMinStep": 1, "format": "d"}
    return {"field": "length", "type": "quantitative", "title": "lag (steps)", "scale": scale, "axis": axis}


def _ends(shown: Mapping[Series, Sequence[Mapping[str, Any]]]) -> str:
    """The last point of each line, in words."""
    return "; ".join(
        f"{one.name} {size(points[-1]['value'])} at {points[-1]['length']}" for one, points in shown.items()
    )


def _lasting(x: float) -> str:
    return "∞" if x >= LONGEST else steps(x)
