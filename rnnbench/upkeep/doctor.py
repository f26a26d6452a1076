"""Everything that a run needs, looked at: each part in a line, and what to do where something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rnnbench import plugins
from rnnbench.errors import UserError
from rnnbench.store import Store
from rnnbench.text import printable
from rnnbench.upkeep import bits, caches, health, machine
from rnnbench.upkeep.finding import Finding

Look = Callable[[], Iterator[Finding]]


def examine(store: Store, train: bool = True) -> Iterator[Finding]:
    """Every finding, as it is made. `train`: the small runs of `bits.py` too, which take seconds."""
    yield from machine.look()
    yield from cached()
    yield from added()
    if train:
        yield bits.look()
    yield from health.look(store)


def cached() -> Iterator[Finding]:
    """Where machine code is kept: without a place, each process compiles for itself."""
    found = caches.caches()
    used = next((each for each in found if each.writable), None)
    if used is None:
        places = ", ".join(str(each.place) for each in found)
        todo = "set NUMBA_CACHE_DIR to a folder that can be written to"
        yield Finding("kernels", "wrong", f"no cache can be written to: {places}; each process compiles anew", todo)
    else:
        yield Finding("kernels", "fine", f"cache in {printable(str(used.place))}, {used.bytes:,} bytes")


def added() -> Iterator[Finding]:
    """What installed packages add, and which of it can't be imported."""
    names = [(kind, name) for kind in plugins.GROUPS for name in plugins.named(kind)]
    broken = 0
    for kind, name in names:
        try:
            plugins.load(kind, name)
        except UserError as error:
            broken += 1
            package = name.partition("/")[0]
            todo = f"mend or remove {package}, or leave it out of RNNBENCH_PLUGINS"
            yield Finding("plugins", "wrong", printable(error.lines[0], 500), todo)
    if not broken:
        told = ", ".join(f"{kind[:-1]} {name}" for kind, name in names)
        yield Finding("plugins", "fine", printable(told, 1000) or "no installed package adds anything")
