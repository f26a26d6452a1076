"""The charts of a report's page, one at a time, for a notebook or a file.

    figure = rnnbench.plot.spans(results, task="adding")     # shown by a notebook
    figure.save("spans.pdf")                                  # or .svg, .png

There is a function for each chart: `curves`, `effects`, `interactions`, `scores`, `solved`, `spans`, `steps`. They are
made by the functions that make the page; what each shows is computed there, and nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.errors import UserError, nearest
from rnnbench.report import charts, draw, looks
from rnnbench.report.looks import Look
from rnnbench.report.results import Results
from rnnbench.report.study import Study
from rnnbench.text import printable, sentence

if TYPE_CHECKING:
    from rnnbench.suite import TaskEntry

LOOK = Look(480, 12, spare=26)  # points wide, of the font, and at the left
DRAWN: dict[str, Callable[[dict[str, Any]], bytes]] = {
    ".svg": lambda spec: draw.svg(spec).encode(),
    ".pdf": draw.pdf,
    ".png": draw.png,
}


@dataclass(frozen=True, repr=False)
class Figure:
    """A chart: its Vega-Lite specification `spec`, a plain dict; its title, what its marks mean (`about`), and what it
    shows, for who can't see it (`alt`)."""

    spec: dict[str, Any]
    title: str
    about: str
    alt: str

    def save(self, path: str | Path) -> Path:
        """Writes it, as the name of the file says: svg, pdf or png. UserError for any other name."""
        path = Path(path)
        draw_it = DRAWN.get(path.suffix.lower())
        if draw_it is None:
            ends = ", ".join(DRAWN)
            raise UserError(f"save: got '{printable(str(path), 200)}', expected a name that ends in {ends}")
        path.write_bytes(draw_it(self.spec))
        return path

    def __repr__(self) -> str:
        return f"<figure: {self.alt}>"

    def _repr_svg_(self) -> str:
        return draw.svg(self.spec)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What a notebook shows: the picture, and a text beside it."""
        return {"image/svg+xml": self._repr_svg_(), "text/plain": self.alt}


def figure(name: str, results: Results, task: str | None = None, *, look: Look = LOOK) -> Figure:
    """The chart of that name of results on a task, which need not be named where there is only one. UserError for a
    task that isn't there, and where there is nothing to draw."""
    entry = _task(name, results, task)
    found = charts.named(name)
    study = Study(results.curved if getattr(found, "CURVES", False) else results.climbs)
    made = found.chart(entry, study, looks.series(results.suite.variants), look)
    if made is None:
        what = sentence(found.__doc__ or "").partition("\n")[0]
        raise UserError(f"plot.{name}: {printable(entry.name)}: there is nothing to draw yet; what it shows: {what}")
    return Figure(made.spec, made.title, made.about, made.alt)


def _task(name: str, results: Results, task: str | None) -> TaskEntry:
    known = {entry.name: entry for entry in results.suite.tasks}
    if task is None and len(known) == 1:
        return next(iter(known.values()))
    if task not in known:
        got = "none" if task is None else f"'{printable(str(task), 100)}'"
        raise UserError(f"plot.{name}: task: got {got}, expected one of the suite's; {nearest(str(task), known)}")
    return known[task]


def __getattr__(name: str) -> Callable[..., Figure]:
    """The function that draws the chart of that name."""
    if name not in charts.names():
        raise AttributeError(f"module 'rnnbench.plot' has no attribute '{name}'; {nearest(name, charts.names())}")

    def draw_chart(results: Results, task: str | None = None, *, look: Look = LOOK) -> Figure:
        return figure(name, results, task, look=look)

    draw_chart.__name__ = draw_chart.__qualname__ = name
    draw_chart.__doc__ = charts.named(name).__doc__
    globals()[name] = draw_chart  # so that it is one function, whoever asks for it
    return draw_chart


def __dir__() -> list[str]:
    return sorted({"Figure", "figure", *charts.names()})
