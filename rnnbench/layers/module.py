"""A recurrent torch.nn.Module that somebody else wrote, as a layer: `module: some.dotted.Name` with `args`.

It is called with input_size and hidden_size and the `args`: by keyword, or by place where its first two parameters are
such sizes by other names. What it then is to a run is said in `wrapped.py`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rnnbench import foreign
from rnnbench.errors import UserError, closest, nearest
from rnnbench.foreign import told
from rnnbench.layers.wrapped import Wrapped

if TYPE_CHECKING:
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
class Foreign(Wrapped):
    """`module` is the dotted name, `package.module.Name` or `package.module:Name`; `args` is what it is called with
    besides its sizes."""

    module: str
    args: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "module", self.module.replace(":", "."))
        for name in self.args:
            if name in OURS:
                raise ValueError(f"args: {name} comes from {OURS[name]}")
            if not name.isidentifier():
                raise ValueError(f"args: {name!r} is no name of an argument")

    @property
    def title(self) -> str:
        return f"module {self.module}"

    def build(self, I: int, H: int) -> Module:
        made: Module = self.maker(I, H)()
        return made

    def unmade(self, I: int, H: int, error: BaseException) -> str:
        lacks = isinstance(error, TypeError) and "required" in str(error)
        give = "; next: give that in `args`, or name a function of input_size and hidden_size" if lacks else ""
        return f"{self.title}: can't be made with {I}, {H}, {self.args}: {told(error)}{give}"

    @cached_property
    def _maker(self) -> Callable[..., Any]:
        """What the dotted name means: a class or a function."""
        try:
            with foreign.importing():
                found: Any = foreign.named(self.module)
        except (Exception, SystemExit) as e:
            near = _nearby(self.module) if isinstance(e, AttributeError) else ""
            raise UserError(f"module {self.module}: can't be imported: {told(e)}{near}") from e
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
        return "hidden_size" not in named and self.maker(1, 1).keywords.keys() >= {"hidden_size"}

    def maker(self, I: int, H: int) -> partial[Any]:
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
        bare = [p.replace(annotation=p.empty) for p in parameters]
        shown = " ".join(str(inspect.Signature(bare)).split())[:300]
        want = "expected a size of the input and a hidden size first (input_size, hidden_size; n_in, n_units; ...)"
        forward = "name a function of input_size and hidden_size that makes it"
        raise UserError(f"module {self.module}: got parameters {shown}, {want}; next: {forward}")

    def digest(self) -> str:
        return foreign.digest(self.module)


def _class(found: ModuleType) -> Any:
    """The class of a torch.nn.Module, or the function, that has the module's own name."""
    name = found.__name__.rpartition(".")[2]
    held = vars(found).get(name)
    return held if callable(held) and getattr(held, "__module__", "") == found.__name__ else None


FEW = 12  # classes that can be told of by name; torch.nn has a hundred and more


def _nearby(dotted: str) -> str:
    """Where a package that has been imported holds a class of that name, or else which names of classes are near."""
    holder, _, name = dotted.rpartition(".")
    below = sorted(n for n in list(sys.modules) if n.startswith(f"{holder}."))
    if there := [n for n in below if isinstance(vars(sys.modules[n]).get(name), type)]:
        return f"; next: {there[0]}.{name}"
    held = vars(sys.modules[holder]) if holder in sys.modules else {}
    classes = [n for n, v in held.items() if isinstance(v, type) and not n.startswith("_")]
    told = nearest(name, classes) if 0 < len(classes) <= FEW else closest(name, classes)
    return f"; {told}" if told else ""


def _inner(names: list[str]) -> bool:
    """Whether the first size is the output's and a later one the hidden size, which nobody gives."""
    return "out" in names[0] and any("out" not in name and HIDDEN.fullmatch(name) for name in names[1:])


def _binds(signature: inspect.Signature, call: partial[Any]) -> bool:
    try:
        signature.bind(**call.keywords)
    except TypeError:
        return False
    return True
