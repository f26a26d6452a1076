"""Parameters gate by gate, as a cell has them, into the panels that a scan reads, and gradients back; memory.

A panel is what one tile reads, in the order of reading: (K, n * WIDTH), contiguous. Columns are padded with zeros to
whole vectors. N is the number of vectors in a row of H, G the number of gates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import pad

from rnnbench.kernels._vector import WIDTH

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]


def flat(tensor: Tensor) -> Floats:
    """What a kernel takes: the elements in one row, copied only where they aren't contiguous."""
    return tensor.detach().contiguous().view(-1).numpy()


def vectors(columns: int) -> int:
    """How many vectors hold so many columns."""
    return -(-columns // WIDTH)


def widened(matrices: Tensor, width: int = WIDTH) -> Tensor:
    """Columns padded with zeros to a multiple of the width."""
    missing = -matrices.shape[-1] % width
    return pad(matrices, (0, missing)) if missing else matrices


def gates_together(weights: Tensor) -> Tensor:
    """(G, K, H) -> (N, K, G, WIDTH): a panel for each vector of units, all their gates side by side."""
    G, K, _ = weights.shape
    return widened(weights).view(G, K, -1, WIDTH).permute(2, 1, 0, 3).contiguous()


def transposed(weights: Tensor) -> Tensor:
    """(G, J, H) -> (J / 2 vectors, N * G * WIDTH, 2 * WIDTH): panels that take gradients of gates back to J."""
    G, J, _ = weights.shape
    back = widened(weights).view(G, J, -1, WIDTH).permute(2, 0, 3, 1).reshape(-1, J)
    return widened(back, 2 * WIDTH).view(len(back), -1, 2 * WIDTH).transpose(0, 1).contiguous()


def gates_apart(gradients: Tensor, H: int) -> Tensor:
    """(K, N, G, WIDTH) -> (G, K, H), the inverse of `gates_together` for sums that lie row by row."""
    K, _, G, _ = gradients.shape
    return gradients.permute(2, 0, 1, 3).reshape(G, K, -1)[:, :, :H].contiguous()


class Loan:
    """Memory for one scan, given back to its thread's pool when the last reference goes.

    Fresh memory costs a page fault every 4 KiB, as much as a small scan itself.
    """

    _pool: list[Floats] = []  # noqa: RUF012 - shared on purpose; list.append and list.pop are atomic
    _kept = 8

    def __init__(self, size: int) -> None:
        self.array = self._take(size)

    @classmethod
    def _take(cls, size: int) -> Floats:
        for n in range(len(cls._pool)):
            try:
                found = cls._pool.pop(n)
            except IndexError:  # another thread was faster
                break
            if found.size == size:
                return found
            cls._pool.append(found)
        memory = np.empty(size + 16, np.float32)
        start = -memory.ctypes.data % 64 // 4  # whole cache lines
        return memory[start : start + size]

    def __del__(self) -> None:
        if len(self._pool) < self._kept:
            self._pool.append(self.array)


def empty(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32)


def zeros(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.float32)
