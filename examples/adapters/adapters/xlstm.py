"""A block of xLSTM (Beck et al., 2024) as its authors' package `xlstm` has it: mLSTM, or sLSTM and a feedforward layer.

Where the input isn't as wide as the block, a linear map without bias comes first. sLSTM is computed step by step in
torch, since the package's own kernels need CUDA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Interval
from torch import nn
from xlstm import (
    FeedForwardConfig,
    mLSTMBlockConfig,
    mLSTMLayerConfig,
    sLSTMBlockConfig,
    sLSTMLayerConfig,
    xLSTMBlockStack,
    xLSTMBlockStackConfig,
)

from rnnbench.layers.wrapped import Wrapped
from rnnbench.settings import Settings


@dataclass(frozen=True)
class Layer(Wrapped):
    """`context`: the most steps that it reads, for which mLSTM has a mask; `taps`: how many its convolution sees."""

    packages: ClassVar[tuple[str, ...]] = ("xlstm",)

    block: Literal["mlstm", "slstm"] = "mlstm"
    heads: Annotated[int, Interval(ge=1)] = 4
    taps: Annotated[int, Interval(ge=1)] = 4
    context: Annotated[int, Interval(ge=1)] = 1024
    bias: bool = False

    def incompatible(self, settings: Settings) -> str:
        if settings.hidden % self.heads:
            return f"heads: {self.heads} do not divide the {settings.hidden} hidden units"
        return super().incompatible(settings)

    def build(self, I: int, H: int) -> nn.Module:
        mlstm = mLSTMLayerConfig(conv1d_kernel_size=self.taps, num_heads=self.heads)
        slstm = sLSTMLayerConfig(backend="vanilla", conv1d_kernel_size=self.taps, num_heads=self.heads)
        forward = FeedForwardConfig(proj_factor=4 / 3, act_fn="gelu")
        config = xLSTMBlockStackConfig(
            mlstm_block=mLSTMBlockConfig(mlstm=mlstm) if self.block == "mlstm" else None,
            slstm_block=sLSTMBlockConfig(slstm=slstm, feedforward=forward) if self.block == "slstm" else None,
            context_length=self.context, num_blocks=1, embedding_dim=H, bias=self.bias,
        )  # fmt: skip
        stack = xLSTMBlockStack(config)
        return stack if I == H else nn.Sequential(nn.Linear(I, H, bias=False), stack)
