"""`rnnbench baseline` and `rnnbench check`: what a suite once came to, and whether it got worse."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rnnbench import environment
from rnnbench.cli import app, options
from rnnbench.text import printable

if TYPE_CHECKING:
    from rnnbench.plan import Plan
    from rnnbench.plan.ladders import Climb
    from rnnbench.store import Store

BaselineFile = Annotated[
    Path | None,
    typer.Option(
        "--baseline", envvar="RNNBENCH_BASELINE", help="The baseline; default: beside the suite.", metavar="FILE"
    ),
]


def _fresh(chosen: Plan, store: Store) -> list[Climb]:
    """The view of a plan without what other code than today's made."""
    from rnnbench import api
    from rnnbench.plan.ladders import view

    return view(chosen, api.without(store.records(chosen.runs()), "stale"))


def _one_thread() -> None:
    """As a worker has it: the exact numbers shall not depend on the machine's number of cores."""
    from rnnbench.lazy import torch

    torch.set_num_threads(1)


@app.command()
def baseline(
    suite: options.Suite,
    results: options.Results = options.RESULTS,
    output: options.Output = None,
    update: Annotated[bool, typer.Option("--update", help="Write it to its place beside the suite.")] = False,
    seeds: options.Seeds = None,
) -> None:
    """Print what a suite came to, as the baseline that `check` compares with."""
    from rnnbench import api
    from rnnbench.check import baseline as baselines
    from rnnbench.cli.data import write
    from rnnbench.errors import UserError
    from rnnbench.plan import plan
    from rnnbench.store import Store

    if update and output is not None:
        raise UserError("--update: got it beside --output, expected one of them")
    chosen = plan(api.load(suite, (), seeds))
    _one_thread()
    text = baselines.make(chosen, _fresh(chosen, Store(results))).text()
    if update:
        place = baselines.place(chosen.suite)
        with options.writing(place):
            baselines.write(place, text)
        typer.echo(f"{chosen.suite.name}: baseline written to {place}", err=True)
    else:
        write(text, output)


@app.command()
def check(
    suite: options.Suite,
    results: options.Results = options.RESULTS,
    against: BaselineFile = None,
    tier: Annotated[
        Literal["all", "exact", "statistical"],
        typer.Option("--tier", help="exact: the mathematics, in seconds; statistical: spans and claims."),
    ] = "all",
    no_run: Annotated[bool, typer.Option("--no-run", help="Train nothing: compare what is there.")] = False,
    margin: Annotated[
        float, typer.Option("--margin", min=0.01, max=100, envvar="RNNBENCH_MARGIN", help="Rungs that may be lost.")
    ] = 1.0,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML there.", metavar="FILE")] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Print annotations for GitHub and append a summary of the step.")
    ] = False,
    jobs: options.Jobs = 0,
    filter: options.Filter = None,
    seeds: options.Seeds = None,
    quiet: options.Quiet = False,
) -> None:
    """Compare a suite with its baseline, training what is missing. 0: as good; 1: worse; 6: can't be told."""
    from rnnbench import api
    from rnnbench.check import baseline as baselines
    from rnnbench.check import compare as checking
    from rnnbench.cli.run import listen
    from rnnbench.errors import Exit, UserError
    from rnnbench.plan import plan
    from rnnbench.plan.filter import select
    from rnnbench.report import findings
    from rnnbench.store import Store

    every = plan(api.load(suite, (), seeds)).without_more()  # what baselines are made of
    chosen = select(every, filter)
    whole = {(x.variant.name, x.task.name): x.rungs for x in every.ladders}
    if any(x.rungs != whole[x.variant.name, x.task.name] for x in chosen.ladders):
        got = printable(filter or "", 60)
        raise UserError(f"-k: got '{got}', which parts lengths of one task, expected whole tasks and variants")
    was = baselines.read(against or baselines.place(chosen.suite))
    checking.fits(chosen, was, whole=filter is None)
    found: list[checking.Finding] = []
    code = Exit.OK
    if tier != "statistical":
        _one_thread()
        found += checking.exactly(chosen, was)
    if tier != "exact":
        store = Store(results)
        if not no_run:
            code = api.run_plan(chosen, store, listen(quiet), jobs, rerun="stale").exit
        if code in (Exit.INTERRUPTED, Exit.TERMINATED):
            raise typer.Exit(int(code))
        climbs = _fresh(chosen, store)
        found += checking.statistically(chosen, climbs, was, margin)
        found += checking.claimed(chosen, climbs, was, whole=filter is None)
    name = chosen.suite.name
    sys.stdout.write(findings.text(name, found, quiet))
    if junit is not None:
        with options.writing(junit):
            junit.write_text(findings.junit(name, found), "utf-8")
    if github:
        sys.stdout.write(findings.workflow(name, found))
        if place := environment.step_summary():
            with options.writing(place), open(place, "a", encoding="utf-8") as summary:
                summary.write(findings.markdown(name, found))
    verdict = checking.verdict(found)
    if code in (Exit.STORE, Exit.LOCKED):
        verdict = code
    elif code == Exit.FAILED:
        verdict = Exit.FAILED
    if verdict:
        raise typer.Exit(int(verdict))
