"""A recurrent torch.nn.Module that somebody else wrote, as a layer: `module: some.dotted.Name` with `args`.

It is called with input_size and hidden_size, by keyword or else by place, and the `args`. What it does is found out by
trying it on a few numbers, since attributes can be missing or wrong: which axis is time, how wide its output is,
whether it looks ahead. All its numbers live in the run's flat buffer, those that aren't trained too (frozen
parameters, running means), so that a checkpoint holds everything. It is seeded, at its start and in each step, in a
fork of torch's generator: no neighbour notices.
"""

from __future__ import annotations

import hashlib
import math
import os
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import metadata, util
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rnnbench import layers
from rnnbench.cells import Arrays, Parameters, Shapes, Streams
from rnnbench.errors import UserError
from rnnbench.layers.noise import Noise
from rnnbench.lazy import torch
from rnnbench.rng import Stream, stream

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

OURS = {"input_size": "the task", "hidden_size": "the setting `hidden`", "device": "--device", "dtype": "rnnbench"}


@dataclass(frozen=True)
class Foreign(layers.Layer):
    """`module` is the dotted name, `args` what it is called with besides its sizes."""

    stacks: ClassVar[bool] = False

    module: str
    args: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.args:
            if name in OURS:
                raise ValueError(f"args: {name} comes from {OURS[name]}")
            if not name.isidentifier():
                raise ValueError(f"args: {name!r} is no name of an argument")

    @cached_property
    def _built(self) -> dict[int, _Built]:
        """What it is built to for each input size of the model."""
        return {}

    def _at(self, I: int, H: int) -> _Built:
        if I not in self._built:
            self._built[I] = _Built(self, I, H)
        return self._built[I]

    def shapes(self, I: int, H: int, first: bool, last: bool) -> Shapes:
        return self._at(I, H).shapes

    def width(self, I: int, H: int) -> int:
        return self._at(I, H).width

    def untrained(self, name: str) -> bool:
        return any(name in built.kept for built in self._built.values())

    def init(self, shapes: Shapes, stream: Streams, tokens: bool) -> Arrays:
        built = next(b for b in self._built.values() if b.shapes == shapes)
        tensors = _tensors(self.make(built.I, built.H, _seed(stream("module"))))
        return {name: t.detach().numpy().reshape(shapes[name]) for name, t in tensors.items()}

    def scan(self, p: Parameters, xs: Tensor, causal: bool, noise: Noise | None = None) -> Tensor:
        built = self._built[xs.shape[-1]]
        if causal and built.looks_ahead:
            raise UserError(f"module {self.module}: sees later steps, on a task that answers while it reads")
        # .data: autograd doesn't see what a running mean becomes in the forward pass
        own = {n: (p[n].data if n in built.kept else p[n]).reshape(shape) for n, shape in built.sizes.items()}
        module = built.module.to(xs.device) if xs.is_cuda else built.module
        module.train(noise is not None)
        x = xs.transpose(0, 1) if built.batch_first else xs
        with _seeded(_seed(noise.streams()[0]) if noise else 0, xs.device):
            y = _output(self.module, torch.func.functional_call(module, own, (x,)))
        return y.transpose(0, 1) if built.batch_first else y

    def make(self, I: int, H: int, seed: int) -> Module:
        """A new module of these sizes; UserError, of one line, where that can't be."""
        try:
            cls = pkgutil.resolve_name(self.module)
        except Exception as e:
            raise UserError(f"module {self.module}: can't be imported: {_told(e)}") from e
        with _seeded(seed):
            try:
                try:
                    made = cls(input_size=I, hidden_size=H, **self.args)
                except TypeError as first:
                    try:
                        made = cls(I, H, **self.args)
                    except TypeError:
                        raise first from None
            except Exception as e:
                raise UserError(f"module {self.module}: can't be made with {I}, {H}, {self.args}: {_told(e)}") from e
        if not isinstance(made, torch.nn.Module):
            raise UserError(f"module {self.module}: got a {type(made).__name__}, expected a torch.nn.Module")
        return made.float()

    def seconds(self, T: int, B: int, H: int) -> float:
        return 20 * super().seconds(T, B, H)  # as for a loop over its steps; fused ones take less

    def digest(self) -> str:
        return _digest(self.module)


