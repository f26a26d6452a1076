"""A fingerprint of the code that makes a record, so that a report can tell which ones are stale.

It is taken from what is computed: the syntax trees of the files that decide a result, without comments, docstrings,
imports and the files' own names, and the versions of the compiler where one decides bits. Rewording a docstring or
moving a file makes nothing stale; changing a sign or a default does.
"""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

from rnnbench import registry
from rnnbench.layers import Layer
from rnnbench.records import Rung

PACKAGE = Path(__file__).parent.parent
SHARED = (
    "rng.py", "settings.py", "cells/__init__.py", "layers/__init__.py", "layers/initial.py",
    "layers/layout.py", "layers/noise.py",
    "layers/recurrent.py", "tasks/__init__.py", "training/model.py", "training/backprop.py", "training/cohort.py",
    "training/trainer.py", "training/optimiser.py", "kernels/adam.py", "kernels/compile.py",
    "kernels/panels.py", "kernels/tiles.py", "kernels/vector.py",
)  # fmt: skip
COMPILERS = ("numba", "llvmlite")


def normalised(source: str) -> str:
    """The syntax tree as text, without docstrings, imports and positions.

    >>> normalised("def f(x):\\n    'Twice x.'\\n    return 2 * x  # twice") == normalised("def f(x): return 2*x")
    True
    >>> normalised("from rnnbench import find\\nx = 1") == normalised("from rnnbench import registry\\nx = 1")
    True
    """
    tree = _Bare().visit(ast.parse(source))
    return ast.dump(tree)


class _Bare(ast.NodeTransformer):
    """A tree without what computes nothing: where code comes from, and what is said of it."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        return super().generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None


@cache
def _of_file(name: str) -> bytes:
    return f"{normalised((PACKAGE / name).read_text('utf-8'))}\n".encode()


@cache
def _layer(model: str) -> Layer:
    return registry.layer(json.loads(model))


@cache
def _of(model: str, task: str, attention: bool, fused: bool) -> str:
    layer = _layer(model)
    around = ("layers/attention.py",) if attention else ()
    helpers = sorted(f"tasks/{path.name}" for path in (PACKAGE / "tasks").glob("_[a-z]*.py"))
    digest = hashlib.blake2b(digest_size=8)
    for name in (*SHARED, *layer.sources(fused), *around, f"tasks/{task}.py", *helpers):
        digest.update(_of_file(name))
    if fused:
        digest.update(" ".join(f"{name} {version(name)}" for name in COMPILERS).encode())
    return digest.hexdigest()


def fingerprint(rung: Rung, fused: bool) -> str:
    """The fingerprint of the code that a run of this rung goes through today."""
    model = rung.model_text
    own = _of(model, rung.task["task"], "attention" in rung.settings, fused)
    foreign = _layer(model).digest()  # asked each time: it may change while a session lasts
    return hashlib.blake2b(f"{own} {foreign}".encode(), digest_size=8).hexdigest() if foreign else own
