"""The convolution ahead of a layer: where it starts, what it is counted as, and that a suite can take it out and put it
in. Its values and gradients are held against loops by `test_model.py`, compiled by `test_backprop.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from rnnbench import registry
from rnnbench.layers import conv
from rnnbench.records import Rung
from rnnbench.rng import stream
from rnnbench.settings import Settings
from rnnbench.suite import load
from rnnbench.training.model import Model


def rung(**settings: Any) -> Rung:
    return Rung({"cell": "gru"}, {"task": "adding"}, 5, {"hidden": 8, "batch": 3} | settings)


def drawn(start: str, taps: int = 4) -> dict[str, Any]:
    return conv.initial(conv.shapes(taps, 100), lambda name: stream(3, name), start)


def test_it_starts_as_torchs_own_but_without_a_bias() -> None:
    w = drawn("uniform")["w"]
    assert (float(w.min()) < -0.45, float(w.max()) > 0.45, float(abs(w).max()) <= 0.5) == (True, True, True)
    assert not drawn("uniform")["b"].any()
    assert not drawn("zero")["w"].any()


def test_the_identity_gives_what_it_is_given_and_one_tap_sees_one_step() -> None:
    xs = torch.from_numpy(stream(1, "xs").normal((5, 2, 100)))
    same = Settings(conv=4, conv_activation="identity")
    p = {name: torch.from_numpy(value) for name, value in drawn("identity").items()}
    assert torch.equal(conv.convolve(p, xs, same), xs)
    p = {name: torch.from_numpy(value) for name, value in drawn("uniform", 1).items()}
    found = conv.convolve(p, xs, Settings(conv=1, conv_activation="identity"))
    torch.testing.assert_close(found, xs * p["w"][0])


def test_what_is_shared_with_a_model_without_it_starts_from_the_same_bits() -> None:
    plain, filtered = Model.of(rung()), Model.of(rung(conv=4))
    ours, theirs = (m.views(torch.from_numpy(m.init(3))) for m in (plain, filtered))
    assert set(theirs) - set(ours) == {"conv/0/forward/w", "conv/0/forward/b"}
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_its_parameters_and_the_steps_that_it_keeps_are_counted() -> None:
    assert registry.parameters(rung(conv=4)) - registry.parameters(rung()) == 2 * (4 + 1)
    deep = {"layers": 2, "bidirectional": True}
    assert registry.parameters(rung(conv=3, **deep)) - registry.parameters(rung(**deep)) == 2 * 4 * (2 + 16)
    assert registry.state(rung(conv=4)) == 8 + 3 * 2
    assert registry.state(rung(conv=3, **deep)) == 2 * (2 * 8 + 2 * (2 + 16))


def test_a_suite_puts_it_in_by_its_name_and_takes_it_out(tmp_path: Any) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "rnnbench: 1\nname: s\narchitectures: {gru: {cell: gru}, canon: {cell: gru, conv: 6, conv_residual: true}}\n"
        "ablate: [{base: gru, with: [conv]}, {base: canon, without: [conv, conv_activation, conv_residual]}]\n"
        "tasks: {adding: {lengths: [5]}}\n"
    )
    found = {v.name: v.settings for v in load.load(path).variants}
    assert found["gru+conv"] == {"conv": 4}
    assert found["canon-conv"] == {"conv": 0, "conv_residual": True}
    assert found["canon-conv_activation"]["conv_activation"] == "identity"
    assert found["canon-conv_residual"] == {"conv": 6, "conv_residual": False}


@pytest.mark.parametrize("silu", [True, False])
@pytest.mark.parametrize("residual", [True, False])
def test_what_is_compiled_is_what_torch_computes(silu: bool, residual: bool) -> None:
    """Of one step and of many, of more taps than steps, of widths that are no whole vectors."""
    from rnnbench.kernels.conv import Conv

    for T, B, I, taps in ((7, 3, 5, 4), (1, 1, 1, 3), (3, 2, 33, 8), (200, 2, 16, 1)):
        w, b = stream(1, "w").normal((taps, I)), stream(1, "b").normal((1, I))
        rows, dys = np.zeros((2, T, B, -(-I // 16) * 16), np.float32)
        rows[..., :I], dys[..., :I] = stream(1, "xs").normal((T, B, I)), stream(1, "ys").normal((T, B, I))
        own, dw, db = Conv(w, b, silu, residual), np.empty_like(w), np.empty_like(b)
        out, kept = own.forward(rows)
        dxs = own.back(dys, kept, dw, db, wanted=True)
        again = own.back(dys, kept, np.empty_like(w), np.empty_like(b), wanted=False)
        leaves = [torch.from_numpy(each).double().requires_grad_() for each in (rows[..., :I], w, b)]
        settings = Settings(conv=taps, conv_activation="silu" if silu else "identity", conv_residual=residual)
        expected = conv.convolve({"w": leaves[1], "b": leaves[2]}, leaves[0], settings)
        slopes = torch.autograd.grad(expected, leaves, torch.from_numpy(dys[..., :I]).double())
        assert again is None
        assert dxs is not None
        assert not out[..., I:].any()
        for mine, truth in zip((out[..., :I], dxs[..., :I], dw, db), (expected, *slopes), strict=True):
            truth_ = truth.detach().numpy()
            assert float(abs(mine - truth_).max()) <= 2e-6 * max(1.0, float(abs(truth_).max()))
