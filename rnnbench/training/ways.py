"""How a run is computed, by which everybody goes: the driver that makes cohorts, the worker that trains them, `check`.

Imports neither torch nor a compiler, so that a driver may ask.
"""

from __future__ import annotations

import json
from functools import cache

from rnnbench import registry
from rnnbench.records import Rung

STACKED = "stacked"


def way(rung: Rung, device: str, kernels: str) -> str:
    """`stacked`: runs of one shape train side by side along an R axis, a single one padded with a copy of itself. Any
    other (`fused`: by a compiled scan; `alone`: by a layer that takes one run at a time): one after another.

    `device` is one of torch's, `kernels` auto or reference.
    """
    return _way(rung.model_text, device == "cpu" and kernels != "reference")


@cache
def _way(model: str, own: bool) -> str:
    """`own`: on a CPU, by whatever is fastest there."""
    layer = registry.layer(json.loads(model))
    if layer.stacks and not (own and layer.lone):
        return STACKED
    return layer.how
