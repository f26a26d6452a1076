"""What Python users call: read a suite, run it, look at its results. The same as the command line, in one process.

It may be called from any thread, and while an event loop runs: nothing here waits for one. On the main thread Ctrl-C
ends a run as it does on the command line: runs under way are written to checkpoints, and what is stored stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from rnnbench import api, interrupts, process
from rnnbench.plan import Plan, forecast, plan, selection
from rnnbench.plan.filter import select
from rnnbench.plan.forecast import Forecast
from rnnbench.report import live
from rnnbench.report.results import Results
from rnnbench.running import executors
from rnnbench.running.listeners import Listener, Silent
from rnnbench.store import Store
from rnnbench.suite import Suite, sources
from rnnbench.suite.sources import Source

Values = Mapping[str, Any]  # of settings


def load(source: Source, *, set: Values | None = None, seeds: int | str | None = None) -> Suite:
    """A suite from its path, the name of one that ships, its text or what it says as a mapping; UserError with a line a
    fault. `set` are settings that beat all others, `seeds` as the command line's --seeds. What it names of other
    people's code is imported, and what that changes of this process put back.

    >>> load("quick", set={"hidden": 8}, seeds=2).overrides
    {'hidden': 8}
    """
    overrides = [f"{key}={each if isinstance(each, str) else json.dumps(each)}" for key, each in (set or {}).items()]
    with process.unchanged():
        return sources.read(source, overrides, None if seeds is None else str(seeds))


def run(
    source: Source,
    directory: str | Path = "results",
    *,
    progress: bool = False,
    jobs: int = 0,
    filter: str | None = None,
    claim: int | None = None,
    set: Values | None = None,
    seeds: int | str | None = None,
    rerun: Literal["stale", "failed", "all"] | None = None,
    retries: int = 1,
    timeout: float | None = None,
    fail_fast: bool = False,
    device: str = "auto",
    kernels: Literal["auto", "reference"] = "auto",
    executor: str = "local",
    options: Mapping[str, Any] | None = None,
) -> Results:
    """Trains what `directory` lacks of a suite, and returns its results. What was trained before is not trained again,
    so that the same call goes on after an interruption, and costs nothing when all is there.

    `progress` shows how far it has come: in a notebook below the cell, in place; else on stderr, live on a terminal and
    in lines elsewhere. `jobs` worker processes (0: one a core); `filter` as the command line's -k; the others as its
    options. `options` are those of the executor.

    Raises UserError for what is wrong with the suite or an option, and KeyboardInterrupt, which says how much is
    stored, where Ctrl-C asked to stop. A second Ctrl-C stops at once, without waiting for checkpoints.
    """
    suite = load(source, set=set, seeds=seeds)
    executors.named(executor, options)  # what is wrong with it is told before anything is read
    where = executors.device(executor, device, options)
    chosen = select(selection.claim(plan(suite), claim), filter)
    store = Store(Path(directory))
    shown: Listener = live.display() if progress else Silent()
    forecasts: list[Forecast] = []

    def listening(before: Forecast) -> Listener:
        forecasts.append(before)
        return shown if before.missing else Silent()

    outcome = api.run_plan(
        chosen, store, listening, jobs, rerun, retries, timeout, fail_fast, where, kernels, executor, options
    )
    (before,) = forecasts
    told = forecast.summary(chosen.suite.name, before, Forecast.of(outcome.climbs), outcome.trained, outcome.broken)
    if before.stale and rerun is None:
        shown.message(f"{before.stale:,} known runs are stale: made by other code than today's; next: rerun='stale'")
    shown.message(told)
    interrupts.hand_on(outcome.exit, f"{told}; the same call goes on from there")
    return _results(chosen, store)


def results(
    source: Source,
    directory: str | Path = "results",
    *,
    filter: str | None = None,
    set: Values | None = None,
    seeds: int | str | None = None,
) -> Results:
    """The results of a suite that are there, of all of it or of what `filter` selects; nothing is trained."""
    return _results(select(plan(load(source, set=set, seeds=seeds)), filter), Store(Path(directory)))


def _results(chosen: Plan, store: Store) -> Results:
    return Results(chosen.suite, api.climbs(chosen, store), lambda: api.climbs(chosen, store, curves=True))
