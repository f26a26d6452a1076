"""Fixtures that every test may use. Tests run with the environment of a worker, so that bits can be compared."""

from __future__ import annotations

import gc
import os

from rnnbench.running.executors.local import ENVIRONMENT

os.environ.update(ENVIRONMENT)  # before torch is imported: MKL reads its variables once

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import order
import pytest
import torch
from forked import Server

torch.set_num_threads(1)

HERE = Path(__file__).parent


@cache
def sibling(path: str) -> ModuleType:
    """A test module by its path under tests/, for what several tests share."""
    spec = importlib.util.spec_from_file_location(path.replace("/", "_").removesuffix(".py"), HERE / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def load_sibling() -> Callable[[str], ModuleType]:
    return sibling


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files go to the workers of `make test` whole and in this order."""
    items.sort(key=lambda item: order.place(item.path.stem))


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: no later search for garbage goes through it again."""
    gc.collect()
    gc.freeze()


Cli = Callable[..., subprocess.CompletedProcess[str]]
ONE_WORKER = {"RNNBENCH_JOBS": "1"}  # each takes seconds to start: who wants two says so


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """What the command line is forked from."""
    started = Server()
    yield started
    started.close()


@pytest.fixture
def cli(tmp_path: Path, server: Server) -> Cli:
    """Runs the real command line in an empty folder, in a process of its own: cli("run", "suite.yaml", env={...}) ->
    the finished process. Without the time that its imports take, where no variable is given that they read."""

    def call(
        *arguments: str, env: dict[str, str] | None = None, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RNNBENCH_")} | ONE_WORKER | (env or {})
        if server.may(clean):
            return server.run(arguments, tmp_path, clean, timeout)
        command = [sys.executable, "-m", "rnnbench", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=timeout, check=False
        )

    return call
