"""How many cores may be used, told by files that look like those of Linux."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from rnnbench import api
from rnnbench.running.cores import cores, quota


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("ROOT", str(root)))
    return root / "proc"


V2 = "29 23 0:26 / ROOT/sys rw,nosuid - cgroup2 cgroup rw\n"
V1 = (
    "29 23 0:26 / ROOT/sys/cpu rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "30 23 0:27 / ROOT/sys/memory rw - cgroup cgroup rw,memory\n"
)
HERE = "29 23 0:26 /docker/abc ROOT/sys/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"


@pytest.mark.parametrize(
    ("files", "allowed"),
    [
        ({"proc/cgroup": "0::/\n", "proc/mountinfo": V2, "sys/cpu.max": "200000 100000\n"}, 2),
        ({"proc/cgroup": "0::/a/b\n", "proc/mountinfo": V2, "sys/a/b/cpu.max": "max 100000\n"}, math.inf),
        (
            {
                "proc/cgroup": "0::/a/b\n",
                "proc/mountinfo": V2,
                "sys/a/b/cpu.max": "400000 100000\n",
                "sys/a/cpu.max": "150000 100000\n",
            },
            1.5,
        ),
        ({"proc/cgroup": "0::/outside\n", "proc/mountinfo": V2, "sys/cpu.max": "50000 100000\n"}, 0.5),
        (
            {
                "proc/cgroup": "4:memory:/m\n3:cpu,cpuacct:/a\n0::/\n",
                "proc/mountinfo": V1,
                "sys/cpu/a/cpu.cfs_quota_us": "300000\n",
                "sys/cpu/a/cpu.cfs_period_us": "100000\n",
                "sys/memory/cpu.max": "1 100000\n",
            },
            3,
        ),
        (
            {
                "proc/cgroup": "3:cpu,cpuacct:/docker/abc\n",
                "proc/mountinfo": HERE,
                "sys/cpu/cpu.cfs_quota_us": "250000\n",
                "sys/cpu/cpu.cfs_period_us": "100000\n",
            },
            2.5,
        ),
        (
            {
                "proc/cgroup": "3:cpu,cpuacct:/\n",
                "proc/mountinfo": V1,
                "sys/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/cpu/cpu.cfs_period_us": "100000\n",
            },
            math.inf,
        ),
        ({"proc/cgroup": "0::/\n", "proc/mountinfo": V2, "sys/cpu.max": "garbage"}, math.inf),
        ({"proc/cgroup": "0::/\n", "proc/mountinfo": V2, "sys/cpu.max": "100 0"}, math.inf),
        ({"proc/cgroup": "\x00::\n::\n:\n", "proc/mountinfo": "1 2\n - \n1 2 3 4 5 - cgroup2\n"}, math.inf),
        ({}, math.inf),
    ],
)
def test_a_container_s_cores(tmp_path: Path, files: dict[str, str], allowed: float) -> None:
    proc = write(tmp_path, files)
    assert quota(proc) == allowed
    there = len(os.sched_getaffinity(0))
    assert cores(proc) == max(1, math.ceil(min(there, allowed)))


def test_never_more_than_there_are() -> None:
    assert 1 <= api.cores() <= len(os.sched_getaffinity(0))
