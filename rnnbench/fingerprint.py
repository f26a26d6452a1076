"""A fingerprint of the code that makes a record, so that a report can tell which ones are stale.

It is taken from the normalised syntax trees of the files that decide a result, without comments and docstrings:
rewording a docstring makes nothing stale, changing a sign does.
"""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

from rnnbench import find
from rnnbench.layers import Layer
from rnnbench.records import Rung

HERE = Path(__file__).parent
SHARED = ("rng.py", "model.py", "backprop.py", "lockstep.py", "train.py", "optimiser.py", "kernels/_adam.py",
          "cells/__init__.py", "layers/__init__.py", "tasks/__init__.py")  # fmt: skip


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
def _layer(model: str) -> Layer:
    return find.layer(json.loads(model))


@cache
def _of(model: str, task: str, attention: bool, fused: bool) -> str:
    layer = _layer(model)
    around = ("layers/_attention.py",) if attention else ()
    helpers = sorted(f"tasks/{path.name}" for path in (HERE / "tasks").glob("_[a-z]*.py"))
    digest = hashlib.blake2b(digest_size=8)
    for name in (*SHARED, *layer.sources(fused), *around, f"tasks/{task}.py", *helpers):
        digest.update(_of_file(name))
    return digest.hexdigest()


def fingerprint(rung: Rung, fused: bool) -> str:
    """The fingerprint of the code that a run of this rung goes through today."""
    model = rung.model_text
    own = _of(model, rung.task["task"], "attention" in rung.settings, fused)
    foreign = _layer(model).digest()  # asked each time: it may change while a session lasts
    return hashlib.blake2b(f"{own} {foreign}".encode(), digest_size=8).hexdigest() if foreign else own
