"""What holds for a whole process and other people's code may change: noted before a job, compared after it.

A worker whose process was changed ends after that job, so that no run depends on which ran before it. What is noted is
cheap to ask for, a few milliseconds in all.
"""

from __future__ import annotations

import builtins
import gc
import locale
import os
import random
import resource
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from rnnbench import foreign, seeds
from rnnbench.seeds import Seed

PATCHED = ("torch", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.autograd", "torch.random", "numpy",
           "math", "random", "time", "json", "os")  # fmt: skip
STANDARD = (0, 1, 2)


def settle(seed: Seed) -> None:
    """Seeds the generators that nobody should draw from, so that what does is the same in every process."""
    import numpy
    import torch

    number = seeds.init(seed)
    random.seed(number)
    numpy.random.seed(number % 2**32)  # noqa: NPY002
    torch.manual_seed(number)


def take() -> dict[str, Any]:
    """What there is to note, by a name to tell."""
    found: dict[str, Any] = {f"torch's {name}": value for name, value in foreign.settings().items()}
    for name, ask in ASKED.items():
        try:
            found[name] = ask()
        except Exception as error:
            found[name] = type(error).__name__  # of a folder that is gone, say
    return found


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of what is another now. Of what is noted by name, what is new is no change."""
    return [name for name, value in before.items() if name not in after or _other(value, after[name])]


def _other(a: Any, b: Any) -> bool:
    if isinstance(a, _Names) and isinstance(b, _Names):
        return any(b.get(name, a[name]) is not a[name] for name in a)
    return bool(a != b)


class _Names(dict[str, object]):
    """Objects by the names they are known under; they are compared by what they are, not by what they hold."""


def _names() -> _Names:
    """What somebody could put his own in place of: functions and classes of rnnbench, torch and Python."""
    found = _Names()
    ours = [name for name in sys.modules if name.partition(".")[0] == "rnnbench"]
    modules = [sys.modules[name] for name in (*PATCHED, *ours) if name in sys.modules]
    for module in (*modules, builtins):
        for name, value in list(vars(module).items()):
            if callable(value) and not isinstance(value, ModuleType):
                found[f"{module.__name__}.{name}"] = value
    if torch := sys.modules.get("torch"):
        for owner in (torch.Tensor, torch.nn.Module, torch.nn.Parameter):
            found |= {f"{owner.__name__}.{name}": value for name, value in vars(owner).items() if callable(value)}
    return found


def _rounding() -> tuple[bool, bool]:
    """Which way sums are rounded, told by two of them."""
    one, little = float("1"), float("1e-20")
    return one + little == one, one - little == one


def _limits() -> list[tuple[int, int]]:
    return [resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")]


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _handlers() -> list[Any]:
    return [signal.getsignal(number) for number in sorted(signal.valid_signals())]


def _status() -> list[str]:
    """What Linux says of the signals that the process blocks, ignores and catches."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return [line for line in lines if line.startswith(("SigBlk", "SigIgn", "SigCgt", "Seccomp:", "NoNewPrivs"))]


def _standard() -> list[tuple[int, int]]:
    return [(found.st_dev, found.st_ino) for found in map(os.fstat, STANDARD)]


def _processes() -> set[str]:
    """Processes that are there because of this one, so far as they have not ended: its own and those that its keeper
    has taken in."""
    own, keeper = os.getpid(), os.getppid()
    found = set[str]()
    for parent in (own, keeper):
        for place in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                found.update(place.read_text().split())
    return found - {str(own)}


def _numpy() -> list[Any]:
    import numpy

    return [numpy.geterr(), numpy.geterrcall(), numpy.random.mtrand._rand]


def _torch() -> list[Any]:
    import torch
    from torch.overrides import _get_current_function_mode_stack

    return [
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.is_autocast_enabled("cuda"),
        torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
        torch.backends.cuda.matmul.allow_tf32,
        list(map(type, _get_current_function_mode_stack())),  # type: ignore[no-untyped-call]
        [len(hooks) for hooks in _hooks(torch)],
    ]


def _hooks(torch: Any) -> list[Any]:
    """Those that hold for every torch.nn.Module."""
    module = torch.nn.modules.module
    return [value for name, value in sorted(vars(module).items()) if name.startswith("_global_") and value is not None
            and hasattr(value, "__len__")]  # fmt: skip


ASKED: dict[str, Callable[[], Any]] = {
    "torch's modes and hooks": _torch,
    "numpy's settings": _numpy,
    "functions of modules": _names,
    "the rounding of sums": _rounding,
    "the current directory": os.getcwd,
    "the umask": _umask,
    "the environment": lambda: dict(os.environ),
    "signal handlers": lambda: (_handlers(), _status(), signal.getitimer(signal.ITIMER_REAL)),
    "resource limits": _limits,
    "priority and cores": lambda: (os.getpriority(os.PRIO_PROCESS, 0), sorted(os.sched_getaffinity(0))),
    "the locale": lambda: locale.setlocale(locale.LC_ALL),
    "warnings' filters": lambda: (list(warnings.filters), warnings.showwarning),
    "sys.path": lambda: (foreign.search_path(), list(sys.meta_path), list(sys.path_hooks)),
    "Python's limits": lambda: (sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled(), gc.get_threshold()),
    "Python's streams and hooks": lambda: (
        sys.stdout, sys.stderr, sys.stdin, sys.excepthook, threading.excepthook, sys.gettrace(), sys.getprofile()
    ),
    "standard streams": _standard,
    "threads that are left": lambda: {thread.ident for thread in threading.enumerate()},
    "processes that are left": _processes,
}  # fmt: skip
