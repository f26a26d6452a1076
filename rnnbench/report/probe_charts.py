"""What probes say, as pictures: the gradient by lag, what can be read off the state, how long states last; a base and
its variants in one picture, one for each time in training at which they were probed, to one scale.

Each is the median over seeds, with a band or a line from the least to the most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median
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
    f"from the least to the most (under {LEAST:.0e}: as that)"
)
READ = (
    "R² of a ridge from the state, k steps before the answer, to what that hangs on, in sequences that it was not "
    "fitted on; likewise over seeds (under 0: as that)"
)
LASTS = (
    "tau: steps in which what a state is multiplied by lets it fall by a factor of e; the middle unit, and a line from "
    f"the one that is first forgotten to the one that lasts longest (over {LONGEST:,.0f}: as that)"
)

POWER = "format(datum.value, datum.value < .01 ? '.0e' : '~g')"  # 1, 0.1, 0.01, 1e-3

Points = list[dict[str, Any]]
Shown = dict[Series, Points]


def charts(where: str, rows: Sequence[Row], series: Mapping[str, Series], look: Look) -> Iterator[Chart]:
    """Those that have something to show, each kind at each time in training side by side; `where` is the task and the
    length."""
    times = {
        after: [row for row in rows if row.after == after and row.variant in series]
        for after in dict.fromkeys(row.after for row in rows)
    }
    for take, draw in ((_gradients, _gradient), (_readouts, _readout), (_constants, _constant)):
        shown = {after: found for after, own in times.items() if (found := take(own, series))}
        every = [point for found in shown.values() for points in found.values() for point in points]
        for after, found in shown.items():
            at = {"0": "before training", "end": "after training"}.get(after, f"after {after} steps")
            yield draw(f"{where}, {at}", found, every, look)


def _gradients(rows: Sequence[Row], series: Mapping[str, Series]) -> Shown:
    """J(k) / J(0) by lag; of a second direction nothing."""
    return _by_lag(
        rows, series, lambda row: [_relative(p.gradients[0]["mean"]) for _, p in row.probes if p.gradients], LEAST
    )


def _readouts(rows: Sequence[Row], series: Mapping[str, Series]) -> Shown:
    """R² by lag, of the input that is held longest."""

    def curves(row: Row) -> list[list[float]]:
        by_lag = [dict(zip(found["lags"], found["r2"], strict=True)) for found in row.found("readouts", needed=0)]
        most = max((lag for found in by_lag for lag in found), default=-1)
        return [[found.get(lag, math.nan) for lag in range(most + 1)] for found in by_lag]

    return _by_lag(rows, series, curves, 0.0)


def _constants(rows: Sequence[Row], series: Mapping[str, Series]) -> Shown:
    """How long each state lasts, by the name of the variant, with the state's where it has several."""
    shown: Shown = {}
    for row in rows:
        states = row.keys("carries", "place", "state")
        layers = {place for place, _ in states}
        for place, state in states:
            rates = [found["rates"] for found in row.found("carries", place=place, state=state)]
            low, middle, high = (median(min(LONGEST, tau(each[k])) for each in rates) for k in (4, 2, 0))
            which = [*([place] if len(layers) > 1 else []), *([f"state {state + 1}"] if len(states) > 1 else [])]
            name = ", ".join([clean(row.variant), *which])
            shown.setdefault(series[row.variant], []).append(
                {"name": name, "value": middle, "low": low, "high": high}
            )  # fmt: skip
    return shown


def _gradient(where: str, shown: Shown, every: Points, look: Look) -> Chart:
    """Lag across, J(k) / J(0) up on a log scale."""
    low, high = _ends(every)
    y: Spec = {"field": "value", "type": "quantitative", "title": "J(k) / J(0) (log)"}
    y["scale"] = {"type": "log", "domain": [low / 1.5, max(1.0, high) * 1.5], "nice": False}
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(max(1.0, high))) + 1)
    y["axis"] = {"values": [10.0**k for k in powers], "labelOverlap": True, "labelExpr": POWER}
    return Chart(
        look.spec(lines.layers(shown, _lags(every), y, look), 0.5 * look.width),
        f"gradient by lag: {where}",
        GRADIENT,
        f"Gradient by lag, {where}, as J(k) / J(0): {_last(shown)}.",
    )


