"""What the project says of versions is said alike wherever it is said: Pythons, packages, and its own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import lowest
import pytest
import yaml
from packaging.version import Version

from rnnbench import __version__

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PYTHON = "Programming Language :: Python :: "


def document(path: str) -> Any:
    """What a YAML file holds, every value a string: 3.10 is no number."""
    return yaml.load((ROOT / path).read_text("utf-8"), Loader=yaml.BaseLoader)


def pythons() -> list[str]:
    """Those that the classifiers name."""
    names = (each.removeprefix(PYTHON) for each in PROJECT["project"]["classifiers"] if each.startswith(PYTHON))
    return [name for name in names if "." in name]


def test_every_python_that_is_claimed_is_tested_and_no_other() -> None:
    jobs = document(".github/workflows/test.yml")["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == pythons()
    lowest_python = re.findall(r"python-version: '?\"?([\d.]+)", (ROOT / ".github/workflows/test.yml").read_text())
    assert lowest_python == pythons()[:1]


def test_the_first_python_is_the_least_that_is_asked_for() -> None:
    first = pythons()[0]
    assert pythons() == sorted(pythons(), key=Version)
    assert PROJECT["project"]["requires-python"] == f">={first}"
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{first.replace('.', '')}"
    assert PROJECT["tool"]["mypy"]["python_version"] == first
    assert f"needs Python {first} or newer" in (ROOT / "Makefile").read_text()
    assert f"With Python {first} or newer" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("group", lowest.project())
def test_every_dependency_has_a_lower_bound_which_the_pins_meet(group: str) -> None:
    known = lowest.pinned()
    for name, bound in lowest.bounds(lowest.project()[group]).items():
        if group != "peers":  # which are no part of `make test`
            assert Version(known[name.lower()]) >= Version(bound), name


def test_a_dependency_of_several_extras_has_one_bound() -> None:
    found: dict[str, set[str]] = {}
    for requirements in lowest.project().values():
        for name, bound in lowest.bounds(requirements).items():
            found.setdefault(name, set()).add(bound)
    assert not {name: each for name, each in found.items() if len(each) > 1}


def test_the_lowest_versions_are_of_all_that_is_needed() -> None:
    names = [line.partition("==")[0] for line in lowest.constraints()]
    assert len(names) == len(set(names))
    assert set(names) == set(lowest.bounds([*lowest.project()["dependencies"], *lowest.project()["dev"]]))
    with pytest.raises(ValueError, match="got 'numpy', expected NAME>=BOUND"):
        lowest.bounds(["numpy"])


def test_the_citation_is_of_this_version() -> None:
    citation = document("CITATION.cff")
    assert citation["version"] == __version__
    assert citation["cff-version"] == "1.2.0"
    assert citation["license"] == PROJECT["project"]["license"]
    assert citation["title"].startswith(f"{PROJECT['project']['name']}: ")
    assert citation["keywords"] == PROJECT["project"]["keywords"]
    assert {"message", "title", "authors"} <= set(citation)  # which the format asks for


def test_the_changelog_begins_with_this_version() -> None:
    (first, *_) = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert first == __version__


def test_the_versions_of_formats_are_as_documented() -> None:
    from rnnbench.check import baseline
    from rnnbench.report.formats import json
    from rnnbench.store import schema
    from rnnbench.suite import load

    told = dict(re.findall(r"^\| (suites|stores|baselines|`report).*? \| (\d+) \|$",
                           (ROOT / "docs" / "versioning.md").read_text("utf-8"), re.M))  # fmt: skip
    versions = {"suites": load.FORMAT, "stores": schema.VERSION, "baselines": baseline.VERSION, "`report": json.VERSION}
    assert {name: int(version) for name, version in told.items()} == versions
