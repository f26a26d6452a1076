"""What all fused scans share on torch's side: memory, checks, and the place in the graph of gradients.

Calls into torch are few on purpose. At H = 32 a scan takes a millisecond or two, after which the interpreter finds its
own data gone from the cache: each call then costs several times what it costs in a loop of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnbench.cells import Cell
from rnnbench.kernels.loans import Loan
from rnnbench.kernels.vector import WIDTH as WIDTH

STRETCH = 128  # rows whose gates' gradients stay in the cache until the weights' gradients are summed
PAIR = 2 * WIDTH


class Fused(NamedTuple):
    """The compiled scan of one family and one set of switches.

    `forward(parameters, xs, tokens, hs, kept, scratch, T, B, I, H, keep)` takes addresses and sizes and writes
    hs (T + 1, B, N * WIDTH), whose first step is the zero state; without `keep`, `kept` holds one step. The input is
    xs (T, B, I), or, where its address is not 0, tokens (T, B), each standing for one-hot numbers.
    `backward(parameters, dparameters, dys, answered, xs, tokens, hs, kept, scratch, dxs, T, B, I, H, steps)` writes the
    gradients, those of the weights at every so many steps; dys (K, B, N * WIDTH) holds that of step t at answered[t];
    dxs has I padded to an even number of vectors, or is 0 if nobody wants it.
    """

    names: tuple[str, ...]  # of the parameters, in the order in which the functions take them
    forward: Callable[..., None]
    backward: Callable[..., None]
    kept: Callable[[int, int, int, bool], int]  # floats kept for the way back, given T, B, H and whether it is wanted
    forward_scratch: Callable[[int, int, int], int]  # floats, given B, I, H
    backward_scratch: Callable[[int, int, int, int, int], int]  # given T, B, I, H, and the number of steps
    input: int = 1  # of the parameters, the one whose rows are those of an input


def vectors(columns: int) -> int:
    """How many vectors hold so many columns."""
    return -(-columns // WIDTH)


@cache
def _shapes(cell: Cell, names: tuple[str, ...], I: int, H: int) -> list[tuple[int, int]]:
    shapes = cell.shapes(I, H)
    return [shapes.get(name, (H, H)) for name in names]  # what `prepare` adds is a matrix of the state


def scan(fused: Fused, cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    """xs (T, B, I), float32 on the CPU, or tokens (T, B, 1), int64 -> ys (T, B, H); p as in `cell.shapes`. Raises
    ValueError on anything else."""
    parameters = [p[name] for name in fused.names]
    I, H = parameters[fused.input].shape
    if any(each.dtype != torch.float32 or each.device.type != "cpu" for each in parameters) or xs.device.type != "cpu":
        raise ValueError("a fused scan takes float32 on the CPU")
    if xs.ndim != 3 or not xs.numel():
        raise ValueError(f"xs: expected (T, B, I), none of them 0, got {tuple(xs.shape)}")
    if xs.dtype not in (torch.float32, torch.int64):
        raise ValueError(f"a fused scan takes float32 on the CPU, or tokens as int64, got {xs.dtype}")
    reads = I if xs.is_floating_point() else 1
    if xs.shape[2] != reads or [each.shape for each in parameters] != _shapes(cell, fused.names, I, H):
        got = {name: tuple(each.shape) for name, each in zip(fused.names, parameters, strict=True)}
        raise ValueError(f"parameters: do not fit {cell} and an input of {xs.shape[2]}: {got}")
    if torch.is_grad_enabled() and any(each.requires_grad for each in (xs, *parameters)):
        ys: Tensor = _Scan.apply(fused, xs, *parameters)  # type: ignore[no-untyped-call]
        return ys
    return Pass(fused, xs, [each.contiguous() for each in parameters], keep=False).ys


class Pass:
    """One pass of a scan over an input, as in `scan`: forward when it is made, backward when asked.

    Parameters are contiguous. `keep` what the way back needs.
    """

    def __init__(self, fused: Fused, xs: Tensor, parameters: Sequence[Tensor], keep: bool) -> None:
        self.fused, self.xs, self.parameters = fused, xs.contiguous(), parameters
        (T, B, _), (I, H) = xs.shape, parameters[fused.input].shape
        self.sizes = T, B, I, H
        address = self.xs.data_ptr()
        self.input = (address, 0) if xs.is_floating_point() else (0, address)
        if not xs.is_floating_point() and int(self.xs.numpy().view(np.uint64).max()) >= I:
            raise ValueError(f"tokens: expected 0 to {I - 1}, got {int(xs.min())} to {int(xs.max())}")
        self.hs = Loan(T + 1, B, vectors(H) * WIDTH)
        self.kept = Loan(max(1, fused.kept(T, B, H, keep)))
        self.addresses = tuple(each.data_ptr() for each in parameters)
        scratch = Loan(fused.forward_scratch(B, I, H))
        fused.forward(
            *(self.addresses, *self.input, self.hs.address, self.kept.address, scratch.address, *self.sizes, int(keep))
        )

    @property
    def ys(self) -> Tensor:
        """(T, B, H), a part of memory that is the pass's own."""
        return torch.from_numpy(self.hs.array[1:, :, : self.sizes[-1]])

    def back(
        self,
        dys: int,
        answered: NDArray[np.int64],
        gradients: Sequence[int],
        want_dxs: bool = False,
    ) -> NDArray[np.float32] | None:
        """Writes the parameters' gradients to these addresses, and returns that of xs if it is wanted. `dys` is the
        address of (K, B, N * WIDTH), `answered` (T,) says which of the K each step's lies at."""
        T, B, I, H = self.sizes
        dxs = Loan(T, B, -(-I // PAIR) * PAIR) if want_dxs else None
        steps = max(2, STRETCH // B)
        scratch = Loan(self.fused.backward_scratch(T, B, I, H, steps))
        self.fused.backward(
            *(self.addresses, tuple(gradients), dys, answered.ctypes.data, *self.input),
            *(self.hs.address, self.kept.address, scratch.address, dxs.address if dxs else 0, *self.sizes, steps),
        )
        return dxs.array[:, :, :I] if dxs else None


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, fused: Fused, xs: Tensor, *parameters: Tensor) -> Tensor:
        done = Pass(fused, xs, [each.contiguous() for each in parameters], keep=True)
        ctx.done, ys = done, done.ys
        ctx.save_for_backward(ys, xs, *parameters)  # ys lies in the pass: torch notices if somebody writes to it
        return ys

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        _, _, *parameters = ctx.saved_tensors
        dys = _rows(upstream[0])
        sizes = [each.numel() for each in parameters]
        dparameters = torch.empty(sum(sizes), dtype=torch.float32)
        places = [dparameters.data_ptr() + 4 * at for at in accumulate(sizes[:-1], initial=0)]
        dxs = ctx.done.back(dys.data_ptr(), np.arange(len(dys)), places, ctx.needs_input_grad[1])
        gradients = [each.view(of.shape) for each, of in zip(torch.split(dparameters, sizes), parameters, strict=True)]
        return None, torch.from_numpy(dxs) if dxs is not None else None, *gradients


def rows(K: int, B: int, H: int) -> tuple[Tensor, Tensor]:
    """Memory for dys (K, B, N * WIDTH), zeros behind H, and the part of it that counts, (K, B, H)."""
    memory = torch.from_numpy(Loan(K, B, vectors(H) * WIDTH).array)
    if H % WIDTH:
        memory[:, :, H:] = 0
    return memory, memory[:, :, :H]


def _rows(dys: Tensor) -> Tensor:
    """dys with rows of whole vectors, zeros behind H."""
    K, B, H = dys.shape
    if H % WIDTH == 0 and dys.is_contiguous():
        return dys
    memory, part = rows(K, B, H)
    part[:] = dys
    return memory
