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

from rnnbench import foreign, registry
from rnnbench.foreign import normalised as normalised
from rnnbench.layers import Layer
from rnnbench.records import Rung

PACKAGE = Path(__file__).parent.parent
SHARED = (
    "rng.py", "settings.py", "curriculum.py", "finite.py", "cells/__init__.py", "cells/memory.py", "cells/rotation.py",
    "cells/decay.py", "cells/matrices.py",
    "layers/__init__.py", "layers/initial.py", "layers/layout.py", "layers/noise.py",
    "layers/recurrent.py", "tasks/__init__.py", "training/model.py", "training/backprop.py", "training/arranged.py",
    "training/cohort.py",
    "training/trainer.py", "training/optimiser.py", "training/schedule.py", "kernels/descent.py", "kernels/compile.py",
    "kernels/lanes.py", "kernels/panels.py", "kernels/tiles.py", "kernels/vector.py",
)  # fmt: skip
# What is around a layer that is computed by hand.
AROUND = tuple(f"kernels/{name}.py" for name in ("loans", "maths", "readout", "norm", "scan"))
ATTENTION = tuple(f"kernels/{name}.py" for name in ("attention", "selfattention", "embedding", "lanewise"))
CONV = ("layers/conv.py", "kernels/conv.py")
COMPILERS = ("numba", "llvmlite")
# Modules of tasks that count whichever task a run is on: records were made while all of them did. Any other one counts
# where it is imported.
OF_ALL = ("_brackets", "_languages", "_split", "_stories", "_words")


@cache
def _of_file(name: str) -> bytes:
    return f"{normalised((PACKAGE / name).read_text('utf-8'))}\n".encode()


@cache
def _ours(model: str) -> Layer:
    return registry.layer(json.loads(model))


def _imported(sources: tuple[str, ...]) -> set[str]:
    """The modules of tasks that a task among these files is made of, besides its own, by name."""
    found: set[str] = set()
    waiting = [source for source in sources if source.startswith("tasks/")]
    while waiting:
        for node in ast.walk(ast.parse((PACKAGE / waiting.pop()).read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("rnnbench.tasks"):
                continue
            module = (node.module or "").removeprefix("rnnbench.tasks").removeprefix(".")
            names = {module} if module else {alias.name for alias in node.names}
            new = {name for name in names - found if (PACKAGE / "tasks" / f"{name}.py").is_file()}
            found |= new
            waiting += [f"tasks/{name}.py" for name in new]
    return found


@cache
def _of(sources: tuple[str, ...], attention: bool, conv: bool, fused: bool) -> str:
    """Of the files of ours that a run goes through."""
    looks = ("layers/attention.py", *(ATTENTION if fused else ())) if attention else ()
    filters = CONV[: 1 + fused] if conv else ()
    around = (*looks, *filters, *(AROUND if fused else ()))
    helpers = sorted(f"tasks/{name}.py" for name in {*OF_ALL, *_imported(sources)})
    digest = hashlib.blake2b(digest_size=8)
    for name in (*SHARED, *sources, *around, *helpers):
        digest.update(_of_file(name))
    if fused:
        digest.update(" ".join(f"{name} {version(name)}" for name in COMPILERS).encode())
    return digest.hexdigest()


def fingerprint(rung: Rung, fused: bool) -> str:
    """The fingerprint of the code that a run of this rung goes through today; UserError, TypeError or ValueError where
    there is no such code."""
    layer = registry.layer(rung.model) if registry.is_foreign(rung.model) else _ours(rung.model_text)
    task = rung.task["task"]
    # asked each time: other people's code may change while a session lasts
    theirs = [layer.digest(), foreign.source(registry.task_class(task))]
    ours = (*layer.sources(fused), *(() if registry.is_foreign(rung.task) else (f"tasks/{task}.py",)))
    own = _of(ours, "attention" in rung.settings, "conv" in rung.settings, fused)
    return hashlib.blake2b(" ".join([own, *theirs]).encode(), digest_size=8).hexdigest() if any(theirs) else own
