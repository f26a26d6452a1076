"""Functions of vectors, as polynomials of a stated accuracy: the same operations in the same order for every lane.

The bounds are of the absolute error for tanh and the logistic function, which saturate, and of the relative one for
exp and log; tests measure each over all exponents.
"""

from __future__ import annotations

from typing import Any

from rnnbench.kernels.vector import (
    absolute,
    clamp,
    exponent,
    fma,
    inlined,
    nearest,
    power_of_two,
    significand,
    where_ge,
    where_gt,
)


@inlined
def tanh(x: Any) -> Any:
    """tanh to 4e-7: beyond +-8.5 it is 1, and within a quotient of polynomials (minimax, 1e-8 before rounding)."""
    x = clamp(x, 8.5)
    y = x * x
    p = fma(y, fma(y, 1.409920713513e-8, 2.112153561029116e-5), 3.525816835463047e-3)
    p = fma(y, fma(y, p, 0.1340620368719101), 1.0)
    q = fma(y, fma(y, 8.073601520663942e-7, 3.33568663336e-4), 2.599112689495087e-2)
    q = fma(y, fma(y, q, 0.467395156621933), 1.0)
    return x * p / q


@inlined
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2 to 2e-7, the halves put into the polynomials."""
    x = clamp(x, 17.0)
    y = x * x
    p = fma(y, fma(y, 1.376875697e-11, 8.250599848e-08), 5.509088805e-05)
    p = fma(y, fma(y, p, 0.008378877304), 0.25)
    q = fma(y, fma(y, 3.153750594e-09, 5.212010365e-06), 0.001624445431)
    q = fma(y, fma(y, q, 0.1168487892), 1.0)
    return x * p / q + 0.5


@inlined
def exp(x: Any) -> Any:
    """exp to 2e-7: 2^n times a polynomial of what is left (Cephes' expf); above 88.7 infinite, below -103.9 zero."""
    x = where_gt(x, 89.0, 89.0, where_gt(-104.0, x, -104.0, x))
    n = nearest(x * 1.44269504088896341)
    half = nearest(n * 0.5)  # in two steps: 2^n alone may be no number while the result is one
    return _near(n, x) * power_of_two(half) * power_of_two(n - half)


@inlined
def decay(x: Any) -> Any:
    """exp of numbers that aren't above 0, to 2e-7: in one step, and below -87 as at -87."""
    x = where_gt(-87.0, x, -87.0, x)
    n = nearest(x * 1.44269504088896341)
    return _near(n, x) * power_of_two(n)


@inlined
def _near(n: Any, x: Any) -> Any:
    """exp(x) / 2^n, of the n nearest to x / ln 2."""
    r = fma(n, 2.12194440e-4, fma(n, -0.693359375, x))
    p = fma(r, fma(r, 1.9875691500e-4, 1.3981999507e-3), 8.3334519073e-3)
    p = fma(r, fma(r, fma(r, p, 4.1665795894e-2), 1.6666665459e-1), 5.0000001201e-1)
    return fma(r * r, p, r) + 1.0


@inlined
def log(x: Any) -> Any:
    """log to 2e-7 of its value or, near 1, of its argument (Cephes' logf); of 0 minus infinity, below no number."""
    small = where_gt(1.17549435e-38, x, 1.0, 0.0)
    y = where_gt(small, 0.0, x * 8388608.0, x)
    e, m = exponent(y) - small * 23.0, significand(y) - 1.0
    z = m * m
    p = fma(m, fma(m, 7.0376836292e-2, -1.1514610310e-1), 1.1676998740e-1)
    p = fma(m, fma(m, fma(m, p, -1.2420140846e-1), 1.4249322787e-1), -1.6668057665e-1)
    p = fma(m, fma(m, fma(m, p, 2.0000714765e-1), -2.4999993993e-1), 3.3333331174e-1)
    value = fma(e, 0.693359375, m + fma(z, -0.5, fma(e, -2.12194440e-4, m * z * p)))
    infinite = float("inf")
    return where_ge(x, infinite, x, where_gt(x, 0.0, value, where_ge(x, 0.0, -infinite, x * 0.0 / 0.0)))


@inlined
def _turn(x: Any, quarter: float) -> Any:
    """sin(x + quarter * pi / 2), the nearest multiple of pi / 2 taken off in three parts (Cephes' sinf and cosf)."""
    n = nearest(x * 0.63661977236758134)
    r = fma(n, -7.549789948768648e-8, fma(n, -4.837512969970703e-4, fma(n, -1.5703125, x)))
    z = r * r
    sine = fma(z, fma(z, -1.9515295891e-4, 8.3321608736e-3), -1.6666654611e-1)
    sine = fma(r * z, sine, r)
    cosine = fma(z, fma(z, 2.443315711809948e-5, -1.388731625493765e-3), 4.166664568298827e-2)
    cosine = fma(z * z, cosine, fma(z, -0.5, 1.0))
    n = n + quarter
    n = n - 4.0 * nearest(n * 0.25)  # -2 to 2
    odd = absolute(absolute(n) - 1.0)  # 0 where n is odd
    y = where_gt(odd, 0.5, sine, cosine)
    return where_gt(absolute(n), 1.5, -1.0 * y, where_ge(-0.5, n, -1.0 * y, y))


@inlined
def sin(x: Any) -> Any:
    """sin to 2e-7 for arguments up to 1000."""
    return _turn(x, 0.0)


@inlined
def cos(x: Any) -> Any:
    """cos to 2e-7 for arguments up to 1000."""
    return _turn(x, 1.0)


@inlined
def erf(x: Any) -> Any:
    """The error function to 4e-7: beyond +-4 it is 1, and within a quotient of polynomials (as in Eigen)."""
    x = clamp(x, 4.0)
    y = x * x
    p = fma(y, fma(y, -2.72614225801306e-10, 2.77068142495902e-08), -2.10102402082508e-06)
    p = fma(y, fma(y, p, -5.69250639462346e-05), -7.34990630326855e-04)
    p = fma(y, fma(y, p, -2.95459980854025e-03), -1.60960333262415e-02)
    q = fma(y, fma(y, -1.45660718464996e-05, -2.13374055278905e-04), -1.68282697438203e-03)
    q = fma(y, fma(y, q, -7.37332916720468e-03), -1.42647390514189e-02)
    return x * p / q


@inlined
def sign(x: Any) -> Any:
    """1, 0 or -1; 0, as in torch, of what is no number."""
    return where_gt(x, 0.0, 1.0, where_gt(0.0, x, -1.0, 0.0))


@inlined
def maximum(a: Any, b: Any) -> Any:
    """The greater of two, no number where one is none."""
    return where_gt(a, b, a, where_ge(b, a, b, a + b))
