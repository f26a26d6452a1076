"""`--device`: which device is meant, whether it is there, and what of it decides the bits of what it computes."""

from __future__ import annotations

import os
import platform
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path

from rnnbench.errors import UserError
from rnnbench.lazy import torch


def resolve(device: str) -> str:
    """auto, cpu, cuda or cuda:N -> a torch device. `auto` is the CPU, where small networks train fastest one by one.

    >>> resolve("auto")
    'cpu'
    """
    if device in ("auto", "cpu"):
        return "cpu"
    if not re.fullmatch(r"cuda(:\d+)?", device):
        raise UserError(f"--device: got '{device}', expected auto, cpu, cuda or cuda:N")
    number = int(device.partition(":")[2] or 0)
    count = torch.cuda.device_count()
    if number >= count:
        raise UserError(f"--device: got '{device}', expected one of the {count} CUDA devices here; use --device cpu")
    return f"cuda:{number}"


def numerics(how: str, device: str) -> str:
    """How a run is computed there, in words: `how` it goes through a model, then whatever else decides bits. On a CPU
    the vendor decides which products MKL takes, its capability which loops torch takes, and the lanes in which order
    compiled scans add up; records with equal numerics have equal bits.

    >>> numerics("fused", "cpu").split(", ")[0]
    'fused'
    """
    parts = [how]
    if device == "cpu":
        if how != "stacked":  # a scan or Adam, compiled
            parts.append(_compiled())
        parts.append(f"{platform.machine()} {vendor()} {torch.backends.cpu.get_cpu_capability()}")
    else:
        parts.append(torch.cuda.get_device_name(device))
    parts += [f"torch {torch.__version__}", f"numpy {version('numpy')}"]
    if device == "cpu":
        threads = torch.get_num_threads()
        parts += [_products(), *([f"{threads} threads"] if threads > 1 else [])]
    return ", ".join(parts)


@cache
def vendor() -> str:
    """The vendor of the CPU as it names itself, `unknown` where nothing says so.

    >>> vendor() != ""
    True
    """
    return _vendor(Path("/proc/cpuinfo"))


def _vendor(place: Path) -> str:
    try:
        text = place.read_text("utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^(?:vendor_id|CPU implementer)\s*:\s*(\S+)", text, re.MULTILINE)
    return found[1] if found else platform.processor() or "unknown"


@cache
def _compiled() -> str:
    from rnnbench.kernels.vector import WIDTH  # imports the compiler

    return f"numba {version('numba')} llvmlite {version('llvmlite')} {WIDTH} lanes"


def _products() -> str:
    """Whose matrix products torch calls, and by which of its ways."""
    from torch.__config__ import show

    found = re.search(r"BLAS_INFO=(\w+)", show())
    name = {"mkl": "MKL", "open": "OpenBLAS", "openblas": "OpenBLAS"}.get(found[1] if found else "", "another BLAS")
    ways = os.environ.get({"MKL": "MKL_CBWR", "OpenBLAS": "OPENBLAS_CORETYPE"}.get(name, ""), "")
    return f"{name} {ways}".strip()
