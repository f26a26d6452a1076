"""Probes side by side: a row for each variant and number of steps, with the probe of each of its seeds; and how what
they say looks in a cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from statistics import median
from typing import Any

from rnnbench.probing import Probe, Probed
from rnnbench.report import marks
from rnnbench.report.model import Cell, clean
from rnnbench.seeds import Seed

BLANK = Cell(("",))
FLAT = 0.5  # of T * decay, as in rnnbench.probing.gradients


@dataclass(frozen=True)
class Row:
    """A variant after some steps, with the probe of each seed that has one."""

    variant: str
    after: str
    base: str | None
    probes: tuple[tuple[Seed, Probe], ...]

    @property
    def names(self) -> tuple[Cell, Cell, Cell]:
        return word(self.variant), word(self.after), Cell((str(len(self.probes)),), len(self.probes))

    @property
    def scores(self) -> list[float]:
        return [probe.score for _, probe in self.probes if probe.score is not None]

    def found(self, kind: str, **key: Any) -> list[dict[str, Any]]:
        """The entry of a kind of probe that has these values, of each seed that has one."""
        entries = (entry(getattr(probe, kind), **key) for _, probe in self.probes)
        return [each for each in entries if each is not None]

    def keys(self, kind: str, *names: str) -> list[tuple[Any, ...]]:
        """The values of these names among the entries of a kind, each once."""
        return list(dict.fromkeys(tuple(each[n] for n in names) for _, p in self.probes for each in getattr(p, kind)))


def rows(made: Sequence[Probed]) -> Iterator[Row]:
    """A row for each variant and number of steps, the end last."""
    for variant in dict.fromkeys(each.variant for each in made):
        own = [each for each in made if each.variant == variant]
        pairs = [(each.run.seed, probe) for each in own for probe in each.probes]
        for step in sorted({probe.step for _, probe in pairs if not probe.end}):
            found = tuple((seed, probe) for seed, probe in pairs if not probe.end and probe.step == step)
            yield Row(variant, str(step), own[0].base, found)
        if ends := tuple((seed, probe) for seed, probe in pairs if probe.end):
            yield Row(variant, "end", own[0].base, ends)


def entry(found: Iterable[dict[str, Any]], **key: Any) -> dict[str, Any] | None:
    """The entry of a kind of probe that has these values."""
    return next((each for each in found if all(each[name] == value for name, value in key.items())), None)


def word(text: str) -> Cell:
    return Cell((clean(text),), text)


def share(x: float) -> str:
    """A number in [-1, 1], without a zero before the point, and without a sign where it is none.

    >>> share(0.98), share(-0.001), share(-0.25)
    ('.98', '.00', '-.25')
    """
    return marks.fixed(x) if x >= 0 else marks.fixed(-x) if x > -0.005 else f"-{marks.fixed(-x)}"


def numbers(values: Sequence[float | None], show: Callable[[float], str] = share) -> Cell:
    """The median of those that are there, and the range where they look different."""
    kept = [v for v in values if v is not None]
    if not kept:
        return BLANK
    low, middle, high = show(min(kept)), show(median(kept)), show(max(kept))
    return Cell((middle, f"({low} to {high})" if low != high else ""), median(kept))


def middle(values: Iterable[float | None]) -> float | None:
    """The median of those that are numbers."""
    kept = [v for v in values if v is not None and isfinite(v)]
    return median(kept) if kept else None


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
    """1 / decay, in steps, or that there is none over T of them.

    >>> time_constant(0.1, 40), time_constant(-0.002, 2000), time_constant(0.01, 40)
    ('10', '-500', 'flat')
    """
    return "flat" if abs(T * decay) < FLAT else steps(1 / decay)


def tau(rate: float) -> float:
    """1 / rate in steps; for ever where it is 0, but for rounding."""
    return inf if rate <= 1e-9 else 1 / rate


def steps(x: float) -> str:
    """A number of steps.

    >>> steps(inf), steps(2.5), steps(1320.2)
    ('∞', '2.5', '1320')
    """
    return "∞" if x == inf else f"{x:.2g}" if abs(x) < 100 else f"{x:.0f}"
