"""The charts of a page: a chapter a kind, a figure a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnnbench.report import charts, draw, looks
from rnnbench.report.charts import Chart
from rnnbench.report.looks import Series
from rnnbench.report.page.frame import Chapter
from rnnbench.report.page.markup import Markup, join, tag
from rnnbench.report.study import Study
from rnnbench.suite import Suite, TaskEntry, rungs

TITLES = {
    "spans": "{how}, seed by seed",
    "scores": "Score by {rungs}",
    "solved": "Solved by {rungs}",
    "effects": "What each part does",
    "interactions": "What two parts do together",
    "steps": "Steps to solve",
    "tuning": "What was tuned",
    "trials": "Best of so many trials",
    "curves": "Learning curves",
}
HOW = {"length": "how far back", "examples": "how many examples"}  # by what tells the rungs of a task apart


def chapters(suite: Suite, study: Study, series: Mapping[str, Series]) -> list[Chapter]:
    """Each kind of chart that has anything to show, in the order of `charts.ORDER`."""
    found: dict[str, list[tuple[TaskEntry, Chart]]] = {}
    for task in suite.tasks:
        for name, chart in charts.charts(task, study, series, looks.PAGE).items():
            found.setdefault(name, []).append((task, chart))
    order = sorted(found, key=list(charts.names()).index)
    return [
        Chapter(f"chart-{name}", _title(name, [t for t, _ in found[name]]), _body(name, [c for _, c in found[name]]))
        for name in order
    ]


def _title(name: str, tasks: Sequence[TaskEntry]) -> str:
    """What the charts of a kind, of these tasks, show."""
    kinds = list(dict.fromkeys(rungs.words(task).name for task in tasks))
    how = ", ".join(HOW[kind] for kind in kinds).capitalize()
    return TITLES.get(name, name).format(how=how, rungs=" and by ".join(kinds))


def _body(name: str, drawn: Sequence[Chart]) -> Markup:
    shown = grid(drawn)
    return tag("details", tag("summary", "show them"), shown) if name in charts.ON_DEMAND else shown


def grid(drawn: Sequence[Chart]) -> Markup:
    """Charts side by side, as many as there is room for. What the marks mean stands once above all."""
    about = join(*(tag("p", text, cls="quiet") for text in abouts([chart.about for chart in drawn])))
    return join(about, tag("div", *map(_figure, drawn), cls="figures"))


def abouts(texts: Sequence[str]) -> list[str]:
    """What several charts say of their marks: each once, none that another goes on from, and those that differ in
    their first word as one.

    >>> abouts(["span of each seed", "span of each seed", "reach of each seed"])
    ['span or reach of each seed']
    >>> abouts(["share that solve it", "share that solve it; shaded: trained"])
    ['share that solve it; shaded: trained']
    """
    longest = [text for text in dict.fromkeys(texts) if not any(o != text and o.startswith(text) for o in texts)]
    first: dict[str, list[str]] = {}
    for text in longest:
        word, _, rest = text.partition(" ")
        first.setdefault(rest, []).append(word)
    return [f"{' or '.join(words)} {rest}".rstrip() for rest, words in first.items()]


def _figure(chart: Chart) -> Markup:
    """The drawing is one picture to who can't see it, with a text; its marks are classes to the script."""
    drawn = Markup(draw.svg(chart.spec))  # written by Vega, which escapes the texts in it
    picture = tag("div", drawn, role="img", aria_label=chart.alt)
    return tag("figure", tag("figcaption", chart.title), picture)
