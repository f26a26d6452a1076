"""A run under way as bytes and back, without pickle: a header in JSON, raw float32 arrays, a digest over both.

The digest finds what was cut or changed by chance. What has a digest of its own and is yet no checkpoint of the run
is found by what stands in it: nothing of it is used before its names, shapes and numbers are those of such a run.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench import strict
from rnnbench.settings import LOOK

MAGIC = b"rnnbench checkpoint 1\n"
DIGEST = 16
KEYS = {"run_id": str, "numerics": str, "fingerprint": str, "state": dict, "shapes": dict}


@dataclass(frozen=True)
class Checkpoint:
    """`state` is plain JSON: `step`, `curve` (a row a look), `seconds`; `arrays` the buffers by name. Both belong to
    one run."""

    run_id: str
    numerics: str
    fingerprint: str
    state: dict[str, Any]
    arrays: dict[str, NDArray[np.float32]]

    def to_bytes(self) -> bytes:
        header = {
            "run_id": self.run_id,
            "numerics": self.numerics,
            "fingerprint": self.fingerprint,
            "state": self.state,
            "shapes": {name: list(array.shape) for name, array in self.arrays.items()},
        }
        data = b"".join(np.ascontiguousarray(a, "<f4").tobytes() for a in self.arrays.values())
        body = MAGIC + json.dumps(header, allow_nan=False).encode() + b"\n" + data
        return body + hashlib.blake2b(body, digest_size=DIGEST).digest()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Checkpoint:
        """Raises ValueError where the bytes are cut, changed, of another version or no checkpoint at all, and nothing
        else whatever they are."""
        body, digest = raw[:-DIGEST], raw[-DIGEST:]
        if not body.startswith(MAGIC):
            raise ValueError("not a checkpoint of this version")
        if hashlib.blake2b(body, digest_size=DIGEST).digest() != digest:
            raise ValueError("cut or changed: its digest does not match")
        line, _, data = body[len(MAGIC) :].partition(b"\n")
        try:
            header = strict.loads(line)
        except ValueError as error:
            raise ValueError(f"its header: {error}") from None
        if not isinstance(header, dict) or {name: type(value) for name, value in header.items()} != KEYS:
            raise ValueError("its header has other names or types")
        shapes = header.pop("shapes")
        if not all(isinstance(shape, list) and all(map(_size, shape)) for shape in shapes.values()):
            raise ValueError("its header has shapes that are none")
        counts = [math.prod(shape) for shape in shapes.values()]
        if 4 * sum(counts) != len(data):
            raise ValueError(f"got {len(data):,} bytes of arrays, expected {4 * sum(counts)} as its header says")
        arrays, start = {}, 0
        for (name, shape), count in zip(shapes.items(), counts, strict=True):
            arrays[name] = np.frombuffer(data, "<f4", count, start).reshape(shape).astype(np.float32)
            start += 4 * count
        return cls(arrays=arrays, **header)

    def misfit(self, run_id: str, numerics: str, fingerprint: str) -> str:
        """Why going on from here would not give the bits that an uninterrupted run would have given; empty if it
        would."""
        if self.run_id != run_id:
            return "it is another run's"
        if self.numerics != numerics:
            return "it was computed in another way"
        return "" if self.fingerprint == fingerprint else "it was made by other code"

    def unusable(self, shapes: Mapping[str, tuple[int, ...]], steps: int) -> str:
        """What in it can't be a run's whose buffers have these shapes and that trains so many steps; empty if all
        can."""
        found = {name: array.shape for name, array in self.arrays.items()}
        if found != dict(shapes):
            other = sorted(name for name in {*found, *shapes} if found.get(name) != shapes.get(name))
            return f"its buffers are others ({', '.join(map(ascii, other[:5]))[:100]})"
        if self.state.keys() != {"step", "curve", "seconds"}:
            return "its state has other names"
        step, curve, seconds = (self.state[name] for name in ("step", "curve", "seconds"))
        if type(step) is not int or not 0 < step < steps:
            return f"its step is none before the last, {steps}"
        if not _finite(seconds) or seconds < 0:
            return "its seconds are none"
        looks = range(LOOK, step + 1, LOOK)
        if not isinstance(curve, list) or len(curve) != len(looks):
            return "its curve has other looks"
        for row, look in zip(curve, looks, strict=True):
            if not isinstance(row, list) or len(row) != 4 or not _is(row[0], look):
                return "its curve has other looks"
            if not (_finite(row[1]) and _finite(row[2]) and (row[3] is None or _finite(row[3]))):
                return "its curve has what is no number"
        return ""


def again(run_id: str, why: str) -> str:
    """What is told where a checkpoint can't be used."""
    return f"checkpoint of run {run_id}: {why}; it starts again"


def _is(value: object, number: int) -> bool:
    return type(value) is int and value == number


def _size(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 40


def _finite(value: object) -> bool:
    return type(value) in (int, float) and -1e308 <= value <= 1e308  # type: ignore[operator]
