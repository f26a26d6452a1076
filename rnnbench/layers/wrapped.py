"""A torch.nn.Module that somebody else wrote, as a layer: whatever makes one, by `build(I, H)`.

What it does is found out by trying it (`probe.py`): which axis is time, how wide its output is, whether it looks ahead.
All its numbers live in the run's flat buffer, those that aren't trained too (frozen parameters, running means), so that
a checkpoint holds everything. It is seeded, at its start and in each step, in a fork of the generators that such code
draws from, and what it does to torch's own settings is undone: no neighbour notices.
"""

from __future__ import annotations

import traceback
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from rnnbench import foreign, layers
from rnnbench.cells import Arrays, Parameters, Shapes, Streams
from rnnbench.errors import UserError
from rnnbench.foreign import told
from rnnbench.layers.built import MAKER, settled
from rnnbench.layers.generators import States, apart
from rnnbench.layers.noise import Noise
from rnnbench.layers.probe import Probed
from rnnbench.lazy import torch
from rnnbench.rng import Stream
from rnnbench.text import raised

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class Wrapped(layers.Layer):
    """A layer that is a module of somebody else's; `build` makes it, and whatever is drawn then is of the run's seed.

    `packages` are the dotted names of code whose source and version decide what it computes, besides the class's own.
    """

    stacks: ClassVar[bool] = False
    packages: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def build(self, I: int, H: int) -> Module:
        """A module that reads (T, B, I) or (B, T, I) and gives as many steps, of any width, alone or before a state."""

    @property
    def title(self) -> str:
        """What errors call it."""
        return f"layer {type(self).__module__}"

    @property
    def swallows(self) -> bool:
        """Whether `build` might take no notice of H."""
        return False

    @cached_property
    def _built(self) -> dict[int, Probed]:
        """What it is built to for each input size of the model."""
        return {}

    def _at(self, I: int, H: int) -> Probed:
        if I not in self._built:
            self._built[I] = Probed(self.title, self.make, I, H, self.swallows)
        return self._built[I]

    def shapes(self, I: int, H: int, first: bool, last: bool) -> Shapes:
        return self._at(I, H).shapes

    def width(self, I: int, H: int) -> int:
        return self._at(I, H).width

    def untrained(self, name: str) -> bool:
        return any(name in built.kept for built in self._built.values())

    def init(self, shapes: Shapes, stream: Streams, tokens: bool) -> Arrays:
        built = next(b for b in self._built.values() if b.shapes == shapes)
        numbers = built.numbers(self.make(built.I, built.H, _seed(stream("module"))))
        return {name: tensor.numpy() for name, tensor in numbers.items()}

    def scan(self, p: Parameters, xs: Tensor, causal: bool, noise: Noise | None = None) -> Tensor:
        built = self._built[xs.shape[-1]]
        x = xs.transpose(0, 1) if built.batch_first else xs
        try:
            y = built.call(p, x, _seed(noise.streams()[0]) if noise else 0, training=noise is not None)
        except UserError:
            raise
        except (Exception, SystemExit) as e:
            why = raised("".join(traceback.format_exception(e)))  # and where in somebody's file
            raise UserError(f"{self.title}: failed on an input {tuple(x.shape)}: {why}") from e
        y = y.transpose(0, 1) if built.batch_first and y.dim() > 1 else y
        want = (*xs.shape[:2], built.width)
        if y.shape != want:
            raise UserError(f"{self.title}: got an output {tuple(y.shape)}, expected {want}")
        return y

    def check(self, causal: bool, last: bool) -> None:
        ahead = any(built.looks_ahead for built in self._built.values())
        if ahead and causal:
            raise UserError(f"{self.title}: sees later steps, on a task that answers while it reads")
        if ahead and last:
            why = "of what it reads backwards the last step has seen one step"
            forward = "next: the setting `bidirectional: true` around a module that reads forwards"
            raise UserError(f"{self.title}: sees later steps, on a task with one answer: {why}; {forward}")

    def make(self, I: int, H: int, seed: int, ends: list[States] | None = None) -> Module:
        """A new module of these sizes; UserError, of one line, where that can't be. `ends` takes the states in which it
        leaves the generators."""
        build = self.maker(I, H)
        with apart(seed) as states:
            try:
                made = build()
                if ends is not None:
                    ends.append(states())
            except (Exception, SystemExit) as e:
                raise UserError(self.unmade(I, H, e)) from e
        if not isinstance(made, torch.nn.Module):
            raise UserError(f"{self.title}: got a {type(made).__name__}, expected a torch.nn.Module; {MAKER}")
        settled(self.title, made)
        return made.float()

    def maker(self, I: int, H: int) -> Callable[[], Any]:
        """The call that makes a module; UserError where it can't be called."""
        return lambda: self.build(I, H)

    def unmade(self, I: int, H: int, error: BaseException) -> str:
        """What is told where making one failed."""
        return f"{self.title}: can't be made with {I}, {H}: {told(error)}"

    def seconds(self, T: int, B: int, H: int) -> float:
        return 20 * super().seconds(T, B, H)  # as for a loop over its steps; fused ones take less

    def sources(self, solo: bool) -> tuple[str, ...]:
        return (*super().sources(solo), *(f"layers/{name}.py" for name in ("wrapped", "built", "generators", "probe")))

    def digest(self) -> str:
        return " ".join(filter(None, [super().digest(), *map(foreign.digest, self.packages)]))


def _seed(s: Stream) -> int:
    return int(s.integers(2**32, 1)[0])
