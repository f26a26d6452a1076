"""The one product that every scan is made of: a tile of rows and vectors whose sums stay in registers.

A panel is a matrix (K, n * WIDTH) whose rows lie one after the other: what one tile reads, in the order of reading. A
sum runs over k in order whatever the tile, so that a row's bits do not depend on the rows beside it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from rnnbench.kernels.vector import FEATURES, INDEX, LANES, WIDTH, emit_fma, emit_splat, emitted

REGISTER = ir.VectorType(ir.FloatType(), LANES)  # a part of a vector, or all of it
REGISTERS = 32 if "+avx512f" in FEATURES or "+neon" in FEATURES else 16


def tile_rows(columns: int) -> int:
    """The most rows, a power of two, that a tile of so many registers a row can keep."""
    rows = 1
    while (2 * rows + 1) * columns < REGISTERS:
        rows *= 2
    return rows


ROWS = tile_rows(1)  # the most of any tile


def _register(builder: Any, address: Any) -> Any:
    return builder.load(builder.bitcast(address, REGISTER.as_pointer()), align=4)


def _store(builder: Any, value: Any, address: Any) -> None:
    builder.store(value, builder.bitcast(address, REGISTER.as_pointer()), align=4)


def _summed(builder: Any, depth: Any, sums: list[Any], add: Any) -> list[Any]:
    """Sums in registers after add(k, sums) for every k < depth, in order."""
    before, body, after = builder.block, builder.append_basic_block("k"), builder.append_basic_block("done")
    zero, one = ir.Constant(INDEX, 0), ir.Constant(INDEX, 1)
    builder.cbranch(builder.icmp_signed(">", depth, zero), body, after)

    builder.position_at_end(body)
    k = builder.phi(INDEX)
    here = [builder.phi(REGISTER) for _ in sums]
    there = add(k, here)
    ahead = builder.add(k, one)
    builder.cbranch(builder.icmp_signed("<", ahead, depth), body, after)
    for phi, first, later in zip([k, *here], [zero, *sums], [ahead, *there], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, body)

    builder.position_at_end(after)
    results = [builder.phi(REGISTER) for _ in sums]
    for phi, first, later in zip(results, sums, there, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, body)
    return results


def _times(builder: Any, step: Any, count: int) -> list[Any]:
    """0, step, 2 * step, ..."""
    return [builder.mul(step, ir.Constant(INDEX, n)) for n in range(count)]


def _tile(builder: Any, rows: int, columns: int, sums: list[Any], term: Any, part: int) -> list[Any]:
    """sums[r, n] + A[r] @ panel[:, n] in registers, of one part of each vector; the sum runs over k in order."""
    a, a_at, a_row, a_k, depth, panel, p_at, p_k = (builder.extract_value(term, n) for n in range(8))
    a, panel = builder.gep(a, [a_at]), builder.gep(panel, [p_at])
    a_rows = _times(builder, a_row, rows)

    def add(k: Any, here: list[Any]) -> list[Any]:
        row = builder.gep(panel, [builder.mul(k, p_k)])
        right = [
            _register(builder, builder.gep(row, [ir.Constant(INDEX, n * WIDTH + part * LANES)])) for n in range(columns)
        ]
        column = builder.gep(a, [builder.mul(k, a_k)])
        left = [emit_splat(builder, builder.load(builder.gep(column, [offset])), REGISTER) for offset in a_rows]
        return [emit_fma(builder, left[m // columns], right[m % columns], each) for m, each in enumerate(here)]

    return _summed(builder, depth, sums, add)


def _lane_tile(builder: Any, rows: int, columns: int, sums: list[Any], term: Any, part: int) -> list[Any]:
    """sums[r, n] + the sum over k of A[r, k] * B[n, k] in registers, lane by lane, of one part of each vector."""
    a, a_at, a_row, a_k, depth, b, b_at, b_row, b_k = (builder.extract_value(term, n) for n in range(9))
    first = ir.Constant(INDEX, part * LANES)
    a, b = builder.gep(a, [builder.add(a_at, first)]), builder.gep(b, [builder.add(b_at, first)])
    a_rows, b_rows = _times(builder, a_row, rows), _times(builder, b_row, columns)

    def add(k: Any, here: list[Any]) -> list[Any]:
        row, column = builder.gep(b, [builder.mul(k, b_k)]), builder.gep(a, [builder.mul(k, a_k)])
        right = [_register(builder, builder.gep(row, [offset])) for offset in b_rows]
        left = [_register(builder, builder.gep(column, [offset])) for offset in a_rows]
        return [emit_fma(builder, left[m // columns], right[m % columns], each) for m, each in enumerate(here)]

    return _summed(builder, depth, sums, add)


def _places(builder: Any, rows: int, columns: int, packed: Any, part: int) -> list[Any]:
    """The addresses of one part of a tile's vectors, given (array, index, step from row to row)."""
    array, at, step = (builder.extract_value(packed, n) for n in range(3))
    first = builder.gep(array, [at])
    lines = [builder.gep(first, [offset]) for offset in _times(builder, step, rows)]
    offsets = [ir.Constant(INDEX, n * WIDTH + part * LANES) for n in range(columns)]
    return [builder.gep(line, [offset]) for line in lines for offset in offsets]


