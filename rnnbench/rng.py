"""Randomness as an argument: `stream(seed, purpose, step)` is the only source of it.

A stream is a counter-based generator (Philox 4x64-10; Salmon et al., 2011). Its key is a hash of the seed and
the purpose, its counter starts at the step, so any draw of any run can be made again without the ones
before it. Only raw Philox words come from numpy, whose bit generators are stable across releases while its
distributions are not; the transforms from words to numbers are ours.

Purposes: `init/<layer>/<direction>/<parameter>` and `dropout/<place>`, which the init of a seed decides; `train`,
`lengths`, `examples`, `order`, `select`, `test` and any other, which its data decides.
"""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnbench import seeds
from rnnbench.seeds import Seed

Shape = int | tuple[int, ...]

# Wichura (1988), algorithm AS 241, PPND16: coefficients of the normal quantile, constant term first.
_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_NEAR_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: NDArray[np.float64]) -> NDArray[np.float64]:
    above, below = coefficients
    return np.asarray(np.polyval(above[::-1], x) / np.polyval(below[::-1], x))


_EMPTY = np.zeros(4, np.uint64)  # the buffer of a generator from which nothing has been drawn


INIT = ("init/", "dropout/")  # what the purposes begin with that the init of a seed decides


@lru_cache(maxsize=256)
def _key(seed: Seed, purpose: str) -> NDArray[np.uint64]:
    part = seeds.init(seed) if purpose.startswith(INIT) else seeds.data(seed)
    digest = hashlib.blake2b(f"{part}/{purpose}".encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u8").astype(np.uint64)


class Stream:
    """Numbers of one (seed, purpose, step). Draws follow each other; equal draws need equal order.

    >>> s = stream(0, "train", 3)
    >>> s.integers(10, 5).tolist() == stream(0, "train", 3).integers(10, 5).tolist()
    True
    """

    # Making a generator takes eight times as long as setting one: those that are done with are used again.
    _spare: ClassVar[list[np.random.Philox]] = []

    def __init__(self, seed: Seed, purpose: str, step: int = 0) -> None:
        try:
            self._philox = self._spare.pop()
        except IndexError:
            self._philox = np.random.Philox()
        counter = np.array([0, 0, 0, step], dtype=np.uint64)
        self._philox.state = {
            "bit_generator": "Philox",
            "state": {"counter": counter, "key": _key(seed, purpose)},
            "buffer": _EMPTY,
            "buffer_pos": len(_EMPTY),
            "has_uint32": 0,
            "uinteger": 0,
        }

    def __del__(self) -> None:
        self._spare.append(self._philox)

    def _words(self, count: int) -> NDArray[np.uint32]:
        """`count` words of 32 bits, each 64-bit word's low half first."""
        raw = self._philox.random_raw((count + 1) // 2)
        return raw.astype("<u8", copy=False).view("<u4")[:count]

    def uniform(self, shape: Shape) -> NDArray[np.float32]:
        """Uniform in [0, 1) on the grid of 2**-24, exact in float32."""
        words = self._words(math.prod(shape) if isinstance(shape, tuple) else shape)
        return ((words >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)).reshape(shape)

    def integers(self, below: int, shape: Shape) -> NDArray[np.int64]:
        """Uniform integers in [0, below) by multiply and shift; the bias is under below / 2**32."""
        if not 0 < below <= 2**32:
            raise ValueError(f"integers(below={below}): expected 1 to 2**32")
        words = self._words(math.prod(shape) if isinstance(shape, tuple) else shape).astype(np.uint64)
        return ((words * np.uint64(below)) >> np.uint64(32)).astype(np.int64).reshape(shape)

    def normal(self, shape: Shape) -> NDArray[np.float32]:
        """Standard normal by inversion (Wichura, 1988), computed in float64."""
        words = self._words(math.prod(shape) if isinstance(shape, tuple) else shape).astype(np.float64)
        q = (words + 0.5) * 2.0**-32 - 0.5
        out = q * _ratio(_CENTRE, 0.180625 - q * q)
        tail = np.abs(q) > 0.425
        r = np.sqrt(-np.log(0.5 - np.abs(q[tail])))
        out[tail] = np.sign(q[tail]) * np.where(r <= 5, _ratio(_NEAR_TAIL, r - 1.6), _ratio(_FAR_TAIL, r - 5))
        return out.astype(np.float32).reshape(shape)

    def shuffled(self, rows: int, count: int) -> NDArray[np.int64]:
        """`rows` independent random orders of 0..count-1, one a row: the ranks of uniform words."""
        return np.argsort(self._words(rows * count).reshape(rows, count), axis=1, kind="stable")


def stream(seed: Seed, purpose: str, step: int = 0) -> Stream:
    """The stream of one (seed, purpose, step), each >= 0; step < 2**64."""
    return Stream(seed, purpose, step)
