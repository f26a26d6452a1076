"""What somebody else's torch.nn.Module does, found out by trying it on a few numbers: attributes can be wrong.

It is tried as it is evaluated and as it is trained. What can't be trained here is refused in one line: what keeps a
state from call to call or hides it from a checkpoint, starts alike from every seed, mixes the examples of a batch,
reads one step at a time, or lets no gradient reach its parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rnnbench.errors import UserError
from rnnbench.foreign import told
from rnnbench.layers.built import MAKER, Built, named_tensors, output
from rnnbench.layers.generators import States, apart, reseeded
from rnnbench.lazy import torch
from rnnbench.rng import stream

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Numbers = dict[str, "Tensor"]
Make = Callable[[int, int, int, list[States]], "Module"]
T, B = 5, 3  # of what it is tried on; unlike each other, so that an axis taken for the other one shows


class Probed(Built):
    """A module of certain sizes and what it was found to do. Its own numbers don't count, only its structure.

    `name` is what errors call it. `make(I, H, seed, ends)` makes it anew, and adds the states in which it leaves the
    generators to `ends`; `swallows`: it takes any keyword, so that a size might mean nothing to it.
    """

    def __init__(self, name: str, make: Make, I: int, H: int, swallows: bool) -> None:
        ends: list[States] = []
        super().__init__(name, make(I, H, 0, ends))
        self.I, self.H = I, H
        again, other = make(I, H, 0, ends), make(I, H, 1, ends)
        self._made(again, other, ends)
        sizes = {n: t.shape for n, t in named_tensors(self.module).items()}
        if swallows and sizes == {n: t.shape for n, t in named_tensors(make(I, 2 * H, 0, ends)).items()}:
            raise self._refused("takes any keyword, and hidden_size changes nothing of its parameters")
        if self.kept == set(self.like):
            raise self._refused("has no parameter to train")
        xs = torch.from_numpy(stream(0, "probe").normal((T, B, I)))
        self._axes(xs)
        self._seeds(other, xs)
        self._train(xs)
        for new in {n for n, _ in self.module.named_parameters()} - set(sizes):
            raise self._refused(f"makes its parameter {new} when it is called, expected it from the start; {MAKER}")

    def _made(self, again: Module, other: Module, ends: list[States]) -> None:
        """Whether it hangs on its seed how it starts, and on nothing else; `other` is made from another seed."""
        tensors, twice, others = map(named_tensors, (self.module, again, other))
        if {n: t.shape for n, t in tensors.items()} != {n: t.shape for n, t in others.items()}:
            raise self._refused("has parameters of other shapes from another seed")
        if not all(_same(t, twice[n]) for n, t in tensors.items()):
            raise self._refused("starts differently from one seed: it draws from a generator of its own")
        if whose := reseeded(ends[0], ends[2]):
            raise self._refused(f"seeds {whose}'s generator when it is made: every seed would start alike; {UNSEEDED}")
        fixed = {n: t for n, t in tensors.items() if not (t.is_floating_point() or t.is_complex())}
        self.carry({n for n, t in fixed.items() if not torch.equal(t, others[n])})

    def _axes(self, xs: Tensor) -> None:
        """Which axis is time, how wide the output is, whether a step sees later ones."""
        p = self.numbers(self.module)
        with torch.no_grad():
            ys = self._tried(self, p, xs)
        if not torch.isfinite(ys).all():
            raise self._refused(f"gives {'NaN' if ys.isnan().any() else 'infinity'} at its start")
        start = self.numbers(self.module)
        if not _same(ys, self._evaluated(xs)) or not all(_same(p[name], start[name]) for name in self.kept):
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

    def _seeds(self, other: Module, xs: Tensor) -> None:
        """Whether its numbers are all that it draws: with those of one from another seed it must do as that one."""
        theirs = Built(self.name, other)
        theirs.carry(self.carried)
        p = self.numbers(other)
        if not _same(self._tried(self, p, xs), self._tried(theirs, theirs.numbers(other), xs)):
            why = "draws at its start what is neither a parameter nor a buffer: every seed would have the first one's"
            raise self._refused(f"{why}; next: nn.Parameter, register_buffer or nn.ModuleList around it")

    def _train(self, xs: Tensor) -> None:
        """Tries it as it is trained: whether its output has the same shape, whether a step hangs on its numbers and its
        seed alone, and whether a gradient comes back."""
        fixed = {n: t.clone() for n, t in named_tensors(self.module).items() if n not in self.like}

        def step(seed: int = 0, anew: bool = True) -> tuple[Tensor, Numbers]:
            if anew:
                for name, tensor in named_tensors(self.module).items():
                    if name in fixed:
                        tensor.data.copy_(fixed[name])
            p = self.numbers(self.module)
            for name in p.keys() - self.kept:
                p[name].requires_grad_()
            return self._tried(self, p, xs, True, seed, ends), p

        ends: list[States] = []
        ys, p = step()
        if ys.shape[-1] != self.width:
            raise self._refused(f"got an output {ys.shape[-1]} wide in training, {self.width} in evaluation")
        counted = {n for n, t in named_tensors(self.module).items() if n in fixed and not torch.equal(t, fixed[n])}
        matters = counted and not _alike((ys, p), step(anew=False))
        if not _alike((ys, p), step()):
            why = "it keeps a state between calls, or draws from a generator of its own"
            raise self._refused(f"answers differently the second time in training: {why}")
        if matters:
            self.carry(self.carried | counted)
        step(seed=1)
        if whose := reseeded(ends[0], ends[-1]):
            raise self._refused(f"seeds {whose}'s generator when it is called: each step would draw alike; {UNSEEDED}")
        self._graded(ys, [p[name] for name in p.keys() - self.kept])

    def _graded(self, ys: Tensor, parameters: list[Tensor]) -> None:
        if not ys.requires_grad:
            raise self._refused("its output is cut off from its parameters: they can't be trained")
        weights = torch.from_numpy(stream(0, "probe/gradient").normal(tuple(ys.shape)))
        try:
            with apart(0):
                found = torch.autograd.grad((ys * weights).sum(), parameters, allow_unused=True)
        except Exception as e:
            raise self._refused(f"has no gradient: {told(e)}") from e
        if not any(g is not None and bool(g.any()) for g in found):
            raise self._refused("no gradient reaches its parameters: they can't be trained")

    def _evaluated(self, xs: Tensor) -> Tensor:
        with torch.no_grad():
            return self._tried(self, self.numbers(self.module), xs)

    def _tried(
        self,
        built: Built,
        p: Numbers,
        xs: Tensor,
        training: bool = False,
        seed: int = 0,
        ends: list[States] | None = None,
    ) -> Tensor:
        try:
            ys = built.call(p, xs, seed, training, ends)
        except UserError:
            raise
        except (Exception, SystemExit) as e:
            raise self._refused(self._why(xs, e)) from e
        if ys.dim() != 3 or ys.shape[:2] != xs.shape[:2]:
            where = " in training" if training else ""
            last = ", one step alone" if ys.dim() == 2 and len(ys) == B else ""
            raise self._refused(f"got an output {tuple(ys.shape)}{last}{where}, expected ({T}, {B}, width); {MAKER}")
        return ys

    def _why(self, xs: Tensor, error: BaseException) -> str:
        """Why it failed: on the input, or since it reads another one."""
        if self._steps(xs[0]):
            return f"{ONE_STEP}: {told(error)}; {LOOP}"
        if self._reads(xs.permute(1, 2, 0)):
            return f"takes (examples, inputs, steps), expected (steps, examples, inputs): {told(error)}; {MAKER}"
        return f"failed on an input {tuple(xs.shape)}: {told(error)}; {MAKER}"

    def _reads(self, xs: Tensor) -> bool:
        """Whether it takes an input (B, I, T) as it is."""
        with suppress(Exception), torch.no_grad():
            ys = self.call(self.numbers(self.module), xs, 0, training=False)
            return ys.dim() == 3 and len(ys) == B
        return False

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
        return UserError(f"{self.name}: {why}")


UNSEEDED = "next: take that out of it, since a run's seed decides"
ONE_STEP = "takes one step at a time, expected a module that reads all steps, (T, B, inputs)"
LOOP = "next: name a function of input_size and hidden_size that makes a module with a loop around it"


def _alike(one: tuple[Tensor, Numbers], other: tuple[Tensor, Numbers]) -> bool:
    """Whether two steps gave the same output and left the same numbers."""
    return _same(one[0], other[0]) and all(_same(t, other[1][n]) for n, t in one[1].items())


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)
