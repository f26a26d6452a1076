"""Explicit vectors for numba: a register of WIDTH floats as a type, and the one product that every scan is made of.

numba compiles loops over floats and leaves it to LLVM to find vectors in them. For a recurrent step that loses half
of the machine: the product keeps no tile in registers, and the gates go through memory between the product and
their activations. With a vector as a value the scans say what they mean (`c = f * c + i * g`), and every
operation is an IEEE one in a fixed order: the same bits wherever the buffers lie, and a NaN stays a NaN.

A panel is a matrix (K, n * WIDTH) whose rows lie one after the other: what one tile reads, in the order of reading.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

_features = cpu_target.target_context.codegen().magic_tuple()[2]  # those that numba compiles for
WIDTH = 16 if "+avx512f" in _features else 8 if "+avx2" in _features else 4
REGISTERS = 32 if "+avx512f" in _features or "+neon" in _features else 16

_float = ir.FloatType()
_vector = ir.VectorType(_float, WIDTH)
_index = ir.IntType(64)
_bits = ir.VectorType(ir.IntType(32), WIDTH)


def _emitted(define: Callable[..., Any]) -> Any:
    """A function of compiled code that is written as LLVM instructions."""
    return intrinsic(prefer_literal=True)(define)


def inlined(function: Callable[..., Any]) -> Any:
    """A function of compiled code that is never called, only inlined."""
    return njit(error_model="numpy", forceinline=True)(function)


def shared(function: Callable[..., Any]) -> Any:
    """A function of compiled code that is compiled once for all its callers."""
    return njit(error_model="numpy")(function)


def tile_rows(columns: int) -> int:
    """The most rows, a power of two, that a tile of so many vectors a row can keep in registers."""
    rows = 1
    while (2 * rows + 1) * columns < REGISTERS:
        rows *= 2
    return rows


ROWS = tile_rows(1)  # the most of any tile


class Vector(types.Type):  # type: ignore[misc]
    """WIDTH floats in one register."""

    def __init__(self) -> None:
        super().__init__(name=f"Vector({WIDTH})")


vector = Vector()


@register_model(Vector)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _vector)


def _splat(builder: Any, value: Any) -> Any:
    """One float in every lane."""
    one = builder.insert_element(ir.Constant(_vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(one, ir.Constant(_vector, ir.Undefined), zeros)


def _operand(builder: Any, kind: Any, value: Any) -> Any:
    """A vector as it is, a number in every lane."""
    if kind == vector:
        return value
    return _splat(builder, builder.fptrunc(value, _float) if kind == types.float64 else value)


def _arithmetic() -> None:
    """+ - * / between vectors and numbers; LLVM may fuse a product and a sum, and nothing else."""
    emitters = {operator.add: "fadd", operator.sub: "fsub", operator.mul: "fmul", operator.truediv: "fdiv"}
    pairs = [(vector, vector), (vector, types.float64), (types.float64, vector)]
    for operation, name in emitters.items():
        cases = [signature(vector, *pair) for pair in pairs]
        infer_global(operation)(type(f"Vector_{name}", (ConcreteTemplate,), {"cases": cases}))
        for pair in pairs:

            def lower(context: Any, builder: Any, sig: Any, args: Any, name: str = name) -> Any:
                a, b = (_operand(builder, *each) for each in zip(sig.args, args, strict=True))
                return getattr(builder, name)(a, b, flags=("contract",))

            lower_builtin(operation, *pair)(lower)


_arithmetic()


def _fma(builder: Any) -> Any:
    """a * b + c, in one rounding on a machine that can."""
    kind = ir.FunctionType(_vector, [_vector] * 3)
    return cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{WIDTH}f32")


@_emitted
def floats(typing: Any, address: Any) -> Any:
    """What lies at an address: the arrays of compiled code, with an index and without a length."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], _float.as_pointer())

    return types.CPointer(types.float32)(types.intp), emit


@_emitted
def integers(typing: Any, address: Any) -> Any:
    """As `floats`, of 64-bit integers."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], _index.as_pointer())

    return types.CPointer(types.int64)(types.intp), emit


def _load(builder: Any, address: Any) -> Any:
    return builder.load(builder.bitcast(address, _vector.as_pointer()), align=4)


def _store(builder: Any, value: Any, address: Any) -> None:
    builder.store(value, builder.bitcast(address, _vector.as_pointer()), align=4)


@_emitted
def load(typing: Any, array: Any, index: Any) -> Any:
    """array[index : index + WIDTH] as a vector."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _load(builder, builder.gep(args[0], [args[1]]))

    return vector(array, types.intp), emit


