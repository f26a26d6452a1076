"""The lowest versions that `pyproject.toml` admits, as constraints: `python -m tests.lowest > lowest.txt`, and then
`make .venv/installed-dev CONSTRAINTS=lowest.txt`.

What rnnbench itself needs is held to its lower bound. Tools of the extra `dev` stay at the versions of
`constraints.txt`, since it isn't they that are tried. What all of these need in turn is left to pip.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
BOUNDED = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)")


def bounds(requirements: Iterable[str]) -> dict[str, str]:
    """The lower bound of each package. ValueError of a requirement that is anything else than `name>=bound`.

    >>> bounds(["numpy>=2.0"])
    {'numpy': '2.0'}
    """
    found = {}
    for requirement in requirements:
        if not (match := BOUNDED.fullmatch(requirement)):
            raise ValueError(f"got '{requirement}', expected NAME>=BOUND")
        found[match[1]] = match[2]
    return found


def project() -> dict[str, list[str]]:
    """What the package needs, as `dependencies`, and what each of its extras does."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {"dependencies": told["dependencies"], **told["optional-dependencies"]}


def pinned() -> dict[str, str]:
    """The versions of `constraints.txt`, by the package's name in small letters."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return {name.lower(): version for name, _, version in (line.partition("==") for line in lines)}


def constraints() -> Iterator[str]:
    told, known = project(), pinned()
    for name, bound in bounds(told["dependencies"]).items():
        yield f"{name}=={bound}"
    for name in bounds(told["dev"]):
        yield f"{name}=={known[name.lower()]}"


if __name__ == "__main__":
    print(*constraints(), sep="\n")
