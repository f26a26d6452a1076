"""`numerics`: whatever decides the bits of a record is in its words; machines are imitated by what libraries read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rnnbench.records import Run, Rung
from rnnbench.training import devices
from rnnbench.training.trainer import Trainer

FUSED = Run(Rung({"cell": "lstm"}, {"task": "copy"}, 4, {}), 0)
ALONE = Run(Rung({"layer": "transformer"}, {"task": "copy"}, 4, {}), 0)

# Prints the numerics of a fused run and of a stacked one, as a process with another environment has them.
ASK = """
import torch
torch.set_num_threads(int("{threads}"))
from rnnbench.training.devices import numerics
print(numerics("fused", "cpu"))
print(numerics("stacked", "cpu"))
"""


def told(threads: int = 1, **environment: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", ASK.format(threads=threads)], env=os.environ | environment, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    fused, stacked = done.stdout.splitlines()
    return fused, stacked


def test_it_names_what_decides_bits() -> None:
    fused, alone, stacked = (
        Trainer().numerics(FUSED), Trainer().numerics(ALONE), Trainer("cpu", "reference").numerics(FUSED),
    )  # fmt: skip
    import numpy

    for text in (fused, alone, stacked):
        for word in (f"torch {torch.__version__}", f"numpy {numpy.__version__}", devices.vendor(),
                     torch.backends.cpu.get_cpu_capability()):  # fmt: skip
            assert word in text
        assert len(text) < 200
    for text in (fused, alone):
        assert "numba" in text
        assert "llvmlite" in text
        assert " lanes" in text
    assert "numba" not in stacked
    assert [text.split(",")[0] for text in (fused, alone, stacked)] == ["fused", "alone", "stacked"]


@pytest.mark.skipif("MKL" not in devices._products(), reason="these are MKL's and an x86-64's variables")
def test_another_machine_has_another_name() -> None:
    here = told()
    assert here == told()
    haswell = told(NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="+avx2,+fma,+avx,+sse4.2")
    assert "8 lanes" in haswell[0]
    assert haswell[1] == here[1]
    for other in (told(ATEN_CPU_CAPABILITY="default"), told(MKL_CBWR="COMPATIBLE"), told(threads=2)):
        assert all(theirs != ours for theirs, ours in zip(other, here, strict=True))
    assert told(threads=2)[1].endswith(", 2 threads")
    assert told(MKL_CBWR="COMPATIBLE")[1].endswith("MKL COMPATIBLE")


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
    assert f" {name} " in devices.numerics("fused", "cpu")


def test_a_vendor_that_nothing_tells_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.processor", lambda: "")
    assert devices._vendor(tmp_path / "nothing") == "unknown"


def test_products_are_named_after_their_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    for info, name in (("open", "OpenBLAS Haswell"), ("eigen", "another BLAS")):
        monkeypatch.setattr("torch.__config__.show", lambda info=info: f"Build settings: BLAS_INFO={info}, X=1")
        assert devices.numerics("stacked", "cpu").endswith(name)
