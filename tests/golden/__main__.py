"""Writes every golden file anew, for a change that is meant: `python -m tests.golden`, then read the difference.

Each test module with a function `golden_files`, which gives {path from the root: text}, is asked. What a test holds
against such a file is never typed in by hand.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent.parent
ROOT = TESTS.parent

sys.path.append(str(TESTS))  # as pytest does, for what tests share


def files() -> Iterator[tuple[str, str]]:
    """Every golden file as it should be today: its path from the root and its text."""
    sibling = importlib.import_module("tests.conftest").sibling  # which sets the environment of a worker, too
    for path in sorted(TESTS.rglob("test_*.py")):
        if "\ndef golden_files(" in path.read_text("utf-8"):
            yield from sibling(path.relative_to(TESTS).as_posix()).golden_files().items()


if __name__ == "__main__":
    for name, text in files():
        path = ROOT / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"{name}: written")
