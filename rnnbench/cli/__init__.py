"""The command line: parse, call, print. One file, one command.

Nothing is imported here that `--help` does not need. Data goes to stdout, progress and errors to stderr.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from rnnbench.errors import Exit, UserError

app = typer.Typer(
    name="rnnbench",
    help="Which part of a recurrent cell carries information across a gap, and how sure are we?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True)] = False,
) -> None:
    if version:
        from rnnbench import __version__

        typer.echo(__version__)
        raise typer.Exit


from rnnbench.cli import data, run  # noqa: E402  (the commands register themselves on `app`)

__all__ = ["app", "data", "main", "run"]


def main() -> None:
    """Runs the command line and ends the process with DESIGN's exit codes; never a traceback for a user's mistake."""
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        for line in error.lines:
            print(line, file=sys.stderr)
        code = error.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the flush at exit must not complain again
        code = Exit.READER_GONE
    except (KeyboardInterrupt, typer.Abort):
        code = 128 + signal.SIGINT
    except OSError as error:
        print(f"{error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.STORE
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        print(f"rnnbench: {error.format_message()}; see rnnbench --help", file=sys.stderr)
        code = Exit.USAGE
    sys.exit(int(code or 0))
