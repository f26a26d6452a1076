"""What CONTRIBUTING.md promises: a file is all that each addition takes besides its test."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

PACKAGE = ROOT / "rnnbench"

ADDED: dict[str, Path | str] = {
    "cells/mine.py": PACKAGE / "cells" / "gru.py",
    "tasks/mine.py": PACKAGE / "tasks" / "copy.py",
    "layers/mine.py": PACKAGE / "layers" / "transformer.py",
    "report/formats/mine.py": PACKAGE / "report" / "formats" / "csv.py",
    "report/sections/mine.py": PACKAGE / "report" / "sections" / "score_effects.py",
    "running/executors/mine.py": "from rnnbench.running.executors.local import Local\nclass Mine(Local): pass\n",
    "cli/mine.py": "from rnnbench.cli import app\n@app.command()\ndef mine() -> None: print('a command')\n",
}
SUITE = """\
rnnbench: 1
name: own
defaults: {hidden: 4, batch: 4, steps: 20, stop: never}
seeds: 2
architectures:
  cell: {cell: mine}
  other: {base: cell, reset: v3}
  layer: {layer: mine}
tasks:
  mine: {lengths: [2]}
"""


def test_a_file_is_all_that_it_takes(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "rnnbench", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in ADDED.items():
        (tmp_path / "rnnbench" / name).write_text(text if isinstance(text, str) else text.read_text("utf-8"), "utf-8")
    (tmp_path / "own.yaml").write_text(SUITE)

    def rnnbench(*arguments: str) -> str:
        command = [sys.executable, "-m", "rnnbench", *arguments]
        environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert rnnbench("mine") == "a command\n"
    # by the equations: the copy has no machine code, and would compile it for a minute
    rnnbench("run", "own.yaml", "--executor", "mine", "-j", "1", "--kernels", "reference")
    told = rnnbench("report", "own.yaml", "--format", "mine")
    for variant in ("cell", "other", "layer"):
        assert f"\n{variant},mine,2," in told
    assert '"mine": [\n' in rnnbench("report", "own.yaml", "--format", "json")


def test_every_addition_has_its_steps() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for name in ADDED:
        assert f"| `rnnbench/{name}` |" in text
        assert re.search(rf"\n## An? [^#]*\n1\. [^#]*`rnnbench/{name}`", text), name
