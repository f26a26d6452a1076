"""h_t = a_t * h_{t-1} + b_t over all steps, from h_0 = 0: a linear cell over time, its products taken at once.

On a CPU by steps; elsewhere in log2(T) rounds (Hillis & Steele, 1986), in which each step takes in what stands 1, 2, 4,
... steps before it. Neither divides nor takes logarithms: |a| <= 1 is stable. Backward is the same recurrence,
from the last step to the first:

    d_t = dh_t + conj(a_{t+1}) * d_{t+1}      db_t = d_t      da_t = d_t * conj(h_{t-1})
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rnnbench.cells import Linear, Parameters, State, times

TIME = -3


def scan(cell: Linear, p: Parameters, xs: Tensor) -> Tensor:
    """The cell over time: xs (..., T, B, I) -> ys (..., T, B, H)."""

    def over_time(v: Tensor) -> Tensor:
        return v.reshape(*v.shape[:-2], *xs.shape[TIME:-1], v.shape[-1])

    x = xs.flatten(TIME, -2)
    a, b = cell.drive(p, x)
    h = recurrence(tuple(over_time(u.expand_as(v)) for u, v in zip(a, b, strict=True)), tuple(over_time(v) for v in b))
    return over_time(cell.read(p, tuple(v.flatten(TIME, -2) for v in h), x))


def recurrence(a: State, b: State) -> State:
    """a, b (..., T, B, H), one tensor each or a real and an imaginary one -> h, likewise."""
    h: State = _Recurrence.apply(*a, *b)  # type: ignore[no-untyped-call]
    return h


def conjugate(a: State) -> State:
    return a if len(a) == 1 else (a[0], -a[1])


def by_steps(a: State, b: State, back: bool = False) -> State:
    """Step after step; with `back` h_t = a_{t+1} * h_{t+1} + b_t, from the last step to the first."""
    out = tuple(torch.empty_like(v, memory_format=torch.contiguous_format) for v in b)
    at, bt, ht = (list(zip(*(v.unbind(TIME) for v in each), strict=True)) for each in (a, b, out))
    first, *others = range(len(bt))[:: -1 if back else 1]
    for h, u in zip(ht[first], bt[first], strict=True):
        h.copy_(u)
    for t in others:
        for h, u, v in zip(ht[t], times(at[t + back], ht[t + 1 if back else t - 1]), bt[t], strict=True):
            torch.add(u, v, out=h)
    return out


def by_doubling(a: State, b: State, back: bool = False) -> State:
    """In log2(T) rounds: after the round with shift s, each step holds what its last 2s steps brought (or next)."""
    T, shift = b[0].shape[TIME], 1
    a, b = tuple(v.roll(-1, TIME) if back else v.clone() for v in a), tuple(v.clone() for v in b)
    while shift < T:
        near, far = (0, shift) if back else (shift, 0)  # where the steps that take in start, and those taken in
        taking_a, taking_b = (tuple(v.narrow(TIME, near, T - shift) for v in each) for each in (a, b))
        taken_a, taken_b = (tuple(v.narrow(TIME, far, T - shift) for v in each) for each in (a, b))
        for v, u in zip(taking_b, times(taking_a, taken_b), strict=True):
            v.add_(u)
        for v, u in zip(taking_a, times(taking_a, taken_a), strict=True):
            v.copy_(u)
        shift *= 2
    return b


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *ab: Tensor) -> State:
        a, b = ab[: len(ab) // 2], ab[len(ab) // 2 :]
        ctx.solve = by_steps if b[0].device.type == "cpu" else by_doubling
        h: State = ctx.solve(a, b)
        ctx.save_for_backward(*a, *h)
        return h

    @staticmethod
    def backward(ctx: Any, *dh: Tensor) -> State:
        saved = ctx.saved_tensors
        a, h = saved[: len(dh)], saved[len(dh) :]
        d = ctx.solve(conjugate(a), dh, back=True)
        late, early = (
            tuple(v.narrow(TIME, start, v.shape[TIME] - 1) for v in each) for start, each in ((1, d), (0, h))
        )
        first = torch.zeros_like(d[0].narrow(TIME, 0, 1))
        return *(torch.cat((first, v), TIME) for v in times(late, conjugate(early))), *d