class _Built:
    """A module of certain sizes and what it was found to do. Its own numbers don't count, only its structure."""

    def __init__(self, layer: Foreign, I: int, H: int) -> None:
        self.I, self.H, self.name = I, H, layer.module
        self.module = layer.make(I, H, 0)
        tensors, again = _tensors(self.module), _tensors(layer.make(I, H, 0))
        if not all(_same(t, again[name]) for name, t in tensors.items()):
            raise UserError(f"module {self.name}: starts differently from one seed: it draws from another generator")
        self.kept = {name for name, t in tensors.items() if not t.requires_grad}
        self.sizes = {name: tuple(t.shape) for name, t in tensors.items()}
        self.shapes: Shapes = {
            name: (math.prod(size[:-1]), size[-1] if size else 1) for name, size in self.sizes.items()
        }
        if self.kept == set(tensors):
            raise UserError(f"module {self.name}: has no parameter to train")
        xs = torch.from_numpy(stream(0, "probe").normal((5, 3, I)))
        ys = self._try(xs)
        if not _same(ys, self._try(xs)):
            raise UserError(f"module {self.name}: answers differently the second time: it keeps a state between calls")
        changed = self._moved(ys, xs, (0, 0))
        along, across = bool(changed[1:, 0].any()), bool(changed[0, 1:].any())
        if along and across:
            raise UserError(f"module {self.name}: mixes the examples of a batch")
        self.batch_first = across or (not along and bool(getattr(self.module, "batch_first", False)))
        end = (slice(None), -1) if self.batch_first else (-1, slice(None))
        before = self._moved(ys, xs, end)
        self.looks_ahead = bool((before[:, :-1] if self.batch_first else before[:-1]).any())
        self.width = ys.shape[-1]

    def _try(self, xs: Tensor) -> Tensor:
        self.module.eval()
        try:
            with torch.no_grad(), _seeded(0):
                ys = _output(self.name, self.module(xs))
        except UserError:
            raise
        except Exception as e:
            raise UserError(f"module {self.name}: failed on an input {tuple(xs.shape)}: {_told(e)}") from e
        if ys.dim() != 3 or ys.shape[:2] != xs.shape[:2]:
            want = f"({', '.join(map(str, xs.shape[:2]))}, width)"
            raise UserError(f"module {self.name}: got an output {tuple(ys.shape)}, expected {want}")
        return ys

    def _moved(self, ys: Tensor, xs: Tensor, at: Any) -> Tensor:
        """Which outputs (5, 3) are others where the input `at` is another."""
        other = xs.clone()
        other[at] = other[at].flip(-1) - 1.5
        return (self._try(other) != ys).any(-1)


def _tensors(module: Module) -> dict[str, Tensor]:
    """All numbers of a module by name; integers and bools belong to its structure."""
    every = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: tensor for name, tensor in every.items() if tensor.is_floating_point()}


def _same(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)


def _output(name: str, found: Any) -> Tensor:
    """The output, of a module that gives it alone or with its state."""
    ys = found[0] if isinstance(found, tuple | list) and found else found
    if not isinstance(ys, torch.Tensor):
        raise UserError(f"module {name}: got an output of {type(ys).__name__}, expected a tensor, or it and a state")
    return ys


def _seed(s: Stream) -> int:
    return int(s.integers(2**32, 1)[0])


@contextmanager
def _seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """A fork of torch's generators, at a seed."""
    cuda = device is not None and device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if cuda else []):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed(seed)
        yield


def _told(e: Exception) -> str:
    return f"{type(e).__name__}: {' '.join(str(e).split())}"[:500]


@cache
def _digest(dotted: str) -> str:
    """Version and source of what a dotted name reaches, without importing it: the file, or the whole package."""
    top, *rest = dotted.split(".")
    spec = PathFinder.find_spec(top, [os.getcwd(), *sys.path]) or util.find_spec(top)
    if spec is None or not (spec.origin or spec.submodule_search_locations):
        return "absent"
    here = Path(next(iter(spec.submodule_search_locations or ()), spec.origin or ""))
    for part in rest:
        if (here / part).is_dir():
            here = here / part
        else:
            here = here / f"{part}.py" if (here / f"{part}.py").is_file() else here
            break
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(here.rglob("*.py")) if here.is_dir() else [here]:
        digest.update(f"{file.relative_to(here)}\n".encode() + file.read_bytes())
    try:
        version = metadata.version(top)
    except metadata.PackageNotFoundError:
        version = "no version"
    return f"{version} {digest.hexdigest()}"
