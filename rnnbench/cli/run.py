"""`rnnbench run`: train what is missing of a suite, and say what became of it."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rnnbench.cli import apart, app, common, options
from rnnbench.cli.sink import Sink
from rnnbench.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rnnbench.api import Forecast
    from rnnbench.plan.ladders import Climb
    from rnnbench.running.listeners import Listener
    from rnnbench.suite import Suite


@app.command()
def run(
    suite: options.Suite,
    results: options.Results = options.RESULTS,
    dry_run: Annotated[
        bool, typer.Option("-n", "--dry-run", help="Say what would be trained, and train nothing.")
    ] = False,
    jobs: options.Jobs = 0,
    filter: options.Filter = None,
    claim: options.Claim = None,
    set: options.Set = None,
    seeds: options.Seeds = None,
    rerun: Annotated[
        Literal["stale", "failed", "all"] | None,
        typer.Option("--rerun", envvar="RNNBENCH_RERUN", help="Train these again, although there are records."),
    ] = None,
    retries: Annotated[
        int,
        typer.Option(
            "--retries", min=0, max=100, envvar="RNNBENCH_RETRIES", help="How often a broken run is tried again."
        ),
    ] = 1,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0.1, envvar="RNNBENCH_TIMEOUT", help="Seconds that a run may take.")
    ] = None,
    fail_fast: Annotated[
        bool,
        typer.Option("-x", "--fail-fast", envvar="RNNBENCH_FAIL_FAST", help="Start nothing more once a run broke."),
    ] = False,
    device: Annotated[
        str, typer.Option("--device", envvar="RNNBENCH_DEVICE", help="auto, cpu, cuda or cuda:N.", metavar="DEVICE")
    ] = "auto",
    kernels: Annotated[
        Literal["auto", "reference"],
        typer.Option("--kernels", envvar="RNNBENCH_KERNELS", help="reference: the cells' own equations, step by step."),
    ] = "auto",
    executor: options.Executor = "local",
    address: options.Address = None,
    cpus_per_cohort: options.Cpus = None,
    gpus_per_cohort: options.Gpus = None,
    executor_set: options.ExecutorSet = None,
    events: Annotated[
        str | None,
        typer.Option(
            "--events",
            envvar="RNNBENCH_EVENTS",
            metavar="FILE",
            help="Append what happens as JSON lines to a file or FIFO; - is stdout.",
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Train what is missing of a suite. What is known already is not trained again; interrupted, it goes on later."""
    from rnnbench import api
    from rnnbench.plan import forecast, plan, selection
    from rnnbench.plan.filter import select
    from rnnbench.plan.ladders import view
    from rnnbench.running import executors
    from rnnbench.store import Store

    wanted = options.of_executor(executor_set, address, cpus_per_cohort, gpus_per_cohort)
    executors.named(executor, wanted)  # what is wrong with it is told before anything is read
    resolved = executors.device(executor, device, wanted)
    whole = apart.load(suite, set or (), seeds)
    chosen = select(selection.claim(plan(whole), claim), filter)
    store = Store(results)
    name = chosen.suite.name
    if dry_run:
        found = api.without(api.records(chosen, store), rerun)
        known = view(chosen, found)
        workers = jobs or (api.cores() if executor == "local" else 1)
        common.say(forecast.describe(name, api.Forecast.of(known), workers))
        _notes(chosen.suite, sum(1 for _ in api.stale(found.values())), workers, known)
        return
    forecasts: list[Forecast] = []

    with ExitStack() as entered:
        sink = None if events is None else entered.enter_context(Sink.opened(events, _warn))

        def listening(before: Forecast) -> Listener:
            forecasts.append(before)
            if not quiet and before.missing:
                _notes(chosen.suite, 0 if rerun in ("stale", "all") else before.stale)
            return listen(quiet or not before.missing, sink)

        outcome = api.run_plan(
            chosen, store, listening, jobs, rerun, retries, timeout, fail_fast, resolved, kernels, executor, wanted
        )
    stale = 0 if rerun in ("stale", "all") else forecasts[0].stale
    if quiet:
        _stale(chosen.suite, stale)  # a script must not take them for today's
        if outcome.broken and not outcome.trained:  # what broke before is not told again as it happens
            again = _next(chosen.suite, forecasts[0], outcome.broken, results)
            common.say(f"{name}: {counted(outcome.broken, 'known run')} broke; next: {again}", err=True)
    else:
        after = api.Forecast.of(outcome.climbs)
        common.say(forecast.summary(name, forecasts[0], after, outcome.trained, outcome.broken), err=True)
        for line in api.orphaned(whole, store):
            common.say(f"{name}: {line}", err=True)
        _notes(chosen.suite, stale, jobs or (api.cores() if executor == "local" else 1), outcome.climbs)
        common.say(f"next: {_next(chosen.suite, after, outcome.broken, results)}", err=True)
    if outcome.exit:
        raise typer.Exit(int(outcome.exit))


def _notes(suite: Suite, stale: int, workers: int = 1, climbs: Sequence[Climb] = ()) -> None:
    """Says which records other code made, and what can't be decided with so few seeds."""
    from rnnbench.analysis import advice
    from rnnbench.analysis.verdicts import MINIMUM

    _stale(suite, stale)
    if few := advice.few(suite):
        told = f"{few} of {len(suite.claims)} claims can't be decided with {counted(len(suite.seeds), 'seed')}"
        option = advice.seeds(suite, climbs, MINIMUM, workers)
        common.say(f"{suite.name}: {told}, {MINIMUM} are needed: {option}", err=True)


def _stale(suite: Suite, stale: int) -> None:
    """Says how many of the records other code made, where some are."""
    if stale:
        again = f"next: rnnbench run {common.typed(suite)} --rerun stale"
        are = "known run is" if stale == 1 else "known runs are"
        common.say(f"{suite.name}: {stale:,} {are} stale: made by other code than today's; {again}", err=True)


def _next(suite: Suite, after: Forecast, broken: int, results: Path) -> str:
    """The command to type after a run. What broke is not tried again by itself, nor what waits for it."""
    command = ["run", common.typed(suite), *(["--rerun", "failed"] if broken else [])]
    if not (broken or after.missing):
        command = ["report"]
    return shlex.join(["rnnbench", *command, *(["-r", str(results)] if results != options.RESULTS else [])])


def listen(quiet: bool, sink: Sink | None = None) -> Listener:
    """The live display on a terminal, unless events go there, lines of a log elsewhere, what broke alone where quiet;
    and events into a sink, if there is one."""
    from rnnbench.report import live, log
    from rnnbench.report.events import EventLines
    from rnnbench.running.listeners import Several

    crowded = sink is not None and sink.terminal
    shown = log.Failures() if quiet else log.LogLines() if crowded else live.display()
    return shown if sink is None else Several(shown, EventLines(sink.write))


def _warn(text: str) -> None:
    common.say(text, err=True)
