"""A home that machines of several kinds share: machine code that one of them compiled is none of another's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import pytest
from numba import types
from numba.core.registry import cpu_target


def plain(x: int) -> None:
    x + 1


def hits() -> int:
    """How often machine code was found on the disk, where it is compiled as scans are."""
    made: Any = numba.njit(types.void(types.intp), cache=True)(plain)
    return sum(made.stats.cache_hits.values())


def test_machine_code_of_another_cpu_is_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    codegen = cpu_target.target_context.codegen()
    assert [hits(), hits()] == [0, 1]
    with monkeypatch.context() as other:
        other.setattr(numba.config, "CPU_NAME", "x86-64-v2")
        assert [hits(), hits()] == [0, 1]
    with monkeypatch.context() as other:
        other.setattr(codegen, "_tm_features", "+sse2")
        assert [hits(), hits()] == [0, 1]
    assert hits() == 1  # each has its own
