"""A run under way as bytes and back, without pickle: a header in JSON, raw float32 arrays, a digest over both."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"rnnbench checkpoint 1\n"
DIGEST = 16


@dataclass(frozen=True)
class Checkpoint:
    """`state` is plain JSON (step, curve, ...), `arrays` the buffers by name; both belong to one run."""

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
        body = MAGIC + json.dumps(header).encode() + b"\n" + data
        return body + hashlib.blake2b(body, digest_size=DIGEST).digest()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Checkpoint:
        """Raises ValueError where the bytes are cut, changed or of another version."""
        body, digest = raw[:-DIGEST], raw[-DIGEST:]
        if not body.startswith(MAGIC):
            raise ValueError("not a checkpoint of this version")
        if hashlib.blake2b(body, digest_size=DIGEST).digest() != digest:
            raise ValueError("cut or changed: its digest does not match")
        line, data = body[len(MAGIC) :].split(b"\n", 1)
        header = json.loads(line)
        arrays, start = {}, 0
        for name, shape in header.pop("shapes").items():
            count = math.prod(shape)
            arrays[name] = np.frombuffer(data, "<f4", count, start).reshape(shape).astype(np.float32)
            start += 4 * count
        return cls(arrays=arrays, **header)

    def fits(self, run_id: str, numerics: str, fingerprint: str) -> bool:
        """Whether going on from here gives the bits that an uninterrupted run would have given."""
        return (self.run_id, self.numerics, self.fingerprint) == (run_id, numerics, fingerprint)
