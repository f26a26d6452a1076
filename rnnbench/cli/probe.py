"""`rnnbench probe`: why a part matters: gradients by lag, gates, and what can be read off the state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnbench.cli import app, common, options
from rnnbench.errors import Exit, UserError
from rnnbench.settings import MOST_STEPS
from rnnbench.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rnnbench.probing import Asked, Of, Probed
    from rnnbench.suite import Suite

AT = "After how many steps of training: 0,400,end."
OF = "Whose gradient: of the answer, or of its loss."


@app.command()
def probe(
    suite: options.OptionalSuite = None,
    results: options.Results = options.RESULTS,
    output: options.Output = None,
    format: Annotated[
        str | None,
        typer.Option("--format", help="How to print it: csv, json, markdown, table; else as -o ends, or a table."),
    ] = None,
    filter: options.Filter = None,
    at: Annotated[str | None, typer.Option("--at", metavar="STEPS", help=AT)] = None,
    of: Annotated[str, typer.Option("--of", metavar="answer|loss", help=OF)] = "answer",
    sequences: Annotated[
        int, typer.Option("--sequences", min=8, max=2048, help="Test sequences that are looked at.")
    ] = 128,
    set: options.Set = None,
    seeds: options.Seeds = None,
    jobs: options.Jobs = 0,
    quiet: options.Quiet = False,
) -> None:
    """Train runs again, to the same bits, and look inside: say why a part matters."""
    from rnnbench import api
    from rnnbench.plan import plan
    from rnnbench.plan.filter import select
    from rnnbench.report import probed
    from rnnbench.store import Store

    form = _format(format, output)
    store = Store(results)
    whole = common.suite(suite, store, set, seeds)
    asked = _asked(whole, at, _of(of), sequences)
    wanted = api.to_probe(
        select(plan(whole), filter), store, None if seeds or whole.probe is None else whole.probe.seeds
    )
    if not wanted:
        raise UserError(
            "probe: got no run that can be trained, expected some; next: another -k", code=Exit.NOTHING_SELECTED
        )
    found = {each.run.id: each for each in api.kept_probes(wanted, store, asked)}
    todo = [each for each in wanted if each.run.id not in found]
    if todo and not quiet:
        common.say(f"{counted(len(todo), 'run')} to train again; {len(found)} were probed before", err=True)
    for done, each in enumerate(api.probe(todo, store, asked, jobs), 1):
        found[each.run.id] = each
        if not quiet:
            common.say(f"[{done}/{len(todo)}] {probed.label(each)}: {_came(each)}", err=True)
    made = [each.having(found[each.run.id].record, found[each.run.id].probes) for each in wanted]
    width, color = common.screen(output)
    common.write(probed.render(whole.name, made, asked, form, width=width, color=color), output)
    _tell(made)


def _format(format: str | None, output: Path | None) -> str:
    from rnnbench.report import formats
    from rnnbench.report.probed import FORMATS

    known = {suffix: name for suffix, name in formats.suffixes().items() if name in FORMATS}
    form = format or common.format_of(output, known, "table")
    if form not in FORMATS:
        raise UserError(f"--format: got '{form}', expected one of {', '.join(FORMATS)}")
    return form


def _of(text: str) -> Of:
    known: dict[str, Of] = {"answer": "answer", "loss": "loss"}
    if text not in known:
        raise UserError(f"--of: got '{text}', expected answer or loss")
    return known[text]


def _asked(suite: Suite, at: str | None, of: Of, sequences: int) -> Asked:
    """What the options ask for, else the suite's `probe`."""
    from rnnbench.probing import Asked, after
    from rnnbench.suite import probing

    if at is None:
        return Asked(after((suite.probe or probing.Probes()).at), of, sequences)
    steps: list[int | str] = []
    for word in map(str.strip, at.split(",")):
        if word != probing.END and not (word.isascii() and word.isdigit() and int(word[:9]) <= MOST_STEPS):
            raise UserError(f"--at: got '{word}', expected {probing.AFTER}, as in 0,400,end")
        steps.append(word if word == probing.END else int(word))
    return Asked(after(dict.fromkeys(steps)), of, sequences)


def _came(each: Probed) -> str:
    return each.record.status if each.record else "no record"


def _tell(made: Sequence[Probed]) -> None:
    """Whether the runs came to the records that the store has; exit code 1 where one did not, against its promise, or
    broke."""
    from rnnbench.check import again

    stored = [each.stored for each in made if each.stored and each.stored.finished and each.record]
    now = {each.record.id: each.record for each in made if each.record}
    differing = again.differences(stored, now)
    for each in differing:
        common.say(f"differs: {each.run}: {each.text}", err=True)
    held = f"{len(stored) - len(differing)} of the {len(stored)} that the store has equal bit for bit"
    common.say(
        f"{counted(len(now), 'run')} trained again: {held if stored else 'the store has none of them'}", err=True
    )
    broken = [record for record in now.values() if not record.finished]
    for record in broken:
        common.say(f"broke: {again.label(record)}: {record.status}", err=True)
    if broken or any(each.promised for each in differing):
        raise typer.Exit(Exit.FAILED)
