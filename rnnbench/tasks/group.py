"""Word problems of groups (Merrill et al., 2024; Grazzi et al., 2025): what is the product of all elements so far?

Elements of a finite group are read; the running product x_1 x_2 ... x_t is asked for. Which groups a network can follow
says what its transitions can do: Z2 (which is cumulative parity) needs a sign, S3 a reflection and a rotation that
don't commute, A5 and S5 are not solvable. Z60, A4xZ5 and A5 have 60 elements each and are the usual three: abelian,
solvable, neither. With answers at every step the short products teach the long ones; asked for at the end alone, none
does.

The first element may be any. So the product is uniform at every step, whatever the others are drawn from, and no step
is easier by chance than 1 in the group's size. Those after it are drawn from all `elements`, from a few `generators`
(the identity, generators and their inverses: of S5 a swap and a cycle of all five), or, in Sn, from the identity and
its `swaps`. A few are more than a smaller alphabet: a step then tells less of where the product is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._apart import Apart, Rows
from rnnbench.tasks._groups import Group, group


@dataclass(frozen=True)
class Task(Apart):
    """Tokens and answers: the elements of the group `of` that name (Z60, S5, A5, products such as A4xZ5), 0 the
    identity; of permutations what comes first is done first. Length: how many are multiplied. The first step, at which
    the product is what is read, isn't scored.

    >>> from rnnbench.rng import stream
    >>> b = Task(of="Z5").batch(1, 5, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([2, 4, 0, 2, 1], [1, 1, 3, 4])
    >>> Task(of="Z5", answers="last").batch(1, 5, stream(1, "train")).ys[:, 0].tolist()
    [4]
    """

    shortest: ClassVar[int] = 2

    of: str = "S3"
    symbols: Literal["elements", "generators", "swaps"] = "elements"
    answers: Literal["dense", "last"] = "dense"

    def __post_init__(self) -> None:
        try:
            found = self._group
        except ValueError as fault:
            raise ValueError(f"of: {fault}") from None
        if self.symbols == "swaps" and not found.swaps:
            raise ValueError(f"symbols: got 'swaps' of {self.of}, which only S2 to S6 have")

    @property
    def _group(self) -> Group:
        return group(self.of)

    @property
    def _moves(self) -> tuple[int, ...]:
        """What the elements after the first are drawn from."""
        if self.symbols == "elements":
            return tuple(range(self.inputs))
        return self._group.steps if self.symbols == "generators" else (0, *self._group.swaps)

    @property
    def inputs(self) -> int:
        return len(self._group.table)

    @property
    def outputs(self) -> int:
        return self.inputs

    @property
    def last(self) -> bool:
        return self.answers == "last"

    def keys(self, length: int) -> int | None:
        return tasks.strings(len(self._moves), length - 1)

    def space(self, length: int) -> int | None:
        keys = self.keys(length)
        return keys and self.inputs * keys

    def key(self, rows: Rows) -> Rows:
        """All but the first, by which every product is as likely in each part."""
        return rows[1:]

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        moves = np.array(self._moves)
        first = rng.integers(self.inputs, (1, size))
        return np.concatenate([first, moves[rng.integers(len(moves), (length - 1, size))]])

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        products, table = np.empty_like(rows), self._group.table.ravel()
        products[0] = rows[0]
        for t in range(1, len(rows)):
            products[t] = table.take(products[t - 1] * self.inputs + rows[t])
        first = len(rows) - 1 if self.last else 1
        return tasks.Batch(rows, products[first:], slice(-1 if self.last else 1, None))

    def lag(self, length: int) -> tasks.Lag:
        """From the first element to the answers, all of which hang on it."""
        return tasks.Lag(length - 1 if self.last else 1, length - 1 if self.last else length / 2, length - 1)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The first element, which stands for all up to the answer."""
        steps = np.zeros((1, *batch.ys.shape), np.int64)
        return tasks.Needed(steps, np.broadcast_to(batch.xs[0], steps.shape), 0, self.inputs)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(self.outputs, dtype=np.float32)
        return {
            "always the identity": choices[np.zeros_like(batch.ys)],
            "the last element alone": choices[batch.xs[batch.at]],
        }
