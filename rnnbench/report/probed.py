"""Probes -> the report's tables, side by side for a base and its variants, and the same as values, a run each.

A cell is the median over seeds; what has several in brackets goes from the least to the most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from rnnbench.analysis import stats
from rnnbench.probing import Asked, Probe, Probed
from rnnbench.report import curves, marks, probe_values
from rnnbench.report.formats import markdown, table
from rnnbench.report.model import NBSP, Cell, Column, Report, Table, clean, counted

WIDTH = 24  # of a curve
FLAT = 0.5  # of T * decay, as in rnnbench.probing.gradients
LEGEND = (
    "gradient: J(k) / J(0), J(k) the mean norm of d answer / d state k steps before the answer; full block 1 or more, "
    "each block less half a decade",
    "tau: steps in which J falls by a factor of e, from T/8 to 7T/8; flat: |T / tau| < .5; negative: it grows",
)


@dataclass(frozen=True)
class Row:
    """A variant after some steps, with the probe of each seed that has one."""

    variant: str
    after: str
    base: str | None
    probes: tuple[tuple[int, Probe], ...]

    @property
    def names(self) -> tuple[Cell, Cell, Cell]:
        return _text(self.variant), _text(self.after), Cell((str(len(self.probes)),), len(self.probes))

    def each(self, ask: Callable[[Probe], Any]) -> list[Any]:
        """What each seed's probe says, where it says something."""
        return [value for _, probe in self.probes if (value := ask(probe)) is not None]


def render(
    name: str, made: Sequence[Probed], asked: Asked, format: str, *, width: int | None = None, color: bool = False
) -> str:
    """Probes as csv, json, markdown or a table."""
    if format == "json":
        return probe_values.as_json(name, made, asked)
    if format == "csv":
        return probe_values.as_csv(made)
    told = report(name, made, asked)
    return markdown.show(told) if format == "markdown" else table.show(told, width, color)


def label(each: Probed) -> str:
    """A run in a few words."""
    return f"{each.variant} on {each.task} {each.run.rung.length}, seed {each.run.seed}"


def report(name: str, made: Sequence[Probed], asked: Asked) -> Report:
    """All that was probed, task by task and length by length."""
    runs = len({each.run.id for each in made})
    of = "answer" if asked.of == "answer" else "loss of the answer"
    return Report(
        title=f"{clean(name)}: probes",
        about="",
        summary=f"{counted(runs, 'run')} trained again; gradient of the {of} over {asked.sequences} test sequences, in "
        "float64, by the cells' own equations; median over seeds (least to most)",
        tables=tuple(tables(made)),
        legend=LEGEND if any(probe.gradients for each in made for probe in each.probes) else (),
        notes=tuple(dict.fromkeys(f"{label(each)}: {why}" for each in made if (why := _why(each)))),
    )


def _why(each: Probed) -> str:
    if each.record is not None and not each.record.finished:
        return f"{each.record.status}: nothing to probe"
    return "; ".join(dict.fromkeys(probe.why for probe in each.probes if probe.why))


def tables(made: Sequence[Probed]) -> Iterator[Table]:
    """The tables of each task and length."""
    for task, length in dict.fromkeys((each.task, each.run.rung.length) for each in made):
        here = [each for each in made if (each.task, each.run.rung.length) == (task, length)]
        rows = list(rows_of(here))
        for draw in (_gradients, _held, _gates, _paired):
            found = draw(f"{clean(task)} {length}", rows)
            if found is not None:
                yield found


def rows_of(made: Sequence[Probed]) -> Iterator[Row]:
    """A row for each variant and number of steps."""
    for variant in dict.fromkeys(each.variant for each in made):
        own = [each for each in made if each.variant == variant]
        pairs = [(each.run.seed, probe) for each in own for probe in each.probes]
        asked = sorted({probe.step for _, probe in pairs if not probe.end})
        for step in asked:
            found = tuple((seed, probe) for seed, probe in pairs if not probe.end and probe.step == step)
            yield Row(variant, str(step), own[0].base, found)
        if ends := tuple((seed, probe) for seed, probe in pairs if probe.end):
            yield Row(variant, "end", own[0].base, ends)


def _text(text: str) -> Cell:
    return Cell((clean(text),), text)


def _median(values: Sequence[float], show: Callable[[float], str] = lambda x: marks.fixed(x)) -> Cell:
    """The median, and the range where there are several that differ."""
    if not values:
        return Cell(("",))
    low, middle, high = show(min(values)), show(median(values)), show(max(values))
    return Cell((middle, f"({low} to {high})" if low != high else ""), median(values))


def size(x: float) -> str:
    """A size with two digits, however large or small.

    >>> size(0.0), size(0.51), size(3.4), size(120.0), size(4.2e-9)
    ('0', '.51', '3.4', '120', '4e-09')
    """
    if x == 0:
        return "0"
    if not 1e-3 <= abs(x) < 1e4:
        return f"{x:.0e}"
    shown = f"{x:.2g}" if abs(x) < 100 else f"{x:.0f}"
    return shown.replace("0.", ".", 1) if shown.startswith(("0.", "-0.")) else shown


