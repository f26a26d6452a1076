"""What probes say, as tables: the gradient by lag, what is held, gates, and each variant against its base."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import stats
from rnnbench.probing import Probe
from rnnbench.report import curves, marks
from rnnbench.report.model import NBSP, Cell, Column, Table
from rnnbench.report.probe_rows import BLANK, Row, middle, numbers, size, steps, tau, time_constant, word

WIDTH = 24  # of a curve
FEW = 3  # seeds whose numbers are all shown


def tables(where: str, rows: Sequence[Row]) -> list[Table]:
    """Those that have something to say."""
    drawn = (draw(where, rows) for draw in (gradients, held, gates, paired))
    return [table for table in drawn if table is not None]


def gradients(where: str, rows: Sequence[Row]) -> Table | None:
    """Does what was then still move the answer?"""
    every = [g for row in rows for _, probe in row.probes for g in probe.gradients]
    directions = list(dict.fromkeys(g["direction"] for g in every)) or [""]
    longest = max((len(g["mean"]) for g in every), default=0)
    lags = sorted({k for k in (1, longest // 4, longest // 2, longest - 1) if 0 < k < longest})
    inputs = list(dict.fromkeys(i["needed"] for row in rows for _, probe in row.probes for i in probe.inputs))
    out = []
    for row in rows:
        for direction in directions:
            found = row.found("gradients", direction=direction)
            if not found and not any(probe.inputs for _, probe in row.probes):
                continue
            ratios = [[x / g["mean"][0] if g["mean"][0] else math.nan for x in g["mean"]] for g in found if g["mean"]]
            curve = [middle(r[k] for r in ratios if k < len(r)) for k in range(max(map(len, ratios), default=0))]
            by_input = [[each["mean"] for each in row.found("inputs", needed=i)] for i in inputs]
            name = word(row.variant + (f" {direction}" if len(directions) > 1 else ""))
            score = numbers(row.scores)
            out.append(
                (name, *row.names[1:], score, *_curve(curve, found, lags), *(numbers(v, size) for v in by_input))
            )
    if not out:
        return None
    titles = ["after", "n", "score"]
    titles += [f"lags 0 to {longest - 1}", "J(0)", *map(str, lags), "tau"] if every else []
    titles += ["others" if i is None else f"d/dv {i + 1}" for i in inputs]
    about = ["J(k) / J(0) by lag k before the answer"] if every else []
    about += ["the derivative of the answer by the values it hangs on, and its mean size by others"] if inputs else []
    if not every:
        out = [tuple(cell for k, cell in enumerate(row) if not 4 <= k < 7) for row in out]
    return _table(f"{where}: gradient", "; ".join(about), titles, out)


def _curve(curve: Sequence[float | None], found: Sequence[dict[str, Any]], lags: Sequence[int]) -> list[Cell]:
    drawn = curves.logarithmic(curve, WIDTH)
    at = [numbers([curve[k]] if k < len(curve) else [], size) for k in lags]
    return [Cell((drawn,), drawn), numbers([g["mean"][0] for g in found if g["mean"]], size), *at, _taus(found)]


def _taus(found: Sequence[dict[str, Any]]) -> Cell:
    """Each seed's, where there are few."""
    decays = [(g["decay"], len(g["mean"])) for g in found if g["decay"] is not None]
    if not decays:
        return BLANK
    decay = middle(d for d, _ in decays) or 0.0
    told = [time_constant(*each) for each in decays]
    shown = ", ".join(told) if len(told) <= FEW else time_constant(decay, decays[0][1])
    return Cell((shown,), 1 / decay if decay else None)


def held(where: str, rows: Sequence[Row]) -> Table | None:
    """What can be read off the state, and what swapping it does."""
    reads = sorted({r["needed"] for row in rows for _, probe in row.probes for r in probe.readouts})
    swaps = sorted({s["needed"] for row in rows for _, probe in row.probes for s in probe.swaps})
    titles, about = ["after", "n"], []
    for n in reads:
        titles += [f"R² of needed {n + 1}, by lag", "half-way", "shuffled"]
    for n in swaps:
        titles += [f"swap {n + 1}: drop", "of others", "changed"]
    if reads:
        about.append("held-out R² of a ridge from the state to what the answer hangs on, by lag before the answer")
    if swaps:
        about.append(
            "its token swapped: the drop of the right logit, the size of the change of answers that hang on something "
            "else, the share of answers that become others"
        )
    out = []
    for row in rows:
        cells: list[Cell] = []
        for n in reads:
            cells += _read(row.found("readouts", needed=n))
        for n in swaps:
            found = row.found("swaps", needed=n)
            cells += [numbers([s[key] for s in found], size) for key in ("drop", "others", "changed")]
        if any(cell.text for cell in cells):
            out.append((*row.names, *cells))
    return _table(f"{where}: what is held", "; ".join(about), titles, out) if out else None


