"""Parameters gate by gate, as a cell has them, into the panels that a compiled scan reads, and gradients back.

A panel is what one tile reads, in the order of reading. K rows are what a gate sums over, N is the number of vectors
in a row of H units, G the number of gates. Columns are padded with zeros to whole vectors.
"""

from __future__ import annotations

from typing import Any

from rnnbench.kernels.tiles import accumulate, product
from rnnbench.kernels.vector import WIDTH, load, shared, splat, store


@shared
def clear(out: Any, size: Any) -> None:
    """Zeros, a whole number of vectors of them."""
    for m in range(0, size, WIDTH):
        store(out, m, splat(0.0))


@shared
def pack(panels: Any, C: Any, K: Any, first: Any, G: Any, g: Any, matrix: Any, rows: Any, H: Any) -> None:
    """Rows of gate g, (rows, H), into panels (N * G / C, K, C, WIDTH) from row `first` on: a panel has C vectors of a
    row, which holds the gates of each vector of units side by side."""
    for k in range(rows):
        for n in range((H + WIDTH - 1) // WIDTH):
            column, unit = n * G + g, n * WIDTH
            out = ((column // C * K + first + k) * C + column % C) * WIDTH
            if unit + WIDTH <= H:
                store(panels, out, load(matrix, k * H + unit))
            else:
                store(panels, out, splat(0.0))
                for w in range(H - unit):
                    panels[out + w] = matrix[k * H + unit + w]


@shared
def pack_transposed(panels: Any, depth: Any, first: Any, G: Any, g: Any, matrix: Any, rows: Any, H: Any) -> None:
    """Rows of gate g, (rows, H), into panels (rows / 2 vectors, depth, 2 * WIDTH), which were cleared: they take what G
    gates send back, that of this gate's first units at vector first + g of it, to the rows."""
    pair = 2 * WIDTH
    for j in range(rows):
        out = j // pair * depth * pair + j % pair
        for unit in range(H):
            panels[out + ((first + unit // WIDTH * G + g) * WIDTH + unit % WIDTH) * pair] = matrix[j * H + unit]


@shared
def unpack(matrix: Any, rows: Any, H: Any, sums: Any, row: Any, first: Any, G: Any, g: Any) -> None:
    """Rows of gate g out of sums whose rows are `row` apart, its first units at vector first + g, into (rows, H)."""
    for k in range(rows):
        for n in range((H + WIDTH - 1) // WIDTH):
            at, unit = k * row + (first + n * G + g) * WIDTH, n * WIDTH
            if unit + WIDTH <= H:
                store(matrix, k * H + unit, load(sums, at))
            else:
                for w in range(H - unit):
                    matrix[k * H + unit + w] = sums[at + w]


@shared
def look_up(
    out: Any, at: Any, step: Any, columns: Any, tokens: Any, first: Any, rows: Any, panels: Any, bias: Any, row: Any
) -> None:
    """out[at + r * step] = the panel's row at `bias` + its row of tokens[first + r], so many vectors: what a one-hot
    input adds to the bias, without the product."""
    for r in range(rows):
        x = bias + (1 + tokens[first + r]) * row
        for n in range(0, columns * WIDTH, WIDTH):
            store(out, at + r * step + n, load(panels, bias + n) + load(panels, x + n))


@shared
def add_by_token(out: Any, at: Any, I: Any, tokens: Any, first: Any, d: Any, depth: Any, row: Any, sums: Any) -> None:
    """out[at + i * row] += the sum of d[k * row] over k < depth where tokens[first + k] is i, for i < I: what one-hot
    inputs send to their weights. The sums (I, row) are finished before they are added."""
    clear(sums, I * row)
    for k in range(depth):
        place = tokens[first + k] * row
        for m in range(0, row, WIDTH):
            store(sums, place + m, load(sums, place + m) + load(d, k * row + m))
    for m in range(0, I * row, WIDTH):
        store(out, at + m, load(out, at + m) + load(sums, m))


@shared
def add_products(
    out: Any, at: Any, rows: Any, columns: Any, row: Any, a: Any, a_at: Any, a_k: Any, d: Any, d_at: Any, depth: Any
) -> None:
    """out[at + r] += sum of a[a_at + k * a_k + r] * d[d_at + k] over k < depth, for so many columns of vectors; rows of
    out and of d are `row` apart.

    Three columns at a time: 24 sums in registers are a tenth faster than the 16 of two or four.
    """
    n = 0
    while n < columns:
        left, r = columns - n, 0
        while r < rows:
            place = (out, at + r * row + n * WIDTH, row)
            term = (a, a_at + r, 1, a_k, depth, d, d_at + n * WIDTH, row)
            if left == 1:
                r += accumulate(1, rows - r, place, term)
            elif left == 2 or left == 4:
                r += accumulate(2, rows - r, place, term)
            else:
                r += accumulate(3, rows - r, place, term)
        n += 1 if left == 1 else 2 if left == 2 or left == 4 else 3


@shared
def send_back(out: Any, first: Any, rows: Any, J: Any, d: Any, row: Any, depth: Any, panels: Any, zero: Any) -> None:
    """out[first + r] = d[r] @ panels for r < rows: what the gates send back, the first `depth` of rows that are `row`
    apart, to J columns in an even number of vectors."""
    pair = 2 * WIDTH
    wide = (J + pair - 1) // pair * pair
    for n in range(0, J, pair):
        r = 0
        while r < rows:
            term = (d, r * row, row, 1, depth, panels, n * depth, pair)
            r += product(2, rows - r, (out, (first + r) * wide + n, wide), (zero, 0, 0), (term,))


@shared
def add_rows(out: Any, out_row: Any, source: Any, source_row: Any, rows: Any, width: Any) -> None:
    """out += source, so many rows of `width` floats, which lie as far apart as their rows say."""
    for k in range(rows):
        for n in range(0, width, WIDTH):
            store(out, k * out_row + n, load(out, k * out_row + n) + load(source, k * source_row + n))


@shared
def sum_lanes(row: Any, at: Any) -> Any:
    """The sum of the numbers of one vector, in their order."""
    found = row[at]
    for w in range(1, WIDTH):
        found += row[at + w]
    return found
