"""Memory that is lent: fresh memory costs a page fault every 4 KiB, for a long sequence as much as a small scan."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

LINE = 16  # floats in a cache line


class Loan:
    """Memory that goes back to the pool with the last reference to it.

    Sizes are powers of two, so that a few serve all lengths.
    """

    pool: ClassVar[dict[int, list[tuple[NDArray[np.float32], int]]]] = {}
    spare = 4  # kept of each size

    def __init__(self, *shape: int) -> None:
        self.shape = shape
        self.size = 1 << (math.prod(shape) - 1).bit_length()
        try:
            self.memory, self.address = self.pool.setdefault(self.size, []).pop()
        except IndexError:
            memory = np.empty(self.size + LINE, np.float32)
            start = -memory.ctypes.data // 4 % LINE
            self.memory = memory[start : start + self.size]
            self.address = self.memory.ctypes.data

    def __del__(self) -> None:
        if len(self.pool[self.size]) < self.spare:
            self.pool[self.size].append((self.memory, self.address))

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {"version": 3, "shape": self.shape, "typestr": "<f4", "data": (self.address, False)}

    @property
    def array(self) -> NDArray[np.float32]:
        """The memory, in use as long as anything looks at it."""
        return np.asarray(self)
