"""A fingerprint of the code that makes a record, so that a report can tell which ones are stale.

It is taken from the normalised syntax trees of the files that decide a result, without comments and docstrings:
rewording a docstring makes nothing stale, changing a sign does.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

from rnnbench.records import Rung

HERE = Path(__file__).parent
SHARED = ("rng.py", "model.py", "train.py", "optimiser.py", "cells/__init__.py", "layers/__init__.py",
          "layers/linear.py", "tasks/__init__.py")  # fmt: skip


def normalised(source: str) -> str:
    """The syntax tree as text, without docstrings and positions.

    >>> normalised("def f(x):\\n    'Twice x.'\\n    return 2 * x  # twice") == normalised("def f(x): return 2*x")
    True
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


@cache
def _of_file(name: str) -> bytes:
    return f"{name}\n{normalised((HERE / name).read_text())}\n".encode()


@cache
def _of(cell: str, task: str, fused: bool) -> str:
    shared = sorted(path.name for path in (HERE / "kernels").glob("_*.py"))
    kernel = (f"kernels/{cell}.py", *(f"kernels/{name}" for name in shared)) if fused else ()
    digest = hashlib.blake2b(digest_size=8)
    for name in (*SHARED, f"cells/{cell}.py", f"tasks/{task}.py", *kernel):
        digest.update(_of_file(name))
    return digest.hexdigest()


def fingerprint(rung: Rung, fused: bool) -> str:
    """The fingerprint of the code that a run of this rung goes through today."""
    return _of(rung.model["cell"], rung.task["task"], fused)
