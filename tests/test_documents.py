"""What documents, docstrings and comments name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLACES = ("rnnbench", "tests", "benchmarks", "suites", "docs", "results")
NAMED = re.compile(r"`([\w./-]*\b\w+\.(?:py|md|yaml|json|jsonl\.gz|toml))`")
VARIABLE = re.compile(r'"(RNNBENCH_[A-Z_]+)"')
READERS = re.compile(r"\b(?:mine|test_mine|NAME|test_NAME)\.\w+$")  # stand for files that a reader makes


def texts() -> list[Path]:
    """Everything that a person reads: the documents, and the sources with their docstrings and comments."""
    inside = [p for place in PLACES for kind in ("*.md", "*.py", "*.yaml") for p in (ROOT / place).rglob(kind)]
    return sorted([*ROOT.glob("*.md"), *(p for p in inside if "shipped" not in p.parts)])


@pytest.mark.parametrize("path", texts(), ids=lambda p: str(p.relative_to(ROOT)))
def test_files_that_it_names_exist(path: Path) -> None:
    """By a path from the root, from where it stands or from the package, or by a file's name alone."""
    known = {p.name for place in PLACES for p in (ROOT / place).rglob("*.*")} | {p.name for p in ROOT.glob("*.*")}
    for name in NAMED.findall(path.read_text("utf-8")):
        starts = (ROOT, path.parent, ROOT / "rnnbench", ROOT / "tests", ROOT / "suites")
        there = name in known if "/" not in name else any((start / name).exists() for start in starts)
        assert there or READERS.search(name), f"{path.relative_to(ROOT)} names {name}, which is not there"


def test_every_variable_that_is_read_is_documented() -> None:
    told = "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    read = {name for path in (ROOT / "rnnbench").rglob("*.py") for name in VARIABLE.findall(path.read_text("utf-8"))}
    assert not {name for name in read if f"`{name}" not in told}
