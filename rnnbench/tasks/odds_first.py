"""Odds first (Deletang et al., 2023): a string is read, then every other symbol of it is to be said, then the others.

Of 1 2 3 4 5 the first, the third and the fifth come first: 1 3 5 2 4. (The published code begins with the second, and
its docstring with the first.) Nothing need be computed, but the order isn't that of reading, nor its reverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench.tasks._said import Ordered


@dataclass(frozen=True)
class Task(Ordered):
    """Tokens: the symbols 0..alphabet-1, then alphabet the mark, one for each answer. Length: how many symbols there
    are.

    >>> from rnnbench.rng import stream
    >>> b = Task(alphabet=4).batch(1, 5, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([2, 3, 1, 1, 2, 4, 4, 4, 4, 4], [2, 1, 2, 3, 1])
    """

    alphabet: Annotated[int, Interval(ge=2, le=1000)] = 2

    def order(self, length: int) -> NDArray[np.int64]:
        """
        >>> Task().order(5).tolist()
        [0, 2, 4, 1, 3]
        """
        places = np.arange(length)
        return np.concatenate([places[::2], places[1::2]])
