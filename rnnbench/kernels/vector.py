"""Explicit vectors for numba: sixteen floats as a type, whatever the registers of the machine hold.

numba compiles loops over floats and leaves it to LLVM to find vectors in them. For a recurrent step that loses half
of the machine: the product keeps no tile in registers, and the gates go through memory between the product and
their activations. With a vector as a value the scans say what they mean (`c = f * c + i * g`), and every
operation is an IEEE one in a fixed order: the same bits wherever the buffers lie and on every machine, and a NaN stays
a NaN. A product and a sum are one rounding where `fma` says so, and nowhere else.
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

FEATURES = cpu_target.target_context.codegen().magic_tuple()[2]  # those that numba compiles for
WIDTH = 16  # of a vector here: what adds up by lanes must not depend on the machine
LANES = 16 if "+avx512f" in FEATURES else 8 if "+avx2" in FEATURES else 4  # of a register
_float = ir.FloatType()
VECTOR = ir.VectorType(_float, WIDTH)
INDEX = ir.IntType(64)
_bits = ir.VectorType(ir.IntType(32), WIDTH)


def emitted(define: Callable[..., Any]) -> Any:
    """A function of compiled code that is written as LLVM instructions."""
    return intrinsic(prefer_literal=True)(define)


def inlined(function: Callable[..., Any]) -> Any:
    """A function of compiled code that is never called, only inlined."""
    return njit(error_model="numpy", forceinline=True)(function)


def shared(function: Callable[..., Any]) -> Any:
    """A function of compiled code that is compiled once for all its callers."""
    return njit(error_model="numpy")(function)


class Vector(types.Type):  # type: ignore[misc]
    """WIDTH floats."""

    def __init__(self) -> None:
        super().__init__(name=f"Vector({WIDTH})")


vector = Vector()


@register_model(Vector)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)


def emit_splat(builder: Any, value: Any, kind: Any = VECTOR) -> Any:
    """One float in every lane."""
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)


def _operand(builder: Any, kind: Any, value: Any) -> Any:
    """A vector as it is, a number in every lane."""
    if kind == vector:
        return value
    return emit_splat(builder, builder.fptrunc(value, _float) if kind == types.float64 else value)


def _arithmetic() -> None:
    """+ - * / between vectors and numbers, each rounded by itself."""
    emitters = {operator.add: "fadd", operator.sub: "fsub", operator.mul: "fmul", operator.truediv: "fdiv"}
    pairs = [(vector, vector), (vector, types.float64), (types.float64, vector)]
    for operation, name in emitters.items():
        cases = [signature(vector, *pair) for pair in pairs]
        infer_global(operation)(type(f"Vector_{name}", (ConcreteTemplate,), {"cases": cases}))
        for pair in pairs:

            def lower(context: Any, builder: Any, sig: Any, args: Any, name: str = name) -> Any:
                a, b = (_operand(builder, *each) for each in zip(sig.args, args, strict=True))
                return getattr(builder, name)(a, b)

            lower_builtin(operation, *pair)(lower)


_arithmetic()


def emit_fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once; the three of one type."""
    name = f"llvm.fma.v{a.type.count}f32"
    return builder.call(
        cgutils.get_or_insert_function(builder.module, ir.FunctionType(a.type, [a.type] * 3), name), (a, b, c)
    )


@emitted
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once; each a vector or a number."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return emit_fma(builder, *(_operand(builder, *each) for each in zip(sig.args, args, strict=True)))

    return vector(*(each if each == vector else types.float64 for each in (a, b, c))), emit


@emitted
def floats(typing: Any, address: Any) -> Any:
    """What lies at an address: the arrays of compiled code, with an index and without a length."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], _float.as_pointer())

    return types.CPointer(types.float32)(types.intp), emit


@emitted
def integers(typing: Any, address: Any) -> Any:
    """As `floats`, of 64-bit integers."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], INDEX.as_pointer())

    return types.CPointer(types.int64)(types.intp), emit