def _read(found: Sequence[dict[str, Any]]) -> list[Cell]:
    lags = sorted({lag for r in found for lag in r["lags"]})
    pairs = [dict(zip(r["lags"], r["r2"], strict=True)) for r in found]
    drawn = curves.linear([middle(by_lag.get(lag) for by_lag in pairs) for lag in lags], WIDTH)
    told = f"{lags[0]} to {lags[-1]}" if lags else ""
    control = middle(sum(r["control"]) / len(r["control"]) for r in found)
    return [Cell((drawn, told), drawn), numbers([_half_way(r) for r in found]), numbers([control])]


def _half_way(found: dict[str, Any]) -> float:
    """R² at the middle one of the lags."""
    return float(found["r2"][len(found["r2"]) // 2])


def gates(where: str, rows: Sequence[Row]) -> Table | None:
    """How open gates are, and how long states last by what they are multiplied by."""
    out = []
    for row in [own[-1] for own in _by_variant(rows)]:
        places = [place for (place,) in row.keys("outputs", "place")]
        where_in = {place: f"{place} " if len(places) > 1 else "" for place in places}
        for place, name in row.keys("gates", "place", "gate"):
            found = row.found("gates", place=place, gate=name)
            means = [numbers([g[key] for g in found]) for key in ("mean", "needed", "other", "open", "shut")]
            out.append((*row.names, word(f"{where_in[place]}gate {name}"), *means, BLANK, BLANK))
        for place, k in row.keys("carries", "place", "state"):
            found = row.found("carries", place=place, state=k)
            means = [numbers([c[key] for c in found]) for key in ("mean", "needed", "other")]
            taus = [numbers([tau(c["rates"][quantile]) for c in found], steps) for quantile in (2, 0)]
            out.append((*row.names, word(f"{where_in[place]}state {k + 1} kept"), *means, BLANK, BLANK, *taus))
    about = (
        "after the last of the steps, how open gates are and by how much a state is multiplied at each step: at all "
        "steps, at those that are needed, at others; shares over .95 and under .05; tau = -1 / mean log f of the "
        "middle unit, and of the one that lasts longest"
    )
    titles = ["after", "n", "", "mean", "needed", "other", "> .95", "< .05", "tau", "longest"]
    return _table(f"{where}: gates", about, titles, out) if out else None


def _by_variant(rows: Sequence[Row]) -> list[list[Row]]:
    return [[row for row in rows if row.variant == name] for name in dict.fromkeys(row.variant for row in rows)]


def paired(where: str, rows: Sequence[Row]) -> Table | None:
    """A variant less its base, seed by seed."""
    out = []
    for row in rows:
        base = next((each for each in rows if (each.variant, each.after) == (row.base, row.after)), None)
        if base is None:
            continue
        cells = []
        for ask in (_reach, _readable):
            of_base = {seed: ask(probe) for seed, probe in base.probes}
            pairs = [(ask(probe), of_base.get(seed)) for seed, probe in row.probes]
            differences = [a - b for a, b in pairs if a is not None and b is not None]
            found = stats.mean(differences)
            cells += [Cell((str(len(differences)),), len(differences)), Cell(marks.signed(found, 2), found.value)]
        if any(cell.value for cell in cells[::2]):
            out.append((word(row.variant), word(row.base or ""), word(row.after), *cells))
    about = (
        "variant less base, paired by seed: log10 of J(longest lag) / J(0), and R² of what is held longest, half-way; "
        f"mean ± half the 95{NBSP}% t interval"
    )
    titles = ["against", "after", "n", "decades", "n", "R²"]
    return _table(f"{where}: paired", about, titles, out) if out else None


def _reach(probe: Probe) -> float | None:
    """Decades by which the gradient at the longest lag differs from that at 0."""
    found = next((g["mean"] for g in probe.gradients if g["mean"]), None)
    return math.log10(found[-1] / found[0]) if found and found[0] > 0 and found[-1] > 0 else None


def _readable(probe: Probe) -> float | None:
    return _half_way(probe.readouts[0]) if probe.readouts else None


def _table(title: str, about: str, titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    """A column is one of words where it has words, or curves, in its cells."""
    columns = [Column("", False)]
    for k, each in enumerate(titles, 1):
        columns.append(Column(each, not any(isinstance(row[k].value, str) for row in rows)))
    return Table(title, about, tuple(columns), tuple(map(tuple, rows)))
