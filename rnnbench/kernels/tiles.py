"""The one product that every scan is made of: a tile of rows and vectors whose sums stay in registers.

A panel is a matrix (K, n * WIDTH) whose rows lie one after the other: what one tile reads, in the order of reading. A
sum runs over k in order whatever the tile, so that a row's bits do not depend on the rows beside it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from rnnbench.kernels.vector import FEATURES, INDEX, VECTOR, WIDTH, emit_load, emit_splat, emit_store, emitted

REGISTERS = 32 if "+avx512f" in FEATURES or "+neon" in FEATURES else 16


def tile_rows(columns: int) -> int:
    """The most rows, a power of two, that a tile of so many vectors a row can keep in registers."""
    rows = 1
    while (2 * rows + 1) * columns < REGISTERS:
        rows *= 2
    return rows


ROWS = tile_rows(1)  # the most of any tile


def _fma(builder: Any) -> Any:
    """a * b + c, in one rounding on a machine that can."""
    kind = ir.FunctionType(VECTOR, [VECTOR] * 3)
    return cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{WIDTH}f32")


def _tile(builder: Any, rows: int, columns: int, sums: list[Any], term: Any) -> list[Any]:
    """sums[r, n] + A[r] @ panel[:, n] in registers; the sum runs over k in order, whatever the tile."""
    a, a_at, a_row, a_k, depth, panel, p_at, p_k = (builder.extract_value(term, n) for n in range(8))
    a, panel = builder.gep(a, [a_at]), builder.gep(panel, [p_at])
    before, body, after = builder.block, builder.append_basic_block("k"), builder.append_basic_block("done")
    zero, one = ir.Constant(INDEX, 0), ir.Constant(INDEX, 1)
    a_rows = [builder.mul(a_row, ir.Constant(INDEX, r)) for r in range(rows)]
    builder.cbranch(builder.icmp_signed(">", depth, zero), body, after)

    builder.position_at_end(body)
    k = builder.phi(INDEX)
    here = [builder.phi(VECTOR) for _ in sums]
    row = builder.gep(panel, [builder.mul(k, p_k)])
    right = [emit_load(builder, builder.gep(row, [ir.Constant(INDEX, n * WIDTH)])) for n in range(columns)]
    column = builder.gep(a, [builder.mul(k, a_k)])
    left = [emit_splat(builder, builder.load(builder.gep(column, [offset]))) for offset in a_rows]
    fma = _fma(builder)
    there = [builder.call(fma, (left[m // columns], right[m % columns], each)) for m, each in enumerate(here)]
    ahead = builder.add(k, one)
    builder.cbranch(builder.icmp_signed("<", ahead, depth), body, after)
    for phi, first, later in zip([k, *here], [zero, *sums], [ahead, *there], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, body)

    builder.position_at_end(after)
    results = [builder.phi(VECTOR) for _ in sums]
    for phi, first, later in zip(results, sums, there, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, body)
    return results


def _places(builder: Any, rows: int, columns: int, packed: Any) -> list[Any]:
    """The addresses of a tile's vectors, given (array, index, step from row to row)."""
    array, at, step = (builder.extract_value(packed, n) for n in range(3))
    first = builder.gep(array, [at])
    lines = [builder.gep(first, [builder.mul(step, ir.Constant(INDEX, r))]) for r in range(rows)]
    return [builder.gep(line, [ir.Constant(INDEX, n * WIDTH)]) for line in lines for n in range(columns)]


def _in_tiles(builder: Any, columns: int, left: Any, emit: Any) -> Any:
    """Emit a tile of as many rows as registers allow, or of one row where fewer are left; how many it was."""
    rows = tile_rows(columns)
    full = builder.icmp_signed(">=", left, ir.Constant(INDEX, rows))
    with builder.if_else(full) as (many, single):
        with many:
            emit(rows)
        with single:
            emit(1)
    return builder.select(full, ir.Constant(INDEX, rows), ir.Constant(INDEX, 1))


@emitted
def product(typing: Any, columns: Any, left: Any, out: Any, start: Any, terms: Any) -> Any:
    """out[r, n] = start[r, n] + sum over terms of A[r] @ panel[:, n], for a tile of rows r and vectors n < columns.

    Takes one row where fewer than a tile's are left, and returns how many it took: a row's bits don't depend on it.
    `columns` is a literal; `out` and `start` are (array, index, step from row to row); a term is
    (A, index, step from row to row, step from k to k, depth, panel, index, step from k to k).
    """
    C = columns.literal_value

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def tile(rows: int) -> None:
            sums = [emit_load(builder, place) for place in _places(builder, rows, C, args[3])]
            for n in range(len(sig.args[4])):
                sums = _tile(builder, rows, C, sums, builder.extract_value(args[4], n))
            for value, place in zip(sums, _places(builder, rows, C, args[2]), strict=True):
                emit_store(builder, value, place)

        return _in_tiles(builder, C, args[1], tile)

    return types.intp(columns, types.intp, out, start, terms), emit


@emitted
def accumulate(typing: Any, columns: Any, left: Any, out: Any, term: Any) -> Any:
    """out[r, n] += A[r] @ panel[:, n], for a tile as in `product`.

    The sum over the term is finished before it is added: what a long sequence adds up to loses less in rounding.
    """
    C = columns.literal_value

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def tile(rows: int) -> None:
            sums = [ir.Constant(VECTOR, [0.0] * WIDTH)] * (rows * C)
            sums = _tile(builder, rows, C, sums, args[3])
            for value, place in zip(sums, _places(builder, rows, C, args[2]), strict=True):
                emit_store(builder, builder.fadd(emit_load(builder, place), value), place)

        return _in_tiles(builder, C, args[1], tile)

    return types.intp(columns, types.intp, out, term), emit
