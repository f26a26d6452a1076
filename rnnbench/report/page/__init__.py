"""The report as a page: one HTML file that works offline, from a file URL, without script and on paper.

Charts are drawn ahead of time, so that no script draws anything and the content security policy lets nothing in but the
page's own style and script, each by its hash. Every text goes through `markup.escape`, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.analysis import advice, verdicts
from rnnbench.analysis.verdicts import Verdict
from rnnbench.plan.ladders import Climb
from rnnbench.report import answer, looks, tables
from rnnbench.report.model import Report, Table, clean
from rnnbench.report.page import claims, figures, legend, provenance, tabled
from rnnbench.report.page import probes as why
from rnnbench.report.page.frame import Chapter, page
from rnnbench.report.page.markup import Markup, join, tag
from rnnbench.report.probed import Probes
from rnnbench.report.study import Study
from rnnbench.suite import Suite

PLACED = ("spans", "claims")  # kinds of tables that have a chapter of their own


def made(suite: Suite, climbs: Sequence[Climb], notes: Sequence[str] = (), probes: Probes | None = None) -> str:
    """The whole page on a suite's view of a store; every table of the report's model is on it."""
    study = Study(climbs)
    series = looks.series(suite.variants)
    shown = {c.ladder.variant.name: series[c.ladder.variant.name] for c in study.stated}
    found = advice.advised(suite, study.stated, verdicts.verdicts(suite, climbs))
    report = tables.report(suite, climbs, notes, found=found)
    chapters = [
        Chapter("answer", "The answer", _answer(suite, study, found)),
        *(
            Chapter(f"headline-{table.title}", table.title.capitalize(), tabled.section(table))
            for table in report.tables
            if table.kind == "spans"
        ),
        *figures.chapters(suite, study, series),
        *(
            Chapter("claims", "Claims", tabled.section(claims.table(found, table.notes[len(found) :])))
            for table in report.tables
            if table.kind == "claims"
        ),
        Chapter("probes", "Why: probes", why.body(probes, series) if probes else Markup()),
        Chapter("numbers", "All numbers", _numbers(report.tables)),
        Chapter("broken", "What failed", provenance.broken(climbs)),
        Chapter("run", "How it was run", provenance.run(suite, climbs)),
        Chapter("marks", "Marks and notes", _notes(report)),
    ]
    return page(
        title=report.title,
        lead=join(*(tag("p", line) for line in clean_lines(suite.about)), tag("p", report.summary, cls="quiet")),
        legend=legend.buttons(list(shown.values())),
        chapters=[chapter for chapter in chapters if chapter.body],
    )


def clean_lines(text: str) -> list[str]:
    """The lines of a text that somebody wrote, each safe to show."""
    return [clean(line) for line in text.strip().splitlines() if line.strip()]


def _answer(suite: Suite, study: Study, found: Sequence[Verdict]) -> Markup:
    return join(*(tag("p", sentence) for sentence in answer.sentences(suite, study, found)))


def _numbers(tables: Sequence[Table]) -> Markup:
    """The tables that have no chapter of their own."""
    return join(*(tabled.folded(table) for table in tables if table.kind not in PLACED))


def _notes(report: Report) -> Markup:
    lines = [*report.legend, *report.notes]
    return tag("ul", join(*(tag("li", line) for line in lines))) if lines else Markup("")
