"""`make bench`: the cells, a training step, the suites; and the calibration of the statistics, which `python -m
benchmarks.calibration` alone does in under two minutes. Each is a module of its own, with options."""

from __future__ import annotations

import subprocess
import sys

if __name__ == "__main__":
    for part in ("cells", "steps", "suites", "calibration"):
        print(f"\n== benchmarks.{part}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], check=True)
