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
        has = f"one of {count} CUDA devices" if count else "one that torch finds, and it finds no CUDA device"
        raise UserError(f"--device: got '{device}', expected {has}; use --device cpu")
    return f"cuda:{number}"


def numerics(how: str, device: str, own: bool = False) -> str:
    """How a run is computed there, in words: `how` it goes through a model, then whatever else decides bits. `own`: all
    of it is arithmetic of our own, whose bits no machine changes; torch's the vendor of a CPU decides, by which MKL
    chooses its products, and its capability. Records with equal numerics have equal bits.

    >>> numerics("fused", "cpu", own=True).split(", ")[0]
    'fused'
    """
    parts = [how]
    if device == "cpu" and how != "stacked":  # a scan or Adam, compiled
        parts.append(f"numba {version('numba')} llvmlite {version('llvmlite')}")
    parts.append(f"numpy {version('numpy')} {platform.machine()}")
    if device != "cpu":
        parts += [f"torch {torch.__version__}", torch.cuda.get_device_name(device)]
    elif not own:
        threads = torch.get_num_threads()
        parts += [
            f"torch {torch.__version__} {torch.backends.cpu.get_cpu_capability()}",
            f"{_products()} on {vendor()}",
        ]
        parts += [f"{threads} threads"] if threads > 1 else []
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


def _products() -> str:
    """Whose matrix products torch calls, and by which of its ways."""
    from torch.__config__ import show

    found = re.search(r"BLAS_INFO=(\w+)", show())
    name = {"mkl": "MKL", "open": "OpenBLAS", "openblas": "OpenBLAS"}.get(found[1] if found else "", "another BLAS")
    ways = os.environ.get({"MKL": "MKL_CBWR", "OpenBLAS": "OPENBLAS_CORETYPE"}.get(name, ""), "")
    return f"{name} {ways}".strip()
