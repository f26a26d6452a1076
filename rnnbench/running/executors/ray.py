"""On a Ray cluster (https://docs.ray.io): `--executor ray --address auto|HOST:PORT|local`.

The driver is the same as for local workers and stays where it is: it alone writes to the store, and retries. Ray places
the workers by the CPUs and GPUs that each asks for; several may share a GPU. What is connected to Ray is a process of
its own, so that whatever becomes of the cluster, the driver lives to say so.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from typing import ClassVar

from rnnbench import environment
from rnnbench.errors import UserError
from rnnbench.running.executors import sides
from rnnbench.running.executors.hosted import Away
from rnnbench.running.executors.processes import PACKAGE, program
from rnnbench.text import printable

LONGEST = 40  # characters of a folder whose sockets' names the system still takes


class Ray(Away):
    """Workers on the cluster at `address`: `auto`, the one that this machine is part of; `local`, one for this run
    alone; or where its head is. Each takes `cpus_per_cohort` CPUs and `gpus_per_cohort` GPUs, which may be fractions.
    `jobs`: how many; 0, as many as there is room for, nodes that join later too."""

    needs: ClassVar[str] = "ray"

    def __init__(
        self,
        jobs: int,
        device: str,
        kernels: str,
        seconds_per_run: float | None,
        checkpoint_seconds: float,
        *,
        address: str = "auto",
        cpus_per_cohort: float = 1.0,
        gpus_per_cohort: float = 0.0,
    ) -> None:
        self.address, self.folder = address, ""
        made = {
            "jobs": jobs,
            "device": device,
            "kernels": kernels,
            "seconds_per_run": seconds_per_run,
            "checkpoint_seconds": checkpoint_seconds,
            "address": address,
            "cpus_per_cohort": cpus_per_cohort,
            "gpus_per_cohort": gpus_per_cohort,
            "folder": "",
            "sides": sides.here(),
        }
        place = "ray" if address == "local" else f"ray at {printable(address, 100)}"
        own = {"RAY_USAGE_STATS_ENABLED": "0"}
        if address == "local":
            own["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PACKAGE.parent), environment.text("PYTHONPATH")]))
            own |= {"RAY_worker_niceness": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        super().__init__([*program(host), "0"], made | {"place": place}, place, environment.everything() | own)

    @staticmethod
    def resolve(
        device: str, *, address: str = "auto", cpus_per_cohort: float = 1.0, gpus_per_cohort: float = 0.0
    ) -> str:
        """The device of workers, each on its own node: the GPU that Ray gives it, where it was given one.

        >>> Ray.resolve("auto"), Ray.resolve("auto", gpus_per_cohort=0.25)
        ('cpu', 'cuda:0')
        """
        if address.startswith("ray://"):
            raise UserError(
                f"--address: got '{printable(address, 100)}', Ray's client; next: on a machine of the cluster, "
                "--address auto or HOST:PORT"
            )
        for option, value in (("cpus", cpus_per_cohort), ("gpus", gpus_per_cohort)):
            if not 0 <= value < float("inf"):
                raise UserError(f"--{option}-per-cohort: got {value:g}, expected 0 or more")
        if gpus_per_cohort > 1 and gpus_per_cohort % 1:
            raise UserError(f"--gpus-per-cohort: got {gpus_per_cohort:g}, expected a fraction of 1 or a whole number")
        if not cpus_per_cohort and not gpus_per_cohort:
            raise UserError("--cpus-per-cohort: got 0, expected more where a worker takes no GPU")
        if device not in ("auto", "cpu", "cuda"):
            raise UserError(
                f"--device: got '{printable(device, 60)}', expected auto, cpu or cuda: which GPU is for Ray to say"
            )
        if device == "cuda" and not gpus_per_cohort:
            raise UserError("--device: cuda takes --gpus-per-cohort, such as 1, or 0.25 where four workers share a GPU")
        if device == "cpu" and gpus_per_cohort:
            raise UserError(f"--gpus-per-cohort: got {gpus_per_cohort:g}, but --device cpu uses none")
        return "cuda:0" if gpus_per_cohort else "cpu"

    def _start(self) -> None:
        if self.address == "local":
            self.folder = self.made["folder"] = _folder()
        super()._start()

    def close(self) -> None:
        super().close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def host(number: int) -> None:
    """What the process is that is connected to Ray."""
    from rnnbench.running.executors import actors
    from rnnbench.running.executors.host import serve

    serve(actors.Cluster)


def _folder() -> str:
    """A folder for a cluster of our own: with a short name, since sockets are in it."""
    short = len(tempfile.gettempdir()) <= LONGEST
    return tempfile.mkdtemp(prefix="rnnbench-", dir=None if short else "/tmp")
