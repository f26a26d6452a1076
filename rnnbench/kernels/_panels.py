"""Parameters gate by gate, as a cell has them, into the panels that a compiled scan reads, and gradients back.

A panel is what one tile reads, in the order of reading. K rows are what a gate sums over, N is the number of vectors
in a row of H units, G the number of gates. Columns are padded with zeros to whole vectors.
"""

from __future__ import annotations

from typing import Any

from rnnbench.kernels._vector import WIDTH, inlined, load, product, splat, store


@inlined
def clear(out: Any, size: Any) -> None:
    """Zeros, a whole number of vectors of them."""
    for m in range(0, size, WIDTH):
        store(out, m, splat(0.0))


@inlined
def pack(panels: Any, K: Any, G: Any, first: Any, g: Any, matrix: Any, rows: Any, H: Any) -> None:
    """Rows of gate g, (rows, H), into panels (N, K, G, WIDTH) from row `first` on."""
    for k in range(rows):
        for n in range((H + WIDTH - 1) // WIDTH):
            out, unit = ((n * K + first + k) * G + g) * WIDTH, n * WIDTH
            if unit + WIDTH <= H:
                store(panels, out, load(matrix, k * H + unit))
            else:
                store(panels, out, splat(0.0))
                for w in range(H - unit):
                    panels[out + w] = matrix[k * H + unit + w]


@inlined
def pack_transposed(panels: Any, G: Any, g: Any, matrix: Any, rows: Any, H: Any) -> None:
    """Rows of gate g, (rows, H), into panels (rows / 2 vectors, N, G, WIDTH, 2 vectors), which were cleared: they take
    the gradients of all gates back to the rows."""
    depth = (H + WIDTH - 1) // WIDTH * G * WIDTH
    for j in range(rows):
        out = j // (2 * WIDTH) * depth * 2 * WIDTH + j % (2 * WIDTH)
        for unit in range(H):
            panels[out + ((unit // WIDTH * G + g) * WIDTH + unit % WIDTH) * 2 * WIDTH] = matrix[j * H + unit]


@inlined
def unpack(matrix: Any, rows: Any, H: Any, sums: Any, G: Any, first: Any, g: Any) -> None:
    """Rows of gate g out of sums (K, N, G, WIDTH), from row `first` on, into (rows, H)."""
    N = (H + WIDTH - 1) // WIDTH
    for k in range(rows):
        for n in range(N):
            at, unit = (((first + k) * N + n) * G + g) * WIDTH, n * WIDTH
            if unit + WIDTH <= H:
                store(matrix, k * H + unit, load(sums, at))
            else:
                for w in range(H - unit):
                    matrix[k * H + unit + w] = sums[at + w]


@inlined
def multiply(out: Any, first: Any, rows: Any, J: Any, d: Any, depth: Any, panels: Any, zero: Any) -> None:
    """out[first + r] = d[r] @ panels for r < rows: gradients of gates (rows, depth), back to J columns, which lie in an
    even number of vectors."""
    pair = 2 * WIDTH
    wide = (J + pair - 1) // pair * pair
    for n in range(0, J, pair):
        r = 0
        while r < rows:
            term = (d, r * depth, depth, 1, depth, panels, n * depth, pair)
            r += product(2, rows - r, (out, (first + r) * wide + n, wide), (zero, 0, 0), (term,))
