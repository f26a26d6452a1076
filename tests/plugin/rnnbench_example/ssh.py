"""Worker processes on another machine, by ssh: it has this folder, this Python and the same packages."""

from __future__ import annotations

import os
import shlex
import sys

from rnnbench.errors import UserError
from rnnbench.running.executors.hosted import Away


class Ssh(Away):
    """`address`: the machine, as ssh knows it."""

    def __init__(
        self, jobs: int, device: str, kernels: str, seconds_per_run: float | None, checkpoint_seconds: float,
        *, address: str = "", python: str = sys.executable,
    ) -> None:  # fmt: skip
        if not address or address.startswith("-"):
            raise UserError(f"--address: got '{address}', expected a machine that ssh knows")
        command = ["exec", python, "-m", "rnnbench.running.executors.host"]
        there = f"cd {shlex.quote(os.getcwd())} && {shlex.join(command)}"
        made = {
            "jobs": jobs, "device": device, "kernels": kernels, "seconds_per_run": seconds_per_run,
            "checkpoint_seconds": checkpoint_seconds,
        }  # fmt: skip
        super().__init__(["ssh", "-o", "BatchMode=yes", address, there], made, f"ssh {address}")