@_emitted
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index : index + WIDTH] = value."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        _store(builder, args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), emit


@_emitted
def prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Ask for array[index] in the second-level cache; the index may lie outside."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address, number, number, number])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        where = builder.bitcast(builder.gep(args[0], [args[1]]), address)
        builder.call(fetch, (where, *(ir.Constant(number, n) for n in (0, 2, 1))))
        return context.get_dummy_value()

    return types.void(array, types.intp), emit


@_emitted
def splat(typing: Any, value: Any) -> Any:
    """A number in every lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _operand(builder, types.float64, args[0])

    return vector(types.float64), emit


@_emitted
def clamp(typing: Any, value: Any, bound: Any) -> Any:
    """value limited to +-bound; a NaN stays one."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value, high = args[0], _operand(builder, sig.args[1], args[1])
        low = builder.fneg(high)
        value = builder.select(builder.fcmp_ordered(">", value, high), high, value)
        return builder.select(builder.fcmp_ordered("<", value, low), low, value)

    return vector(vector, types.float64), emit


@_emitted
def relu(typing: Any, value: Any) -> Any:
    """value where it is not negative, else 0; a NaN stays one."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zero = ir.Constant(_vector, [0.0] * WIDTH)
        return builder.select(builder.fcmp_ordered("<", args[0], zero), zero, args[0])

    return vector(vector), emit


@_emitted
def positive(typing: Any, value: Any) -> Any:
    """0 where value is 0 or less, else 1: the slope of relu, which torch makes 1 at a NaN too."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        one, zero = (ir.Constant(_vector, [number] * WIDTH) for number in (1.0, 0.0))
        return builder.select(builder.fcmp_ordered("<=", args[0], zero), zero, one)

    return vector(vector), emit


def _chosen(predicate: str) -> Callable[..., Any]:
    def define(typing: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            a, b, x, y = (_operand(builder, *each) for each in zip(sig.args, args, strict=True))
            return builder.select(builder.fcmp_ordered(predicate, a, b), x, y)

        return vector(*(each if each == vector else types.float64 for each in (a, b, x, y))), emit

    return define


# where_gt(a, b, x, y) is x where a > b, else y, also where a or b is no number; each a vector or a number.
where_gt = _emitted(_chosen(">"))
where_ge = _emitted(_chosen(">="))


@_emitted
def absolute(typing: Any, value: Any) -> Any:
    """The value without its sign."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(_vector, [_vector])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.fabs.v{WIDTH}f32"), args)

    return vector(vector), emit


@_emitted
def nearest(typing: Any, value: Any) -> Any:
    """The nearest whole number, of two the even one."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(_vector, [_vector])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.rint.v{WIDTH}f32"), args)

    return vector(vector), emit


@_emitted
def power_of_two(typing: Any, value: Any) -> Any:
    """2^value of whole numbers from -126 to 127."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.add(builder.fptosi(args[0], _bits), _whole(127))
        return builder.bitcast(builder.shl(bits, _whole(23)), _vector)

    return vector(vector), emit


@_emitted
def exponent(typing: Any, value: Any) -> Any:
    """e, where value = m * 2^e with m from sqrt(1/2) to sqrt(2); of normal numbers above 0."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.sitofp(_exponent(builder, args[0]), _vector)

    return vector(vector), emit


