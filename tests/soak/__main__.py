"""What is never lost, counted: `python -m tests.soak [PART ...] [--count N] [--minutes M] [--seed S]`.

Every part is a module of this folder with a function `soak`. Ends with 1 if anything did not hold. The seed is drawn
unless it is given, and printed, so that what was found can be found again.
"""

from __future__ import annotations

import argparse
import importlib
import secrets
import sys
import tempfile
import time
from pathlib import Path

from .tally import Options, Tally

HERE = Path(__file__).parent


def parts() -> dict[str, str]:
    """The names of all parts, and the first line of each one's docstring."""
    files = sorted(HERE.glob("[a-z]*.py"))
    names = [path.stem for path in files if "\ndef soak(" in path.read_text("utf-8")]
    return {name: (importlib.import_module(f"{__package__}.{name}").__doc__ or "").split(". ")[0] for name in names}


def machine() -> str:
    """The CPU's name and how many cores there are."""
    from rnnbench.api import cores

    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "a CPU unknown")
    return f"{cores()} cores of {name}"


def main() -> int:
    known = parts()
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Proves that nothing is lost.")
    parser.add_argument("parts", nargs="*", choices=[[], *known], help="Which parts; all of them unless named.")
    parser.add_argument("--count", type=int, default=1000, help="How many kills, and how many inputs of each kind.")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="What is drawn depends on it alone.")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="After which a part draws no more.")
    asked = parser.parse_args()
    wrong = 0
    print(f"soak on {machine()}, seed {asked.seed}", flush=True)
    for name in asked.parts or known:
        tally, began = Tally(name), time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"soak-{name}-") as folder:
            options = Options(Path(folder), asked.seed, asked.count, began + 60 * asked.minutes)
            importlib.import_module(f"{__package__}.{name}").soak(tally, options)
        print(f"{name}: {time.monotonic() - began:.0f} s\n{tally.text()}", flush=True)
        wrong += tally.failures
    print(f"{wrong} things did not hold" if wrong else "all held")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
