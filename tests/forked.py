"""The command line without the seconds that its imports take: a process that has imported all of rnnbench forks itself
for each call. What is forked is a process like any other: with its own streams, folder, environment, signals and exit
code, and it ends as `python -m rnnbench` does, but that it frees nothing of what was imported. What the interpreter or
a library reads of the environment while it starts is the server's, so that a call which changes that is none for it
(`may`).
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

# Read when a command runs, and not when Python or a library starts; or by nobody.
LATE = ("RNNBENCH_", "COLUMNS", "NO_COLOR", "TERM", "GITHUB_STEP_SUMMARY", "PYTEST_")
HEAVY = ("scipy.special", "torch", "vl_convert")  # imported by who asks for them


class Server:
    """The process, and this end of its channel; it ends with whoever holds this."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self.channel, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(number)],
                env=self.environment, pass_fds=[number], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        self._number()  # which comes when all is imported

    def may(self, environment: Mapping[str, str]) -> bool:
        """Whether a process with that environment would differ from this one's in nothing that was read already."""
        names = environment.keys() | self.environment.keys()
        changed = {name for name in names if environment.get(name) != self.environment.get(name)}
        return all(name.startswith(LATE) for name in changed)

    def run(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Calls the command line; TimeoutExpired where it takes longer, after which it is killed."""
        request = {"arguments": list(arguments), "cwd": str(cwd), "environment": dict(environment)}
        with open(os.devnull, "rb") as nothing, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            numbers = [file.fileno() for file in (nothing, out, err)]
            socket.send_fds(self.channel, [json.dumps(request).encode() + b"\n"], numbers)
            pid = self._number()
            try:
                code = self._number(timeout)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                self._number()
                raise subprocess.TimeoutExpired(list(arguments), timeout) from None
            told = []
            for file in (out, err):
                file.seek(0)
                told.append(file.read().decode().replace("\r\n", "\n"))
        return subprocess.CompletedProcess(list(arguments), code, *told)

    def _number(self, timeout: float | None = None) -> int:
        self.channel.settimeout(timeout)
        line = b""
        while not line.endswith(b"\n"):
            try:
                more = self.channel.recv(1)  # the next number may be there already
            except ConnectionResetError:
                more = b""
            if not more:
                raise RuntimeError(f"the process that the command line is forked from ended with {self.process.wait()}")
            line += more
        return int(line)

    def close(self) -> None:
        self.channel.close()
        self.process.wait()


def load() -> None:
    """Imports whatever a command may import."""
    del sys.path[0]  # this folder
    import rnnbench

    for name in (*(module.name for module in pkgutil.walk_packages(rnnbench.__path__, "rnnbench.")), *HEAVY):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if (error.name or "rnnbench").startswith("rnnbench"):
                raise
            # else of an extra that isn't installed


def serve(number: int) -> None:
    """Forks for each request. Returns in what was forked, when all is as in a process of its own."""
    load()
    gc.freeze()  # else a collection in what is forked writes to, and so copies, every page of what was imported
    channel, buffer, numbers = socket.socket(fileno=number), b"", list[int]()
    channel.sendall(b"0\n")
    while True:
        data, more, _, _ = socket.recv_fds(channel, 1 << 16, 3)
        if not data:
            os._exit(0)
        buffer += data
        numbers += more
        if not buffer.endswith(b"\n"):
            continue
        if (pid := os.fork()) == 0:
            channel.close()
            return _become(json.loads(buffer), numbers)
        for each in numbers:
            os.close(each)
        buffer, numbers = b"", []
        channel.sendall(b"%d\n" % pid)
        channel.sendall(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _become(request: dict[str, object], numbers: list[int]) -> None:
    for stream, number in enumerate(numbers):
        os.dup2(number, stream)
        os.close(number)
    os.chdir(str(request["cwd"]))
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    sys.argv[1:] = request["arguments"]  # type: ignore[call-overload]
    sys.path.insert(0, os.getcwd())  # as `python -m` does


def end(code: int) -> NoReturn:
    """Ends the process as the interpreter does, but for freeing what was imported: that takes a second of each call."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
    from rnnbench.__main__ import main

    try:
        main()
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        end(ended.code or 0)
