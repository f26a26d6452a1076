"""What tells the lanes of a vector apart: masks of the first ones, and the sum of all."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from rnnbench.kernels.vector import INDEX, VECTOR, WIDTH, emitted, vector


@emitted
def inside(typing: Any, value: Any, count: Any) -> Any:
    """The first `count` numbers of a vector, and zeros behind them."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(_first(builder, args[1]), args[0], ir.Constant(VECTOR, [0.0] * WIDTH))

    return vector(vector, types.intp), emit


@emitted
def merged(typing: Any, value: Any, other: Any, count: Any) -> Any:
    """The first `count` numbers of a vector, and those of another behind them."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(_first(builder, args[2]), args[0], args[1])

    return vector(vector, vector, types.intp), emit


@emitted
def total(typing: Any, value: Any) -> Any:
    """The sum of a vector's numbers: each of the first half and the one half a vector behind it, and so on."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        sums, half = args[0], WIDTH // 2
        while half:
            parts = [ir.Constant(ir.VectorType(ir.IntType(32), half), list(range(n, n + half))) for n in (0, half)]
            low, high = (builder.shuffle_vector(sums, ir.Constant(sums.type, ir.Undefined), part) for part in parts)
            sums, half = builder.fadd(low, high), half // 2
        return builder.extract_element(sums, ir.Constant(ir.IntType(32), 0))

    return types.float32(vector), emit


def _first(builder: Any, count: Any) -> Any:
    """Which lanes are the first `count`."""
    lanes = ir.VectorType(INDEX, WIDTH)
    one = builder.insert_element(ir.Constant(lanes, ir.Undefined), count, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    bound = builder.shuffle_vector(one, ir.Constant(lanes, ir.Undefined), zeros)
    return builder.icmp_signed("<", ir.Constant(lanes, list(range(WIDTH))), bound)
