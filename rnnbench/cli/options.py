"""Options that mean the same for every command; each also in the environment as RNNBENCH_NAME."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rnnbench.cli.bugs import note_results

RESULTS = Path("results")

Suite = Annotated[str, typer.Argument(metavar="SUITE", help="A suite's path, or the name of one that ships.")]
OptionalSuite = Annotated[
    str | None,
    typer.Argument(metavar="[SUITE]", help="A suite's path or name; without one, the suite that ran last."),
]
Results = Annotated[
    Path,
    typer.Option(
        "-r",
        "--results",
        envvar="RNNBENCH_RESULTS",
        help="Where the store is.",
        metavar="DIR",
        callback=note_results,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", envvar="RNNBENCH_OUTPUT", help="Write there, not to stdout.", metavar="FILE"),
]
Filter = Annotated[
    str | None,
    typer.Option(
        "-k",
        "--filter",
        envvar="RNNBENCH_FILTER",
        help="Only variants, tasks and lengths that match: 'lstm and not copy'.",
        metavar="EXPR",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        envvar="RNNBENCH_SET",
        help="A setting for every run, such as lr=1e-3; may be repeated.",
        metavar="KEY=VALUE",
    ),
]
Seeds = Annotated[
    str | None, typer.Option("--seeds", envvar="RNNBENCH_SEEDS", help="5 (0 to 4) or 1000..1004.", metavar="SEEDS")
]
Jobs = Annotated[
    int,
    typer.Option("-j", "--jobs", min=0, max=4096, envvar="RNNBENCH_JOBS", help="Worker processes; 0: one a core."),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", envvar="RNNBENCH_QUIET", help="Only errors on stderr.")]