def time_constant(decay: float, T: int) -> str:
    """1 / decay, in steps, or that there is none over T of them."""
    return "flat" if abs(T * decay) < FLAT else f"{1 / decay:.2g}" if abs(decay) > 0.01 else f"{1 / decay:.0f}"


def _gradient(direction: str) -> Callable[[Probe], Any]:
    return lambda probe: next((g for g in probe.gradients if g["direction"] == direction and g["mean"]), None)


def _shown(T: int) -> list[int]:
    """The lags that are shown as numbers."""
    return sorted({k for k in (1, T // 4, T // 2, T - 1) if 0 < k < T})


def _gradients(where: str, rows: Sequence[Row]) -> Table | None:
    """Does what was then still move the answer?"""
    directions = list(dict.fromkeys(g["direction"] for row in rows for _, p in row.probes for g in p.gradients))
    longest = max((len(g["mean"]) for row in rows for _, p in row.probes for g in p.gradients), default=0)
    lags, out = _shown(longest), []
    inputs = list(dict.fromkeys(i["needed"] for row in rows for _, p in row.probes for i in p.inputs))
    for row in rows:
        for direction in directions:
            found = row.each(_gradient(direction))
            ratios = [[x / g["mean"][0] if g["mean"][0] else math.nan for x in g["mean"]] for g in found]
            if not found and not row.each(lambda p: p.inputs or None):
                continue
            T = max(map(len, ratios), default=0)
            middle = [_log_median([r[k] for r in ratios if k < len(r)]) for k in range(T)]
            name = _text(row.variant + (f" {direction}" if len(directions) > 1 else ""))
            decays = [(g["decay"], len(g["mean"])) for g in found if g["decay"] is not None]
            out.append((
                name, *row.names[1:],
                _median(row.each(lambda p: p.score)),
                Cell((curves.logarithmic(middle, WIDTH),), curves.logarithmic(middle, WIDTH)),
                _median([g["mean"][0] for g in found], size),
                *(Cell((size(middle[k]),), middle[k]) if k < T and middle[k] is not None else Cell(("",)) for k in lags),
                _taus(decays),
                *(_median(row.each(lambda p, i=i: _input(p, i)), size) for i in inputs),
            ))  # fmt: skip
    if not out:
        return None
    names = ["others" if i is None else f"d/dv {i + 1}" for i in inputs]
    titles = ["after", "n", "score", f"lags 0 to {longest - 1}", "J(0)", *map(str, lags), "tau", *names]
    about = "J(k) / J(0) by lag k before the answer"
    about += (
        "; d/dv: derivative of the answer by the values it hangs on, and the mean size of that by others"
        if inputs
        else ""
    )
    return _table(f"{where}: gradient", about, titles, out, {"after", titles[3]})


def _input(probe: Probe, needed: int | None) -> float | None:
    return next((i["mean"] for i in probe.inputs if i["needed"] == needed), None)


def _log_median(values: Iterable[float]) -> float | None:
    kept = [v for v in values if math.isfinite(v)]
    return median(kept) if kept else None


def _taus(decays: Sequence[tuple[float, int]]) -> Cell:
    """Each seed's, where there are few."""
    if not decays:
        return Cell(("",))
    middle = median(decay for decay, _ in decays)
    told = [time_constant(*each) for each in decays]
    shown = ", ".join(told) if len(told) <= 3 else time_constant(middle, decays[0][1])
    return Cell((shown,), 1 / middle if middle else None)


def _held(where: str, rows: Sequence[Row]) -> Table | None:
    """What can be read off the state, and what swapping it does."""
    reads = sorted({r["needed"] for row in rows for _, p in row.probes for r in p.readouts})
    swaps = sorted({s["needed"] for row in rows for _, p in row.probes for s in p.swaps})
    if not reads and not swaps:
        return None
    out = []
    for row in rows:
        cells: list[Cell] = []
        for n in reads:
            found = row.each(lambda p, n=n: next((r for r in p.readouts if r["needed"] == n), None))
            lags = sorted({lag for r in found for lag in r["lags"]})
            by_lag = [
                _log_median(v for r in found for k, v in zip(r["lags"], r["r2"], strict=True) if k == lag)
                for lag in lags
            ]
            curve = curves.linear(by_lag, WIDTH)
            told = f"{lags[0]} to {lags[-1]}" if lags else ""
            cells += [
                Cell((curve, told), curve),
                _median([r["r2"][-1] for r in found]),
                _median([sum(r["control"]) / len(r["control"]) for r in found]),
            ]
        for n in swaps:
            for key in ("drop", "others", "changed"):
                cells.append(_median(row.each(lambda p, n=n, key=key: _swap(p, n, key)), size))
        if any(cell.text for cell in cells):
            out.append((*row.names, *cells))
    titles = ["after", "n"]
    for n in reads:
        titles += [f"R² of needed {n + 1}, lags", "longest", "shuffled"]
    for n in swaps:
        titles += [f"swap {n + 1}: drop", "of others", "changed"]
    about = (
        "held-out R² of a ridge from the state to what the answer hangs on, by lag before the answer" if reads else ""
    )
    if swaps:
        about += (
            "; " if about else ""
        ) + "its token swapped: the drop of the right logit, the size of the change of answers "
        about += "that hang on something else, and the share of answers that become others"
    return _table(f"{where}: what is held", about, titles, out, {"after", *(t for t in titles if t.endswith("lags"))})


def _swap(probe: Probe, needed: int, key: str) -> float | None:
    return next((s[key] for s in probe.swaps if s["needed"] == needed), None)


def _gates(where: str, rows: Sequence[Row]) -> Table | None:
    """How open gates are, and how long states last by what they are multiplied by."""
    out = []
    for row in rows:
        for place, name in dict.fromkeys((g["place"], g["gate"]) for _, p in row.probes for g in p.gates):
            gates = row.each(lambda p, key=(place, name): _at(p.gates, "gate", key))
            cells = [
                _median([g[k] for g in gates if g[k] is not None]) for k in ("mean", "needed", "other", "open", "shut")
            ]
            out.append((*row.names, _text(f"{place} gate {name}"), *cells, Cell(("",)), Cell(("",))))
        for place, state in dict.fromkeys((c["place"], c["state"]) for _, p in row.probes for c in p.carries):
            carries = row.each(lambda p, key=(place, state): _at(p.carries, "state", key))
            cells = [_median([c[k] for c in carries if c[k] is not None]) for k in ("mean", "needed", "other")]
            middle, most = ([c["rates"][k] for c in carries] for k in (2, 0))
            blank = Cell(("",))
            out.append(
                (
                    *row.names,
                    _text(f"{place} state {state + 1} kept"),
                    *cells,
                    blank,
                    blank,
                    _lasts(middle),
                    _lasts(most),
                )
            )
    if not out:
        return None
    titles = ["after", "n", "", "mean", "needed", "other", "> .95", "< .05", "tau", "longest"]
    about = ("how open gates are, and by how much a state is multiplied at each step: at all steps, at those that are needed, "
             "at others; shares over .95 and under .05; tau = -1 / mean log f of the middle unit and of the one that lasts longest")  # fmt: skip
    return _table(f"{where}: gates", about, titles, out, {"after", ""})


def _at(found: Sequence[dict[str, Any]], kind: str, key: tuple[str, Any]) -> dict[str, Any] | None:
    return next((each for each in found if (each["place"], each[kind]) == key), None)


def _lasts(rates: Sequence[float]) -> Cell:
    return _median(rates, lambda rate: "∞" if rate <= 1e-9 else f"{1 / rate:.2g}" if rate > 0.01 else f"{1 / rate:.0f}")


def _paired(where: str, rows: Sequence[Row]) -> Table | None:
    """A variant less its base, seed by seed."""
    out = []
    for row in rows:
        base = next((other for other in rows if (other.variant, other.after) == (row.base, row.after)), None)
        if base is None:
            continue
        cells = []
        for ask in (_reach, _readable):
            of_base = {seed: ask(probe) for seed, probe in base.probes}
            pairs = [(ask(probe), of_base.get(seed)) for seed, probe in row.probes]
            differences = [a - b for a, b in pairs if a is not None and b is not None]
            found = stats.mean(differences)
            cells += [Cell((str(len(differences)),), len(differences)), Cell(marks.signed(found, 2), found.value)]
        if any(cell.value for cell in cells):
            out.append((_text(row.variant), _text(row.base or ""), _text(row.after), *cells))
    if not out:
        return None
    about = f"variant less base, paired by seed: log10 of J(longest lag) / J(0), and R² at the longest lag; mean ± half the 95{NBSP}% t interval"
    titles = ["against", "after", "n", "decades", "n", "R²"]
    return _table(f"{where}: paired", about, titles, out, {"against", "after"})


def _reach(probe: Probe) -> float | None:
    """Decades by which the gradient at the longest lag differs from that at 0."""
    found = next((g["mean"] for g in probe.gradients if g["mean"]), None)
    return math.log10(found[-1] / found[0]) if found and found[0] > 0 and found[-1] > 0 else None


def _readable(probe: Probe) -> float | None:
    return float(probe.readouts[0]["r2"][-1]) if probe.readouts else None


def _table(title: str, about: str, titles: Sequence[str], rows: Sequence[Sequence[Cell]], words: set[str]) -> Table:
    columns = (Column("", False), *(Column(t, t not in words) for t in titles))
    return Table(title, about, columns, tuple(map(tuple, rows)))
