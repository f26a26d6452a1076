"""`rnnbench baseline`: what a suite came to, as the baseline that `check` compares with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rnnbench.cli import app, common, options

if TYPE_CHECKING:
    from rnnbench.plan import Plan
    from rnnbench.plan.ladders import Climb
    from rnnbench.store import Store


def fresh(chosen: Plan, store: Store) -> list[Climb]:
    """The view of a plan without what other code than today's made."""
    from rnnbench import api

    return api.shown(chosen, api.without(api.records(chosen, store), "stale"))


def one_thread() -> None:
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
    from rnnbench.errors import UserError
    from rnnbench.plan import plan
    from rnnbench.store import Store

    if update and output is not None:
        raise UserError("--update: got it beside --output, expected one of them")
    chosen = plan(api.load(suite, (), seeds)).stated()
    one_thread()
    text = baselines.make(chosen, fresh(chosen, Store(results)), common.typed(chosen.suite)).text()
    if update:
        place = baselines.place(chosen.suite)
        with common.writing(place):
            baselines.write(place, text)
        common.say(f"{chosen.suite.name}: baseline written to {place}", err=True)
    else:
        common.write(text, output)
