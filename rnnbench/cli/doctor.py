"""`rnnbench doctor`: the machine, the installation and the store looked over; what is whole of a damaged one saved."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rnnbench import environment
from rnnbench.cli import app, common, options
from rnnbench.errors import Exit
from rnnbench.text import printable

if TYPE_CHECKING:
    from rnnbench.upkeep.finding import Finding, Level
    from rnnbench.upkeep.salvage import Salvaged

SIGNS: dict[Level, str] = {"fine": "✓", "note": "·", "wrong": "!", "damaged": "✗"}
STYLES: dict[Level, str] = {"fine": "green", "note": "yellow", "wrong": "bold red", "damaged": "bold red"}
IDS = 20  # of broken records, that are shown


@app.command()
def doctor(
    results: options.Results = options.RESULTS,
    bits: Annotated[
        bool, typer.Option("--bits/--no-bits", help="Train two small runs and compare their bits with published ones.")
    ] = True,
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="One JSON list, or lines.")] = "text",
    salvage: Annotated[
        Path | None,
        typer.Option("--salvage", metavar="NEWDIR", help="Write what is whole of a damaged store there; nothing else."),
    ] = None,
) -> None:
    """Look over the machine, the installation and the store, and say what to do. Exit code 0: fine, or notes alone; 1:
    something doesn't work as it should; 3: the store is damaged."""
    from rnnbench.store import Store
    from rnnbench.upkeep import doctor as examining
    from rnnbench.upkeep import salvage as saving
    from rnnbench.upkeep.finding import worst

    store = Store(results)
    if salvage is not None:
        saved = saving.salvage(store, Store(salvage))
        common.say(told(salvage, saved))
        if saved.broken or saved.lost != 0:
            raise typer.Exit(Exit.FAILED)
        return
    found: list[Finding] = []
    for each in examining.examine(store, bits):
        found.append(each)
        if format == "text":
            show([each])
    if format == "json":
        common.write(json.dumps([each.as_dict() for each in found], indent=2), None)
    code = {"damaged": Exit.STORE, "wrong": Exit.FAILED}.get(worst(found), Exit.OK)
    if code:
        raise typer.Exit(code)


def show(found: Iterable[Finding]) -> None:
    """A sign, the part, what is found of it; below, what to do."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width, _ = common.screen(None)
    console = Console(width=width, no_color=not environment.color(), highlight=False)
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(width=11)
    grid.add_column(overflow="fold")
    for each in found:
        grid.add_row(Text(SIGNS[each.level], STYLES[each.level]), Text(each.part), Text(each.what))
        if each.todo:
            grid.add_row("", "", Text(f"next: {each.todo}", "bold" if each.level != "fine" else "bright_black"))
    with console.capture() as drawn:
        console.print(grid)
    common.write(drawn.get(), None)


def told(place: Path, saved: Salvaged) -> str:
    """What was saved and what is lost.

    >>> from rnnbench.upkeep.salvage import Salvaged
    >>> told(Path("new"), Salvaged(8, 1, 10, {"b", "a"}))
    'new: 8 of 10 records and 1 suites are whole; 2 lost, broken among them: a, b'
    >>> told(Path("new"), Salvaged(8, 1))
    'new: 8 records and 1 suites are whole; how many there were is lost'
    """
    of = f" of {saved.expected:,}" if saved.expected is not None else ""
    text = f"{printable(str(place))}: {saved.records:,}{of} records and {saved.suites:,} suites are whole"
    lost = "how many there were is lost" if saved.lost is None else f"{saved.lost:,} lost" if saved.lost else ""
    ids = sorted(saved.broken)
    shown = ", ".join(ids[:IDS]) + (f" and {len(ids) - IDS} more" if len(ids) > IDS else "")
    told = [lost, *([f"broken among them: {shown}"] if ids else [])]
    return f"{text}; {', '.join(filter(None, told)) or 'nothing is lost'}"