@_emitted
def significand(typing: Any, value: Any) -> Any:
    """m, where value = m * 2^e with m from sqrt(1/2) to sqrt(2); of normal numbers above 0."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        shifted = builder.shl(_exponent(builder, args[0]), _whole(23))
        return builder.bitcast(builder.sub(builder.bitcast(args[0], _bits), shifted), _vector)

    return vector(vector), emit


@_emitted
def inside(typing: Any, value: Any, count: Any) -> Any:
    """The first `count` numbers of a vector, and zeros behind them."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = ir.VectorType(_index, WIDTH)
        one = builder.insert_element(ir.Constant(lanes, ir.Undefined), args[1], ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        bound = builder.shuffle_vector(one, ir.Constant(lanes, ir.Undefined), zeros)
        counts = builder.icmp_signed("<", ir.Constant(lanes, list(range(WIDTH))), bound)
        return builder.select(counts, args[0], ir.Constant(_vector, [0.0] * WIDTH))

    return vector(vector, types.intp), emit


def _whole(number: int) -> Any:
    return ir.Constant(_bits, [number] * WIDTH)


def _exponent(builder: Any, value: Any) -> Any:
    """As `exponent`, as integers: the bits of sqrt(1/2) are where the next power of two begins."""
    return builder.ashr(builder.sub(builder.bitcast(value, _bits), _whole(0x3F3504F3)), _whole(23))


def _tile(builder: Any, rows: int, columns: int, sums: list[Any], term: Any) -> list[Any]:
    """sums[r, n] + A[r] @ panel[:, n] in registers; the sum runs over k in order, whatever the tile."""
    a, a_at, a_row, a_k, depth, panel, p_at, p_k = (builder.extract_value(term, n) for n in range(8))
    a, panel = builder.gep(a, [a_at]), builder.gep(panel, [p_at])
    before, body, after = builder.block, builder.append_basic_block("k"), builder.append_basic_block("done")
    zero, one = ir.Constant(_index, 0), ir.Constant(_index, 1)
    a_rows = [builder.mul(a_row, ir.Constant(_index, r)) for r in range(rows)]
    builder.cbranch(builder.icmp_signed(">", depth, zero), body, after)

    builder.position_at_end(body)
    k = builder.phi(_index)
    here = [builder.phi(_vector) for _ in sums]
    row = builder.gep(panel, [builder.mul(k, p_k)])
    right = [_load(builder, builder.gep(row, [ir.Constant(_index, n * WIDTH)])) for n in range(columns)]
    column = builder.gep(a, [builder.mul(k, a_k)])
    left = [_splat(builder, builder.load(builder.gep(column, [offset]))) for offset in a_rows]
    fma = _fma(builder)
    there = [builder.call(fma, (left[m // columns], right[m % columns], each)) for m, each in enumerate(here)]
    ahead = builder.add(k, one)
    builder.cbranch(builder.icmp_signed("<", ahead, depth), body, after)
    for phi, first, later in zip([k, *here], [zero, *sums], [ahead, *there], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, body)

    builder.position_at_end(after)
    results = [builder.phi(_vector) for _ in sums]
    for phi, first, later in zip(results, sums, there, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, body)
    return results


def _places(builder: Any, rows: int, columns: int, packed: Any) -> list[Any]:
    """The addresses of a tile's vectors, given (array, index, step from row to row)."""
    array, at, step = (builder.extract_value(packed, n) for n in range(3))
    first = builder.gep(array, [at])
    lines = [builder.gep(first, [builder.mul(step, ir.Constant(_index, r))]) for r in range(rows)]
    return [builder.gep(line, [ir.Constant(_index, n * WIDTH)]) for line in lines for n in range(columns)]


def _in_tiles(builder: Any, columns: int, left: Any, emit: Any) -> Any:
    """Emit a tile of as many rows as registers allow, or of one row where fewer are left; how many it was."""
    rows = tile_rows(columns)
    full = builder.icmp_signed(">=", left, ir.Constant(_index, rows))
    with builder.if_else(full) as (many, single):
        with many:
            emit(rows)
        with single:
            emit(1)
    return builder.select(full, ir.Constant(_index, rows), ir.Constant(_index, 1))


@_emitted
def product(typing: Any, columns: Any, left: Any, out: Any, start: Any, terms: Any) -> Any:
    """out[r, n] = start[r, n] + sum over terms of A[r] @ panel[:, n], for a tile of rows r and vectors n < columns.

    Takes one row where fewer than a tile's are left, and returns how many it took: a row's bits don't depend on it.
    `columns` is a literal; `out` and `start` are (array, index, step from row to row); a term is
    (A, index, step from row to row, step from k to k, depth, panel, index, step from k to k).
    """
    C = columns.literal_value

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def tile(rows: int) -> None:
            sums = [_load(builder, place) for place in _places(builder, rows, C, args[3])]
            for n in range(len(sig.args[4])):
                sums = _tile(builder, rows, C, sums, builder.extract_value(args[4], n))
            for value, place in zip(sums, _places(builder, rows, C, args[2]), strict=True):
                _store(builder, value, place)

        return _in_tiles(builder, C, args[1], tile)

    return types.intp(columns, types.intp, out, start, terms), emit


@_emitted
def accumulate(typing: Any, columns: Any, left: Any, out: Any, term: Any) -> Any:
    """out[r, n] += A[r] @ panel[:, n], for a tile as in `product`.

    The sum over the term is finished before it is added: what a long sequence adds up to loses less in rounding.
    """
    C = columns.literal_value

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def tile(rows: int) -> None:
            sums = [ir.Constant(_vector, [0.0] * WIDTH)] * (rows * C)
            sums = _tile(builder, rows, C, sums, args[3])
            for value, place in zip(sums, _places(builder, rows, C, args[2]), strict=True):
                _store(builder, builder.fadd(_load(builder, place), value), place)

        return _in_tiles(builder, C, args[1], tile)

    return types.intp(columns, types.intp, out, term), emit
