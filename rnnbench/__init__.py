"""rnnbench: which part of a recurrent cell carries information across a gap, and how sure are we?

Letters of tensor axes, everywhere: R run, B batch, T time, I input, H hidden, O output. Parameters are capitals
as in the papers; `x, h, c` are one step, `xs, ys` carry T.
"""

__version__ = "0.1.0"

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnbench.api import load as load
    from rnnbench.api import results as results
    from rnnbench.api import run as run

__all__ = ["__version__", "load", "results", "run"]


def __getattr__(name: str) -> Any:
    """`load`, `run` and `results`, imported when first asked for."""
    if name in ("load", "results", "run"):
        from rnnbench import api

        return getattr(api, name)
    raise AttributeError(f"module 'rnnbench' has no attribute '{name}'")
