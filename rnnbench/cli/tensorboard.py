"""`rnnbench tensorboard`: events of a run, as TensorBoard shows them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from rnnbench import interrupts
from rnnbench.cli import app, common
from rnnbench.errors import Exit, UserError
from rnnbench.text import printable


@app.command()
def tensorboard(
    events: Annotated[
        str, typer.Argument(metavar="EVENTS", help="A file that `run --events` wrote, or is writing to; - is stdin.")
    ],
    folder: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="DIR", help="Where TensorBoard is to look: tensorboard --logdir DIR."),
    ] = Path("runs"),
) -> None:
    """Turn the events of a run into files of TensorBoard."""
    from rnnbench.report import eventlog
    from rnnbench.report import tensorboard as board

    count, asked = 0, interrupts.Asked()
    with _source(events) as source, common.writing(folder), asked.heeding():
        count = board.write(eventlog.events(source, events), folder)  # to its end: Ctrl-C ends the run before it
    common.say(f"{folder}: {count} run{'s' * (count != 1)}; next: tensorboard --logdir {folder}", err=True)
    if asked.signal:
        raise typer.Exit(interrupts.code(asked.signal))
    if not count:
        raise UserError(f"{printable(events, 200)}: nothing was trained in it", code=Exit.NOTHING_SELECTED)


@contextmanager
def _source(name: str) -> Iterator[BinaryIO]:
    """Lines as they come."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(name, "rb")  # noqa: SIM115
    except OSError as error:
        raise UserError(f"{printable(name, 200)}: can't be read: {error.strerror}", code=Exit.STORE) from error
    with file:
        yield file
