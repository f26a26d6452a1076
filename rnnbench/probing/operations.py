"""What a cell's step does, heard as it calls torch: which of its values are gates, and what a state is carried on by.

Both hold for any cell, ours or somebody's own: what is looked at is the calls, not the names in the equations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Sequence

# Python's operators with their arguments the other way round, and torch's second names.
SAME = {
    "radd": "add", "iadd": "add", "rsub": "sub", "isub": "sub", "subtract": "sub", "rmul": "mul", "imul": "mul",
    "multiply": "mul", "truediv": "div", "rtruediv": "div", "rdiv": "div", "true_divide": "div", "divide": "div",
    "rmatmul": "matmul", "special_expit": "sigmoid", "clip": "clamp", "clamp_max": "clamp", "clamp_min": "clamp",
}  # fmt: skip
SHAPING = {
    "reshape", "view", "flatten", "unflatten", "unsqueeze", "squeeze", "expand", "expand_as", "transpose", "permute",
    "movedim", "repeat_interleave", "contiguous", "clone", "getitem", "narrow", "select", "get",
}  # fmt: skip
SUMS = {"add", "sub", "mul", "div", "neg", "where", "cat", "stack", "chunk", "split", "unbind", "sum"} | SHAPING


def name_of(function: Any) -> str:
    """The plain name of one of torch's functions, methods or operators."""
    name = str(getattr(function, "__name__", "")).strip("_")
    return SAME.get(name, name)


def tensors(values: Any) -> Iterator[Tensor]:
    """Those among the arguments of a call."""
    for each in values:
        if isinstance(each, Tensor):
            yield each
        elif isinstance(each, (tuple, list)):
            yield from tensors(each)


class Carrying(TorchFunctionMode):
    """While it is on, gradients go through sums and products alone: what a new state has of an old one is then what it
    is multiplied by on the way, and nothing of how gates and candidates see it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if name_of(func) in SUMS or not isinstance(result, Tensor):
            return result
        return result.detach()


class Gates(TorchFunctionMode):
    """While it is on, `found` takes in every value of a logistic function, and those of exp between 0 and 1 that
    something is multiplied by: (name, value), by the name that the parameters under it end in (Wf, Uf, bf: f)."""

    def __init__(self, parameters: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.found: list[tuple[str, Tensor]] = []
        self.parameters = {id(p): frozenset([name]) for name, p in parameters.items()}
        self.under = dict(self.parameters)  # the parameters in what is summed, by the sum
        self.half: dict[int, frozenset[str]] = {}  # tanh, and half of it: on the way to `cells.sigmoid`
        self.small: dict[int, tuple[frozenset[str], Tensor]] = {}  # exp, between 0 and 1, in whatever shape
        self.alive: list[Tensor] = list(parameters.values())  # so that no id is given twice

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.alive.append(result)
            self._hear(name_of(func), list(tensors(args)), args, result)
        return result

    def _hear(self, name: str, given: Sequence[Tensor], args: Any, result: Tensor) -> None:
        beneath = self._beneath(name, given)
        if name == "sigmoid":
            self._note(beneath, result)
        elif name == "tanh":
            self.half[id(result)] = beneath
        elif name == "exp":
            if result.dim() > 1 and result.shape[-2] > 1 and bool(((result >= 0) & (result <= 1)).all()):
                self.small[id(result)] = beneath, result
        elif name in ("mul", "add") and len(given) == 1 and id(given[0]) in self.half and 0.5 in _numbers(args):
            if name == "mul":
                self.half[id(result)] = self.half[id(given[0])]
            else:
                self._note(self.half[id(given[0])], result)
        elif name in SHAPING and given and id(given[0]) in self.small:
            self.small[id(result)] = self.small[id(given[0])]
        else:
            if name == "mul" and len(given) == 2:
                for each in given:
                    if id(each) in self.small:
                        self._note(*self.small[id(each)])
            if name in (SUMS - {"where"}) or name in ("matmul", "detach", "clamp"):
                self.under[id(result)] = beneath

    def _beneath(self, name: str, given: Sequence[Tensor]) -> frozenset[str]:
        """The parameters in what is given; of a product with a parameter that one alone, whatever the other was."""
        own = [self.parameters[id(each)] for each in given if id(each) in self.parameters]
        if name in ("mul", "matmul") and own:
            return frozenset[str]().union(*own)
        return frozenset[str]().union(*(self.under.get(id(each), frozenset()) for each in given))

    def _note(self, names: frozenset[str], value: Tensor) -> None:
        if names and not any(value is known for _, known in self.found):
            name = label(names)
            count = sum(known.split("#")[0] == name for known, _ in self.found)
            self.found.append((f"{name}#{count + 1}" if count else name, value))


def _numbers(args: Any) -> list[float]:
    return [each for each in args if isinstance(each, float)]


def label(names: frozenset[str]) -> str:
    """What a gate is called by the parameters under it.

    >>> label(frozenset({"Wf", "Uf", "bf"})), label(frozenset({"ba"})), label(frozenset({"G", "b"}))
    ('f', 'ba', 'G b')
    """
    backwards = [name[::-1] for name in names]
    alike = (len(set(letters)) == 1 for letters in zip(*backwards, strict=False))
    end = backwards[0][: len(list(takewhile(bool, alike)))][::-1]
    return end or " ".join(sorted(names))
