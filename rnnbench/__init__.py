"""rnnbench: which part of a recurrent cell carries information across a gap, and how sure are we?

Letters of tensor axes, everywhere: R run, B batch, T time, I input, H hidden, O output. Parameters are capitals
as in the papers; `x, h, c` are one step, `xs, ys` carry T.
"""

__version__ = "0.1.0"

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnbench import plot as plot
    from rnnbench.scripting import load as load
    from rnnbench.scripting import results as results
    from rnnbench.scripting import run as run

__all__ = ["__version__", "load", "plot", "results", "run"]


def __getattr__(name: str) -> Any:
    """`load`, `run`, `results` and `plot`, imported when first asked for."""
    if name == "plot":
        import rnnbench.plot as plot  # not `from rnnbench`, which would ask here again

        return plot
    if name in __all__:
        from rnnbench import scripting

        return getattr(scripting, name)
    raise AttributeError(f"module 'rnnbench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
