"""A worker process as the driver holds it: under a keeper, with a channel, a log, and word of how it ended."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rnnbench.errors import Exit, UserError

KEEPER = Path(__file__).with_name("keeper.py")
PACKAGE = Path(__file__).parents[2]
PIECE = 1 << 20  # bytes that are read at once from a channel
LOG_BYTES = 20_000  # of what a worker prints, the last that are kept for the error message
PIECES = 64  # of it that are read in one go
CLOSE_SECONDS = 14.0  # a little longer than a keeper's guard sweeps

# A process that runs other people's code finds it on Python's path and then in the current directory, whose copy.py or
# json.py would else be taken for the library's. This package is the driver's, whichever else is installed.
START = """\
import os, sys
sys.path.append(os.getcwd())
if "rnnbench" not in sys.modules:
    from importlib.util import module_from_spec, spec_from_file_location
    spec = spec_from_file_location("rnnbench", {package!r})
    sys.modules["rnnbench"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["rnnbench"])
from {module} import {function}
{function}(int(sys.argv[1]))
"""


def program(function: Callable[[int], None]) -> list[str]:
    """What starts a Python that calls a function of this package with the number of its channel, and nothing else."""
    code = START.format(package=str(PACKAGE / "__init__.py"), module=function.__module__, function=function.__name__)
    return [sys.executable, "-P", "-c", code]


class Process:
    """Started at once. `channel` is a socket that doesn't block, `output` where the process's standard output and error
    are read from, `control` what can be read once it has ended. It is killed with all that it has started by `end`,
    when the driver ends, however that ends, and after it has ended by itself."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Raises UserError where the system allows no more processes or open files."""
        try:
            self._start(command, environment)
        except OSError as error:
            raise UserError(
                f"a worker can't be started: {error.strerror}; next: fewer --jobs", code=Exit.FAILED
            ) from error
        self.log = b""
        self.deaf = False

    def _start(self, command: Sequence[str], environment: Mapping[str, str] | None) -> None:
        self.channel, theirs = socket.socketpair()
        self.control, keepers = socket.socketpair()
        given = [keepers.fileno(), theirs.fileno()]
        numbers = [str(os.getpid()), *map(str, given)]
        try:
            self.keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", str(KEEPER), *numbers, *command, numbers[-1]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=given,
                env=None if environment is None else dict(environment),
                start_new_session=True,
            )
        finally:
            theirs.close()
            keepers.close()
        assert self.keeper.stdout is not None
        self.output = self.keeper.stdout
        for number in (self.channel.fileno(), self.control.fileno(), self.output.fileno()):
            os.set_blocking(number, False)

    def sources(self) -> list[int]:
        """Descriptors that can be read once it has printed or said something, or has ended."""
        output = [] if self.output.closed else [self.output.fileno()]
        return [self.control.fileno(), *output, *([] if self.deaf else [self.channel.fileno()])]

    def drain(self) -> None:
        """Reads what it has printed, of which the end is kept; not for ever, where it prints faster than that."""
        for _ in range(PIECES):
            if self.output.closed:
                return
            try:
                data = os.read(self.output.fileno(), 1 << 16)
            except BlockingIOError:
                return
            if not data:
                self.output.close()
            self.log = (self.log + data)[-LOG_BYTES:]

    def read(self, seconds: float) -> None:
        """Waits until it has said or printed something, or has ended, but not for longer."""
        watched = select.poll()
        for source in self.sources():
            watched.register(source, select.POLLIN)
        watched.poll(1000 * seconds)
        self.drain()

    def heard(self) -> bytes:
        """What it has said since, at most a piece of it; nothing where there is nothing, or `deaf` from then on, where
        its end is closed."""
        try:
            data = self.channel.recv(PIECE)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        self.deaf |= not data
        return data

    def ended(self) -> str | None:
        """How it ended, once it has: read from `control`."""
        try:
            told = self.control.recv(64)
        except BlockingIOError:
            return None
        except OSError:
            told = b""
        if not told.strip().lstrip(b"-").isdigit():
            return "was lost with its keeper"
        code = int(told)
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        return f"was killed by signal {name}" + " (out of memory?)" * (-code == signal.SIGKILL)

    def terminate(self) -> None:
        """Asks it to end, and all of its session."""
        with suppress(OSError):
            self.control.send(b"t")

    def end(self) -> None:
        """Kills it, and returns at once. Safe to call again."""
        for end in (self.control, self.channel):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # a process that somebody forked from the driver may hold it too
            end.close()
        self.output.close()

    def gone(self) -> bool:
        """Whether nothing of it is left, after `end`."""
        return self.keeper.poll() is not None

    def wait(self) -> None:
        """Returns when nothing of it is left, after `end`."""
        try:
            self.keeper.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self.keeper.kill()
            self.keeper.wait()
