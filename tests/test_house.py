"""The house: imports point one way, documents tell the truth, modules stay small."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import order
import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rnnbench"

# What each package, or module at the top, may import when it runs: these edges are the architecture
# (docs/architecture.md draws it). EVERYBODY's need no edge.
EVERYBODY = {"environment", "errors", "lazy", "strict", "text"}
MAY: dict[str, set[str]] = {
    "environment": set(),
    "text": set(),
    "strict": set(),
    "errors": set(),
    "lazy": set(),
    "interrupts": set(),
    "process": set(),
    "seeds": set(),
    "rng": {"seeds"},
    "foreign": set(),
    "plugins": {"foreign"},
    "settings": set(),
    "lengthwise": set(),
    "records": {"lengthwise", "seeds"},
    "curriculum": {"records", "rng"},
    "finite": {"rng", "tasks"},
    "exports": {"records"},
    "store": {"lengthwise", "records", "seeds"},
    "cells": {"rng"},
    "kernels": {"cells"},
    "layers": {"cells", "foreign", "kernels", "rng", "settings"},
    "tasks": {"rng"},
    "registry": {"cells", "foreign", "layers", "plugins", "records", "settings", "tasks"},
    "suite": {"foreign", "records", "registry", "seeds", "settings"},
    "plan": {"records", "registry", "seeds", "settings", "suite"},
    "training": {"cells", "curriculum", "finite", "foreign", "kernels", "layers", "records", "registry", "rng",
                 "settings", "tasks"},
    "probing": {"cells", "foreign", "layers", "records", "registry", "rng", "tasks", "training"},
    "running": {"foreign", "interrupts", "plan", "plugins", "probing", "records", "registry", "seeds", "settings",
                "store", "training"},
    "analysis": {"plan", "records", "registry", "rng", "seeds", "settings", "suite"},
    "check": {"analysis", "layers", "plan", "records", "registry", "rng", "settings", "suite", "tasks", "training"},
    "report": {"analysis", "check", "plan", "plugins", "probing", "records", "registry", "seeds", "settings", "suite"},
    "api": {"exports", "plan", "probing", "process", "records", "registry", "running", "store", "suite", "training"},
    "scripting": {"api", "interrupts", "plan", "process", "report", "running", "store", "suite"},
    "plot": {"report"},
    "upkeep": {"api", "check", "kernels", "plan", "plugins", "records", "store", "suite"},
    "cli": {"analysis", "api", "check", "exports", "interrupts", "kernels", "plan", "plugins", "probing", "process",
            "records", "registry", "report", "running", "settings", "store", "suite", "training", "upkeep"},
    "__init__": {"plot", "scripting"},
    "__main__": {"cli", "interrupts"},
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if not {"shipped", "__pycache__"} & set(p.parts))


def room(path: Path) -> str:
    """The first name below the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The rooms of the package that a module imports when it runs (not only for types)."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "rnnbench":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rnnbench."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("rnnbench.")}
    return found - {"__version__"}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_package_imports_only_what_it_may(path: Path) -> None:
    here = room(path)
    assert here in MAY, f"{here} has no place in the house yet: say in MAY what it may import"
    beyond = imported(path) - {here} - EVERYBODY - MAY[here]
    assert not beyond, f"{here} may not import {beyond}"


def test_what_may_be_imported_runs_one_way() -> None:
    """No circle: the rooms can be put in an order in which each imports only what stands before it."""
    left = {room: set(others) for room, others in MAY.items()}
    while left:
        ready = {room for room, others in left.items() if not others & set(left)}
        assert ready, f"a circle among {sorted(left)}"
        left = {room: others for room, others in left.items() if room not in ready}


def test_what_may_be_imported_is() -> None:
    """An edge that nobody uses any longer is closed."""
    used: dict[str, set[str]] = {}
    for path in modules():
        used.setdefault(room(path), set()).update(imported(path))
    unused = {room: others - used[room] for room, others in MAY.items() if others - used[room]}
    assert not unused


def test_training_knows_neither_suite_plan_nor_store_and_reports_know_no_training() -> None:
    def reaches(room: str) -> set[str]:
        return {room}.union(*map(reaches, MAY[room]))

    assert not reaches("training") & {"suite", "plan", "store", "running", "analysis"}
    assert reaches("store") <= {"store", "records", "lengthwise", "seeds", *EVERYBODY}
    assert "training" not in reaches("analysis")


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_are_small_and_say_what_they_are(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 350, "split it"
    assert ast.get_docstring(ast.parse(text)) or not text.strip()


@pytest.mark.parametrize("path", sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]), ids=lambda p: p.name)
def test_paths_in_documents_exist(path: Path) -> None:
    text = path.read_text()
    for name in re.findall(r"`((?:rnnbench|suites|tests|docs|benchmarks)/[\w./-]*)`", text):
        assert (ROOT / name).exists() or Path(name).stem in ("mine", "test_mine"), f"{path.name} names {name}"
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (path.parent / target).exists(), f"{path.name} links {target}"


def test_every_command_is_documented() -> None:
    import typer

    from rnnbench.cli import app

    documents = "".join(p.read_text() for p in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    for name in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        assert f"rnnbench {name}" in documents, name


def test_nothing_of_a_machine_is_in_the_tree() -> None:
    pattern = re.compile(r"/(?:home|root|work|Users)/\w")
    for path in [*modules(), *ROOT.glob("*.*"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "suites").rglob("*.yaml")]:
        if path.is_file() and path.suffix in (".py", ".md", ".toml", ".yaml", ".txt"):
            assert not pattern.search(path.read_text()), path


def test_every_dependency_is_explained() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    explained = (ROOT / "docs" / "dependencies.md").read_text()
    for requirement in project["dependencies"]:
        assert f"| {re.split('[<>=]', requirement)[0]} |" in explained, requirement


def test_all_suites_that_ship_are_valid() -> None:
    from rnnbench.plan import plan
    from rnnbench.suite import load

    names = load.shipped()
    assert {"quick", "long_deps"} <= set(names)
    for path in names.values():
        assert plan(load.load(path)).count > 0


def test_files_that_are_to_come_first_are_there() -> None:
    assert set(order.LONGEST) <= {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert len(set(order.LONGEST)) == len(order.LONGEST)
