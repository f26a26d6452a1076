"""A newcomer finds each command in the file of its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from rnnbench.cli import app

FOLDER = Path(__file__).parent.parent / "rnnbench" / "cli"
NO_COMMANDS = {"__init__", "apart", "bugs", "common", "options", "sink", "streams", "trying", "variables", "watching"}


def test_each_command_is_in_the_file_of_its_name() -> None:
    group: Any = typer.main.get_command(app)
    assert {path.stem for path in FOLDER.glob("*.py")} - NO_COMMANDS == set(group.commands)
    for name in group.commands:
        first = (FOLDER / f"{name}.py").read_text("utf-8").splitlines()[0]
        assert first.startswith(f'"""`rnnbench {name}`: ')
