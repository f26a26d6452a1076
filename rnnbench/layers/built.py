"""Somebody else's torch.nn.Module as a function of its numbers, an input and a seed.

Its numbers are real tensors of two axes, as those of any layer of ours: its parameters and its buffers, complex ones as
pairs. What a call changes of them (running means, a weight that is kept to a norm) is written back, whether the module
changed it in place or put another tensor there. Integers and bools belong to its structure, but for those that are
`carried`: whose value hangs on the seed, or changes from step to step and matters.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from rnnbench.cells import Shapes
from rnnbench.errors import UserError
from rnnbench.layers.generators import States, apart
from rnnbench.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

MAKER = "next: name a function of input_size and hidden_size that makes a module around it"


class Built:
    def __init__(self, name: str, module: Module) -> None:
        self.name, self.module = name, module
        self.carry(set())

    def carry(self, names: set[str]) -> None:
        """Counts these of its integers among the numbers of a run."""
        self.carried = names
        every = named_tensors(self.module)
        numbers = {n: t for n, t in every.items() if t.is_floating_point() or t.is_complex() or n in names}
        self.like = numbers  # a tensor of the module for each of its numbers
        self.kept = {n for n, t in numbers.items() if not t.requires_grad}  # those that aren't trained
        self.shapes: Shapes = {n: _shape(tuple(t.shape), t.is_complex()) for n, t in numbers.items()}

    def numbers(self, module: Module) -> dict[str, Tensor]:
        """Those of a module that was made alike, each (rows, columns)."""
        every, shapes = named_tensors(module), self.shapes
        found = {name: every[name].detach() for name in shapes}
        return {n: _real(t).reshape(shapes[n]).clone() for n, t in found.items()}

    def call(
        self, p: Mapping[str, Tensor], xs: Tensor, seed: int, training: bool, ends: list[States] | None = None
    ) -> Tensor:
        """Its output for an input, which stays as it is; `ends` takes the states in which it leaves the generators."""
        own = {n: _given(p[n].data if n in self.kept else p[n], t) for n, t in self.like.items()}
        before = {n: (t.shape, t.data_ptr()) for n, t in own.items()}
        module = self.module.to(xs.device) if xs.is_cuda else self.module
        module.train(training)
        with apart(seed, xs.device) as states, _eager():
            found = torch.func.functional_call(module, own, (xs.clone(),))
            if ends is not None:
                ends.append(states())
        for name, tensor in own.items():
            # .data: autograd doesn't see what a number becomes in the forward pass
            new = name in self.kept or (training and tensor.data_ptr() != before[name][1])
            if new and tensor.shape == before[name][0] and tensor.data_ptr() != p[name].data_ptr():
                p[name].data.copy_(_real(tensor.detach()).reshape(p[name].shape))
        return output(self.name, found)


def _eager() -> AbstractContextManager[object]:
    """What torch.compile would compile is computed as it is written: in any process alike, without a compiler."""
    if "torch._dynamo" not in sys.modules:  # nobody asked for it, and importing it costs seconds
        return nullcontext()
    stance: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return stance


def _shape(size: tuple[int, ...], pairs: bool) -> tuple[int, int]:
    if pairs:
        return math.prod(size), 2
    return math.prod(size[:-1]), size[-1] if size else 1


def _real(tensor: Tensor) -> Tensor:
    """Complex numbers as pairs (..., 2), any other in single precision."""
    return torch.view_as_real(tensor.to(torch.complex64)) if tensor.is_complex() else tensor.float()


def _given(numbers: Tensor, like: Tensor) -> Tensor:
    """Numbers (rows, columns) in the shape and of the kind of a module's tensor."""
    if like.is_complex():
        pairs = numbers.reshape(*like.shape, 2)
        return torch.complex(pairs[..., 0], pairs[..., 1])
    found = numbers.reshape(like.shape)
    return found if like.is_floating_point() else found.round().to(like.dtype)


def named_tensors(module: Module) -> dict[str, Tensor]:
    """All parameters and buffers of a module by name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def settled(name: str, module: Module) -> None:
    """UserError where a module can't be a function of its numbers: they aren't there yet, or a compiler has them."""
    for each, tensor in named_tensors(module).items():
        if torch.nn.parameter.is_lazy(tensor):
            raise UserError(f"{name}: {each} has no shape yet, expected no lazy module; {MAKER}, of known sizes")
        if tensor.layout is not torch.strided:
            raise UserError(f"{name}: {each} is sparse, expected dense numbers; {MAKER}")
        if tensor.is_meta:
            raise UserError(f"{name}: {each} is on the device meta, expected numbers, on the device asked for")
    for each, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            what = f"its part {each}" if each else "it"
            want = "whose parameters can't be given to it; next: name it, or a function that makes it, without that"
            raise UserError(f"{name}: {what} is compiled by torch.jit, {want}")


def output(name: str, found: Any) -> Tensor:
    """The output, of a module that gives it alone or with its state; single precision, whatever it is in."""
    if isinstance(found, torch.nn.utils.rnn.PackedSequence):
        raise UserError(f"{name}: got a PackedSequence, expected a tensor (steps, examples, width); {MAKER}")
    ys = found[0] if isinstance(found, tuple | list) and found else found
    if not isinstance(ys, torch.Tensor):
        kind = type(found if ys is found else ys).__name__
        keys = f" of {', '.join(map(str, ys))}"[:100] if isinstance(ys, dict) else ""
        raise UserError(f"{name}: got an output of {kind}{keys}, expected a tensor, or it and a state; {MAKER}")
    if not ys.is_floating_point():
        raise UserError(f"{name}: got an output of {ys.dtype}, expected real numbers; {MAKER}")
    return ys.float()
