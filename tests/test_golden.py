"""Golden files are those that `python -m tests.golden` writes, none besides."""

from __future__ import annotations

import importlib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_golden_files_are_what_the_command_writes() -> None:
    written: dict[str, str] = dict(importlib.import_module("tests.golden.__main__").files())
    there = {p.relative_to(ROOT).as_posix() for p in (ROOT / "tests" / "golden").iterdir() if p.is_file()}
    assert there - {"tests/golden/__main__.py"} <= set(written)
    changed = [name for name, text in written.items() if (ROOT / name).read_text("utf-8") != text]
    assert not changed, "if that is meant: python -m tests.golden, then read the difference"
