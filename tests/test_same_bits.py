"""A run has the same bits on every machine: trained here, and again on machines that are imitated by what the compiler,
numpy, torch and its products are told of the CPU. Records are compared as the store writes them.

The quick part is a run of each loss; RNNBENCH_SLOW=1 trains one of every cell, on more machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from llvmlite.binding import get_host_cpu_features

from rnnbench import kernels, registry

ROOT = Path(__file__).parent.parent
SSE = "+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt"
AVX2 = f"{SSE},+avx,+avx2,+fma,+bmi,+bmi2"
NO_512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
MACHINES: dict[str, dict[str, str]] = {
    "this one": {},
    "AVX2, another vendor's": {
        "NUMBA_CPU_NAME": "znver2",
        "NUMBA_CPU_FEATURES": AVX2,
        "ATEN_CPU_CAPABILITY": "avx2",
        "NPY_DISABLE_CPU_FEATURES": NO_512,
        "MKL_CBWR": "AVX2",
    },
    "Intel with AVX2": {
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": AVX2,
        "ATEN_CPU_CAPABILITY": "default",
        "NPY_DISABLE_CPU_FEATURES": f"{NO_512} AVX2 FMA3",
        "MKL_CBWR": "COMPATIBLE",
    },
    "Intel with AVX-512": {
        "NUMBA_CPU_NAME": "skylake-avx512",
        "NUMBA_CPU_FEATURES": f"{AVX2},+avx512f,+avx512dq,+avx512bw,+avx512vl",
        "MKL_CBWR": "AVX512",
    },
    "SSE, without fused products": {
        "NUMBA_CPU_NAME": "nehalem",
        "NUMBA_CPU_FEATURES": SSE,
        "ATEN_CPU_CAPABILITY": "default",
        "NPY_DISABLE_CPU_FEATURES": f"{NO_512} AVX2 FMA3",
        "MKL_CBWR": "COMPATIBLE",
    },
}
TASKS = ({"task": "adding"}, {"task": "copy", "items": 2, "alphabet": 4}, {"task": "counting"})
EVERYTHING: dict[str, Any] = {"layers": 2, "bidirectional": True, "layer_norm": True, "residual": True, "dropout": 0.2,
              "attention": "additive", "conv": 3}  # fmt: skip
QUICK: list[dict[str, Any]] = [{"model": {"cell": "lstm"}, "task": task} for task in TASKS]
QUICK += [{"model": {"cell": "lstm"}, "task": TASKS[0], "settings": EVERYTHING}]
QUICK += [{"model": {"cell": "orthogonal", "map": map}, "task": TASKS[0]} for map in ("exp", "cayley")]
QUICK += [{"model": {"cell": "mlstm", "heads": 2}, "task": TASKS[0], "settings": {"layers": 2}}]
QUICK += [{"model": {"cell": "deltanet", "heads": 2, "gate": "vector", "negative_eigenvalues": True}, "task": TASKS[1]}]
QUICK += [{"model": {"layer": "transformer"}, "task": TASKS[1], "settings": {"layers": 2, "dropout": 0.2}}]
SLOW: list[dict[str, Any]] = [
    {"model": {"cell": name}, "task": TASKS[n % 3]}
    for n, name in enumerate(registry.names("cells"))
    if not kernels.refusal(registry.cell({"cell": name}))
]
SLOW += [{"model": {"cell": "orthogonal", "map": "cayley"}, "task": TASKS[1], "settings": {"layers": 2}}]
SLOW += [{"model": {"cell": "rnn"}, "task": TASKS[1], "settings": {"optimizer": name}} for name in ("rmsprop", "sgd")]
SLOW += [{"model": {"cell": "gru"}, "task": TASKS[2], "settings": {"attention": "dot"}}]
SLOW += [
    {"model": {"layer": "transformer", "heads": 2, "positions": positions}, "task": TASKS[n % 3]}
    for n, positions in enumerate(("none", "sinusoidal", "rotary", "alibi"))
]
CODE = """
import json, sys
import torch
from rnnbench.records import Record, Run, Rung, canonical
from rnnbench.training.trainer import Trainer

torch.set_num_threads(1)
for each in json.loads(sys.argv[1]):
    settings = {"hidden": 20, "batch": 6, "steps": 50, "clip": 0.5} | each.get("settings", {})
    run = Run(Rung(each["model"], each["task"], 4, settings), 1)
    (record,) = (found for found in Trainer().train([run]) if isinstance(found, Record))
    curve = [[point.step, point.loss, point.score, point.select] for point in record.curve]
    print(canonical([record.run.id, record.status, record.steps, record.score, curve]))
"""


@cache
def trained(machine: str, runs: str) -> list[str]:
    """The records of some runs, trained on a machine as it is or as it is imitated."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "MKL_", "ATEN_", "NPY_"))}
    done = subprocess.run(
        [sys.executable, "-c", CODE, runs],
        env=kept | MACHINES[machine] | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.thorough
@pytest.mark.parametrize("machine", ["AVX2, another vendor's"])
def test_a_run_is_the_same_bits_on_another_machine(machine: str) -> None:
    here, there = (trained(name, json.dumps(QUICK)) for name in ("this one", machine))
    assert len(here) == len(QUICK)
    assert here == there


@pytest.mark.skipif("RNNBENCH_SLOW" not in os.environ, reason="nine minutes; RNNBENCH_SLOW=1 runs it")
@pytest.mark.parametrize("machine", [name for name in MACHINES if name != "this one"])
def test_every_cell_is_the_same_bits_on_every_machine(machine: str) -> None:
    if "avx512f" in MACHINES[machine].get("NUMBA_CPU_FEATURES", "") and not get_host_cpu_features().get("avx512f"):
        pytest.skip("this CPU has no AVX-512: what is compiled for it can't run here")
    here, there = (trained(name, json.dumps(QUICK + SLOW)) for name in ("this one", machine))
    assert len(here) == len(QUICK) + len(SLOW)
    assert here == there
