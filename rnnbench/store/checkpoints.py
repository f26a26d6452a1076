"""Where runs under way may go on from: a file a run, replaced at once or not at all."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rnnbench import strict
from rnnbench.store.faults import odd, told

NAME = re.compile(r"([0-9a-f]{24})\.(checkpoint|part)")  # nothing else in the folder is touched


class Checkpoints:
    """The checkpoints in a folder, by run id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, id: str) -> Path:
        return self.folder / f"{id}.checkpoint"

    def save(self, id: str, raw: bytes) -> None:
        """Replaces a run's checkpoint; synced, so that what is there after a power loss is whole."""
        fresh = self.folder / f"{id}.part"
        with told(fresh):
            fresh.unlink(missing_ok=True)
            number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            try:
                with open(number, "wb") as file:
                    file.write(raw)
                    file.flush()
                    os.fsync(file.fileno())
                fresh.replace(self.path(id))
            except OSError:
                with suppress(OSError):
                    fresh.unlink()  # on a full disk others need its room
                raise

    def load(self, id: str) -> bytes | None:
        """A run's checkpoint; None where it has none."""
        path = self.path(id)
        with told(path):
            try:
                if not stat.S_ISREG(mode := path.lstat().st_mode):
                    raise odd(path, mode)
                with strict.opened(path, follow=False) as file:
                    return file.read()
            except FileNotFoundError:
                return None

    def drop(self, id: str) -> None:
        path = self.path(id)
        with told(path):
            path.unlink(missing_ok=True)

    def ids(self) -> set[str]:
        """The runs that have one."""
        with told(self.folder):
            found = (NAME.fullmatch(name) for name in os.listdir(self.folder))
            return {match[1] for match in found if match and match[2] == "checkpoint"}

    def sweep(self, needless: Callable[[str], bool] = lambda id: False) -> None:
        """Removes what a kill left half written, and the checkpoints of runs that are `needless`: a kill may come
        between a record and the end of its checkpoint."""
        with told(self.folder):
            for name in os.listdir(self.folder):
                found = NAME.fullmatch(name)
                if found and (found[2] == "part" or needless(found[1])):
                    with suppress(FileNotFoundError):
                        os.unlink(self.folder / name)
