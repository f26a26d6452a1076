"""What somebody else's torch.nn.Module does, found out by trying it on a few numbers: attributes can be wrong.

It is tried as it is evaluated and as it is trained. What can't be trained here is refused in one line: what keeps a
state from call to call, mixes the examples of a batch, reads one step at a time, or lets no gradient reach its
parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rnnbench import foreign
from rnnbench.cells import Shapes
from rnnbench.errors import UserError
from rnnbench.foreign import told
from rnnbench.lazy import torch
from rnnbench.rng import stream

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Make = Callable[[int, int, int], "Module"]
T, B = 5, 3  # of what it is tried on; unlike each other, so that an axis taken for the other one shows


class Probed:
    """A module of certain sizes and what it was found to do. Its own numbers don't count, only its structure.

    `make(I, H, seed)` makes it anew; `swallows`: it takes any keyword, so that a size might mean nothing to it.
    """

    def __init__(self, name: str, make: Make, I: int, H: int, swallows: bool) -> None:
        self.name, self.I, self.H = name, I, H
        self.module, again = make(I, H, 0), make(I, H, 0)
        tensors, others = named_tensors(self.module), named_tensors(again)
        if not all(_same(t, others[n]) for n, t in tensors.items()):
            raise self._refused("starts differently from one seed: it draws from another generator")
        self.kept = {n for n, t in tensors.items() if not t.requires_grad}
        self.sizes = {n: tuple(t.shape) for n, t in tensors.items()}
        if swallows and self.sizes == {n: tuple(t.shape) for n, t in named_tensors(make(I, 2 * H, 0)).items()}:
            raise self._refused("takes any keyword, and hidden_size changes nothing of its parameters")
        self.shapes: Shapes = {n: (math.prod(size[:-1]), size[-1] if size else 1) for n, size in self.sizes.items()}
        if self.kept == set(tensors):
            raise self._refused("has no parameter to train")
        xs = torch.from_numpy(stream(0, "probe").normal((T, B, I)))
        ys = self._evaluated(xs)
        if not torch.isfinite(ys).all():
            raise self._refused(f"gives {'NaN' if ys.isnan().any() else 'infinity'} at its start")
        if not _same(ys, self._evaluated(xs)):
            raise self._refused("answers differently the second time: it keeps a state between calls")
        changed = self._moved(ys, xs, (0, 0))
        along, across = bool(changed[1:, 0].any()), bool(changed[0, 1:].any())
        if along and across:
            raise self._refused("mixes the examples of a batch")
        self.batch_first = across or (not along and bool(getattr(self.module, "batch_first", False)))
        end = (slice(None), -1) if self.batch_first else (-1, slice(None))
        before = self._moved(ys, xs, end)
        self.looks_ahead = bool((before[:, :-1] if self.batch_first else before[:-1]).any())
        self.width = ys.shape[-1]
        self._train(again, xs)

    def _evaluated(self, xs: Tensor) -> Tensor:
        self.module.eval()
        with torch.no_grad():
            return self._tried(self.module, xs)

    def _train(self, module: Module, xs: Tensor) -> None:
        """Tries it as it is trained, on one that isn't used for anything else: whether its output has the same shape,
        and whether a gradient comes back."""
        module.train()
        ys = self._tried(module, xs)
        if ys.shape[-1] != self.width:
            raise self._refused(f"got an output {ys.shape[-1]} wide in training, {self.width} in evaluation")
        if not ys.requires_grad:
            raise self._refused("its output is cut off from its parameters: they can't be trained")
        parameters = [p for p in module.parameters() if p.requires_grad]
        weights = torch.from_numpy(stream(0, "probe/gradient").normal(tuple(ys.shape)))
        try:
            with apart(0):
                found = torch.autograd.grad((ys * weights).sum(), parameters, allow_unused=True)
        except Exception as e:
            raise self._refused(f"has no gradient: {told(e)}") from e
        if not any(g is not None and bool(g.any()) for g in found):
            raise self._refused("no gradient reaches its parameters: they can't be trained")

    def _tried(self, module: Module, xs: Tensor) -> Tensor:
        try:
            with apart(0):
                ys = output(self.name, module(xs))
        except UserError:
            raise
        except Exception as e:
            why = f"failed on an input {tuple(xs.shape)}: {told(e)}"
            raise self._refused(f"{ONE_STEP}: {told(e)}; {LOOP}" if self._steps(xs[0]) else why) from e
        if ys.dim() != 3 or ys.shape[:2] != xs.shape[:2]:
            where = " in training" if module.training else ""
            raise self._refused(f"got an output {tuple(ys.shape)}{where}, expected ({T}, {B}, width)")
        return ys

    def _steps(self, x: Tensor) -> bool:
        """Whether it takes one step (B, I), alone or with a state, each example by itself: a cell, and no layer."""
        h, other = x.new_zeros((len(x), self.H)), x.clone()
        other[0] = other[0].flip(-1) - 1.5
        for state in ((), (h,), ((h, h),)):
            with suppress(Exception), torch.no_grad(), apart(0):
                a, b = (output(self.name, self.module(each, *state)) for each in (x, other))
                changed = (a != b).flatten(1).any(-1)
                if len(a) == len(x) and bool(changed[0]) and not changed[1:].any():
                    return True
        return False

    def _moved(self, ys: Tensor, xs: Tensor, at: Any) -> Tensor:
        """Which outputs (T, B) are others where the input `at` is another."""
        other = xs.clone()
        other[at] = other[at].flip(-1) - 1.5
        return (self._evaluated(other) != ys).any(-1)

    def _refused(self, why: str) -> UserError:
        return UserError(f"module {self.name}: {why}")


ONE_STEP = "takes one step at a time, expected a module that reads all steps, (T, B, inputs)"
LOOP = "next: name a function of input_size and hidden_size that makes a module with a loop around it"


def named_tensors(module: Module) -> dict[str, Tensor]:
    """All numbers of a module by name; integers and bools belong to its structure."""
    every = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: tensor for name, tensor in every.items() if tensor.is_floating_point()}


def settled(name: str, module: Module) -> None:
    """UserError where a module has numbers that aren't there yet."""
    for each, tensor in {**dict(module.named_parameters()), **dict(module.named_buffers())}.items():
        if torch.nn.parameter.is_lazy(tensor):
            raise UserError(f"module {name}: {each} has no shape yet, expected no lazy module")
        if tensor.is_meta:
            raise UserError(f"module {name}: {each} is on the device meta, expected numbers, on the device asked for")


def output(name: str, found: Any) -> Tensor:
    """The output, of a module that gives it alone or with its state; single precision, whatever it is in."""
    ys = found[0] if isinstance(found, tuple | list) and found else found
    if not isinstance(ys, torch.Tensor):
        raise UserError(f"module {name}: got an output of {type(ys).__name__}, expected a tensor, or it and a state")
    if not ys.is_floating_point():
        raise UserError(f"module {name}: got an output of {ys.dtype}, expected real numbers")
    return ys.float()


@contextmanager
def apart(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """A fork of torch's generators, at a seed; what is done to its settings is undone."""
    cuda = device is not None and device.type == "cuda"
    with foreign.undisturbed(), torch.random.fork_rng(devices=[device] if cuda else []):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed(seed)
        yield


def _same(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)
