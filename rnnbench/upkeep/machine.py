"""The machine as a run finds it: versions, the CPU, how many cores it may use, devices. No part of it is promised to be
there: what can't be read is left out."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from rnnbench import __version__, api
from rnnbench.lazy import torch
from rnnbench.text import printable
from rnnbench.upkeep.finding import Finding

LIBRARIES = ("torch", "numpy", "numba", "llvmlite", "scipy", "pandas", "pydantic", "pyyaml", "rich", "typer")
FEATURES = ("sse4_2", "avx", "avx2", "fma", "avx512f", "neon", "asimd", "sve")  # that arithmetic may use
GROUPS = Path("/sys/fs/cgroup")
CPU = Path("/proc/cpuinfo")


def look() -> Iterator[Finding]:
    """The machine, part by part."""
    yield from versions()
    yield cpu()
    yield cores()
    yield devices()


def versions() -> Iterator[Finding]:
    """rnnbench, Python, and every library that it needs."""
    yield Finding(
        "rnnbench", "fine", f"{__version__}, Python {sys.version.split()[0]}, {platform.platform(terse=True)}"
    )
    found = {name: _version(name) for name in LIBRARIES}
    if missing := [name for name, version in found.items() if not version]:
        what = f"{', '.join(missing)} can't be found"
        yield Finding("libraries", "wrong", what, "install rnnbench anew: make clean, then make run")
    yield Finding("libraries", "fine", ", ".join(f"{name} {version}" for name, version in found.items() if version))


def _version(name: str) -> str:
    """Of an installed package, without importing it; empty where it isn't installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def cpu(place: Path = CPU) -> Finding:
    """Its name, and what of FEATURES it has; vectors of any width give the same bits, at their own speed."""
    try:
        text = place.read_text("utf-8", errors="replace")
    except OSError:
        text = ""
    model = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    words = set(flags[1].split()) if flags else set()
    have = [name for name in FEATURES if name in words]
    name = printable(model[1], 100) if model else platform.processor() or platform.machine()
    what = f"{name} ({platform.machine()}; {', '.join(have) or 'features unknown'})"
    if platform.machine() in ("x86_64", "AMD64") and words and "fma" not in words:
        return Finding("cpu", "note", what, "without fma each step is slower; the bits are the same")
    return Finding("cpu", "fine", what)


def quota(groups: Path = GROUPS) -> float | None:
    """How many cores' time a container lets this process have (cgroup 2, else 1); None where nothing limits it."""
    for place in _own(groups):
        try:
            words = (groups / place).read_text().split()
            most, period = words if len(words) == 2 else (words[0], _period(groups / place))
            if most not in ("max", "-1"):
                return int(most) / int(period)
        except (OSError, ValueError, IndexError):
            continue
    return None


def _own(groups: Path) -> Iterator[str]:
    """Where the quota may stand: of this process's own group, then as a container sees its own."""
    try:
        own = re.search(r"^0::/(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    except OSError:
        own = None
    if own and groups == GROUPS:
        yield f"{own[1]}/cpu.max".lstrip("/")
    yield from ("cpu.max", "cpu/cpu.cfs_quota_us", "cpu,cpuacct/cpu.cfs_quota_us")


def _period(place: Path) -> str:
    return place.with_name("cpu.cfs_period_us").read_text().strip()


def cores(groups: Path = GROUPS) -> Finding:
    """How many there are, may be used, and how many workers `run` starts without --jobs."""
    there, mine, limit = os.cpu_count() or 1, api.cores(), quota(groups)
    what = f"{there} here, {mine} for this process; run starts {mine} workers of one thread each"
    if limit is not None and limit < mine - 0.5:
        most = max(1, round(limit))
        return Finding("cores", "note", f"{what}, but a container's quota gives it the time of {limit:g}", f"-j {most}")
    return Finding("cores", "fine", what)


def devices() -> Finding:
    """CUDA devices, as torch finds them."""
    try:
        count = torch.cuda.device_count()
        names = [torch.cuda.get_device_name(k) for k in range(count)]
    except (ImportError, OSError, RuntimeError) as error:
        told = printable(str(error), 200)
        return Finding("devices", "wrong", f"torch can't be asked: {told}", "install a torch that suits this machine")
    return Finding("devices", "fine", ", ".join(map(printable, names)) if names else "cpu; no CUDA device")
