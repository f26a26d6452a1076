"""`rnnbench check`: whether a suite got worse than its baseline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from rnnbench import environment
from rnnbench.cli import apart, app, common, options
from rnnbench.text import printable

BaselineFile = Annotated[
    Path | None,
    typer.Option(
        "--baseline", envvar="RNNBENCH_BASELINE", help="The baseline; default: beside the suite.", metavar="FILE"
    ),
]


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
    from rnnbench.cli.baseline import fresh, one_thread
    from rnnbench.cli.run import listen
    from rnnbench.errors import Exit, UserError
    from rnnbench.plan import plan, views
    from rnnbench.plan.filter import select
    from rnnbench.report import findings
    from rnnbench.store import Store

    every = plan(apart.load(suite, (), seeds)).stated()  # what baselines are made of
    chosen = select(every, filter)
    whole = {(x.variant.name, x.task.name): x.rungs for x in every.ladders}
    if any(x.rungs != whole[x.variant.name, x.task.name] for x in chosen.ladders):
        got = printable(filter or "", 60)
        raise UserError(f"-k: got '{got}', which parts the ladder of a task, expected whole tasks and variants")
    was = baselines.read(against or baselines.place(chosen.suite), common.typed(chosen.suite))
    store, code = Store(results), Exit.OK

    def train() -> Exit:
        code = api.run_plan(chosen, store, listen(quiet), jobs, rerun="stale").exit
        if code in (Exit.INTERRUPTED, Exit.TERMINATED):
            raise typer.Exit(int(code))
        return code

    training, asked = tier != "exact" and not no_run, chosen
    if chosen.pilots is not None:  # what it asks for follows from what its pilots chose
        code, training = train() if training else code, False
        asked = views.of(chosen, views.at(fresh(chosen, store)))
        if any(ladder.awaits for ladder in asked.ladders):
            again = f"next: rnnbench run {common.typed(chosen.suite)} --rerun stale"
            why = f"{asked.suite.name}: its pilots haven't chosen: some are missing, stale or broken"
            raise UserError(f"{why}; {again}", code=Exit.INCONCLUSIVE)
    checking.fits(asked, was, whole=filter is None)
    found: list[checking.Finding] = []
    if tier != "statistical":
        one_thread()
        found += checking.exactly(asked, was)
    if tier != "exact":
        code = train() if training else code
        climbs = fresh(chosen, store)
        found += checking.statistically(asked, views.at(climbs), was, margin)
        found += checking.claimed(asked, climbs, was, whole=filter is None)
    name = chosen.suite.name
    sys.stdout.write(findings.text(name, found, quiet))
    if junit is not None:
        with common.writing(junit):
            junit.write_text(findings.junit(name, found), "utf-8")
    if github:
        sys.stdout.write(findings.workflow(name, found))
        if place := environment.step_summary():
            with common.writing(place), open(place, "a", encoding="utf-8") as summary:
                summary.write(findings.markdown(name, found))
    verdict = checking.verdict(found)
    if code in (Exit.STORE, Exit.LOCKED):
        verdict = code
    elif code == Exit.FAILED:
        verdict = Exit.FAILED
    if verdict:
        raise typer.Exit(int(verdict))
