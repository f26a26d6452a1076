"""Mistakes in the environment, told by the names of its variables.

What looks an option over knows its value and not where that came from, so that it says `--format: got 'htm'`, also to
who typed no such option and has `RNNBENCH_FORMAT=htm` in a file of the shell. The command knows where it came from.
"""

from __future__ import annotations

import re
from typing import Any

import typer
import typer.core

from rnnbench.errors import UserError


class Command(typer.core.TyperCommand):
    """A command of which a wrong option is told by the variable that it was taken from, if it was."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise renamed(error, taken(self.params, ctx)) from None


def register(app: typer.Typer) -> None:
    """Makes all commands of an application such ones, those of its groups too."""
    for command in app.registered_commands:
        command.cls = Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            register(group.typer_instance)


def taken(parameters: Any, context: Any) -> dict[str, str]:
    """Options whose values were taken from the environment, by each way to write them, and the variables' names."""
    return {
        written: str(parameter.envvar)
        for parameter in parameters
        if getattr(context.get_parameter_source(parameter.name), "name", "") == "ENVIRONMENT"
        for written in parameter.opts
    }


def renamed(error: UserError, variables: dict[str, str]) -> UserError:
    """The same mistakes, those that begin with an option by the name of its variable.

    >>> str(renamed(UserError("--format: got 'htm'"), {"-f": "RNNBENCH_FORMAT", "--format": "RNNBENCH_FORMAT"}))
    "RNNBENCH_FORMAT: got 'htm'"
    >>> str(renamed(UserError("--form: got 1"), {"--format": "RNNBENCH_FORMAT"}))
    '--form: got 1'
    """

    def line(text: str) -> str:
        option = re.match(r"--?[\w-]+", text)
        return variables.get(option[0], option[0]) + text[option.end() :] if option else text

    below = {line(text): shown for text, shown in error.below.items()}
    return UserError(*map(line, error.lines), code=error.code, below=below)
