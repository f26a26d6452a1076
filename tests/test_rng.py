"""Streams: each (seed, purpose, step) has numbers of its own, however large seed and step are."""

from __future__ import annotations

from rnnbench.rng import stream


def test_no_two_streams_share_their_numbers() -> None:
    """Nor does one begin where another goes on."""
    steps = [(0, "train", k) for b in range(63) for k in {2**b - 1, 2**b, 2**b + 1}]
    seeds = [(k, "train", 1) for b in range(1, 32) for k in {2**b - 1, 2**b, 2**b + 1}]
    purposes = [(0, p, 1) for p in ("select", "test", "init/0/forward/W", "init/1/forward/W", "dropout/0", "trai", "n")]
    asked = {*steps, *seeds, *purposes}
    words = [stream(*each).integers(2**32, 20).reshape(-1, 2) for each in asked]
    assert len({pair.tobytes() for drawn in words for pair in drawn}) == 10 * len(asked)
