"""A layer in arithmetic of our own as one node of torch's graph, for a model that goes through it: that of a task whose
loss is its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnbench.cells import Parameters
from rnnbench.layers import Layer


def scan(layer: Layer, p: Parameters, xs: Tensor, H: int, causal: bool) -> Tensor:
    """xs (T, B, I), float32 on the CPU, or tokens (T, B, 1), int64 -> ys (T, B, H) of a layer computed by hand. Raises
    ValueError on anything else."""
    for each in (xs, *p.values()):
        if each.device.type != "cpu" or each.dtype not in (torch.float32, torch.int64 if each is xs else torch.float32):
            raise ValueError(f"a compiled layer takes float32 on the CPU, got {each.dtype} on {each.device}")
    ys: Tensor = _Node.apply(layer, H, causal, tuple(p), xs, *p.values())  # type: ignore[no-untyped-call]
    return ys


class _Node(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, layer: Layer, H: int, causal: bool, names: Sequence[str], xs: Tensor, *parameters: Tensor
    ) -> Tensor:
        p = {name: each.detach().contiguous() for name, each in zip(names, parameters, strict=True)}
        ctx.gradients = {name: torch.empty_like(each) for name, each in p.items()}
        ctx.done = layer.compiled(p, ctx.gradients, causal).forward(xs.detach(), range(len(xs)), keep=True)
        ctx.sizes = H, xs.shape[2]
        return torch.from_numpy(ctx.done.ys[..., :H])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        (H, I), dys = ctx.sizes, torch.zeros(ctx.done.ys.shape)
        dys[..., :H] = upstream[0]
        dxs = ctx.done.back(dys.numpy(), ctx.needs_input_grad[4])
        slope = None if dxs is None else torch.from_numpy(dxs[..., :I])
        return None, None, None, None, slope, *ctx.gradients.values()