def emit_load(builder: Any, address: Any) -> Any:
    return builder.load(builder.bitcast(address, VECTOR.as_pointer()), align=4)


def emit_store(builder: Any, value: Any, address: Any) -> None:
    builder.store(value, builder.bitcast(address, VECTOR.as_pointer()), align=4)


@emitted
def load(typing: Any, array: Any, index: Any) -> Any:
    """array[index : index + WIDTH] as a vector."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return emit_load(builder, builder.gep(args[0], [args[1]]))

    return vector(array, types.intp), emit


@emitted
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index : index + WIDTH] = value."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        emit_store(builder, args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), emit


@emitted
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


@emitted
def splat(typing: Any, value: Any) -> Any:
    """A number in every lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _operand(builder, types.float64, args[0])

    return vector(types.float64), emit


@emitted
def lane(typing: Any, value: Any) -> Any:
    """The first number of a vector."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.extract_element(args[0], ir.Constant(ir.IntType(32), 0))

    return types.float32(vector), emit


@emitted
def clamp(typing: Any, value: Any, bound: Any) -> Any:
    """value limited to +-bound; a NaN stays one."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value, high = args[0], _operand(builder, sig.args[1], args[1])
        low = builder.fneg(high)
        value = builder.select(builder.fcmp_ordered(">", value, high), high, value)
        return builder.select(builder.fcmp_ordered("<", value, low), low, value)

    return vector(vector, types.float64), emit


@emitted
def relu(typing: Any, value: Any) -> Any:
    """value where it is not negative, else 0; a NaN stays one."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zero = ir.Constant(VECTOR, [0.0] * WIDTH)
        return builder.select(builder.fcmp_ordered("<", args[0], zero), zero, args[0])

    return vector(vector), emit


@emitted
def positive(typing: Any, value: Any) -> Any:
    """0 where value is 0 or less, else 1: the slope of relu, which torch makes 1 at a NaN too."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        one, zero = (ir.Constant(VECTOR, [number] * WIDTH) for number in (1.0, 0.0))
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
where_gt = emitted(_chosen(">"))
where_ge = emitted(_chosen(">="))


def _rounded_once(name: str) -> Callable[..., Any]:
    def define(typing: Any, value: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            kind, called = ir.FunctionType(VECTOR, [VECTOR]), f"llvm.{name}.v{WIDTH}f32"
            return builder.call(cgutils.get_or_insert_function(builder.module, kind, called), args)

        return vector(vector), emit

    return define


absolute = emitted(_rounded_once("fabs"))
sqrt = emitted(_rounded_once("sqrt"))
nearest = emitted(_rounded_once("rint"))  # the nearest whole number, of two the even one


@emitted
def power_of_two(typing: Any, value: Any) -> Any:
    """2^value of whole numbers from -126 to 127."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.add(builder.fptosi(args[0], _bits), _whole(127))
        return builder.bitcast(builder.shl(bits, _whole(23)), VECTOR)

    return vector(vector), emit


@emitted
def exponent(typing: Any, value: Any) -> Any:
    """e, where value = m * 2^e with m from sqrt(1/2) to sqrt(2); of normal numbers above 0."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.sitofp(_exponent(builder, args[0]), VECTOR)

    return vector(vector), emit


@emitted
def significand(typing: Any, value: Any) -> Any:
    """m, where value = m * 2^e with m from sqrt(1/2) to sqrt(2); of normal numbers above 0."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        shifted = builder.shl(_exponent(builder, args[0]), _whole(23))
        return builder.bitcast(builder.sub(builder.bitcast(args[0], _bits), shifted), VECTOR)

    return vector(vector), emit


def _whole(number: int) -> Any:
    return ir.Constant(_bits, [number] * WIDTH)


def _exponent(builder: Any, value: Any) -> Any:
    """As `exponent`, as integers: the bits of sqrt(1/2) are where the next power of two begins."""
    return builder.ashr(builder.sub(builder.bitcast(value, _bits), _whole(0x3F3504F3)), _whole(23))
