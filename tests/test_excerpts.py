"""Faults of suites show the line and a caret under the column; what is broken is told once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.errors import UserError
from rnnbench.suite.excerpts import ROOM, columns, excerpt
from rnnbench.suite.faults import Place
from rnnbench.suite.load import loads

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])), st.data())
def test_the_caret_stands_below_the_character(line: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(1, len(line) + 1))
    shown, caret = excerpt(Place("f", 2, column), f"first\n{line}\nlast")
    assert shown.startswith("  2 | ".rstrip())
    assert caret.startswith("    | ")
    assert caret.endswith("^")
    assert columns(shown) <= 6 + ROOM
    at = columns(caret) - 1
    character = line[column - 1 : column]
    if character.isprintable() and character.strip() and columns(character):
        place = next(k for k in range(len(shown) + 1) if columns(shown[:k]) == at)
        while place < len(shown) and not columns(shown[place]):  # put upon what stands before
            place += 1
        assert shown[place] == character


def test_where_there_is_no_line_nothing_is_shown() -> None:
    assert excerpt(Place("--set lr"), "a") == excerpt(Place("f", 3, 1), "a\nb") == ()


def test_each_fault_of_a_suite_has_its_line_below_it() -> None:
    text = "rnnbench: 1\nname: s\narchitectures: {rnn: {cell: rnm}}\ntasks: {copy: {lengths: [5, x]}}\n"
    with pytest.raises(UserError) as refused:
        loads(text.encode(), "s.yaml")
    assert list(refused.value.screen()) == [
        "s.yaml:3:29: architectures.rnn.cell: got 'rnm', expected the name of a cell; did you mean 'rnn'?",
        "  3 | architectures: {rnn: {cell: rnm}}",
        "    |                             ^",
        "s.yaml:4:29: tasks.copy.lengths[1]: got 'x', expected a length from 1 to 10000000",
        "  4 | tasks: {copy: {lengths: [5, x]}}",
        "    |                             ^",
    ]
    assert str(refused.value).count("\n") == 1  # from Python: a line a fault


def test_a_broken_file_is_told_once_however_many_name_it(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import nothing_of_that_name\n")
    variants = "".join(f"  v{k}: {{cell: ./mine.py, hidden: {k}}}\n" for k in range(1, 31))
    (tmp_path / "s.yaml").write_text(f"rnnbench: 1\narchitectures:\n{variants}tasks: {{copy: {{lengths: [5]}}}}\n")
    done = cli("validate", "s.yaml")
    assert done.returncode == 2
    first, *below = done.stderr.splitlines()
    assert first.startswith("s.yaml:3:14: architectures.v1.cell: got './mine.py': can't be imported: ModuleNotFoundErr")
    assert below == ["  3 |   v1: {cell: ./mine.py, hidden: 1}", "    |              ^"]


def test_a_cell_that_fails_its_trial_is_told_once(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\nfrom rnnbench import cells\n\n@dataclass(frozen=True)\n"
        "class Cell(cells.Cell):\n    def shapes(self, I, H):\n        return {'W': (I, H), 'U': (H, H)}\n\n"
        "    def step(self, p, x, state):\n        raise RuntimeError('out of order')\n"
    )
    variants = "".join(f"  v{k}: {{cell: ./mine.py, hidden: {k}}}\n" for k in range(1, 9))
    (tmp_path / "s.yaml").write_text(f"rnnbench: 1\narchitectures:\n{variants}tasks: {{copy: {{lengths: [5]}}}}\n")
    done = cli("validate", "s.yaml")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("s.yaml: v1 and 7 more: cell ./mine.py: ")
    assert "out of order" in line
