"""Other people's code: importing it by a dotted name, knowing it by its source, keeping what it does to itself.

torch has settings that hold for a whole process. What somebody's module does to them, at import or later, would reach
every run after it, so that they are put back as they were.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib import metadata, util
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any


def told(error: BaseException) -> str:
    """An exception in one line.

    >>> told(ValueError("not\\n  today"))
    'ValueError: not today'
    """
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")[:500]


def named(dotted: str) -> Any:
    """What Python's own `from package.module import name` finds: an attribute before a submodule of that name, and a
    submodule that its parent hasn't imported yet. Raises whatever the code raises, else AttributeError.

    >>> named("collections.abc.Iterator").__name__, named("collections.OrderedDict.fromkeys").__name__
    ('Iterator', 'fromkeys')
    """
    parts = dotted.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = _module(".".join(parts[:cut]))
        if module is not None:
            found: Any = module
            for part in parts[cut:]:
                found = _attribute(found, part)
            return found
    raise ModuleNotFoundError(f"No module named {parts[0]!r}", name=parts[0])


def _module(name: str) -> ModuleType | None:
    """The module of that name; None where there is none, as against one that can't be imported."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            return None
        raise


def _attribute(holder: Any, name: str) -> Any:
    try:
        return getattr(holder, name)
    except AttributeError:
        below = _module(f"{holder.__name__}.{name}") if isinstance(holder, ModuleType) else None
        if below is None:
            raise
        return below


@contextmanager
def undisturbed() -> Iterator[None]:
    """Whatever is done within to torch's settings of the whole process is undone; to those that torch starts with,
    where it is first imported within."""
    before = _settings() if "torch" in sys.modules else None
    try:
        yield
    finally:
        if "torch" in sys.modules:
            for name, (value, put) in _settings().items():
                was = before[name][0] if before else STARTS.get(name, value)
                if value != was:
                    put(was)


SMALLEST = sys.float_info.min  # the smallest number that is no denormal

# What torch starts with; threads are the machine's business.
STARTS: dict[str, Any] = {
    "dtype": "float32", "gradients": True, "deterministic": (False, False), "anomalies": (False, True),
    "precision": "highest", "device": "cpu", "denormals": False,
}  # fmt: skip


def _settings() -> dict[str, tuple[Any, Callable[[Any], object]]]:
    """torch's settings of the whole process by name: what each is, and what sets it."""
    torch = sys.modules["torch"]
    backends = torch.backends
    found: dict[str, tuple[Any, Callable[[Any], object]]] = {
        "dtype": (
            str(torch.get_default_dtype()).removeprefix("torch."),
            lambda name: torch.set_default_dtype(getattr(torch, name)),
        ),
        "gradients": (torch.is_grad_enabled(), torch.set_grad_enabled),
        "threads": (torch.get_num_threads(), torch.set_num_threads),
        "deterministic": (
            (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
            lambda both: torch.use_deterministic_algorithms(both[0], warn_only=both[1]),
        ),
        "anomalies": (
            (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
            lambda both: torch.autograd.set_detect_anomaly(*both),
        ),
        "precision": (torch.get_float32_matmul_precision(), torch.set_float32_matmul_precision),
        "device": (
            str(torch.get_default_device()),
            lambda name: torch.set_default_device(None if name == "cpu" else name),
        ),
        "denormals": (SMALLEST * 0.5 == 0, torch.set_flush_denormal),  # torch has no way to ask for it
    }
    for holder, name in (
        (backends.cudnn, "enabled"), (backends.cudnn, "benchmark"), (backends.cudnn, "deterministic"),
        (backends.cudnn, "allow_tf32"),
    ):  # fmt: skip
        found[f"cudnn {name}"] = (getattr(holder, name), partial(setattr, holder, name))
    return found


@cache
def digest(dotted: str) -> str:
    """Version and source of what a dotted name reaches, without importing it: the file, or the whole package."""
    top, *rest = dotted.split(".")
    spec = PathFinder.find_spec(top, [os.getcwd(), *sys.path]) or util.find_spec(top)
    if spec is None or not (spec.origin or spec.submodule_search_locations):
        return "absent"
    here = Path(next(iter(spec.submodule_search_locations or ()), spec.origin or ""))
    for part in rest:
        if (here / part).is_dir():
            here = here / part
        else:
            here = here / f"{part}.py" if (here / f"{part}.py").is_file() else here
            break
    found = hashlib.blake2b(digest_size=8)
    for file in sorted(here.rglob("*.py")) if here.is_dir() else [here]:
        found.update(f"{file.relative_to(here)}\n".encode() + file.read_bytes())
    try:
        version = metadata.version(top)
    except metadata.PackageNotFoundError:
        version = "no version"
    return f"{version} {found.hexdigest()}"
