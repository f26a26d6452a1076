"""docs/reference.md is written from the code: settings, cells, layers, tasks, commands, each with what it may be given
and with its default."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from rnnbench import registry
from rnnbench.cli import app
from rnnbench.errors import Exit
from rnnbench.report.events import EVENTS
from rnnbench.settings import Settings
from rnnbench.suite import described

ROOT = Path(__file__).parent.parent
PAGE = "docs/reference.md"
VARIABLES = """\
An option may also stand in the environment, where a variable is named. Besides: `RNNBENCH_CHECKPOINT_SECONDS`, how many
seconds go by between two checkpoints of a run under way (10; 0 to 86400); `NO_COLOR`, and `COLUMNS` for the width of a
report, 20 or more. A variable that is empty is as one that isn't set, but for `RNNBENCH_PLUGINS`
([plugins](plugins.md))."""
TOLD = """\
What `run --events` writes ([events](events.md)). Besides these each has `event`, its name, and `at`, when it was:
`2026-11-26T09:30:01.482+00:00`."""
MEANT = (
    "a default that changes makes records stale: if it is meant, say so in CHANGELOG.md, then python -m tests.golden"
)


def row(field: described.Field) -> str:
    what = field.admits("`") + (f": {field.says}" if field.says else "")
    return f"| `{field.name}` | {what} | {f'`{field.default}`' if field.default else ''} |"


def named(folder: str) -> Iterator[str]:
    """A folder's things, each with a row for each of its fields."""
    for name in registry.names(folder):
        cls = getattr(registry, f"{folder[:-1]}_class")(name)
        yield f"| **{name}** | {registry.about(folder, name)} | |"
        yield from map(row, described.fields(cls))


def told(text: str | None) -> str:
    """A help text as the cell of a table."""
    return " ".join((text or "").split()).replace("|", "\\|")


def commands() -> Iterator[str]:
    group: Any = typer.main.get_command(app)
    for name, command in sorted(group.commands.items()):
        yield f"| **rnnbench {name}** | {told(command.help)} | |"
        for parameter in command.params:
            if parameter.name != "help":
                words = ", ".join(f"`{word}`" for word in (*parameter.opts, *parameter.secondary_opts))
                argument = (parameter.metavar or parameter.name).strip("[]").upper()
                shown = words if words.startswith("`-") else f"`{argument}`"
                variable = f"`{parameter.envvar}`" if parameter.envvar else ""
                yield f"| {shown} | {told(parameter.help)} | {variable} |"


def exit_codes() -> Iterator[str]:
    """What the docstring of `Exit` says: where several hold, and its table."""
    first, *rest = (Exit.__doc__ or "").splitlines()
    yield from (first.removeprefix("Exit codes. "), "", *(line.strip() for line in rest if line.strip()))


def test_every_exit_code_is_documented() -> None:
    rows = [line.strip("| ").split(" | ") for line in exit_codes() if line.startswith("| ")][2:]
    numbers, names = ([each for row in rows for each in row[i].split(", ")] for i in (0, 1))
    assert dict(zip(names, map(int, numbers), strict=True)) == {code.name: code.value for code in Exit}


def events() -> Iterator[str]:
    """What `run --events` tells, each event with a row for each of its fields."""
    for name, (says, fields) in EVENTS.items():
        yield f"| **{name}** | {says} |"
        yield from (f"| `{field}` | {about} |" for field, about in fields.items())


def page() -> str:
    def table(title: str, about: str, heads: str, rows: Iterator[str]) -> str:
        return "\n".join([f"## {title}", "", about, "", heads, "|---|---|---|", *rows, ""])

    values = "| | what it is, or may be | default |"
    settings = map(row, described.fields(Settings))
    return "\n".join([
        "# Reference",
        "",
        "Written from the code by `python -m tests.golden`. What the keys of a suite mean: [suites](suites.md).",
        "",
        table("Settings", "For every run, of a variant, a task or the defaults.", values, settings),
        table("Cells", "`cell: NAME`, and its switches beside it.", values, named("cells")),
        table("Layers", "`layer: NAME`, and its switches beside it.", values, named("layers")),
        table("Tasks", "By its name, or `task: NAME`; its difficulty beside it.", values, named("tasks")),
        table("Commands", VARIABLES, "| | | variable |", commands()),
        *("## Events", "", TOLD, "", "| | |", "|---|---|", *events(), ""),
        "## Exit codes",
        "",
        *exit_codes(),
    ]).rstrip() + "\n"  # fmt: skip


def golden_files() -> dict[str, str]:
    return {PAGE: page()}


def test_the_reference_is_what_the_code_says() -> None:
    there, right = (ROOT / PAGE).read_text("utf-8").splitlines(), page().splitlines()
    other = [f"+ {line}" for line in right if line not in there] + [f"- {line}" for line in there if line not in right]
    assert there == right, "\n".join([f"{PAGE}: {MEANT}", *other])
