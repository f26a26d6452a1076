"""Sign flips: p values of paired differences, of one effect and of a family of them together.

If a part does nothing, each seed's differences could as well have had the other sign (Fisher, 1935). Of a family the
signs of a seed flip together, all its differences at once, which keeps what they have in common: one base, one seed.
Step-down max-T (Westfall & Young, 1993): effects in the order of their statistics

    T_j = |sum_s d_sj| / sqrt(sum_s d_sj^2),

which for so many seeds rises with |t|, each held against the greatest of its own and the smaller ones' under all flips.
The chance of one false finding or more is then at most the level, and the least p that n seeds can reach is 2^(1-n),
however many effects there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnbench.analysis.stats import vector
from rnnbench.rng import Stream, stream

EXACT = 2**20  # up to so many sums of one effect's sign flips are counted
DRAWS = 100_000  # sign flips of one effect drawn beyond that
COUNTED = 16  # up to so many seeds all joint flips are counted
DRAWN = 2**15 - 1  # joint flips drawn beyond that
CHUNK = 2**12  # joint flips at a time
PRIMARY, OTHERS = 0.8, 0.2  # of the level, what effects are tested at: six seeds (2^-5) can be told of a primary one

Floats = NDArray[np.float64]


def sign_flip(differences: ArrayLike) -> float:
    """differences (n,) -> the two-sided p of their mean being 0 if each sign were a coin's (Fisher, 1935).

    Differences of one size are told apart by how many of them are positive alone. Up to EXACT sums (so always up to
    n = 20) all are counted; beyond, the observed one and DRAWS drawn from a stream of its own (so that the same
    differences have the same p). No differences, or one that is no number: nan.

    >>> sign_flip([1.0, 2.0, 0.5]), sign_flip([0.0, 0.0])
    (0.25, 1.0)
    """
    x = vector(differences)
    if not x.size or not np.isfinite(x).all():
        return math.nan
    reach = abs(float(x.sum())) - 1e-12 * float(np.abs(x).sum())  # sums that differ by rounding are equal
    sizes, counts = np.unique(np.abs(x[x != 0]), return_counts=True)  # a zero has no sign: it halves nothing
    if math.prod(int(c) + 1 for c in counts) <= EXACT:
        sums, chances = np.zeros(1), np.ones(1)
        for size, n in zip(sizes, counts.tolist(), strict=True):
            each = [math.comb(n, k) / 2**n for k in range(n + 1)]
            sums = np.add.outer(sums, size * (2 * np.arange(n + 1) - n)).ravel()
            chances = np.multiply.outer(chances, each).ravel()
        return float(chances[np.abs(sums) >= reach].sum())
    rng = stream(0, "sign-flip")
    sums = np.zeros(DRAWS)
    for size, n in zip(sizes, counts.tolist(), strict=True):
        sums += size * (2 * _heads(rng, n) - n)
    return (1 + int((np.abs(sums) >= reach).sum())) / (1 + DRAWS)


def _heads(rng: Stream, throws: int) -> NDArray[np.int64]:
    """How many heads in so many throws of a coin, DRAWS times: set bits of words of 32."""
    words = [rng.integers(2 ** min(32, left), DRAWS) for left in range(throws, 0, -32)]
    return np.asarray(np.sum([np.bitwise_count(w) for w in words], axis=0, dtype=np.int64))


def smallest_p(n: int) -> float:
    """The smallest two-sided p that n sign flips can reach, of one effect or of any number together.

    >>> smallest_p(3), smallest_p(10)
    (0.25, 0.001953125)
    """
    return 2.0 ** (1 - n) if n else 1.0


def signs(n: int) -> Iterator[Floats]:
    """The joint flips of n seeds, (flips, n) at a time: each of +1 and -1, the first seed's always +1, since turning
    all round changes no two-sided statistic. All 2^(n-1) up to COUNTED seeds; beyond, none flipped and DRAWN drawn from
    a stream of its own."""
    if n <= COUNTED:
        for start in range(0, 2 ** (n - 1), CHUNK):
            patterns = np.arange(start, min(start + CHUNK, 2 ** (n - 1)))
            yield np.asarray(1.0 - 2.0 * ((patterns[:, None] >> np.arange(n)[::-1]) & 1), dtype=np.float64)
        return
    rng = stream(0, "joint-flips")
    for start in range(0, DRAWN + 1, CHUNK):
        found = np.asarray(1.0 - 2.0 * rng.integers(2, (CHUNK, n)), dtype=np.float64)
        if not start:
            found[0] = 1.0  # the observed one counts
        yield found


def statistics(differences: Floats) -> tuple[Floats, Floats]:
    """differences (n, m), 0 where there is none -> T (m,), and what sums over flips are divided by (m,)."""
    norms = np.sqrt((differences**2).sum(0))
    norms[norms == 0] = 1.0
    return np.abs(differences.sum(0)) / norms, norms


def max_t(differences: ArrayLike) -> list[float]:
    """differences (n seeds, m effects), nan where a seed has none -> p of each, adjusted for their number by step-down
    max-T with joint flips; nan of an effect without any.

    >>> max_t([[1.0, 0.5], [1.0, -1.0], [1.0, 0.0], [1.0, 0.5], [1.0, 0.0], [2.0, -0.5]])
    [0.03125, 1.0]
    """
    x = np.asarray(differences, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"expected seeds x effects, got shape {x.shape}")
    tested = np.isfinite(x).any(0) if x.size else np.zeros(x.shape[1], dtype=bool)
    out = np.full(x.shape[1], math.nan)
    if not tested.any():
        return out.tolist()
    x = np.where(np.isfinite(x), x, 0.0)[:, tested]
    observed, norms = statistics(x)
    order = np.argsort(-observed, kind="stable")
    reach = observed[order] - 1e-9  # statistics that differ by rounding are equal
    columns, counts, total = x[:, order] / norms[order], np.zeros(order.size), 0
    for flips in signs(x.shape[0]):
        each = np.abs(flips @ columns)  # (flips, m), the largest observed first
        worst = np.maximum.accumulate(each[:, ::-1], axis=1)[:, ::-1]  # of its own and the smaller ones
        counts += (worst >= reach).sum(0)
        total += flips.shape[0]
    adjusted = np.empty(order.size)
    adjusted[order] = np.maximum.accumulate(counts / total)
    out[tested] = adjusted
    return out.tolist()


def family(differences: ArrayLike, primary: Sequence[bool]) -> list[float]:
    """As `max_t`, with more of the level for the effects that were declared primary: two families, the primary one
    tested at PRIMARY of the level, the others at the rest of it, or, where all primary ones are told, at the whole of
    it (the fallback procedure; Wiens & Dmitrienko, 2005). Each p is of the whole level: that of a family over its part.

    If a primary effect is none, it is told with a chance of PRIMARY of the level at most, and while it isn't the others
    have the rest; if none of them is none, the others have it whole. So over both together the chance of a false
    finding is at most the level.

    >>> family([[1.0, 0.5]] * 6, [False, True]), family([[1.0, 0.0]] * 6, [False, True])
    ([0.0390625, 0.0390625], [0.15625, 1.0])
    """
    x, first = np.asarray(differences, dtype=np.float64), np.asarray(primary, dtype=bool)
    if not first.any():
        return max_t(x)
    out = np.full(first.size, math.nan)
    declared, others = np.array(max_t(x[:, first])), np.array(max_t(x[:, ~first]))
    out[first] = np.minimum(declared / PRIMARY, 1.0)
    gate = np.nanmax(out[first]) if np.isfinite(declared).any() else 1.0
    out[~first] = np.minimum(np.maximum(others, gate), np.minimum(others / OTHERS, 1.0))
    return out.tolist()


def rows(columns: Sequence[Sequence[float]]) -> Floats:
    """The differences of effects, each a column in the order of the seeds, as (n seeds, m effects); nan where a column
    is shorter."""
    n = max(map(len, columns), default=0)
    return np.array([[*column, *[math.nan] * (n - len(column))] for column in columns]).reshape(len(columns), n).T
