"""Command lines that start in milliseconds: a process that has imported all of rnnbench forks one for each that is
asked for, stopped, so that strace can be attached to it before it does anything.

    with Nursery() as nursery:
        code, said = nursery.run(trial, ["-e", "inject=..."])
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from typing import Any, Self

from .trial import ROOT, Trial

PR_SET_PTRACER, ANYBODY = 0x59616D61, -1
ATTACHED = "attached"


class Nursery:
    """One such process; not for two threads at once."""

    def __enter__(self) -> Self:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.soak.nursery"]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return self

    def __exit__(self, *error: object) -> None:
        self.process.communicate()  # it ends at the end of what it is told

    def _tell(self, message: dict[str, Any]) -> int:
        """Sends a line, and returns the number that comes back."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(message), file=self.process.stdin)
        return int(self.process.stdout.readline())

    def run(self, trial: Trial, strace: list[str]) -> tuple[int, str]:
        """A trial's command line under strace: its exit status, or minus the signal that killed it, and its stderr."""
        said = trial.folder / "said"
        pid = self._tell({"command": trial.command[3:], "environment": trial.environment, "said": str(said)})
        tracer = subprocess.Popen(["strace", *strace, "-p", str(pid)], stderr=subprocess.PIPE, text=True)
        assert tracer.stderr is not None
        heard = tracer.stderr.readline()
        os.kill(pid, signal.SIGCONT)
        code = self._tell({"wait": pid})
        tracer.communicate()
        if ATTACHED not in heard:
            raise RuntimeError(f"strace is not attached: {heard}")
        return code, said.read_text(errors="replace")


def child(message: dict[str, Any]) -> None:
    """Becomes the command line that is asked for."""
    from . import program

    os.setsid()
    for stream, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY)):
        os.dup2(os.open(os.devnull, flags), stream)
    os.dup2(os.open(message["said"], os.O_WRONLY | os.O_CREAT, 0o644), 2)
    os.environ.clear()
    os.environ.update(message["environment"])
    sys.argv = ["rnnbench", *message["command"]]
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(ANYBODY))
    os.kill(os.getpid(), signal.SIGSTOP)
    program.main()


def main() -> None:
    """Forks for each line that comes, waits for the processes that it is asked about."""
    import rnnbench.cli.run
    import rnnbench.report.live
    import rnnbench.running.driver  # noqa: F401
    from rnnbench import api

    api.load("quick")  # which imports what it needs

    for line in sys.stdin:
        message = json.loads(line)
        if "wait" in message:
            _, status = os.waitpid(message["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
        elif pid := os.fork():
            os.waitpid(pid, os.WUNTRACED)
            print(pid, flush=True)
        else:
            child(message)


if __name__ == "__main__":
    main()
