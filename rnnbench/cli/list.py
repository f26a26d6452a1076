"""`rnnbench list`: what can be named: cells, layers, tasks, settings, suites, runs; and one of them in detail."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Annotated

import typer

from rnnbench import environment
from rnnbench.cli import app, common, options
from rnnbench.errors import UserError, nearest
from rnnbench.text import printable, sentence

CLASSES = ("cells", "layers", "tasks")
NAMED = (*CLASSES, "suites")  # what `list` alone lists
KINDS = (*NAMED, "settings", "runs", "plugins")
GAP = 2  # blanks between columns
UNFOLDED = 10**6  # columns for a program that reads, so that whatever is listed is one line


@app.command(name="list")
def list_(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="WHAT",
            help=f"{', '.join(KINDS)}; or a cell, layer or task, by its name or ./FILE.py, for all that is said of it.",
            autocompletion=lambda incomplete: [kind for kind in KINDS if kind.startswith(incomplete)],
        ),
    ] = None,
    suite: options.OptionalSuite = None,
    results: options.Results = options.RESULTS,
    filter: options.Filter = None,
) -> None:
    """List what a suite or a command can name, a line each; `list lstm`, `list ./mine.py`: one of them; `list runs
    SUITE`: its runs."""
    width = common.screen(None)[0] if sys.stdout.isatty() or environment.columns() else UNFOLDED
    if suite is not None and what not in ("runs", *CLASSES):
        raise UserError(f"list: got '{printable(suite, 60)}' after '{printable(what or '', 60)}', expected nothing")
    if what == "runs":
        common.write_lines(_runs(suite, results, filter), None)
    elif what == "settings":
        from rnnbench.settings import Settings

        common.write_lines(_fields(Settings, width), None)
    elif what in CLASSES and suite is not None:
        common.write_lines(_detail(suite, width, (what,)), None)
    elif what is None or what in KINDS:
        common.write_lines(_names(what, width), None)
    else:
        common.write_lines(_detail(what, width), None)


def _names(what: str | None, width: int) -> Iterator[str]:
    """The names of one kind, or of all, each with a line."""
    from rnnbench import plugins, registry
    from rnnbench.suite import load

    added = {
        f"{kind[:-1]} {name}": plugins.about(kind, name) for kind in plugins.GROUPS for name in plugins.named(kind)
    }
    kinds = (what,) if what else (*NAMED, *(["plugins"] if added else []))
    for kind in kinds:
        if kind == "plugins":
            about = added or {"none": "no installed package adds anything"}
        elif kind == "suites":
            about = {name: sentence(load.load(path).about) for name, path in load.shipped().items()}
        else:
            about = {name: registry.about(kind, name) for name in registry.known(kind)}
        indent = "  " * (len(kinds) > 1)
        yield from ([f"{kind}:"] if indent else [])
        for line in _table(list(about.items()), width - len(indent)):
            yield indent + line
    if what is None:
        yield from ("", "more: rnnbench list lstm (or any other name), list settings, list runs")


def _detail(name: str, width: int, wanted: Sequence[str] = CLASSES) -> Iterator[str]:
    """All that is said of a cell, layer or task: its docstrings, with the equations, and its switches."""
    from rnnbench import process

    with process.unchanged():  # what importing other people's code changes
        yield from list(_said(name, width, wanted))


def _said(name: str, width: int, wanted: Sequence[str]) -> Iterator[str]:
    import inspect

    from rnnbench import registry
    from rnnbench.suite import declared

    own = name.endswith(".py")
    if own:
        path = name
        name = registry.file_name(path) or path
        registry.place({name: path})
    kinds = [kind for kind in wanted if own or name in registry.known(kind)]
    if own and len(kinds) > 1:
        kinds = registry.defined(name)
    if not kinds:
        names = [each for kind in wanted for each in registry.known(kind)]
        want = "the name or the file of a " + " or ".join(kind[:-1] for kind in wanted)
        if len(wanted) > 1:
            names, want = [*KINDS, *names], f"{', '.join(KINDS)} or {want}"
        shown = printable(name, 60)
        near = nearest(shown, names)
        hint = f"; {near}" if near.startswith("did") else ""
        raise UserError(f"list: got '{shown}', expected {want}{hint}")
    for kind in kinds:
        cls = registry.find(kind, name)
        if registry.is_foreign(name) and (wrong := declared.wrong(cls)):
            raise UserError(*(f"{kind[:-1]} {name!r}: {line}" for line in wrong))
        yield f"{kind[:-1]} {name}"
        for text in (inspect.getdoc(sys.modules[cls.__module__]), cls.__dict__.get("__doc__")):
            if text:
                said = inspect.cleandoc(text.partition("\n    >>>")[0])
                yield from ("", *map(printable, said.splitlines()))
        yield ""
        yield from _fields(cls, width)


def _fields(cls: type, width: int) -> Iterator[str]:
    """Its switches, or the settings: name, default, what each may be, and what it is."""
    from rnnbench.suite.described import fields

    heads = ("name", "default", "may be", "what it is")
    rows = [(f.name, f.default, f.admits(), f.says) for f in fields(cls)]
    yield from _table([heads, *rows] if rows else [("no switches",)], width)


def _runs(suite: str | None, results: options.Results, filter: str | None) -> Iterator[str]:
    """A suite's runs: id, status, the name that `show` takes, score."""
    from rnnbench import api
    from rnnbench.plan import labels, plan
    from rnnbench.plan.filter import select
    from rnnbench.records import Run
    from rnnbench.report import marks
    from rnnbench.store import Store

    store = Store(results)
    chosen = select(plan(common.suite(suite, store, None, None)), filter)
    for climb in api.climbs(chosen, store):
        for rung in climb.steps:
            for seed, record in zip(chosen.seeds(climb.ladder), rung.records, strict=False):
                run = Run(rung.rung, seed)
                status = record.status if record else "pruned" if rung.state == "pruned" else "to do"
                score = marks.fixed(record.score) if record and record.score is not None else ""
                yield f"{run.id}  {status:<8}  {labels.label(climb.ladder, run)}  {score}".rstrip()


def _table(rows: Sequence[Sequence[str]], width: int) -> Iterable[str]:
    """Rows in columns; the last column is folded where it has no room."""
    columns = len(rows[0])
    widths = [max(len(row[k]) for row in rows) for k in range(columns - 1)]
    indent = sum(widths) + GAP * len(widths)
    for row in rows:
        head = "".join(f"{text:<{each + GAP}}" for text, each in zip(row, widths, strict=False))
        folded = wrap(printable(row[-1]), max(20, width - indent)) or [""]
        yield f"{head}{folded[0]}".rstrip()
        yield from (" " * indent + line for line in folded[1:])
