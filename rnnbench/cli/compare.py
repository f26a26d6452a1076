"""`rnnbench compare`: two suites, folders of results, exports or baselines, held against each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnbench.cli import app, common, options
from rnnbench.errors import Exit, UserError, nearest

if TYPE_CHECKING:
    from rnnbench.analysis.comparison import Side
    from rnnbench.suite import Suite

WHAT = "A suite's path or name, a folder of results, an export (.gz too) or a baseline."


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help=WHAT)],
    b: Annotated[str, typer.Argument(metavar="B", help="The other; likewise.")],
    results: options.Results = options.RESULTS,
    suite: Annotated[
        str | None,
        typer.Option(
            "--suite", metavar="SUITE", help="Whose runs they are; else the suite that A or B is or ran last."
        ),
    ] = None,
    output: options.Output = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            envvar="RNNBENCH_FORMAT",
            help="How to print it: json, markdown, table; else as the output file's name ends, or as a table.",
        ),
    ] = None,
    filter: options.Filter = None,
) -> None:
    """Compare two suites, folders of results, exports or baselines: spans paired by seed, equal bits, settings."""
    from rnnbench import api
    from rnnbench.analysis import comparison
    from rnnbench.report import compared, formats

    ends = {end: name for end, name in formats.suffixes().items() if name in compared.FORMATS}
    format = format or common.format_of(output, ends, "table")
    if format not in compared.FORMATS:
        raise UserError(f"--format: got '{format}', expected a format; {nearest(format, compared.FORMATS)}")
    named = api.load(suite) if suite is not None else None
    own = [named or _suite_of(text) for text in (a, b)]
    known = own[0] or own[1]
    first, second = (_side(text, results, its or known, filter) for text, its in zip((a, b), own, strict=True))
    found = comparison.compare(first, second)
    if not found.pairs:
        raise UserError(
            f"{a} and {b}: got no variant on a task, with a seed and a length or number of examples, that both have; "
            "next: rnnbench report on each",
            code=Exit.NOTHING_SELECTED,
        )
    width, color = common.screen(output)
    common.write(compared.render(found, format, width=width, color=color), output)


def _suite_of(text: str) -> Suite | None:
    """The suite that a side names by itself; None of an export."""
    from rnnbench import api
    from rnnbench.check import baseline, recalled
    from rnnbench.store import Store

    path = Path(text)
    if path.is_dir():
        return api.last_suite(Store(path))
    if path.suffix == ".json" and recalled.is_baseline(path):
        return api.load(baseline.read(path).suite)
    return None if path.suffix in (".json", ".jsonl", ".gz") else api.load(text)


def _side(text: str, results: Path, suite: Suite | None, filter: str | None) -> Side:
    """What a side's suite (the one that was named, else its own, else the other's) sees of its records."""
    from rnnbench import api
    from rnnbench.analysis.comparison import Side
    from rnnbench.check import baseline, recalled
    from rnnbench.plan import plan, views
    from rnnbench.plan.filter import select
    from rnnbench.store import Store

    path = Path(text)
    if suite is None:
        raise UserError(f"{text}: nothing says which suite it is of; next: --suite SUITE")
    chosen = select(plan(suite).stated(), filter)
    if path.is_dir():
        climbs = api.climbs(chosen, Store(path))
    elif path.suffix == ".json" and recalled.is_baseline(path):
        was, wanted = baseline.read(path), {(x.variant.name, x.task.name) for x in chosen.ladders}
        asked = plan(suite).stated()
        every = recalled.climbs(was, views.of(asked, views.at(api.climbs(asked, Store(results)))), path)
        kept = (c for c in every if (c.ladder.variant.name, c.ladder.task.name) in wanted)
        return Side(text, tuple(was.seeds), tuple(kept), bits=False)
    elif path.suffix in (".json", ".jsonl", ".gz"):
        climbs = api.shown(chosen, api.exported(path))
    else:
        climbs = api.climbs(chosen, Store(results))
    return Side(text, tuple(suite.seeds), tuple(views.at(climbs)))
