"""A block of Mamba (Gu and Dao, 2023), with its norm and its way around it, as the package `mambapy` has it.

Where the input isn't as wide as the block, a linear map without bias comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Interval
from mambapy.mamba import Mamba, MambaConfig
from torch import nn

from rnnbench.layers.wrapped import Wrapped


@dataclass(frozen=True)
class Layer(Wrapped):
    """`states` of each channel, of which there are `expand` times the hidden units; `taps`: how many steps its
    convolution sees."""

    packages: ClassVar[tuple[str, ...]] = ("mambapy",)

    states: Annotated[int, Interval(ge=1)] = 16
    expand: Annotated[int, Interval(ge=1)] = 2
    taps: Annotated[int, Interval(ge=1)] = 4
    conv_bias: bool = True
    inner_layernorms: bool = False

    def build(self, I: int, H: int) -> nn.Module:
        config = MambaConfig(
            d_model=H, n_layers=1, d_state=self.states, expand_factor=self.expand, d_conv=self.taps,
            conv_bias=self.conv_bias, inner_layernorms=self.inner_layernorms,
        )  # fmt: skip
        block = Mamba(config)
        return block if I == H else nn.Sequential(nn.Linear(I, H, bias=False), block)
