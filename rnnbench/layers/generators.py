"""A fork of the generators that other people's code draws from: torch's, numpy's and Python's, each at a seed of ours.

What is drawn within hangs on the seed alone, and nobody notices that it was. Code that seeds one of them by itself
would draw the same for every seed: their states at the end tell, since they are then those of another seed too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from rnnbench import foreign
from rnnbench.lazy import torch

States = dict[str, object]  # by whose generator it is


@contextmanager
def apart(seed: int, device: torch.device | None = None) -> Iterator[Callable[[], States]]:
    """A fork of the generators, at a seed below 2**32; what is done to torch's settings is undone. What it gives says
    the generators' states, within."""
    cuda = device is not None and device.type == "cuda"
    ours, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is what others draw from
    with foreign.undisturbed(), torch.random.fork_rng(devices=[device] if cuda else []):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield _states
        finally:
            random.setstate(ours)
            np.random.set_state(numpys)  # noqa: NPY002


def _states() -> States:
    key = np.random.get_state(legacy=False)  # noqa: NPY002
    assert isinstance(key, dict)
    return {
        "torch": torch.default_generator.get_state().numpy().tobytes(),
        "numpy": (key["state"]["key"].tobytes(), key["state"]["pos"]),
        "Python": random.getstate(),
    }


def reseeded(one: States, other: States) -> str:
    """Whose generator is in one state after two seeds; empty where none is."""
    return next((whose for whose, state in one.items() if state == other[whose]), "")
