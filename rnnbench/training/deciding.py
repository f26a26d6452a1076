"""Whether code reads numbers out of tensors while it computes, as `if x.max() > 1` does, and `float(x[0])`."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from torch import ops
from torch.utils._python_dispatch import TorchDispatchMode

READS = ops.aten._local_scalar_dense.default  # below bool(), int(), float() and item()


class _Reading(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the line of other people's code that reads a number first."""

    line = ""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is READS and not self.line:
            caller = next(each for each in reversed(traceback.extract_stack()[:-1]) if "/torch/" not in each.filename)
            self.line = f" ({caller.filename.rpartition('/')[2]}:{caller.lineno})"
        return function(*args, **(kwargs or {}))


def deciding(compute: Callable[[], object]) -> str:
    """Where it reads a number, ` (mine.py:12)`; nothing if it doesn't."""
    reading = _Reading()  # type: ignore[no-untyped-call]
    with reading:
        compute()
    return reading.line
