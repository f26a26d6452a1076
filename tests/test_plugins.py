"""The package in tests/plugin, really installed and run; docs/plugins.md shows its files, a heading a door."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnbench import plugins

ROOT = Path(__file__).parent.parent
HERE = ROOT / "tests" / "plugin"
ADAPTERS = ROOT / "examples" / "adapters"
PAGE = "docs/plugins.md"
SNIPPET = re.compile(r"```(\w+)\n# ([\w./]+)\n.*?```", re.DOTALL)
NAME = "rnnbench-example"


def page() -> str:
    """The page with the files as they are."""

    def snippet(found: re.Match[str]) -> str:
        folder = ADAPTERS if found[2].startswith("adapters/") else HERE
        return f"```{found[1]}\n# {found[2]}\n{(folder / found[2]).read_text('utf-8')}```"

    return SNIPPET.sub(snippet, (ROOT / PAGE).read_text("utf-8"))


def golden_files() -> dict[str, str]:
    return {PAGE: page()}


def test_the_page_has_a_heading_a_door_and_shows_the_files_that_are_run() -> None:
    text = (ROOT / PAGE).read_text("utf-8")
    assert text == page(), "next: python -m tests.golden writes it"
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    assert [name for name in sections if "rnnbench." in name] == [
        f"{kind.capitalize()}: `rnnbench.{kind}`" for kind in plugins.GROUPS
    ]
    assert all(SNIPPET.search(section) for section in sections.values())
    shown = {path for _, path in SNIPPET.findall(text)}
    there = {p.relative_to(HERE).as_posix() for p in HERE.rglob("*") if p.suffix in (".py", ".toml", ".yaml")}
    assert there - shown == {"rnnbench_example/__init__.py"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed, by pip, from nothing but what is here."""
    for needed in ("pip", "setuptools"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"NOT TESTED: {needed} is not installed; pip install '.[dev]'")
    source = tmp_path_factory.mktemp("source") / "plugin"
    shutil.copytree(HERE, source, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path_factory.mktemp("site")
    offline = ["--no-index", "--no-build-isolation", "--no-deps", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return target


@pytest.mark.thorough
def test_a_package_is_installed_and_all_that_it_adds_is_run(
    site: Path, tmp_path: Path, cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    for name in ("suite.yaml", "mine.py"):
        shutil.copy(HERE / name, tmp_path)
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]

    def rnnbench(*arguments: str, **more: str) -> str:
        done = cli(*arguments, env={"PYTHONPATH": os.pathsep.join(paths), "COLUMNS": ""} | more, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    listed = rnnbench("list", "plugins").splitlines()
    assert [line.split()[:2] for line in listed] == [
        ["cell", f"{NAME}/leaky"], ["layer", f"{NAME}/smooth"], ["task", f"{NAME}/first"],
        ["format", f"{NAME}/tally"], ["executor", f"{NAME}/logged"],
        ["executor", f"{NAME}/ssh"], ["command", f"{NAME}/lags"],
    ]  # fmt: skip
    assert rnnbench("validate", "suite.yaml") == "example: valid; 6 variants, 1 task, 2 seeds, 24 runs\n"
    rnnbench("run", "suite.yaml", "--executor", f"{NAME}/logged", "-j", "2")
    assert (tmp_path / "jobs.log").read_text().startswith("worker ")
    numerics = re.findall(r'"numerics":"(\w+)', rnnbench("export", "suite.yaml", "--no-curves"))
    assert (numerics.count("fused"), numerics.count("solo")) == (16, 8)  # every cell, as ours are; layers and modules
    tally = rnnbench("report", "suite.yaml", "--format", f"{NAME}/tally").splitlines()
    assert [line.split(": ")[0] for line in tally] == [
        "example", *(f"{name} on first" for name in ("lstm", "leaky", "smooth", "mine", "gru", "leaky-leak")),
    ]  # fmt: skip
    assert all(line.endswith("of 4") for line in tally[1:])
    assert f"Of installed packages: {NAME}/lags" in rnnbench("--help")
    assert rnnbench(f"{NAME}/lags", "suite.yaml") == "first: 4 steps\n"
    assert "no installed package adds anything" in rnnbench("list", "plugins", RNNBENCH_PLUGINS="")


@pytest.mark.thorough
def test_workers_at_the_far_end_of_ssh_record_what_local_ones_do(
    site: Path, tmp_path: Path, cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Its far end is here: an `ssh` that runs the command, as the real one has a shell do."""
    (tmp_path / "bin").mkdir()
    ssh = tmp_path / "bin" / "ssh"
    ssh.write_text('#!/bin/sh\ntest "$3" = far || { echo "no route to $3" >&2; exit 255; }\nshift 3\nexec sh -c "$*"\n')
    ssh.chmod(0o755)
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {"PYTHONPATH": os.pathsep.join(paths), "PATH": f"{ssh.parent}{os.pathsep}{os.environ['PATH']}"}
    (tmp_path / "one.yaml").write_text(
        "rnnbench: 1\nname: one\nseeds: 3\ndefaults: {hidden: 4, batch: 2, steps: 20}\n"
        "architectures: {mine: {cell: ./mine.py}}\ntasks: {adding: {lengths: [2]}}\n"
    )
    shutil.copy(HERE / "mine.py", tmp_path)
    run = ("run", "one.yaml", "-j", "2", "--kernels", "reference", "-q")
    far = ("--executor", f"{NAME}/ssh", "--address")
    exports = []
    for results, where in (("here", ()), ("there", (*far, "far"))):
        done = cli(*run, "-r", results, *where, env=env, timeout=300)
        assert done.returncode == 0, done.stderr
        exports.append(cli("export", "one.yaml", "-r", results, "--canonical", env=env).stdout)
    assert exports[0] == exports[1] != ""
    lost = cli(*run, "-r", "nowhere", *far, "away", env=env)
    assert lost.returncode == 3
    assert lost.stderr.startswith(
        "ssh away: lost: its process ended: no route to away; nothing that was stored is lost"
    )
    refused = cli(*run, "--executor", "local", "--address", "far", env=env)
    assert (refused.returncode, refused.stderr) == (
        2,
        "--address: the executor local has no such option; it has none\n",
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("report", "quick", "--format", f"{NAME}/taly"),
            f"format '{NAME}/taly': {NAME} has none of that name; did you",
        ),
        (
            ("run", "quick", "--executor", "nobody/it"),
            "executor 'nobody/it': no installed package nobody adds executors",
        ),
        ((f"{NAME}/lag",), f"command '{NAME}/lag': {NAME} has none of that name; did you mean '{NAME}/lags'?"),
        ((f"{NAME}/lags", "nosuch"), "nosuch: got no such file, expected the path of a suite"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(
    arguments: tuple[str, ...], told: str, site: Path, cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = cli(*arguments, env={"PYTHONPATH": os.pathsep.join(paths)})
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.startswith(told)) == (2, True), line
