"""The command line: parse, call, print. One file, one command; a file in this folder is all that it takes.

Nothing is imported here that `--help` does not need. Data goes to stdout, progress and errors to stderr.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from rnnbench.cli import variables
from rnnbench.errors import Exit, UserError
from rnnbench.text import printable

LONGEST = 4000  # characters of a line of an error
EMPTY = re.compile(r"--[a-z-]+=")
PLUGIN = re.compile(r"[\w-][\w.-]*/[\w.-]+")
MEANT = {"diff": "compare", "plot": "report --format svg -o FOLDER"}  # by what other tools call it
VARIABLE = re.compile(r"('-[-/ 'a-z]+') \(env var: ('\w+')\)")

BEGIN = """\
Which part of a recurrent cell carries information across a gap, and how sure
are we? Begin here:

  rnnbench run quick         train a small suite, in a minute or two
  rnnbench report            what became of it, in tables
  rnnbench list              the cells, layers, tasks and suites that there are
  rnnbench list lstm         one of them, with its equations and switches
  rnnbench init mine.yaml    write a suite of your own, commented
  rnnbench --help            every command
"""
# In the order of their use, whatever else there is last.
ORDER = ("init", "list", "validate", "plan", "run", "report", "show", "compare", "export", "check", "baseline")


class _Commands(typer.core.TyperGroup):
    """Commands in the order of their use."""

    def list_commands(self, ctx: Any) -> list[str]:
        names = super().list_commands(ctx)
        return [*(name for name in ORDER if name in names), *(name for name in names if name not in ORDER)]


app = typer.Typer(
    cls=_Commands,
    name="rnnbench",
    help="Which part of a recurrent cell carries information across a gap, and how sure are we?",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from rnnbench import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(BEGIN, nl=False)


for _path in sorted(Path(__file__).parent.glob("[a-z]*.py")):  # the commands register themselves on `app`
    importlib.import_module(f"rnnbench.cli.{_path.stem}")
variables.register(app)


def main() -> None:
    """Runs the command line and ends the process with one of `errors.Exit`; never a traceback for a user's mistake."""
    from rnnbench.cli import bugs, streams

    streams.prepare()
    try:
        _somewhere()
        code = _invoke(sys.argv[1:])
        sys.stdout.flush()
    except UserError as error:
        for line in error.screen():
            print(printable(line, LONGEST), file=sys.stderr)
        code = error.code
    except streams.ReaderGone:
        code = Exit.READER_GONE
    except (KeyboardInterrupt, typer.Abort):
        code = Exit.INTERRUPTED
    except Exception as error:
        print(printable(bugs.line(error)), file=sys.stderr)
        code = Exit.BUG
    streams.finish()
    sys.exit(int(code))


def _somewhere() -> None:
    try:
        os.getcwd()
    except OSError as error:
        raise UserError(f"the current directory: {error.strerror}; next: cd to one that exists") from None


def _invoke(arguments: list[str]) -> int:
    """The command that the arguments name, without click's own handling of errors: its exit codes are not ours."""
    for before, argument in zip(["rnnbench", *arguments], arguments, strict=False):
        if not argument or EMPTY.fullmatch(argument):
            name = printable(argument.rstrip("=") or before, 100)
            raise UserError(f"rnnbench: got an empty text after {name}, expected something; see rnnbench --help")
    if arguments and PLUGIN.fullmatch(arguments[0]) and not _is_suite(arguments[0]):
        _add(arguments[0])
    command = typer.main.get_command(app)
    command._main_shell_completion({}, "rnnbench")  # answers a shell that asks, and ends there; else does nothing
    if arguments[:1] in ([], ["-h"], ["--help"]):
        from rnnbench import plugins

        others = ", ".join(plugins.named("commands"))
        command.epilog = f"Of installed packages: {others}" if others else None
    try:
        with command.make_context("rnnbench", arguments) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    except Exception as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()  # type: ignore[attr-defined]
            return Exit.USAGE
        if not hasattr(error, "format_message"):
            raise
        raise UserError(_mistake(error, arguments)) from None
    return Exit.OK


def _mistake(error: Any, arguments: list[str]) -> str:
    """What click says of a wrong command line, in our one line."""
    text = error.format_message().replace("Value error, ", "").rstrip(".")
    text = VARIABLE.sub(lambda found: _source(error, found), text)
    context = getattr(error, "ctx", None)
    if text.startswith("No such command") and context and not context.parent and _is_suite(arguments[0]):
        return f"rnnbench: got a suite where a command is expected; next: rnnbench run {arguments[0]}"
    if text.startswith("No such command") and (meant := MEANT.get(arguments[0])):
        return f"rnnbench: {text.partition('. ')[0]}; did you mean 'rnnbench {meant}'?"
    return f"rnnbench: {text}; see {context.command_path if context else 'rnnbench'} --help"


def _source(error: Any, found: re.Match[str]) -> str:
    """Where a wrong value came from, of an option that has a variable: that, or the option as it is written."""
    parameter = getattr(error, "param", None)
    return found[2] if parameter and variables.taken([parameter], error.ctx) else found[1]


def _is_suite(name: str) -> bool:
    from rnnbench.suite import load

    return name in load.shipped() or os.path.isfile(name)


def _add(name: str) -> None:
    """Registers a command of another package, `package/name`."""
    from rnnbench import plugins

    app.command(name=name, cls=variables.Command)(plugins.function("commands", name))