def _readout(where: str, shown: Shown, every: Points, look: Look) -> Chart:
    """Lag across, R² up."""
    return Chart(
        look.spec(lines.layers(shown, _lags(every), share("R²"), look), 0.5 * look.width),
        f"read off the state: {where}",
        READ,
        f"What can be read off the state by lag, {where}, as R²: {_last(shown)}.",
    )


def _constant(where: str, shown: Shown, every: Points, look: Look) -> Chart:
    """States down, the steps that they last across, on a log scale."""
    low, high = _ends(every)
    x: Spec = {"field": "value", "type": "quantitative", "title": "tau (steps, log)"}
    x["scale"] = {"type": "log", "domain": [low / 1.3, high * 1.3], "nice": False}
    x["axis"] = {"format": "~g", "values": [f * 10.0**k for k in range(-2, 5) for f in (1, 3)], "labelOverlap": True}
    names, rows = {one.name: one for one in shown}, [row for points in shown.values() for row in points]
    plain = replace(look, legend=False)  # the names stand beside the rows
    layers: list[Spec] = []
    for one, points in shown.items():
        data = {"values": points}
        at = {"x": x, "y": names_axis([str(row["name"]) for row in rows]), **plain.encoded(one, names)}
        over = at | {"x": x | {"field": "low"}, "x2": {"field": "high"}}
        rule, dot = {"type": "rule", "strokeWidth": 1.5}, {"type": "point", "filled": True, "size": 5 * look.font}
        layers.append({"name": f"{one.key}_rule", "data": data, "mark": rule, "encoding": over})
        layers.append({"name": f"{one.key}_dot", "data": data, "mark": dot | {"opacity": 1}, "encoding": at})
    said = "; ".join(f"{row['name']} {_lasting(row['value'])} (to {_lasting(row['high'])})" for row in rows)
    return Chart(
        plain.spec(layers, ROW * look.font * len(rows)),
        f"how long states last: {where}",
        LASTS,
        f"How long states last, {where}, in steps, the middle unit and the longest: {said}.",
    )


def _relative(mean: Sequence[float]) -> list[float]:
    return [x / mean[0] for x in mean] if mean and mean[0] else []


def _by_lag(
    rows: Sequence[Row], series: Mapping[str, Series], curves: Callable[[Row], list[list[float]]], least: float
) -> Shown:
    """The median of seeds' curves and their range, at as many lags as can be told apart."""
    shown: Shown = {}
    for row in rows:
        found = curves(row)
        longest = max(map(len, found), default=0)
        lags = sorted({*range(0, longest, -(-longest // MOST) or 1), *range(longest)[-1:]})
        by_lag = {k: [max(least, c[k]) for c in found if k < len(c) and math.isfinite(c[k])] for k in lags}
        points = [{"length": k, "value": median(v), "low": min(v), "high": max(v)} for k, v in by_lag.items() if v]
        if points:
            shown[series[row.variant]] = points
    return shown


def _ends(every: Points) -> tuple[float, float]:
    return min(float(p["low"]) for p in every), max(float(p["high"]) for p in every)


def _lags(every: Points) -> Spec:
    scale = {"domain": [0, max(1, *(int(p["length"]) for p in every))], "nice": False}
    axis = {"grid": False, "tickMinStep": 1, "format": "d"}
    return {"field": "length", "type": "quantitative", "title": "lag (steps)", "scale": scale, "axis": axis}


def _last(shown: Shown) -> str:
    """The last point of each line, in words."""
    return "; ".join(
        f"{one.name} {size(points[-1]['value'])} at {points[-1]['length']}" for one, points in shown.items()
    )


def _lasting(x: float) -> str:
    return "∞" if x >= LONGEST else steps(x)
