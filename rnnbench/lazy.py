"""torch, pandas and scipy, imported when first used.

Importing torch costs over a second of CPU. Everything that a user does without training (`--help`,
`validate`, `plan`) must not pay it, so this is the one place that names those packages.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pandas
    import torch as torch
    from scipy import special as scipy_special
    from scipy import stats as scipy_stats
else:

    class _Lazy(ModuleType):
        """A module that imports itself when one of its attributes is first asked for."""

        def __getattr__(self, attribute: str) -> Any:
            if attribute.startswith("__"):  # doctest and inspect ask modules for dunders: no reason to import
                raise AttributeError(attribute)
            module = importlib.import_module(self.__name__)
            self.__dict__.update(module.__dict__)
            return getattr(module, attribute)

    torch = _Lazy("torch")
    pandas = _Lazy("pandas")
    scipy_stats = _Lazy("scipy.stats")
    scipy_special = _Lazy("scipy.special")

__all__ = ["pandas", "scipy_special", "scipy_stats", "torch"]
