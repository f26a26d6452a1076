"""How a model is built around its cell and how it is trained: the settings that a suite may give.

A setting is taken from the variant, else the task, else the suite's defaults, else from here; `--set` beats all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Protocol

from annotated_types import Interval

MOST_STEPS = 10_000_000  # of one run
LOOK = 100  # steps between looks at a run


class Stated(Protocol):
    """What states some settings, as a rung does."""

    @property
    def settings(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Settings:
    """Field by field: unit and range as in the annotation; `clip: 0` turns clipping off."""

    # Settings besides bools that can be taken out, and the value that means they are.
    offs: ClassVar[Mapping[str, object]] = {
        "attention": "none",
        "dropout": 0.0,
        "conv": 0,
        "conv_activation": "identity",
    }
    # Parts of a part: where that is off there is none of them to take out or put in.
    within: ClassVar[Mapping[str, str]] = {"conv_activation": "conv", "conv_residual": "conv"}
    ons: ClassVar[Mapping[str, object]] = {"conv": 4}  # the value of one of these that is put in by its name alone

    # the model around the cell
    hidden: Annotated[int, Interval(ge=1, le=8192)] = 32  # units of each layer, of each direction
    layers: Annotated[int, Interval(ge=1, le=32)] = 1  # one upon the other
    bidirectional: bool = False  # a second direction reads backwards
    attention: Literal["none", "additive", "dot"] = "none"  # of each answer over the steps that it may see
    residual: bool = False  # each layer but the first adds what it was given
    layer_norm: bool = False  # of each layer's output, before the residual is added
    dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0  # between layers and before the read-out, in training
    conv: Annotated[int, Interval(ge=0, le=64)] = 0  # steps that a filter of each layer's inputs sees; 0: no filter
    conv_activation: Literal["silu", "identity"] = "silu"  # of what that filter gives
    conv_residual: bool = False  # the layer reads its input plus what the filter gives, and not that alone
    conv_start: Literal["uniform", "identity", "zero"] = "uniform"  # of the filter; identity: it gives what it is given
    # its training
    batch: Annotated[int, Interval(ge=1, le=65536)] = 32  # examples a step of training
    steps: Annotated[int, Interval(ge=1, le=MOST_STEPS)] = 1000  # of training, at most
    optimizer: Literal["adam", "rmsprop", "sgd"] = "adam"
    lr: Annotated[float, Interval(gt=0, le=100)] = 1e-2  # the learning rate
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.0  # of sgd
    weight_decay: Annotated[float, Interval(ge=0, le=1)] = 0.0  # decoupled: each step takes lr times it off
    warmup: Annotated[int, Interval(ge=0, le=MOST_STEPS)] = 0  # steps in which the rate rises to lr
    schedule: Literal["constant", "linear", "cosine"] = "constant"  # of the rate after that, down to 0 at the last step
    clip: Annotated[float, Interval(ge=0, le=1e6)] = 1.0  # the most that the norm of the gradient may be; 0: anything
    stop: Literal["solved", "never"] = "solved"  # when validation passes, or once all steps are spent

    @property
    def impossible(self) -> str:
        """What of these can't go together; empty where all can."""
        if self.warmup >= self.steps:
            return f"warmup: {self.warmup} steps of {self.steps}, expected fewer than all"
        return ""

    @classmethod
    def of(cls, rung: Stated) -> Settings:
        """Those that a rung states, and the defaults of all others."""
        return cls(**rung.settings)
