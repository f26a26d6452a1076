"""How a run is computed, by which everybody goes: the driver that makes cohorts, the worker that trains them, `check`.

Imports neither torch nor a compiler, so that a driver may ask.
"""

from __future__ import annotations

from rnnbench import registry
from rnnbench.records import Rung

STACKED = "stacked"


def way(rung: Rung, device: str, kernels: str) -> str:
    """`stacked`: runs of one shape train side by side along an R axis, a single one padded with a copy of itself. Any
    other (`fused`: by a compiled scan; `solo`: by a layer that takes one run at a time): one after another.

    `device` is one of torch's, `kernels` auto or reference.
    """
    layer = registry.layer(rung.model)
    if layer.stacks and (device != "cpu" or kernels == "reference" or not layer.solo):
        return STACKED
    return layer.how


def together(rung: Rung, device: str, kernels: str) -> bool:
    """Whether its runs train side by side here. Where each draws the length of its batches that can't be: a step of a
    stack is of one length."""
    return way(rung, device, kernels) == STACKED and not rung.tested
