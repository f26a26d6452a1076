"""What all fused scans share on torch's side: memory, checks, and the place in the graph of gradients.

Calls into torch are few on purpose. At H = 32 a scan takes a millisecond or two, after which the interpreter finds its
own data gone from the cache: each call then costs several times what it costs in a loop of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnbench.cells import Cell
from rnnbench.kernels._vector import WIDTH

STRETCH = 128  # rows whose gates' gradients stay in the cache until the weights' gradients are summed
LINE = 16  # floats in a cache line
PAIR = 2 * WIDTH


class Fused(NamedTuple):
    """The compiled scan of one family and one set of switches.

    `forward(parameters, xs, hs, kept, scratch, T, B, I, H, keep)` takes addresses and sizes and writes
    hs (T + 1, B, N * WIDTH), whose first step is the zero state; without `keep`, `kept` holds one step.
    `backward(parameters, dparameters, dys, xs, hs, kept, scratch, dxs, T, B, I, H, steps)` writes the gradients, those
    of the weights at every so many steps; dxs has I padded to an even number of vectors, or is 0 if nobody wants it.
    """

    names: tuple[str, ...]  # of the parameters, in the order in which the functions take them
    forward: Callable[..., None]
    backward: Callable[..., None]
    kept: int  # vectors kept for each step, row and vector of units
    forward_scratch: Callable[[int, int, int], int]  # floats, given B, I, H
    backward_scratch: Callable[[int, int, int, int], int]  # and the number of steps


class _Loan:
    """Memory that goes back to the pool with the last reference to it.

    Fresh memory costs a page fault every 4 KiB: for a long sequence as much as a small scan itself. Sizes are powers
    of two, so that a few serve all lengths.
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


def vectors(columns: int) -> int:
    """How many vectors hold so many columns."""
    return -(-columns // WIDTH)


@cache
def _shapes(cell: Cell, names: tuple[str, ...], I: int, H: int) -> list[tuple[int, int]]:
    shapes = cell.shapes(I, H)
    return [shapes[name] for name in names]


def scan(fused: Fused, cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    """xs (T, B, I) -> ys (T, B, H), float32 on the CPU; p as in `cell.shapes`. Raises ValueError on anything else."""
    parameters = [p[name] for name in fused.names]
    if xs.ndim != 3 or not xs.numel():
        raise ValueError(f"xs: expected (T, B, I), none of them 0, got {tuple(xs.shape)}")
    if [each.shape for each in parameters] != _shapes(cell, fused.names, xs.shape[2], parameters[0].shape[-1]):
        got = {name: tuple(each.shape) for name, each in zip(fused.names, parameters, strict=True)}
        raise ValueError(f"parameters: do not fit {cell} and an input of {xs.shape[2]}: {got}")
    if any(each.dtype != torch.float32 or each.device.type != "cpu" for each in (xs, *parameters)):
        raise ValueError("a fused scan takes float32 on the CPU")
    if torch.is_grad_enabled() and any(each.requires_grad for each in (xs, *parameters)):
        ys: Tensor = _Scan.apply(fused, xs, *parameters)  # type: ignore[no-untyped-call]
        return ys
    return _forward(fused, xs, parameters, keep=False)[0]


def _forward(fused: Fused, xs: Tensor, parameters: Sequence[Tensor], keep: bool) -> tuple[Tensor, _Loan, _Loan]:
    """ys, a part of hs (T + 1, B, N * WIDTH), and what the backward pass needs besides."""
    (T, B, I), H = xs.shape, parameters[0].shape[1]
    hs = _Loan(T + 1, B, vectors(H) * WIDTH)
    kept = _Loan((T if keep else 1) * B * vectors(H) * max(1, fused.kept) * WIDTH)
    scratch = _Loan(fused.forward_scratch(B, I, H))
    xs, parameters = xs.contiguous(), [each.contiguous() for each in parameters]
    addresses = tuple(each.data_ptr() for each in parameters)
    fused.forward(addresses, xs.data_ptr(), hs.address, kept.address, scratch.address, T, B, I, H, int(keep))
    return torch.from_numpy(hs.array[1:, :, :H]), hs, kept


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, fused: Fused, xs: Tensor, *parameters: Tensor) -> Tensor:
        ys, ctx.hs, ctx.kept = _forward(fused, xs, parameters, keep=True)
        ctx.fused = fused
        ctx.save_for_backward(ys, xs, *parameters)  # ys lies in hs: torch notices if somebody writes to it
        return ys

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        (_, xs, *parameters), fused = ctx.saved_tensors, ctx.fused
        (T, B, I), H = xs.shape, parameters[0].shape[1]
        dys, xs, parameters = _rows(upstream[0]), xs.contiguous(), [each.contiguous() for each in parameters]
        dxs = _Loan(T, B, -(-I // PAIR) * PAIR) if ctx.needs_input_grad[1] else None
        sizes = [each.numel() for each in parameters]
        dparameters = torch.empty(sum(sizes))
        steps = max(2, STRETCH // B)
        scratch = _Loan(fused.backward_scratch(B, I, H, steps))
        fused.backward(
            tuple(each.data_ptr() for each in parameters),
            tuple(dparameters.data_ptr() + 4 * at for at in accumulate(sizes[:-1], initial=0)),
            *(dys.data_ptr(), xs.data_ptr(), ctx.hs.address, ctx.kept.address, scratch.address),
            *(dxs.address if dxs else 0, T, B, I, H, steps),
        )
        gradients = [each.view(-1, H) for each in torch.split(dparameters, sizes)]
        return None, torch.from_numpy(dxs.array[:, :, :I]) if dxs else None, *gradients


def _rows(dys: Tensor) -> Tensor:
    """dys with rows of whole vectors, zeros behind H."""
    T, B, H = dys.shape
    if H % WIDTH == 0 and dys.is_contiguous():
        return dys
    rows = torch.from_numpy(_Loan(T, B, vectors(H) * WIDTH).array)
    rows[:, :, :H] = dys
    rows[:, :, H:] = 0
    return rows
