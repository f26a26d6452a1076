"""`rnnbench plan`: what a suite asks for, counted, and how many seeds its effects need."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from rnnbench.cli import app, common, options
from rnnbench.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rnnbench.plan.ladders import Climb


@app.command()
def plan(
    suite: options.Suite,
    results: options.Results = options.RESULTS,
    filter: options.Filter = None,
    set: options.Set = None,
    seeds: options.Seeds = None,
    power: Annotated[
        bool, typer.Option("--power", help="How many seeds an effect of one octave needs, from the records there are.")
    ] = False,
) -> None:
    """Count a suite's runs, ladder by ladder, and say what is known of them."""
    from rnnbench import api
    from rnnbench import plan as planning
    from rnnbench.plan import forecast, ladders, views
    from rnnbench.plan.filter import select
    from rnnbench.store import Store

    chosen = select(planning.plan(api.load(suite, set or (), seeds)), filter)
    records = api.records(chosen, Store(results))
    counts: dict[tuple[str, tuple[int, ...], str], list[str]] = {}
    lines = []
    for ladder in (x for x in chosen.stated().ladders if x.choice == "own"):
        if ladder.reason:
            lines.append(f"{ladder.variant.name} on {ladder.task.name}: n/a, {ladder.task.name} {ladder.reason}")
        else:
            own, upto = ladder.task, ladder.task.train.get("upto")
            places = own.lengths if upto else tuple(map(ladder.place, ladder.rungs))
            many = counted(len(places), "length")
            how = f"trained on up to {upto}, tested at {many}" if upto else f"x {many}"
            if own.headline == "need":
                how = f"x {counted(len(places), 'number')} of examples at length {own.lengths[0]}"
            elif own.examples:
                how = f"on {counted(own.examples[0], 'example')} {how}"
            counts.setdefault((own.name, places, how), []).append(ladder.variant.family)
    for (task, places, how), families in counts.items():
        variants = [name if n == 1 else f"{name} at {n} points" for name, n in Counter(families).items()]
        shown = ", ".join(map(str, places if len(places) <= 12 else (*places[:5], "...", *places[-5:])))
        names = ", ".join(variants if len(variants) <= 20 else (*variants[:20], f"and {len(variants) - 20} more"))
        common.say(f"{task}: {counted(len(families), 'variant')} ({names}) {how} ({shown})")
    for line in lines:
        common.say(line)
    common.say(f"seeds: {len(chosen.suite.seeds)}")
    if (crossing := chosen.suite.crossing) is not None:
        common.say(f"crossed: {crossing}, {len(crossing.pairs)} pairs besides the seeds")
    if len(times := chosen.suite.budgets.times) > 1:
        on = f", those with more on {few} seeds" if (few := chosen.suite.budgets.seeds) else ""
        of = f" of {', '.join(some)}" if (some := chosen.suite.budgets.tasks) else ""
        common.say(f"budgets: {', '.join(map(str, times))} times the steps{of}{on}")
    if (tuning := chosen.suite.tuning) is not None and chosen.pilots is not None:
        at = "; ".join(f"{name} {', '.join(map(str, some))}" for name, some in tuning.lengths.items())
        on = f"{counted(len(tuning.seeds), 'seed')} of their own"
        common.say(f"tuning: {counted(len(tuning.candidates), 'candidate')}, {on}, lengths {at}: "
                   f"{counted(chosen.pilots.count, 'pilot')}")  # fmt: skip
    known = ladders.view(chosen, records)
    common.say(forecast.describe(chosen.suite.name, api.Forecast.of(known), api.cores()))
    if power:
        _power(views.at(known))


def _power(climbs: Sequence[Climb]) -> None:
    """The seeds that effects need, a line each."""
    from rnnbench.analysis import planning

    found = planning.needs(climbs)
    common.say("seeds to be told of one octave in four suites of five, by the report's rule over all parts together; "
               "cautious: if they vary as they may")  # fmt: skip
    for need in found:
        at_end = "; some at an end of the ladder: may be more" if need.bound else ""
        needed = f"{_count(need.seeds)} seeds, cautious {_count(need.cautious)}"
        least = f", told of {need.detectable:.1f} or more" if math.isfinite(need.detectable) else ""
        known = f"{counted(need.n, 'pair')}, deviation {need.deviation:.2f} octaves{least}{at_end}"
        unknown = "can't be told: every span is at the same end of the ladder"
        common.say(f"{need.variant} on {need.task}: " + (unknown if need.flat else f"{needed} ({known})"))
    if not found:
        common.say("no part has two seeds whose spans are known; next: rnnbench run SUITE")


def _count(seeds: int | None) -> str:
    from rnnbench.analysis.power import NUMBERS

    return f"more than {NUMBERS[-1]}" if seeds is None else str(seeds)
