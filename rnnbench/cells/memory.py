"""What equations do with matrices for a memory, one a head: S is D x D, where H units fall into heads of D each.

    S' = a * S + u v^T      `remember`, with a decay a of each key, of each head, or one number
    y  = q S                `recall`

Both are of every head by itself. The state holds the matrices of a row of the batch one after the other, H * D numbers.
The delta rule is made of the same two: S' = a * S + k (b * (v - a * recall(k, S)))^T.

A step that is traced takes each of these as one operation; torch computes what they say here. What is made of them
(`normalised`, `rms`) is plain equations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def _operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that a trace takes as one operation, by its name."""

    @wraps(function)
    def called(*args: Any) -> Any:
        graph = next((each.graph for each in args if hasattr(each, "graph")), None)
        return graph.call(function.__name__, args) if graph else function(*args)

    return called


@_operation
def remember(S: Tensor, a: Tensor | float, u: Tensor, v: Tensor) -> Tensor:
    """a * S + u v^T: S (..., H * D), u and v (..., H), a (..., H), (..., heads) or one number."""
    D = S.shape[-1] // v.shape[-1]
    decay = a if isinstance(a, (int, float)) else _by_head(spread(a, v), D).unsqueeze(-1)
    kept = decay * _matrices(S, D)
    return (kept + _by_head(u, D).unsqueeze(-1) * _by_head(v, D).unsqueeze(-2)).flatten(-3)


@_operation
def recall(q: Tensor, S: Tensor) -> Tensor:
    """q S: q (..., H), S (..., H * D) -> (..., H)."""
    D = S.shape[-1] // q.shape[-1]
    return (_by_head(q, D).unsqueeze(-1) * _matrices(S, D)).sum(-2).flatten(-2)


@_operation
def head_sum(z: Tensor, heads: int) -> Tensor:
    """The sum over the units of each head: z (..., H) -> (..., heads)."""
    return _by_head(z, z.shape[-1] // heads).sum(-1)


@_operation
def spread(g: Tensor, like: Tensor) -> Tensor:
    """A head's number for each of its units: g (..., heads) -> (..., H), the width of `like`."""
    times = like.shape[-1] // g.shape[-1]
    return g if times == 1 else g.repeat_interleave(times, -1)


@_operation
def scale(z: Tensor, heads: int) -> float:
    """1 / sqrt(D) of z (..., H): what keys are scaled by."""
    return float((z.shape[-1] // heads) ** -0.5)


def normalised(z: Tensor, heads: int, least: float = 1e-6) -> Tensor:
    """z (..., H), each head's units over their length: 1, or less where the square of that is not far over `least`."""
    length: Tensor = spread((head_sum(z * z, heads) + least).sqrt(), z)
    return z / length


def rms(z: Tensor, heads: int, least: float = 1e-5) -> Tensor:
    """z (..., H), each head's units over the root of the mean of their squares (Zhang & Sennrich, 2019)."""
    scaled = z * scale(z, heads)
    root: Tensor = spread((head_sum(scaled * scaled, heads) + least).sqrt(), z)
    return z / root


def _by_head(z: Tensor, D: int) -> Tensor:
    """(..., H) -> (..., heads, D)."""
    return z.reshape(*z.shape[:-1], -1, D)


def _matrices(S: Tensor, D: int) -> Tensor:
    """(..., H * D) -> (..., heads, D, D)."""
    return S.reshape(*S.shape[:-1], -1, D, D)
