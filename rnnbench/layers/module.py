"""A recurrent torch.nn.Module that somebody else wrote, as a layer: `module: some.dotted.Name` with `args`.

It is called with input_size and hidden_size and the `args`: by keyword, or by place where its first two parameters are
such sizes by other names. What it does is found out by trying it (`probe.py`): which axis is time, how wide its output
is, whether it looks ahead. All its numbers live in the run's flat buffer, those that aren't trained too (frozen
parameters, running means), so that a checkpoint holds everything. It is seeded, at its start and in each step, in a
fork of torch's generator, and what it does to torch's own settings is undone: no neighbour notices.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from rnnbench import foreign, layers
from rnnbench.cells import Arrays, Parameters, Shapes, Streams
from rnnbench.errors import UserError
from rnnbench.foreign import told
from rnnbench.layers.noise import Noise
from rnnbench.layers.probe import Probed, apart, named_tensors, output, settled
from rnnbench.lazy import torch
from rnnbench.rng import Stream

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

OURS = {"input_size": "the task", "hidden_size": "the setting `hidden`", "device": "--device", "dtype": "rnnbench"}

# Names of a constructor's parameter that say which size it is, without case and underscores: n_in, in_features;
# hid_size, num_units, out_features.
INPUT = re.compile(
    r"(n|num|d|dim)(in|inp|inputs?)|inputs|(in|inp|inputs?)(size|dim|dims|features?|channels?|units?|width)"
)
HIDDEN = re.compile(
    r"hidden|hiddens|units|nh|(n|num|d|dim)(hid|hiddens?|out|outputs?|units?|neurons|cells)"
    r"|(h|hid|hidden|out|outputs?|state|cell|recurrent)(size|dim|dims|features?|channels?|units?|width)"
)


@dataclass(frozen=True)
class Foreign(layers.Layer):
    """`module` is the dotted name, `package.module.Name` or `package.module:Name`; `args` is what it is called with
    besides its sizes."""

    stacks: ClassVar[bool] = False

    module: str
    args: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "module", self.module.replace(":", "."))
        for name in self.args:
            if name in OURS:
                raise ValueError(f"args: {name} comes from {OURS[name]}")
            if not name.isidentifier():
                raise ValueError(f"args: {name!r} is no name of an argument")

    @cached_property
    def _built(self) -> dict[int, Probed]:
        """What it is built to for each input size of the model."""
        return {}

    def _at(self, I: int, H: int) -> Probed:
        if I not in self._built:
            self._built[I] = Probed(self.module, self.make, I, H, self.swallows)
        return self._built[I]

    def shapes(self, I: int, H: int, first: bool, last: bool) -> Shapes:
        return self._at(I, H).shapes

    def width(self, I: int, H: int) -> int:
        return self._at(I, H).width

    def untrained(self, name: str) -> bool:
        return any(name in built.kept for built in self._built.values())

    def init(self, shapes: Shapes, stream: Streams, tokens: bool) -> Arrays:
        built = next(b for b in self._built.values() if b.shapes == shapes)
        tensors = named_tensors(self.make(built.I, built.H, _seed(stream("module"))))
        return {name: t.detach().numpy().reshape(shapes[name]) for name, t in tensors.items()}

    def scan(self, p: Parameters, xs: Tensor, causal: bool, noise: Noise | None = None) -> Tensor:
        built = self._built[xs.shape[-1]]
        # .data: autograd doesn't see what a running mean becomes in the forward pass
        own = {n: (p[n].data if n in built.kept else p[n]).reshape(shape) for n, shape in built.sizes.items()}
        module = built.module.to(xs.device) if xs.is_cuda else built.module
        module.train(noise is not None)
        x = xs.transpose(0, 1) if built.batch_first else xs
        with apart(_seed(noise.streams()[0]) if noise else 0, xs.device):
            y = output(self.module, torch.func.functional_call(module, own, (x,)))
        y = y.transpose(0, 1) if built.batch_first and y.dim() > 1 else y
        want = (*xs.shape[:2], built.width)
        if y.shape != want:
            raise UserError(f"module {self.module}: got an output {tuple(y.shape)}, expected {want}")
        return y

    def check(self, causal: bool, last: bool) -> None:
        ahead = any(built.looks_ahead for built in self._built.values())
        if ahead and causal:
            raise UserError(f"module {self.module}: sees later steps, on a task that answers while it reads")
        if ahead and last:
            why = "of what it reads backwards the last step has seen one step"
            forward = "next: the setting `bidirectional: true` around a module that reads forwards"
            raise UserError(f"module {self.module}: sees later steps, on a task with one answer: {why}; {forward}")

    def make(self, I: int, H: int, seed: int) -> Module:
        """A new module of these sizes; UserError, of one line, where that can't be."""
        call = self._call(I, H)
        with apart(seed):
            try:
                made = call()
            except Exception as e:
                raise UserError(f"module {self.module}: can't be made with {I}, {H}, {self.args}: {told(e)}") from e
        if not isinstance(made, torch.nn.Module):
            raise UserError(f"module {self.module}: got a {type(made).__name__}, expected a torch.nn.Module")
        settled(self.module, made)
        return made.float()

    @cached_property
    def _maker(self) -> Callable[..., Any]:
        """What the dotted name means: a class or a function."""
        try:
            with foreign.importing():
                found: Any = foreign.named(self.module)
        except (Exception, SystemExit) as e:
            raise UserError(f"module {self.module}: can't be imported: {told(e)}") from e
        if isinstance(found, ModuleType):  # a package whose modules are named as the class in each
            found = _class(found) or found
        if isinstance(found, ModuleType):
            own = sorted(n for n, v in vars(found).items() if isinstance(v, type) and v.__module__ == found.__name__)
            held = f"such as {self.module}.{own[0]}" if own else "by its dotted name"
            raise UserError(f"module {self.module}: got a module of Python, expected a torch.nn.Module {held}")
        if not callable(found):
            raise UserError(f"module {self.module}: got a {type(found).__name__}, expected a torch.nn.Module")
        make: Callable[..., Any] = found
        return make

    @cached_property
    def _signature(self) -> inspect.Signature | None:
        try:
            return inspect.signature(self._maker)
        except (TypeError, ValueError):  # of a built-in one
            return None

    @property
    def swallows(self) -> bool:
        """Whether it takes any keyword, so that a size might mean nothing to it."""
        named = self._signature.parameters if self._signature else {}
        return "hidden_size" not in named and self._call(1, 1).keywords.keys() >= {"hidden_size"}

    def _call(self, I: int, H: int) -> partial[Any]:
        """The call with both sizes: by keyword, or by place where the first two parameters are such sizes by name.
        UserError where neither is so: what stands first and second might be anything, and another model be built."""
        by_keyword = partial(self._maker, input_size=I, hidden_size=H, **self.args)
        signature = self._signature
        if signature is None:
            return by_keyword
        parameters = list(signature.parameters.values())
        names = [p.name for p in parameters]
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
        if {"input_size", "hidden_size"} <= set(names) or (takes_any and _binds(signature, by_keyword)):
            return by_keyword
        plain = [n.lower().replace("_", "") for n in names if n not in self.args]
        by_place = all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters[:2]) and len(plain) > 1
        if by_place and INPUT.fullmatch(plain[0]) and HIDDEN.fullmatch(plain[1]) and not _inner(plain[1:]):
            return partial(self._maker, I, H, **self.args)
        shown = " ".join(str(signature).split())[:300]
        want = "expected a size of the input and a hidden size first (input_size, hidden_size; n_in, n_units; ...)"
        forward = "name a function of input_size and hidden_size that makes it"
        raise UserError(f"module {self.module}: got parameters {shown}, {want}; next: {forward}")

    def seconds(self, T: int, B: int, H: int) -> float:
        return 20 * super().seconds(T, B, H)  # as for a loop over its steps; fused ones take less

    def sources(self, solo: bool) -> tuple[str, ...]:
        return (*super().sources(solo), "layers/probe.py")

    def digest(self) -> str:
        return foreign.digest(self.module)


def _seed(s: Stream) -> int:
    return int(s.integers(2**32, 1)[0])


def _class(found: ModuleType) -> Any:
    """The class of a torch.nn.Module, or the function, that has the module's own name."""
    name = found.__name__.rpartition(".")[2]
    held = vars(found).get(name)
    return held if callable(held) and getattr(held, "__module__", "") == found.__name__ else None


def _inner(names: list[str]) -> bool:
    """Whether the first size is the output's and a later one the hidden size, which nobody gives."""
    return "out" in names[0] and any("out" not in name and HIDDEN.fullmatch(name) for name in names[1:])


def _binds(signature: inspect.Signature, call: partial[Any]) -> bool:
    try:
        signature.bind(**call.keywords)
    except TypeError:
        return False
    return True
