"""An orthogonal matrix as a parameter: made of the numbers above the diagonal of a skew-symmetric one, or that itself.

    A  = the skew-symmetric matrix (H, H) with `a` (1, H (H - 1) / 2) above its diagonal, row by row
    U  = exp(A)                    Lezcano-Casado & Martinez-Rubio, 2019
    U  = (I + A)^-1 (I - A)        the Cayley map (Helfrich et al., 2018, without its fixed signs)
    U  = A                         no rotation, but what turns a state that moves along it (Chang et al., 2019)

exp(A) is the Taylor polynomial of degree 12 of S = A / 64, squared six times: good to float32 while the greatest angle
in A stays under 64. The polynomial takes five products (Paterson & Stockmeyer, 1973):

    P = B0 + S^4 (B1 + S^4 (B2 + S^4 / 12!))        Bk = sum of S^j / (4 k + j)! over j < 4
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rnnbench.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

SQUARINGS, TERMS = 6, 12
COEFFICIENTS = tuple(1 / math.factorial(k) for k in range(TERMS + 1))

Map = Literal["exp", "cayley"]


@dataclass(frozen=True)
class Rotation:
    """The matrix that a map makes of the parameter `of`, which a cell of one unit has not got."""

    of: str
    map: Map | Literal["skew"]

    def matrix(self, a: Tensor | None, like: Tensor) -> Tensor:
        """a (..., 1, H (H - 1) / 2), None where H is 1 -> U (..., H, H); `like` (..., H) has the H and the type."""
        H = like.shape[-1]
        one = torch.eye(H, dtype=like.dtype, device=like.device)
        if a is None:
            return (one if self.map != "skew" else 0 * one).expand(*like.shape[:-2], H, H)
        i, j = torch.triu_indices(H, H, 1, device=one.device)
        above = a.new_zeros((*a.shape[:-2], H, H))
        above[..., i, j] = a.squeeze(-2)
        A = above - above.mT
        if self.map == "skew":
            return A
        if self.map == "cayley":
            solved: Tensor = torch.linalg.solve(one + A, one - A)
            return solved
        return _exp(A, one)


def _exp(A: Tensor, one: Tensor) -> Tensor:
    c = COEFFICIENTS
    S = A / 2**SQUARINGS
    S2 = S @ S
    S3, S4 = S2 @ S, S2 @ S2
    U: Tensor = c[12] * S4
    for k in (8, 4, 0):
        part = c[k] * one + c[k + 1] * S + c[k + 2] * S2 + c[k + 3] * S3
        U = part + (U if k == 8 else S4 @ U)
    for _ in range(SQUARINGS):
        U = U @ U
    return U
