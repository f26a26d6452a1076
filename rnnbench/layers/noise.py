"""The randomness of one training step at one place of a model: dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnbench.lazy import torch
from rnnbench.rng import Stream, stream

if TYPE_CHECKING:
    from torch import Tensor

    from rnnbench.seeds import Seed


class Noise:
    """The randomness of one training step at one place of a model: a stream for each row of a stack, by its run's
    seed and the step. `solo`: one run, whose tensors have no R axis."""

    def __init__(self, seeds: Sequence[Seed], step: int, solo: bool, place: str = "") -> None:
        self.seeds, self.step, self.solo, self.place = seeds, step, solo, place

    def at(self, place: str) -> Noise:
        return Noise(self.seeds, self.step, self.solo, place)

    def streams(self) -> list[Stream]:
        return [stream(seed, f"dropout/{self.place}", self.step) for seed in self.seeds]

    def kept(self, shape: tuple[int, ...], rate: float) -> list[NDArray[np.bool_]]:
        """Of each row of a stack, which numbers of (T, B, W) stay: all but a part of `rate`."""
        return [s.uniform(shape) >= np.float32(rate) for s in self.streams()]

    def drop(self, xs: Tensor, rate: float) -> Tensor:
        """Each number of (..., T, B, W) is 0 with probability `rate`, else divided by 1 - rate."""
        kept = self.kept(tuple(xs.shape[-3:]), rate)
        mask = torch.from_numpy(kept[0] if self.solo else np.stack(kept)).to(xs.device)
        return xs * mask / (1 - rate)
