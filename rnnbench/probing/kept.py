"""Probes that were made, a file a run beside the store, so that a report shows them without training anything again.

A file is named by the run and by all that its numbers depend on besides: what was asked, the code that trains the run
and the code that probes it. Where one of them is another today, the file is not found, and the run is probed anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path

from rnnbench import foreign, strict
from rnnbench.errors import Exit, UserError
from rnnbench.probing import VERSION, Asked, Probe
from rnnbench.records import Record, Run, canonical
from rnnbench.training import ways
from rnnbench.training.fingerprint import fingerprint

HERE = Path(__file__).parent

Found = tuple[Record, tuple[Probe, ...]]


@cache
def _code() -> str:
    """A digest of this package, without comments and docstrings."""
    sources = (foreign.normalised(path.read_text("utf-8")) for path in sorted(HERE.glob("*.py")))
    return hashlib.blake2b("\n".join(sources).encode(), digest_size=8).hexdigest()


class Kept:
    """The probes in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, run: Run, asked: Asked) -> Path:
        trained = fingerprint(run.rung, ways.way(run.rung, "cpu", "auto") == "fused")
        text = canonical([VERSION, asked.as_dict(), trained, _code()])
        return self.folder / f"{run.id}-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}.json"

    def load(self, run: Run, asked: Asked) -> Found | None:
        """What was kept of a run; None where there is nothing, or what is there is no whole file of it."""
        try:
            with strict.opened(self.path(run, asked)) as file:
                value = strict.loads(file.read())
            found = strict.keys("probes", value, ("record", "probes"))
            record = Record.from_dict(found["record"])
            probes = tuple(map(Probe.from_dict, found["probes"]))
        except (OSError, ValueError, TypeError):
            return None
        return (record, probes) if record.id == run.id else None

    def save(self, run: Run, asked: Asked, found: Found) -> None:
        """Replaces the file at once. UserError where it can't be written."""
        record, probes = found
        text = json.dumps({"record": record.as_dict(), "probes": [p.as_dict() for p in probes]}, allow_nan=False)
        path = self.path(run, asked)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_text(text, "utf-8")
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise UserError(f"{path}: can't be written: {error.strerror}", code=Exit.STORE) from error
