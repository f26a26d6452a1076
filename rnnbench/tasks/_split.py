"""Held-out strings: which of a task's few inputs are trained on, which decide when to stop and which are tested.

Inputs are split by kind: a kind's inputs differ by what the task treats alike (which symbol is called which), so that
each split holds every symbol and every answer as often as the whole does, and a constant answer is at chance in all of
them. A keyed hash ranks the kinds, whatever the seed: an eighth is tested, an eighth decides when to stop.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnnbench.rng import Stream

LEAST = 2**6  # kinds that can be split: 8 to test, so that no score is that of a few strings
MOST = 2**20  # kinds beyond which nothing is split: 1000 steps of 32 show 1 input in 60 or fewer
SHARE = 8  # one kind in so many is tested, and as many decide when to stop
PART = {"test": slice(0, 1), "select": slice(1, 2), "train": slice(2, SHARE)}  # of the ranks, in shares

Part = Literal["train", "select", "test"]


def divided(kinds: int) -> bool:
    """Whether so many kinds are split."""
    return LEAST <= kinds <= MOST


@lru_cache(maxsize=32)
def members(kinds: int, part: Part) -> NDArray[np.int64]:
    """The kinds of a part, ascending; parts share none and hold all.

    >>> [len(members(64, part)) for part in ("train", "select", "test")]
    [48, 8, 8]
    """
    blocks = -(-kinds // 8)  # a hash of 64 bytes ranks eight kinds
    digests = (hashlib.blake2b(f"{kinds}/{i}".encode(), key=b"held out").digest() for i in range(blocks))
    ranks = np.argsort(np.frombuffer(b"".join(digests), "<u8")[:kinds], kind="stable")
    ends = [kinds * share // SHARE for share in (PART[part].start, PART[part].stop)]
    return np.sort(ranks[slice(*ends)])


def strings(symbols: int, length: int, size: int, rng: Stream, part: Part) -> NDArray[np.int64]:
    """`size` strings of a part, (length, size), each as likely; of all strings where there are too few or too many to
    split. Strings are of one kind where they differ by a shift of all symbols alike."""
    kinds = count(symbols, length - 1)
    if not divided(kinds):
        return rng.integers(symbols, (length, size))
    shift = rng.integers(symbols, (1, size))
    return np.concatenate([shift, (digits(symbols, length - 1, size, rng, part) + shift) % symbols])


def digits(symbols: int, length: int, size: int, rng: Stream, part: Part) -> NDArray[np.int64]:
    """`size` strings of a part, (length, size), where each string is a kind of its own."""
    among = members(count(symbols, length), part)
    drawn = among[rng.integers(len(among), size)]
    return drawn // symbols ** np.arange(length)[:, None] % symbols


def count(symbols: int, length: int) -> int:
    """How many strings there are, or some number over MOST; none of a length below 0."""
    return symbols**length if 0 <= length <= MOST.bit_length() else 0 if length < 0 else MOST + 1
