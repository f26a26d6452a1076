"""Checkpoints that are none of the run, whatever their digest says: it starts again, to the same bits, and says so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from rnnbench.records import Record, Run, Rung
from rnnbench.training import checkpoint
from rnnbench.training.checkpoint import Checkpoint
from rnnbench.training.trainer import Trainer

RUN = Run(Rung({"cell": "rnn"}, {"task": "adding"}, 2, {"hidden": 2, "batch": 2, "steps": 220, "stop": "never"}), 0)


def train(found: Checkpoint | None, warned: list[str]) -> str:
    trainer = Trainer(kernels_wanted="reference", warn=warned.append)
    events = trainer.train([RUN], {} if found is None else {RUN.id: found})
    (record,) = (each for each in events if isinstance(each, Record))
    return json.dumps(record.results())


@pytest.fixture(scope="module")
def saved() -> Checkpoint:
    """Of step 150."""
    steps = iter(range(10**6))
    events = Trainer(kernels_wanted="reference").train([RUN], stop=lambda: next(steps) >= 150)
    return next(each for each in events if isinstance(each, Checkpoint))


@pytest.fixture(scope="module")
def whole() -> str:
    return train(None, [])


def body(header: dict[str, Any] | bytes, data: bytes) -> bytes:
    """With a digest that is right."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    raw = checkpoint.MAGIC + text + b"\n" + data
    return raw + hashlib.blake2b(raw, digest_size=checkpoint.DIGEST).digest()


def parts(saved: Checkpoint) -> tuple[dict[str, Any], bytes]:
    line, data = saved.to_bytes()[len(checkpoint.MAGIC) : -checkpoint.DIGEST].split(b"\n", 1)
    return json.loads(line), data


def test_one_that_is_sound_is_gone_on_from(saved: Checkpoint, whole: str) -> None:
    warned: list[str] = []
    assert train(Checkpoint.from_bytes(saved.to_bytes()), warned) == whole
    assert warned == []


Forge = Callable[[dict[str, Any]], object]
STATES: list[tuple[Forge, str]] = [
    (lambda s: s.update(step=10**9), "its step is none before the last, 220"),
    (lambda s: s.update(step=0), "its step is none before the last, 220"),
    (lambda s: s.update(step=220), "its step is none before the last, 220"),
    (lambda s: s.update(step=True), "its step is none before the last, 220"),
    (lambda s: s.update(step=150.0), "its step is none before the last, 220"),
    (lambda s: s.update(step=90), "its curve has other looks"),
    (lambda s: s.update(step=None), "its step is none before the last, 220"),
    (lambda s: s.update(seconds=-1), "its seconds are none"),
    (lambda s: s.update(seconds="1"), "its seconds are none"),
    (lambda s: s.update(seconds=10**400), "its seconds are none"),
    (lambda s: s.update(curve=None), "its curve has other looks"),
    (lambda s: s.update(curve=[]), "its curve has other looks"),
    (lambda s: s.update(curve=[[101, 0.5, 0.5, None]]), "its curve has other looks"),
    (lambda s: s.update(curve=[[100, 0.5, 0.5]]), "its curve has other looks"),
    (lambda s: s.update(curve=[[100, None, 0.5, None]]), "its curve has what is no number"),
    (lambda s: s.update(curve=[[100, 0.5, "a", None]]), "its curve has what is no number"),
    (lambda s: s.update(more=1), "its state has other names"),
    (lambda s: s.clear(), "its state has other names"),
]


@pytest.mark.parametrize(("forge", "why"), STATES)
def test_a_forged_state_is_found(forge: Forge, why: str, saved: Checkpoint, whole: str) -> None:
    header, data = parts(saved)
    forge(header["state"])
    warned: list[str] = []
    assert train(Checkpoint.from_bytes(body(header, data)), warned) == whole
    assert warned == [f"checkpoint of run {RUN.id}: {why}; it starts again"]


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"flat": np.ones(3)},
        {"flat": None},
        {"more": np.ones(3)},
        {"losses": np.ones(2)},
        {"first": np.ones((1, 1))},
    ],
)
def test_buffers_of_other_names_or_shapes_are_found(arrays: dict[str, Any], saved: Checkpoint, whole: str) -> None:
    kept = {name: array for name, array in (saved.arrays | arrays).items() if array is not None} if arrays else {}
    forged = Checkpoint(saved.run_id, saved.numerics, saved.fingerprint, saved.state, kept)
    warned: list[str] = []
    assert train(Checkpoint.from_bytes(forged.to_bytes()), warned) == whole
    (told,) = warned
    assert told.startswith(f"checkpoint of run {RUN.id}: its buffers are others (")


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("run_id", "it is another run's"),
        ("numerics", "it was computed in another way"),
        ("fingerprint", "it was made by other code"),
    ],
)
def test_one_of_another_run_machine_or_code_is_told(field: str, why: str, saved: Checkpoint, whole: str) -> None:
    header, data = parts(saved)
    header[field] = "another"
    warned: list[str] = []
    assert train(Checkpoint.from_bytes(body(header, data)), warned) == whole
    assert warned == [f"checkpoint of run {RUN.id}: {why}; it starts again"]


@pytest.mark.parametrize(
    "header",
    [b"", b"[]", b"5", b"{}", b"[" * 100_000, b"\xff", b'{"run_id": NaN}', b"9" * 5000],
)
def test_a_header_that_is_none_is_refused(header: bytes) -> None:
    with pytest.raises(ValueError, match=r"^its header"):
        Checkpoint.from_bytes(body(header, b""))


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=5,
)


@given(some.data())
def test_whatever_the_bytes_are_they_are_a_checkpoint_or_a_value_error(data: some.DataObject) -> None:
    fields = {"run_id": "a", "numerics": "n", "fingerprint": "f", "state": {}, "shapes": {"flat": [2, 3]}}
    name = data.draw(some.sampled_from([*fields, "more"]))
    shapes = some.dictionaries(some.text(), some.lists(some.integers(-2, 2**70) | some.none(), max_size=70))
    value = data.draw(shapes if name == "shapes" else JSON)
    raw = body(fields | {name: value}, data.draw(some.binary(max_size=30)))
    for each in (raw, data.draw(some.binary())):
        try:
            found = Checkpoint.from_bytes(each)
        except ValueError:
            continue
        assert all(array.dtype == np.float32 for array in found.arrays.values())
