"""`numerics`: whatever decides the bits of a record is in its words; machines are imitated by what libraries read."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy
import pytest
import torch

from rnnbench import registry
from rnnbench.records import Run, Rung
from rnnbench.training import devices
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

PLACE = {"./prepared.py": str(Path(__file__).parent / "prepared.py")}
LENGTH = {"steps": 30, "hidden": 5, "batch": 3, "stop": "never"}
RUNS = {
    "own": Run(Rung({"cell": "rnn"}, {"task": "adding"}, 9, LENGTH), 0),
    "fused": Run(Rung({"cell": "./prepared.py"}, {"task": "adding"}, 9, LENGTH), 0),  # its matrix is torch's
    "sgd": Run(Rung({"cell": "rnn"}, {"task": "adding"}, 9, LENGTH | {"optimizer": "sgd"}), 0),
    "layer": Run(Rung({"layer": "transformer"}, {"task": "adding"}, 9, LENGTH | {"hidden": 8}), 0),
    "solo": Run(Rung({"module": "torch.nn.GRU"}, {"task": "adding"}, 9, LENGTH | {"hidden": 8}), 0),
}
OWN, TORCHS = ("own", "sgd", "layer"), ("fused", "solo")

# Trains a run in another process and prints its numerics and its results.
ASK = """
import json, sys, torch
torch.set_num_threads(1)
from rnnbench import registry
from rnnbench.records import Record, Run, canonical
from rnnbench.training.trainer import Trainer
registry.place(json.loads(sys.argv[1]))
for line in sys.stdin:
    found = Trainer().train([Run.from_dict(json.loads(line))])
    print(*((r.numerics, canonical(r.results())) for r in found if isinstance(r, Record)), sep="", flush=True)
"""


def told(**environment: str) -> dict[str, tuple[str, str]]:
    """(numerics, results) of each of RUNS, as a process with another environment has them."""
    lines = "".join(f"{json.dumps(run.as_dict())}\n" for run in RUNS.values())
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(PLACE)], env=os.environ | environment, input=lines,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(zip(RUNS, map(ast.literal_eval, done.stdout.splitlines()), strict=True))


@pytest.fixture(autouse=True)
def placed() -> None:
    registry.place(PLACE)


def test_it_names_what_decides_bits() -> None:
    found = {name: Trainer().numerics(run) for name, run in RUNS.items()}
    found["stacked"] = Trainer("cpu", "reference").numerics(RUNS["own"])
    assert {name: text.split(",")[0] for name, text in found.items()} == {
        "own": "fused", "fused": "fused", "sgd": "fused", "layer": "fused", "solo": "solo", "stacked": "stacked",
    }  # fmt: skip
    here = (devices.vendor(), torch.backends.cpu.get_cpu_capability(), f"torch {torch.__version__}")
    for name, text in found.items():
        assert len(text) < 200
        assert f"numpy {numpy.__version__}" in text
        assert (f"numba {numba.__version__} llvmlite {llvmlite.__version__}" in text) == (name != "stacked")
        assert all((word in text) == (name not in OWN) for word in here)


@pytest.mark.thorough
@pytest.mark.skipif("MKL" not in devices._products(), reason="these are MKL's and an x86-64's variables")
def test_records_with_equal_numerics_have_equal_bits() -> None:
    here = told()
    assert {name: text for name, (text, _) in here.items()} == {n: Trainer().numerics(run) for n, run in RUNS.items()}
    for changed in (
        {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+avx,+sse4.2", "ATEN_CPU_CAPABILITY": "avx2"},
        {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"},
    ):
        there = told(**changed)
        assert all(there[name] == here[name] for name in OWN)
        same = changed["ATEN_CPU_CAPABILITY"].upper() == torch.backends.cpu.get_cpu_capability()  # no imitation then
        assert all((there[name][0] == here[name][0]) == same for name in TORCHS)


def test_threads_are_told() -> None:
    try:
        torch.set_num_threads(2)
        assert Trainer().numerics(RUNS["solo"]).endswith(", 2 threads")
    finally:
        torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n", "GenuineIntel"),
        ("processor\t: 0\nvendor_id\t: AuthenticAMD\n", "AuthenticAMD"),
        ("processor\t: 0\nCPU implementer\t: 0x41\n", "0x41"),
    ],
)
def test_vendors_are_read(text: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert devices._vendor(tmp_path / "cpuinfo") == name
    monkeypatch.setattr(devices, "vendor", lambda: name)
    assert f"on {name}" in devices.numerics("fused", "cpu")
    assert name not in devices.numerics("fused", "cpu", own=True)


def test_a_vendor_that_nothing_tells_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.processor", lambda: "")
    assert devices._vendor(tmp_path / "nothing") == "unknown"


def test_products_are_named_after_their_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    for info, name in (("open", "OpenBLAS Haswell"), ("eigen", "another BLAS")):
        monkeypatch.setattr("torch.__config__.show", lambda info=info: f"Build settings: BLAS_INFO={info}, X=1")
        assert devices.numerics("stacked", "cpu").endswith(f"{name} on {devices.vendor()}")


FILTERED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({"cell": name}, {"conv": 4}) for name in registry.names("cells")),
    ({"layer": "transformer"}, {"conv": 9, "conv_activation": "identity"}),
    ({"cell": "lstm"}, {"conv": 4, "conv_residual": True, "bidirectional": True, "layers": 2, "attention": "additive"}),
    ({"cell": "lstm"}, {"conv": 1, "layer_norm": True, "residual": True, "layers": 2, "attention": "dot"}),
]


@pytest.mark.parametrize(("model", "settings"), FILTERED, ids=lambda each: "-".join(map(str, each.values())))
@pytest.mark.parametrize(
    "task", [{"task": "adding"}, {"task": "copy", "items": 2, "alphabet": 4}], ids=["read", "tokens"]
)
def test_what_another_device_computes_is_made_there(
    model: dict[str, Any], settings: dict[str, Any], task: dict[str, Any]
) -> None:
    """On torch's `meta`, which has shapes and no numbers: it refuses whatever meets a tensor of the CPU, and whatever
    asks for a number, which CUDA's recording can't do either."""
    made = Model.of(Rung(model, task, 5, {"hidden": 8, "batch": 3} | settings))
    flat = torch.empty(2, made.layout.size, device="meta", requires_grad=True)
    form = (2, 5, 3) if made.task.tokens else (2, 5, 3, made.task.inputs)
    xs = torch.empty(form, dtype=torch.int64 if made.task.tokens else torch.float32, device="meta")
    answers = made.answers(made.views(flat), made.encode(xs), slice(-1, None))
    answers.sum().backward()  # type: ignore[no-untyped-call]
    assert flat.grad is not None
    assert (answers.shape, answers.device, flat.grad.device) == ((2, 1, 3, made.task.outputs), xs.device, xs.device)
