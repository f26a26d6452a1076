"""Where the machine code of fused scans lies, how much of it there is, and what nobody used for a month."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from rnnbench import environment

OWN = re.compile(r".+-[0-9a-f]{16}")  # folders that `kernels/compile.py` names, each after what it was made of


@dataclass(frozen=True)
class Cache:
    """A folder that machine code may be in; the first that can be written to is used."""

    place: Path
    bytes: int
    writable: bool


def caches() -> list[Cache]:
    """The places of `kernels/compile.py`, in its order; nothing is made."""
    import numba

    from rnnbench.kernels import derived

    if numba.config.CACHE_DIR:
        places = [Path(numba.config.CACHE_DIR)]
    else:
        home = Path(environment.text("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        places = [Path(derived.__file__).parent / "__pycache__", home / "rnnbench"]
    return [Cache(place, size(place), _writable(place)) for place in places]


def unused(place: Path) -> list[Path]:
    """The folders of machine code below a cache that nobody used for as long as `kernels/compile.py` keeps them."""
    from rnnbench.kernels.compile import UNUSED

    before = time.time() - UNUSED
    found = [p for p in _below(place) if OWN.fullmatch(p.name) and p.is_dir() and not p.is_symlink()]
    return [p for p in found if p.stat().st_mtime < before]


def size(place: Path) -> int:
    """Bytes of all files below a place; 0 where it isn't there."""
    if place.is_file():
        return place.stat().st_size
    return sum(p.lstat().st_size for p in _below(place) if not p.is_dir())


def _below(place: Path) -> list[Path]:
    """Everything below, as far as it may be read; links aren't followed."""
    return [Path(folder, name) for folder, *names in os.walk(place) for name in (*names[0], *names[1])]


def _writable(place: Path) -> bool:
    """Whether files could be made there: in it, or in what it would be made in."""
    there = next(p for p in (place.absolute(), *place.absolute().parents) if p.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
