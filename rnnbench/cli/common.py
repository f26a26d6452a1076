"""What several commands do: name a suite or take the last one, fill a screen, write to a file or to stdout."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, BinaryIO

from rnnbench import environment
from rnnbench.errors import Exit, UserError
from rnnbench.text import printable

if TYPE_CHECKING:
    from rnnbench.store import Store
    from rnnbench.suite import Suite


UNKNOWN = os.terminal_size((100, 24))  # where nobody says what there is room for


def say(text: str, err: bool = False) -> None:
    """A line on stdout, or on stderr; whatever came from outside in it is made safe to show."""
    print(printable(text), file=sys.stderr if err else sys.stdout)


def tell(text: str) -> None:
    """A line on stdout for people to read, folded between words where a terminal is narrower, so never in a number."""
    lines = [text]
    if sys.stdout.isatty():
        width, _ = screen(None)
        lines = wrap(printable(text), width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    for line in lines:
        say(line)


def suite(name: str | None, store: Store, overrides: list[str] | None, seeds: str | None) -> Suite:
    """The suite of that name or path; the one that ran last on the store where none is named."""
    from rnnbench import api

    if name is None:
        return api.last_suite(store)
    return api.load(name, overrides or (), seeds)


def typed(suite: Suite) -> str:
    """What a user types for a suite: the name of one that ships, else its path from here."""
    from rnnbench.suite.load import shipped

    if not suite.path:
        return suite.name
    there = Path(os.path.abspath(suite.path))
    known = next((name for name, path in shipped().items() if path == there), None)
    return known or (os.path.relpath(there) if there.is_relative_to(os.getcwd()) else str(there))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around the writing of an output file: what goes wrong there is the file's fault, exit code 3. UserError where it
    would take the place of a store's records."""
    from rnnbench.store import schema

    if schema.is_store(path):
        raise UserError(f"{path}: got the records of a store, which would be lost; expected another file to write to")
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: can't be written to: {error.strerror}", code=Exit.STORE) from error


def screen(output: Path | None) -> tuple[int, bool]:
    """The columns to fill, and whether in colour: those of the terminal where there is one to write to."""
    terminal = output is None and sys.stdout.isatty()
    width = environment.columns() or (size().columns if terminal else UNKNOWN.columns)
    return width, terminal and environment.color()


def size() -> os.terminal_size:
    """That of the terminal behind stdout; some say that they have no columns, or no lines."""
    columns, lines = os.get_terminal_size()
    return os.terminal_size((columns or UNKNOWN.columns, lines or UNKNOWN.lines))


def packed(output: Path | None) -> bool:
    """Whether an output file's name asks for gzip."""
    return output is not None and output.suffix.lower() == ".gz"


def format_of(output: Path | None, known: Mapping[str, str], default: str, also: str = "") -> str:
    """The format that the name of an output file asks for, by how it ends; the default where there is no file, or its
    name ends in nothing. UserError where it ends in what no format does, with what else there is."""
    if output is None or not output.suffix:
        return default
    found = known.get(output.suffix.lower())
    if found is None:
        ends = ", ".join(known)
        got = printable(str(output), 200)
        raise UserError(f"--output: got '{got}', expected a name that ends in {ends}, or --format{also}")
    return found


def write(text: str, output: Path | None) -> None:
    """To a file or to stdout, ending in one newline."""
    write_lines([text.rstrip("\n")], output)


def write_files(files: Iterable[tuple[str, bytes]], folder: Path) -> int:
    """Files into a folder, which is made where there is none, as they come; how many they were."""
    count = 0
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        with writing(folder / name):
            (folder / name).write_bytes(content)
        count += 1
    return count


def write_lines(lines: Iterable[str], output: Path | None) -> None:
    """To a file or to stdout, each with a newline, as they come; packed by gzip where the file's name ends in .gz."""
    if output is None:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    with writing(output), output.open("wb") as file, ExitStack() as stack:
        sink: BinaryIO | gzip.GzipFile = file
        if packed(output):  # neither name nor time is kept: the same lines are the same bytes
            sink = stack.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
        sink.writelines(f"{line}\n".encode() for line in lines)
