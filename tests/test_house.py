"""The house: imports point one way, documents tell the truth, modules stay small."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rnnbench"

# Each imports only what stands above it.
ORDER = [
    "errors", "lazy", "rng", "settings", "records", "expression", "grammar", "stats", "cells", "kernels", "layers",
    "tasks", "find", "faults", "document", "suite", "reader", "variants", "ablate", "sentences", "resolve",
    "suitefile", "plan", "select", "cost", "model", "backprop", "optimiser", "checkpoint", "fingerprint", "lockstep",
    "train", "store", "events", "executors", "driver", "devices", "effects", "ranges", "interactions", "decisions",
    "steps", "claims", "exact", "baseline", "check", "report", "display", "api", "cli", "__main__",
]  # fmt: skip


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "shipped" not in p.parts)


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
def test_imports_point_one_way(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return  # its lazy attributes are the package's front door
    assert here in ORDER, f"{here} has no place in the order yet"
    below = {name for name in imported(path) - {here} if ORDER.index(name) > ORDER.index(here)}
    assert not below, f"{here} imports {below}, which stand below it"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_are_small_and_say_what_they_are(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 350, "split it"
    assert ast.get_docstring(ast.parse(text)) or not text.strip()


@pytest.mark.parametrize("path", sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]), ids=lambda p: p.name)
def test_paths_in_documents_exist(path: Path) -> None:
    text = path.read_text()
    for name in re.findall(r"`((?:rnnbench|suites|tests|docs|benchmarks)/[\w./-]*)`", text):
        assert (ROOT / name).exists() or "mine" in name, f"{path.name} names {name}"
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
    from rnnbench import suitefile
    from rnnbench.plan import plan

    names = suitefile.shipped()
    assert {"quick", "long_deps"} <= set(names)
    for path in names.values():
        assert plan(suitefile.load(path)).count > 0
