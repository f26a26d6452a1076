"""Golden files are those that `python -m tests.golden` writes, none besides."""

from __future__ import annotations

import importlib
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES: dict[str, str] = dict(importlib.import_module("tests.golden.__main__").files())


def test_every_golden_file_is_written_by_the_command() -> None:
    there = {p.relative_to(ROOT).as_posix() for p in (ROOT / "tests" / "golden").iterdir() if p.is_file()}
    assert there - {"tests/golden/__main__.py"} <= set(FILES)


def test_it_would_change_nothing_now() -> None:
    changed = [name for name, text in FILES.items() if (ROOT / name).read_text("utf-8") != text]
    assert not changed, "if that is meant: python -m tests.golden, then read the difference"
