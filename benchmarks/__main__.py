"""`make bench`: the cells, their floor, a training step of everything, how its cost grows, the suites, the driver; and
the calibration of the statistics, which `python -m benchmarks.calibration` alone does in about two minutes. Each is a
module of its own."""

from __future__ import annotations

import subprocess
import sys

if __name__ == "__main__":
    for part in ("cells", "floor", "everything", "steps", "growth", "suites", "driving", "calibration"):
        print(f"\n== benchmarks.{part}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], check=True)
