"""`--device`: which device is meant, and whether it is there."""

from __future__ import annotations

import re

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
