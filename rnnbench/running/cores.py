"""How many cores this process may use: those that it may run on, and no more than its control groups pay for.

A container with `--cpus 2` on a machine of 64 cores sees all of them. What it may use stands in the cgroup file system:
`cpu.max` of its group and of those above (version 2), or `cpu.cfs_quota_us` and `cpu.cfs_period_us` (version 1).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def cores(proc: Path = Path("/proc/self")) -> int:
    """At least 1; a part of a core counts as one, so that all that is paid for is used."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(there, quota(proc))))


def quota(proc: Path) -> float:
    """Cores that the control groups of a process allow, infinity where nothing limits them."""
    return min((limit for folder in _folders(proc) if (limit := _limit(folder)) > 0), default=math.inf)


def _folders(proc: Path) -> Iterator[Path]:
    """The folders of the groups that a process is in, and those above, as far as they are seen from here."""
    groups = {}  # the path of the group by its controllers; version 2 has none
    for line in _text(proc / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        groups[controllers] = path
    for line in _text(proc / "mountinfo").splitlines():
        fields, _, kind = line.partition(" - ")
        parts, kinds = fields.split(), kind.split()
        if len(parts) < 5 or not kinds or kinds[0] not in ("cgroup", "cgroup2"):
            continue
        root, mounted = map(_unescaped, parts[3:5])
        for controllers, path in groups.items():
            if (kinds[0] == "cgroup2") != (controllers == ""):
                continue
            if controllers and not ("cpu" in controllers.split(",") and "cpu" in kinds[-1].split(",")):
                continue
            yield from _upwards(PurePosixPath(path), PurePosixPath(root), Path(mounted))


def _upwards(path: PurePosixPath, root: PurePosixPath, mounted: Path) -> Iterator[Path]:
    """The folder of a group and those above it, where `root` of the hierarchy is mounted. Inside a container its own
    group may be what is mounted, while its path is told from outside: then it is the mount itself."""
    below = path.relative_to(root) if path.is_relative_to(root) else PurePosixPath()
    yield from (mounted / part for part in (below, *below.parents))


def _limit(folder: Path) -> float:
    """Cores that one group allows; 0 where it says nothing."""
    try:
        if told := _text(folder / "cpu.max").split():
            return 0.0 if told[0] == "max" else int(told[0]) / int(told[1])
        return int(_text(folder / "cpu.cfs_quota_us")) / int(_text(folder / "cpu.cfs_period_us"))
    except (ValueError, IndexError, ZeroDivisionError):
        return 0.0


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _unescaped(path: str) -> str:
    return path.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
