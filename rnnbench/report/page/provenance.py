"""How a study was run, and what broke in it: what a reader needs to make it again."""

from __future__ import annotations

import platform
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import rnnbench
from rnnbench.plan.ladders import Climb
from rnnbench.plan.reach import folded
from rnnbench.records import Record
from rnnbench.report.model import Cell, Column, Table, clean
from rnnbench.report.page import tabled
from rnnbench.report.page.markup import Markup, join, tag
from rnnbench.suite import Suite, rungs
from rnnbench.suite.load import shipped
from rnnbench.text import counted, raised

WHY = 300  # characters of an error
BROKEN = 200  # rows: more of the same say no more


def broken(climbs: Sequence[Climb]) -> Markup:
    """A row for each run that failed, crashed or timed out; nothing where none did."""
    runs = [(c, r) for c in map(folded, climbs) for step in c.steps if step.state != "pruned" for r in step.broken]
    if not runs:
        return Markup()
    rows = tuple(_broken(climb, record) for climb, record in runs[:BROKEN])
    rung = " or ".join(dict.fromkeys(rungs.words(climb.ladder.task).name for climb, _ in runs))
    titles = (("variant", False), ("task", False), (rung, True), ("seed", True), ("status", False), ("why", False))
    left = (f"and {len(runs) - BROKEN} more",) if len(runs) > BROKEN else ()
    columns = tuple(Column(*each) for each in titles)
    about = "left out of every mean; rnnbench run SUITE --rerun failed trains them again"
    return tabled.section(Table("runs that broke", about, columns, rows, left))


def _broken(climb: Climb, record: Record) -> tuple[Cell, ...]:
    names = clean(climb.ladder.variant.name), clean(climb.ladder.task.name)
    place = climb.ladder.place(record.run.rung)
    at = rungs.at(climb.ladder.task, place).removeprefix("at ")
    texts = (*names, at, str(record.run.seed), record.status, clean(raised(record.error or "", WHY)))
    values = (None, None, place, None, None, None)
    return tuple(Cell((text,), value) for text, value in zip(texts, values, strict=True))


def run(suite: Suite, climbs: Sequence[Climb]) -> Markup:
    """The commands that make it again, what it was computed by, and the suite's own text."""
    records = [r for c in map(folded, climbs) for r in c.records]
    facts = [
        ("page written by", f"rnnbench {rnnbench.__version__}, Python {platform.python_version()}"),
        ("seeds", ", ".join(map(str, suite.seeds)) if len(suite.seeds) <= 20 else f"{len(suite.seeds)}"),
        ("overrides", ", ".join(f"{key}={value}" for key, value in suite.overrides.items())),
        ("computed by", _counted(r.numerics for r in records)),
        ("machines", _counted(r.host for r in records)),
        ("started", _between([r.started for r in records if r.started])),
        ("code", _counted(r.fingerprint[:12] for r in records)),
    ]
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", clean(value))) for name, value in facts if value]
    source = shlex.quote(clean(suite.name if suite.name in shipped() or not suite.path else Path(suite.path).name))
    export = shlex.quote(f"{clean(suite.name)}.jsonl")
    commands = f"rnnbench run {source}\nrnnbench export {source} -o {export}\nrnnbench verify {export}"
    again = "These train it, write its results to a file, and train some of them again to compare them to the bit:"
    text = (
        tag("details", tag("summary", "The suite"), tag("pre", tag("code", _shown(suite.text)))) if suite.text else ""
    )
    table = tag("div", tag("table", tag("tbody", *rows)), cls="wide text")
    return join(table, tag("p", again), tag("pre", tag("code", commands)), text)


def _shown(text: str) -> str:
    """A file's text, line by line safe to show."""
    return "\n".join(clean(line) for line in text.splitlines())


def _counted(values: Iterable[str]) -> str:
    """Each value with how many runs have it, the most first; empty ones, which an export hasn't, left out."""
    counts = Counter(value for value in values if value)
    shown = [f"{value} ({counted(count, 'run')})" for value, count in counts.most_common(6)]
    return "; ".join([*shown, *([f"and {len(counts) - 6} others"] if len(counts) > 6 else [])])


def _between(times: Sequence[str]) -> str:
    return f"{min(times)} to {max(times)}" if times else ""
