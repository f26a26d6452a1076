"""`rnnbench show`: one run: what it came to, its curve, its settings, how it was made and how to make it again."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from rnnbench.cli import app, common, options
from rnnbench.errors import Exit, UserError
from rnnbench.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rnnbench.plan.labels import Named
    from rnnbench.records import Record, Run
    from rnnbench.store import Store

SHOWN = 5  # ids that begin alike, named in an error
ID = 24  # hexadecimal digits
HEX = re.compile(r"[0-9a-fA-F]+")


@app.command()
def show(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="An id, or as much of it as is unique; or variant/task/length/seed.")
    ],
    suite: options.OptionalSuite = None,
    results: options.Results = options.RESULTS,
) -> None:
    """Show one run: settings, curve, how it was made, how to make it again; its log where it broke."""
    from rnnbench.plan import labels, plan
    from rnnbench.report import shown
    from rnnbench.store import Store, bulk

    store = Store(results)
    if "/" in run:
        named: Named | None = labels.of_label(plan(common.suite(suite, store, None, None)), run)
        assert named is not None
        found, tries = named.run, bulk.tries(store, named.run.id)
    else:
        tries = bulk.tries(store, _id(store, run))
        found = tries[0].run
        named = _named(store, found, suite)
    width, _ = common.screen(None)
    names = _names(named, found)
    common.say(shown.title(*names, found.seed, tries[-1].status if tries else "not run yet"))
    common.say(f"{'run':<{shown.NAME}}{found.id}")
    common.write_lines(shown.lines(found, tries, _about(named, tries), _command(named, tries), width), None)


def _names(named: Named | None, run: Run) -> tuple[str, str, str]:
    """Variant, task and rung, as a suite has them or, of none, the run itself."""
    from rnnbench import registry
    from rnnbench.suite import rungs

    if named is None:
        model = run.rung.model
        return str(model[registry.kind(model)]), str(run.rung.task["task"]), f"at {rungs.named(run.rung)}"
    task = named.ladder.task
    return named.ladder.variant.name, task.name, rungs.at(task, named.ladder.place(run.rung))


def _id(store: Store, text: str) -> str:
    """The one id that begins so."""
    from rnnbench.store import bulk

    shown = printable(text, 60)
    if not HEX.fullmatch(text):
        raise UserError(
            f"RUN: got '{shown}', expected the id of a run or variant/task/length/seed; next: rnnbench list runs"
        )
    found = bulk.starting(store, text.lower(), SHOWN + 1)
    if not found:
        where = f"no id in {printable(str(store.directory))} begins"
        raise UserError(f"RUN: got '{shown}', with which {where}; next: rnnbench list runs", code=Exit.NOTHING_SELECTED)
    if len(found) > 1:
        several = ", ".join(found[:SHOWN]) + (" and more" if len(found) > SHOWN else "")
        raise UserError(f"RUN: got '{shown}', with which several ids begin: {several}", code=Exit.NOTHING_SELECTED)
    return found[0]


def _named(store: Store, run: Run, suite: str | None) -> Named | None:
    """The run as the suite has it, or the last of those that ran on the store and ask for it."""
    from rnnbench import api, registry
    from rnnbench.plan import labels, plan
    from rnnbench.suite import Suite

    suites = [api.load(suite)] if suite is not None else map(Suite.from_dict, store.suites())
    for each in suites:
        try:
            if found := labels.of_run(plan(each), run):
                return found
        except UserError:  # what it names of other people's code isn't there any longer
            continue
        finally:
            registry.place(each.files)
    return None


def _about(named: Named | None, tries: Sequence[Record]) -> dict[str, str]:
    """Whether the code is still what made it, and which suite asks for it."""
    about = {"code": _code(tries[-1])} if tries and tries[-1].finished else {}
    return about | {"suite": named.suite.name if named else "none that ran here asks for it any longer"}


def _command(named: Named | None, tries: Sequence[Record]) -> tuple[str, str] | None:
    """What to type to make it, or to make it again."""
    if named is None:
        return None
    command = ["rnnbench", "run", common.typed(named.suite), "-k", named.filter]
    if isinstance(named.run.seed, int):  # a pair is trained with the rest of its crossing
        command += ["--seeds", f"{named.run.seed}..{named.run.seed}"]
    for key, value in named.suite.overrides.items():
        command += ["--set", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
    return ("again" if tries else "next"), shlex.join([*command, *(["--rerun", "all"] if tries else [])])


def _code(record: Record) -> str:
    from rnnbench import api

    try:
        old = api.is_stale(record)
    except UserError as error:
        return f"{record.fingerprint}: {error}"
    if not record.fingerprint:
        return "unknown: it comes from a canonical export"
    return f"{record.fingerprint}: " + ("stale: made by other code than today's" if old else "today's")
