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
        return builder.extract_element(_halved(builder, args[0], WIDTH, 1), ir.Constant(ir.IntType(32), 0))

    return types.float32(vector), emit


@emitted
def quartered(typing: Any, value: Any) -> Any:
    """The first part of the way to `total`: a vector whose first four numbers are left to be summed."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        four = _halved(builder, args[0], WIDTH, 4)
        nothing = ir.Constant(four.type, ir.Undefined)
        return _shuffled(builder, four, nothing, [0, 1, 2, 3, *[4] * (WIDTH - 4)])

    return vector(vector), emit


@emitted
def quarters_total(typing: Any, value: Any) -> Any:
    """The rest of the way to `total` from what is `quartered`."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.extract_element(_halved(builder, args[0], 4, 1), ir.Constant(ir.IntType(32), 0))

    return types.float32(vector), emit


@emitted
def store_totals(typing: Any, array: Any, index: Any, first: Any, second: Any, third: Any, fourth: Any) -> Any:
    """array[index : index + 4] = the totals of four that are `quartered`, at once."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        array, index, *values = args
        pairs = []
        for x, y in (values[:2], values[2:]):
            low = _shuffled(builder, x, y, [0, 1, WIDTH, WIDTH + 1])
            pairs.append(builder.fadd(low, _shuffled(builder, x, y, [2, 3, WIDTH + 2, WIDTH + 3])))
        even, odd = (_shuffled(builder, pairs[0], pairs[1], list(range(n, 8, 2))) for n in (0, 1))
        sums = builder.fadd(even, odd)
        place = builder.bitcast(builder.gep(array, [index]), sums.type.as_pointer())
        builder.store(sums, place, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, *[vector] * 4), emit


def _halved(builder: Any, sums: Any, size: int, left: int) -> Any:
    """Of the first `size` numbers each of the first half added to the one half as many behind it, until so many are
    left."""
    while size > left:
        size //= 2
        low, high = (_shuffled(builder, sums, sums, list(range(n, n + size))) for n in (0, size))
        sums = builder.fadd(low, high)
    return sums


def _shuffled(builder: Any, x: Any, y: Any, lanes: list[int]) -> Any:
    """Some lanes of two vectors, one after the other."""
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes))


def _first(builder: Any, count: Any) -> Any:
    """Which lanes are the first `count`."""
    lanes = ir.VectorType(INDEX, WIDTH)
    one = builder.insert_element(ir.Constant(lanes, ir.Undefined), count, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    bound = builder.shuffle_vector(one, ir.Constant(lanes, ir.Undefined), zeros)
    return builder.icmp_signed("<", ir.Constant(lanes, list(range(WIDTH))), bound)
