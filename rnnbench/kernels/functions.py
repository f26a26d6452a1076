"""Functions of one unit at a time that are made up of those that a scan computes, by torch's names and with torch's
arguments. They work on whatever those work on: a symbol of a trace, or a tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rnnbench.cells import softplus

# As Klambauer et al. (2017) give them.
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """torch is linear above the threshold, from 20 on to within float32."""
    if threshold < 20:
        raise TypeError("a threshold below 20")
    return softplus(beta * x) / beta


def _gelu(x: Any, approximate: str = "none") -> Any:
    """Hendrycks and Gimpel (2016), exact or by way of tanh."""
    if approximate == "tanh":
        return 0.5 * x * (1.0 + (math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))).tanh())
    if approximate != "none":
        raise TypeError(f"approximate={approximate!r}")
    return 0.5 * x * (1.0 + (x * math.sqrt(0.5)).erf())


def _elu(x: Any, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Any:
    low = alpha * ((input_scale * x).clamp(max=0.0).exp() - 1.0)
    return scale * x.where(x > 0, low)


def _hardsigmoid(x: Any) -> Any:
    return (x / 6.0 + 0.5).clamp(min=0.0, max=1.0)


def _power(x: Any, exponent: float) -> Any:
    if exponent in (1, 2, 3, 4):
        found = x
        for _ in range(int(exponent) - 1):
            found = found * x
        return found
    simple: dict[float, Callable[[], Any]] = {
        0.5: x.sqrt,
        -0.5: lambda: 1.0 / x.sqrt(),
        -1: lambda: 1.0 / x,
        -2: lambda: 1.0 / (x * x),
    }
    if exponent not in simple:
        raise TypeError(f"the exponent {exponent!r}")
    return simple[exponent]()


COMPOSED: dict[str, Callable[..., Any]] = {
    "addcdiv": lambda x, a, b, value=1.0: x + value * (a / b),
    "addcmul": lambda x, a, b, value=1.0: x + value * (a * b),
    "celu": lambda x, alpha=1.0: _elu(x, alpha, 1.0, 1.0 / alpha),
    "cosh": lambda x: 0.5 * (x.exp() + (-x).exp()),
    "elu": _elu,
    "expm1": lambda x: x.exp() - 1.0,
    "exp2": lambda x: (x * math.log(2)).exp(),
    "gelu": _gelu,
    "hardsigmoid": _hardsigmoid,
    "hardswish": lambda x: x * _hardsigmoid(x),
    "hardtanh": lambda x, min_val=-1.0, max_val=1.0: x.clamp(min=min_val, max=max_val),
    "leaky_relu": lambda x, negative_slope=0.01: x.where(x > 0, negative_slope * x),
    "lerp": lambda a, b, weight: a + weight * (b - a),
    "log1p": lambda x: (1.0 + x).log(),
    "log2": lambda x: x.log() / math.log(2),
    "log_sigmoid": lambda x: -softplus(-x),
    "logaddexp": lambda a, b: a.maximum(b) + softplus(-abs(a - b)),
    "mish": lambda x: x * softplus(x).tanh(),
    "pow": _power,
    "reciprocal": lambda x: 1.0 / x,
    "relu6": lambda x: x.clamp(min=0.0, max=6.0),
    "rsqrt": lambda x: 1.0 / x.sqrt(),
    "selu": lambda x: _elu(x, SELU_ALPHA, SELU_SCALE),
    "silu": lambda x: x * x.sigmoid(),
    "sinh": lambda x: 0.5 * (x.exp() - (-x).exp()),
    "softplus": _softplus,
    "softsign": lambda x: x / (1.0 + abs(x)),
    "square": lambda x: x * x,
    "tan": lambda x: x.sin() / x.cos(),
    "tanhshrink": lambda x: x - x.tanh(),
}