def _in_tiles(builder: Any, columns: int, left: Any, emit: Any) -> Any:
    """Emit a tile of as many rows as registers allow, or of one row where fewer are left, for each part of a vector
    that fits a register; how many rows it was."""
    rows = tile_rows(columns)
    full = builder.icmp_signed(">=", left, ir.Constant(INDEX, rows))
    with builder.if_else(full) as (many, single):
        for branch, height in ((many, rows), (single, 1)):
            with branch:
                for part in range(WIDTH // LANES):
                    emit(height, part)
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
        def tile(rows: int, part: int) -> None:
            sums = [_register(builder, place) for place in _places(builder, rows, C, args[3], part)]
            for n in range(len(sig.args[4])):
                sums = _tile(builder, rows, C, sums, builder.extract_value(args[4], n), part)
            for value, place in zip(sums, _places(builder, rows, C, args[2], part), strict=True):
                _store(builder, value, place)

        return _in_tiles(builder, C, args[1], tile)

    return types.intp(columns, types.intp, out, start, terms), emit


@emitted
def accumulate(typing: Any, columns: Any, left: Any, out: Any, term: Any) -> Any:
    """out[r, n] += A[r] @ panel[:, n], for a tile as in `product`.

    The sum over the term is finished before it is added: what a long sequence adds up to loses less in rounding.
    """
    C = columns.literal_value

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def tile(rows: int, part: int) -> None:
            sums = [ir.Constant(REGISTER, [0.0] * LANES)] * (rows * C)
            sums = _tile(builder, rows, C, sums, args[3], part)
            for value, place in zip(sums, _places(builder, rows, C, args[2], part), strict=True):
                _store(builder, builder.fadd(_register(builder, place), value), place)

        return _in_tiles(builder, C, args[1], tile)

    return types.intp(columns, types.intp, out, term), emit


@emitted
def lane_product(typing: Any, columns: Any, left: Any, out: Any, start: Any, term: Any) -> Any:
    """out[r, n] = start[r, n] + the sum over k of A[r, k] * B[n, k], each a vector, lane by lane, for a tile as in
    `product`: what every lane has of its own is multiplied with its own.

    `out` and `start` are (array, index, step from row to row, from column to column); the term is
    (A, index, step from row to row, from k to k, depth, B, index, step from row to row, from k to k).
    """
    C = columns.literal_value

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def places(packed: Any, rows: int, part: int) -> list[Any]:
            array, at, row, column = (builder.extract_value(packed, n) for n in range(4))
            first = builder.gep(array, [builder.add(at, ir.Constant(INDEX, part * LANES))])
            lines = [builder.gep(first, [offset]) for offset in _times(builder, row, rows)]
            return [builder.gep(line, [offset]) for line in lines for offset in _times(builder, column, C)]

        def tile(rows: int, part: int) -> None:
            sums = [_register(builder, place) for place in places(args[3], rows, part)]
            sums = _lane_tile(builder, rows, C, sums, args[4], part)
            for value, place in zip(sums, places(args[2], rows, part), strict=True):
                _store(builder, value, place)

        return _in_tiles(builder, C, args[1], tile)

    return types.intp(columns, types.intp, out, start, term), emit
