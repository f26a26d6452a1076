"""The two sides of a distance, the driver's and the workers': what has to be equal on both, and what had better be.

Records made by other code than the driver's would be stale as soon as they are stored: such a side is refused. Where
versions differ that `numerics` tells apart, it is said.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from rnnbench import plugins

PACKAGE = Path(__file__).parents[2]
TOLD = ("python", "numpy", "torch")  # may differ: of what they decide, records say it


@cache
def here() -> dict[str, str]:
    """This side: the versions of Python, of rnnbench and of what it computes with, of the packages that add something,
    and a digest of rnnbench's code."""
    adding = {found.dist.name for kind in plugins.GROUPS for found in plugins.named(kind).values() if found.dist}
    found = {"python": platform.python_version()}
    for name in ("rnnbench", "numba", "llvmlite", "numpy", "torch", *sorted(adding)):
        found[name] = _version(name)
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(PACKAGE.rglob("*.py")):
        if "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(PACKAGE)}\n".encode() + path.read_bytes())
    return found | {"rnnbench's code": digest.hexdigest()}


def _version(name: str) -> str:
    if name == "rnnbench":
        from rnnbench import __version__

        return __version__
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[str, bool]:
    """What differs, in words (empty: nothing), and whether records could still count.

    >>> differences({"torch": "2.6", "numba": "0.61"}, {"torch": "2.7", "numba": "0.61"})
    ('torch 2.6 here, 2.7 there', True)
    >>> differences({"numba": "0.61"}, {})
    ('numba 0.61 here, none there', False)
    """
    other = [name for name in (*ours, *(theirs.keys() - ours.keys())) if ours.get(name) != theirs.get(name)]
    told = [f"{name} {ours.get(name, 'none')} here, {theirs.get(name, 'none')} there" for name in other]
    return ", ".join(told), all(name in TOLD for name in other)


def files(placed: Mapping[str, str]) -> dict[str, str]:
    """A digest of each of users' own files, by its place; `missing` where there is none. Of the files beside it, too,
    since it may import them."""
    found = {}
    for place in placed.values():
        path = Path(place)
        digest = hashlib.blake2b(digest_size=8)
        for file in sorted(path.parent.glob("*.py")) if path.is_file() else []:
            digest.update(f"{file.name}\n".encode() + file.read_bytes())
        found[place] = digest.hexdigest() if path.is_file() else "missing"
    return found
