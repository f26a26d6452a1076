"""docs/architecture.md draws the house as it is: its tree has every file of the package with what it says of itself,
its table says what each room may import."""

from __future__ import annotations

import ast
import importlib
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rnnbench"
PAGE = "docs/architecture.md"
MAY: dict[str, set[str]] = importlib.import_module("tests.test_house").MAY
COLUMN = 26
NEXT = "next: python -m tests.golden writes them"


def about(path: Path) -> str:
    """The first sentence of a module's docstring.

    >>> about(PACKAGE / "cells" / "gru.py")
    'Gated recurrent unit (Cho et al., 2014)'
    """
    first = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n\n")[0]
    return re.split(r"[.?](?:\s|$)", " ".join(first.split()))[0]


def entry(path: Path, indent: str) -> list[str]:
    """A file or a package in the tree: its name, and what it says of itself beside it."""
    package = path.is_dir()
    start = f"{indent}{path.name}{'/' * package}".ljust(COLUMN)
    text = about(path / "__init__.py" if package else path)
    return textwrap.wrap(text, 118, initial_indent=start, subsequent_indent=" " * COLUMN, break_on_hyphens=False)


def below(folder: Path, indent: str = "  ", order: tuple[str, ...] = ()) -> Iterator[str]:
    """The tree below a folder: sorted by `order`, where that has the name, and by name."""
    modules = [p for p in folder.iterdir() if p.suffix == ".py" and p.name != "__init__.py"]
    packages = [p for p in folder.iterdir() if (p / "__init__.py").exists() and p.name != "shipped"]
    for path in sorted([*modules, *packages], key=lambda p: (order.index(p.stem) if p.stem in order else -1, p.name)):
        yield from entry(path, indent)
        if path in packages:
            yield from below(path, indent + "  ")


def page() -> str:
    """The page as it should be: what stands between its two pairs of marks is written from the package and from MAY."""
    tree = ["```", *entry(PACKAGE, ""), *below(PACKAGE, order=tuple(MAY)), "```"]
    table = ["| room | may import |", "|---|---|"]
    table += [f"| `{room}` | {', '.join(sorted(others)) or '–'} |" for room, others in MAY.items()]
    text = (ROOT / PAGE).read_text("utf-8")
    for mark, drawn in (("tree", tree), ("edges", table)):
        start, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
        before, after = text.split(start)[0], text.split(end)[1]
        text = f"{before}{start}{chr(10).join(drawn)}\n{end}{after}"
    return text


def golden_files() -> dict[str, str]:
    return {PAGE: page()}


def test_the_tree_and_the_edges_are_as_drawn() -> None:
    drawn, there = (ROOT / PAGE).read_text("utf-8").splitlines(), page().splitlines()
    missing, gone = [line for line in there if line not in drawn], [line for line in drawn if line not in there]
    assert not missing, "\n".join([f"{PAGE} lacks these lines; {NEXT}", *missing])
    assert not gone, "\n".join([f"{PAGE} has these lines of what is not there; {NEXT}", *gone])
    assert drawn == there, f"{PAGE}: lines in another order than the folder's; {NEXT}"


def test_every_file_says_what_it_is() -> None:
    for path in PACKAGE.rglob("*.py"):
        if "shipped" not in path.parts:
            assert about(path), f"{path.relative_to(ROOT)}: its docstring starts with what it is"
