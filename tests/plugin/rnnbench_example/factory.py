"""A module whose sizes have other names."""

from __future__ import annotations

from torch import nn


def gru(input_size: int, hidden_size: int, bias: bool = True) -> nn.Module:
    return nn.GRU(input_size, hidden_size, num_layers=2, bias=bias)
