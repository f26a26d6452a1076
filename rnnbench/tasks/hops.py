"""Hops (Depo; Allen-Zhu, 2025): which thing comes k after another, by links that were told in any order?

A ring of nodes is told link by link, `3 1  2 0  1 2  0 3`: after 3 comes 1, ... in random order. Then, after blanks, a
number k and a node are given, and the node k links further is asked for. With one hop it is recall; with more, what
follows must be put together from links that nobody put next to each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._apart import Apart, Rows


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: 0 blank, 1..nodes the nodes, nodes + k the number k. Answers: the nodes. Each number of hops up to `hops`
    is as likely. Length: how many blanks there are between the links and the question.

    >>> from rnnbench.rng import stream
    >>> b = Task(nodes=4, hops=2).batch(1, 2, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([2, 3, 4, 1, 1, 2, 3, 4, 0, 0, 6, 1], [2])
    """

    nodes: Annotated[int, Interval(ge=3, le=1000)] = 6
    hops: Annotated[int, Interval(ge=1, le=999)] = 2

    def __post_init__(self) -> None:
        if self.hops >= self.nodes:
            raise ValueError(f"hops: got {self.hops} of {self.nodes} nodes, expected fewer: so many lead round")

    @property
    def inputs(self) -> int:
        return 1 + self.nodes + self.hops

    @property
    def outputs(self) -> int:
        return self.nodes

    @property
    def last(self) -> bool:
        return True

    @property
    def chance(self) -> float:
        """Any node but the one that is asked about."""
        return 1 / (self.nodes - 1)

    def space(self, length: int) -> int | None:
        keys = self.keys(length)
        return keys and keys * self.nodes**2 * self.hops

    def keys(self, length: int) -> int | None:
        count = math.factorial(min(self.nodes, 16) - 1) ** 2
        return count if count <= tasks.COUNTED else None

    def key(self, rows: Rows) -> Rows:
        """The ring and the order of its links, whatever is asked, with nodes' names shifted alike so that the first
        that is told is 0: by which each node is as often the answer in each part."""
        return (rows[:-2] - rows[:1]) % self.nodes

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        """The nodes from and to, by link as it is told; the node and the hops that are asked for."""
        n, column = self.nodes, np.arange(size)
        ring = rng.shuffled(size, n).T
        after = np.empty_like(ring)
        after[ring, column] = np.roll(ring, -1, 0)
        told = rng.shuffled(size, n).T
        asked = rng.integers(n, (1, size)), 1 + rng.integers(self.hops, (1, size))
        return np.concatenate([told, np.take_along_axis(after, told, 0), *asked])

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        n, size = self.nodes, rows.shape[1]
        told, to, node, hops = rows[:n], rows[n : 2 * n], rows[-2], rows[-1]
        xs = np.zeros((2 * n + length + 2, size), np.int64)
        xs[: 2 * n : 2], xs[1 : 2 * n : 2] = 1 + told, 1 + to
        xs[-2], xs[-1] = n + hops, 1 + node
        return tasks.Batch(xs, self._path(xs)[0], slice(-1, None))

    def _path(self, xs: NDArray[np.int64]) -> tuple[Rows, Rows]:
        """Where the links lead, (1, B), and which links do, as they were told, (hops, B); -1 for those not taken."""
        n, column = self.nodes, np.arange(xs.shape[1])
        link, after = np.empty((n, xs.shape[1]), np.int64), np.empty((n, xs.shape[1]), np.int64)
        link[xs[: 2 * n : 2] - 1, column] = np.arange(n)[:, None]
        after[xs[: 2 * n : 2] - 1, column] = xs[1 : 2 * n : 2] - 1
        node, hops = xs[-1] - 1, xs[-2] - n
        taken = np.full((self.hops, xs.shape[1]), -1)
        for k in range(self.hops):
            on = k < hops
            taken[k] = np.where(on, link[node, column], -1)
            node = np.where(on, after[node, column], node)
        return node[None], taken

    def lag(self, length: int) -> tasks.Lag:
        """From the first of the links that are needed, as it was told in full, to the question's last step."""
        n, most = self.nodes, 2 * self.nodes + length
        earliest = [(n + 1) / (k + 1) - 1 for k in range(1, self.hops + 1)]  # the least of k of n places
        return tasks.Lag(length + 2, most - 2 * sum(earliest) / len(earliest), most)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """What each link leads to, of those that are needed, the earliest first."""
        taken = self._path(batch.xs)[1]
        taken = np.sort(np.where(taken < 0, self.nodes, taken), 0)
        steps = np.where(taken < self.nodes, 2 * taken + 1, -1)
        return tasks.Needed(steps[:, None], batch.xs[steps, np.arange(steps.shape[1])][:, None])

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(self.outputs, dtype=np.float32)
        return {
            "always one node": choices[np.zeros_like(batch.ys)],
            "a node other than the one asked about": choices[batch.xs[-1:] % self.nodes],
        }
