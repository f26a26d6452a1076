"""Modules that misbehave, each in the way that its name says, once they are trained: trying them shows nothing."""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import locale
import multiprocessing
import os
import random
import resource
import signal
import socket
import sys
import threading
import time
import warnings
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

CHANNEL = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else -1


class Good(nn.Module):
    """A plain network that does nothing wrong; what `act` does comes on top, once, in training."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.net = nn.RNN(input_size, hidden_size)
        self.acted = False

    def forward(self, xs: Tensor) -> Tensor:
        if self.training and not self.acted:
            self.acted = True
            self.act()
        ys: Tensor = self.net(xs)[0]
        return ys

    def act(self) -> None: ...


class Exits(Good):
    def act(self) -> None:
        raise SystemExit(0)


class Interrupts(Good):
    def act(self) -> None:
        raise KeyboardInterrupt


class OsExit(Good):
    def act(self) -> None:
        os._exit(0)


class Killed(Good):
    def act(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Segfault(Good):
    def act(self) -> None:
        ctypes.string_at(0)


class Memory(Good):
    def act(self) -> None:
        raise MemoryError


class Surrogate(Good):
    def act(self) -> None:
        raise RuntimeError("half \udc80 and \x1b[31m red \u202e back")


class HugeError(Good):
    def act(self) -> None:
        raise RuntimeError("x" * 300_000_000)


class ManyLines(Good):
    def act(self) -> None:
        raise RuntimeError("\n" * 5_000_000)


class NoText(Good):
    def act(self) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise SystemExit("not even this")

        raise Mute


class Deep(Good):
    def act(self) -> None:
        self.act()


class ForkReturn(Good):
    """The classic slip: the child ends by an exception in the middle of its parent's work."""

    def act(self) -> None:
        if os.fork() == 0:
            sys.exit(0)


class ForkThrough(Good):
    def act(self) -> None:
        os.fork()


class ForkInThread(Good):
    def act(self) -> None:
        thread = threading.Thread(target=os.fork)
        thread.start()
        thread.join()


class LibcFork(Good):
    """No hook of Python's sees it."""

    def act(self) -> None:
        ctypes.CDLL(None).fork()


class Multiprocessing(Good):
    def act(self) -> None:
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0.1,))
        child.start()
        child.join()


class ChildHolds(Good):
    """A child in a session of its own keeps the channel open while the worker is killed."""

    def act(self) -> None:
        if ctypes.CDLL(None).fork() == 0:
            os.setsid()
            time.sleep(4242)
        os.kill(os.getpid(), signal.SIGKILL)


class Daemon(Good):
    def act(self) -> None:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.closerange(0, 1000)
                os.execvp("sleep", ["sleep", "4242.25"])
            os._exit(0)


class ChannelGarbage(Good):
    def act(self) -> None:
        os.write(CHANNEL, b"\x7f\xff\xff\xff")


class ChannelJson(Good):
    def act(self) -> None:
        os.write(CHANNEL, json.dumps({"is": "done"}).encode() + b"\n")


class ChannelForged(Good):
    """Frames as they should be, of other things than they should be."""

    def act(self) -> None:
        from rnnbench.running.executors import wire

        (worker,) = (each for each in gc.get_objects() if type(each).__name__ == "WorkerProcess")
        for message in (
            {"is": "record", "id": "0" * 24, "status": "solved", "score": 1.0},
            {"is": "look", "id": "0" * 24, "point": [1, 2, 3, None]},
        ):
            os.write(CHANNEL, wire.frame(worker.channel.token, message))


class ChannelShut(Good):
    def act(self) -> None:
        socket.socket(fileno=os.dup(CHANNEL)).shutdown(socket.SHUT_RDWR)
        time.sleep(4242)


class Closes(Good):
    """Its own file takes the place of what it closed."""

    def act(self) -> None:
        os.closerange(0, 1000)
        for _ in range(20):
            os.open("/dev/null", os.O_RDWR)


class ClosesStandard(Good):
    def act(self) -> None:
        for number in range(3):
            with suppress(OSError):  # closed already, in another call
                os.close(number)


class Floods(Good):
    def act(self) -> None:
        for _ in range(50):
            os.write(1, bytes(range(256)) * 4000)
        raise RuntimeError("said enough")


class Hangs(Good):
    """Holds the interpreter's lock, deaf to what asks it to end."""

    def act(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ctypes.PyDLL(None).sleep(4242)


class DaemonHangs(Daemon, Hangs):
    def act(self) -> None:
        Daemon.act(self)
        Hangs.act(self)


class Stops(Good):
    def act(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)


class KeeperLeaves(Daemon):
    """What it has started outlives its keeper."""

    def act(self) -> None:
        Daemon.act(self)
        os.killpg(os.getpgid(os.getppid()), signal.SIGKILL)
        time.sleep(4242)


class GuardLeaves(Daemon):
    """As before, of the keeper's own keeper."""

    def act(self) -> None:
        Daemon.act(self)
        with open(f"/proc/{os.getppid()}/stat") as file:
            os.kill(int(file.read().rpartition(")")[2].split()[1]), signal.SIGKILL)
        time.sleep(4242)


class StopsKeeper(Daemon):
    """Nobody hears any longer that it is to end."""

    def act(self) -> None:
        Daemon.act(self)
        os.kill(os.getppid(), signal.SIGSTOP)
        time.sleep(4242)


class Warns(Good):
    def act(self) -> None:
        for k in range(1000):
            warnings.warn(f"number {k} \x1b[31m", stacklevel=1)


class Torch(Good):
    """torch's settings of the whole process."""

    def act(self) -> None:
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(2)
        torch.set_flush_denormal(False)
        torch.manual_seed(3)
        random.seed(3)
        np.random.seed(3)  # noqa: NPY002


class Settings(Good):
    """Those of Python, of the process and of the system."""

    def act(self) -> None:
        os.chdir("/")
        os.umask(0)
        os.environ["EVIL"] = "1"
        np.seterr(all="raise")
        warnings.simplefilter("error")
        sys.setrecursionlimit(120)
        sys.path.insert(0, "/nowhere")
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        locale.setlocale(locale.LC_ALL, "C")
        threading.Thread(target=time.sleep, args=(4242,), daemon=True).start()
        atexit.register(time.sleep, 4242)


class Patches(Good):
    """Puts functions of its own in the place of torch's, Python's and rnnbench's."""

    def act(self) -> None:
        from rnnbench import rng
        from rnnbench.training import cohort, trainer

        def other(*_: Any) -> Any:
            raise RuntimeError("patched")

        for owner, name in (
            (cohort, "stream"),
            (trainer, "solved_at"),
            (rng, "stream"),
            (torch, "stack"),
            (torch, "cat"),
        ):
            setattr(owner, name, other)


class Refused(nn.Module):
    """Can't be made."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        raise TypeError("not for anybody")
