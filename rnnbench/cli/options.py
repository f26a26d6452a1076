"""Options that mean the same for every command; each also in the environment as RNNBENCH_NAME."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from rnnbench.cli.bugs import note_results
from rnnbench.errors import UserError
from rnnbench.text import printable

RESULTS = Path("results")


def suites(incomplete: str) -> list[str]:
    """For a shell: the names of suites that ship, the files of suites, and the folders on the way to some."""
    from rnnbench.suite.load import shipped

    names = [name for name in shipped() if name.startswith(incomplete)]
    return names + [path for path in _paths(incomplete) if path.endswith(("/", ".yaml", ".yml"))]


def folders(incomplete: str) -> list[str]:
    """For a shell: the folders that begin so."""
    return [path for path in _paths(incomplete) if path.endswith("/")]


def _paths(incomplete: str) -> list[str]:
    """What there is whose path begins so; a folder ends in a slash."""
    found = glob.glob(glob.escape(incomplete) + "*")
    return sorted(path + "/" * os.path.isdir(path) for path in found)


Suite = Annotated[
    str,
    typer.Argument(metavar="SUITE", help="A suite's path, or the name of one that ships.", autocompletion=suites),
]
OptionalSuite = Annotated[
    str | None,
    typer.Argument(
        metavar="[SUITE]",
        help="A suite's path or name; without one, the suite that ran last.",
        autocompletion=suites,
    ),
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
        autocompletion=folders,
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
        help="Only variants, tasks and lengths that match: 'lstm and not copy', 'lstm*'.",
        metavar="EXPR",
    ),
]
Claim = Annotated[
    int | None,
    typer.Option(
        "--claim", metavar="N", min=1, help="Only what the suite's claim of that number, from 1, is decided by."
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
    str | None,
    typer.Option(
        "--seeds",
        envvar="RNNBENCH_SEEDS",
        help="5 (0 to 4), 1000..1004, or 5x4: 5 initialisations crossed with 4 streams of data.",
        metavar="SEEDS",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "-j",
        "--jobs",
        min=0,
        max=4096,
        envvar="RNNBENCH_JOBS",
        help="Workers; 0: one a core, or as many as the cluster has room for.",
    ),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", envvar="RNNBENCH_QUIET", help="Only errors on stderr.")]
Executor = Annotated[
    str,
    typer.Option("--executor", envvar="RNNBENCH_EXECUTOR", help="Where the workers are: local, ray.", metavar="NAME"),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        envvar="RNNBENCH_ADDRESS",
        help="Ray's cluster: auto, what this machine is part of; local, one for this run; or where its head is.",
        metavar="HOST:PORT",
    ),
]
Cpus = Annotated[
    float | None,
    typer.Option(
        "--cpus-per-cohort", min=0, envvar="RNNBENCH_CPUS_PER_COHORT", help="CPUs that a worker takes, of ray."
    ),
]
Gpus = Annotated[
    float | None,
    typer.Option(
        "--gpus-per-cohort",
        min=0,
        envvar="RNNBENCH_GPUS_PER_COHORT",
        help="GPUs that a worker takes, of ray; at .25 four workers share one.",
    ),
]
ExecutorSet = Annotated[
    list[str] | None,
    typer.Option(
        "--executor-set",
        envvar="RNNBENCH_EXECUTOR_SET",
        help="Any option of the executor, of another package's too; may be repeated.",
        metavar="KEY=VALUE",
    ),
]


def of_executor(pairs: list[str] | None, address: str | None, cpus: float | None, gpus: float | None) -> dict[str, Any]:
    """The options of the executor that were given, by its names for them."""
    found: dict[str, Any] = {}
    for pair in pairs or ():
        key, given, value = pair.partition("=")
        if not given or not key.replace("-", "_").isidentifier():
            raise UserError(f"--executor-set: got '{printable(pair, 60)}', expected KEY=VALUE")
        found[key.replace("-", "_")] = value
    own = {"address": address, "cpus_per_cohort": cpus, "gpus_per_cohort": gpus}
    return found | {key: value for key, value in own.items() if value is not None}
