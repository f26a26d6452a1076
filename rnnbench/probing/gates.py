"""How open gates are, and how long a state lasts by what it is multiplied by at each step.

A state's carry f is what is left of it in the next one through sums and products alone: c' = f * c + i * g has f, and
h' = (1 - z) * n + z * h has z. Of a unit, tau = -1 / mean log f over steps and sequences is how many steps it would
last by that alone; a state that goes on through a nonlinearity only, as the plain network's, has none. That is not how
long a model remembers: it may hold a value through its recurrent matrices while every f is small (`gradients`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.cells import Cell, Linear
from rnnbench.lazy import torch
from rnnbench.probing.operations import Carrying, Gates
from rnnbench.probing.states import Passed, Scan, Watched

if TYPE_CHECKING:
    from torch import Tensor

ROWS = 8192  # steps times sequences that are gone through at once
OPEN, SHUT = 0.95, 0.05
LEAST = 1e-300  # of a carry whose logarithm is taken


class _Mean:
    """The mean of values (steps, B, width), of those at the steps that are needed and of those at all others."""

    def __init__(self) -> None:
        self.sums = np.zeros((2, 2))  # (other, needed) x (sum, count)

    def add(self, values: NDArray[np.float64], needed: NDArray[np.bool_]) -> None:
        for k in (0, 1):
            part = values[needed == bool(k)]
            self.sums[k] += part.sum(), part.size

    def as_dict(self) -> dict[str, float | None]:
        (other, n), (needed, m) = self.sums
        return {
            "mean": float((other + needed) / (n + m)) if n + m else None,
            "needed": float(needed / m) if m else None,
            "other": float(other / n) if n else None,
        }


def needed_steps(passed: Passed, which: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """At which steps something is read that an answer hangs on: (T, B)."""
    T, B = passed.xs.shape[:2]
    found = np.zeros((T, B), bool)
    if (needed := passed.model.task.needed(passed.batch)) is not None:
        n, k, b = np.nonzero((needed.steps >= 0) & which)
        found[needed.steps[n, k, b], b] = True
    return found


def gates(passed: Passed, which: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Of each gate of each scan: its `mean`, that at steps that are `needed` and at `other` ones, and the shares that
    are `open` and `shut`."""
    found = []
    for place, scan, at in _scans(passed, which):
        by_name: dict[str, tuple[_Mean, list[int]]] = {}
        for steps, rows in _parts(scan):
            with torch.no_grad(), Gates(scan.p) as heard:
                _cell(passed).step(scan.p, *rows)
            for name, value in heard.found:
                values = _shaped(value, steps, scan)
                means, counts = by_name.setdefault(name, (_Mean(), [0, 0, 0]))
                means.add(values, at[steps])
                for k, number in enumerate(((values > OPEN).sum(), (values < SHUT).sum(), values.size)):
                    counts[k] += int(number)
        for name, (means, (above, below, size)) in by_name.items():
            found.append({"place": place, "gate": name, **means.as_dict(), "open": above / size, "shut": below / size})
    return found


def carries(passed: Passed, which: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Of each state that is carried: `rates`, 1 / tau of the units as quantiles 0, .25, .5, .75, 1 (per step, 0 where
    it lasts for ever), and f as a `mean`, at steps that are `needed` and at `other` ones."""
    found = []
    for place, scan, at in _scans(passed, which):
        logs: dict[int, list[NDArray[np.float64]]] = {}
        means: dict[int, _Mean] = {}
        for steps, rows in _parts(scan):
            for k, value in enumerate(carried(_cell(passed), scan.p, *rows)):
                if value is not None:
                    values = _shaped(value, steps, scan)
                    means.setdefault(k, _Mean()).add(values, at[steps])
                    logs.setdefault(k, []).append(np.log(np.maximum(values, LEAST)).mean(1))
        for k, parts in logs.items():
            rates = -np.concatenate(parts).mean(0)
            quantiles = [float(q) + 0.0 for q in np.quantile(rates, (0, 0.25, 0.5, 0.75, 1))]
            found.append({"place": place, "state": k, **means[k].as_dict(), "rates": quantiles})
    return found


def carried(cell: Cell, p: Any, x: Tensor, state: tuple[Tensor, ...]) -> list[Tensor | None]:
    """|f| of each tensor of a state (rows, width) at a step; None of one that isn't carried on. Of the two halves of a
    complex state, |f| of the complex number."""
    with torch.enable_grad():
        leaves = tuple(part.detach().requires_grad_() for part in state)
        with Carrying():
            _, new = cell.step(p, x.detach(), leaves)
        found: list[Tensor | None] = []
        for k, part in enumerate(new):
            by = leaves if isinstance(cell, Linear) else (leaves[k],)
            if not part.requires_grad:
                found.append(None)
                continue
            slopes = torch.autograd.grad(part.sum(), by, retain_graph=True, allow_unused=True)
            there = [slope for slope in slopes if slope is not None]
            found.append(torch.stack(there).square().sum(0).sqrt() if there else None)
    return found


def outputs(passed: Passed) -> list[dict[str, Any]]:
    """Of each scan the share of its outputs that are `saturated`: |y| > .95, which says something of bounded ones."""
    return [
        {"place": place, "saturated": float((torch.stack(scan.ys).abs() > OPEN).double().mean())}
        for place, scan in _placed(passed)
    ]


def _cell(passed: Passed) -> Cell:
    assert isinstance(passed.model.layer, Watched)
    return passed.model.layer.cell


def _placed(passed: Passed) -> Iterator[tuple[str, Scan]]:
    count = len(passed.directions)
    for k, scan in enumerate(passed.scans):
        yield f"{k // count}/{passed.directions[k % count]}", scan


def _scans(passed: Passed, which: NDArray[np.bool_]) -> Iterator[tuple[str, Scan, NDArray[np.bool_]]]:
    """Each scan, its place, and the needed steps in its own time."""
    at = needed_steps(passed, which)
    for place, scan in _placed(passed):
        yield place, scan, at[::-1] if place.endswith("backward") else at


def _parts(scan: Scan) -> Iterator[tuple[slice, tuple[Tensor, tuple[Tensor, ...]]]]:
    """Steps of a scan, and what `step` takes at all of them at once: x and the states before, as rows."""
    T, B = scan.xs.shape[:2]
    start = tuple(torch.zeros_like(part) for part in scan.states[0])
    many = max(1, ROWS // B)
    for first in range(0, T, many):
        steps = slice(first, min(first + many, T))
        before = [start, *scan.states][steps]
        yield (
            steps,
            (
                scan.xs[steps].detach().flatten(0, 1),
                tuple(torch.cat(parts).detach() for parts in zip(*before, strict=True)),
            ),
        )


def _shaped(value: Tensor, steps: slice, scan: Scan) -> NDArray[np.float64]:
    """(rows or 1, width) -> (steps, B, width)."""
    T, B = steps.stop - steps.start, scan.xs.shape[1]
    width = value.shape[-1]
    rows = value.detach().expand(T * B, width) if value.dim() < 3 else value.detach().reshape(T * B, -1)
    found: NDArray[np.float64] = rows.reshape(T, B, -1).numpy()
    return found
