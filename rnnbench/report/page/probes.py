"""The chapter of a page that says why: what was probed, as pictures that unfold and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rnnbench.report import looks, probe_charts
from rnnbench.report.looks import Series
from rnnbench.report.model import clean
from rnnbench.report.page import figures, tabled
from rnnbench.report.page.markup import Markup, join, tag
from rnnbench.report.probe_rows import rows
from rnnbench.report.probed import Probes
from rnnbench.suite import rungs


def body(probes: Probes, series: Mapping[str, Series]) -> Markup:
    """What is said of all, then for each task and length its pictures, then the tables."""
    told = probes.report
    lines = tag("ul", *(tag("li", line) for line in (told.summary, *told.legend, *told.notes)), cls="quiet")
    return join(lines, *_pictures(probes, series), *(tabled.folded(table) for table in told.tables))


def _pictures(probes: Probes, series: Mapping[str, Series]) -> Iterator[Markup]:
    for task, rung in dict.fromkeys((each.task, rungs.named(each.run.rung)) for each in probes.made):
        here = [each for each in probes.made if (each.task, rungs.named(each.run.rung)) == (task, rung)]
        where = f"{clean(task)} at {rung}"
        drawn = list(probe_charts.charts(where, list(rows(here)), series, looks.PAGE))
        if drawn:
            yield tag("details", tag("summary", f"{where}: in pictures"), figures.grid(drawn))
