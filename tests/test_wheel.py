"""The package as others get it: a wheel and an sdist are built, the wheel is run where nothing of it is."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from rnnbench import __version__

ROOT = Path(__file__).parent.parent
NAME = f"rnnbench-{__version__}"
WHEEL, SDIST = f"{NAME}-py3-none-any.whl", f"{NAME}.tar.gz"
# Of `quick` what compiles one cell; RNNBENCH_SLOW=1 trains all of it.
PART = () if os.environ.get("RNNBENCH_SLOW") else ("-k", "rnn and adding", "--seeds", "2", "-j", "1")
INFO = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def here(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a command prints that must succeed. It finds this checkout neither by a path nor by a variable."""
    ours = ("PYTHONPATH", "RNNBENCH_", "VIRTUAL_ENV")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of this checkout."""
    folder = tmp_path_factory.mktemp("built")
    here(sys.executable, "-m", "hatchling", "build", "--directory", folder)
    assert sorted(path.name for path in folder.iterdir()) == [WHEEL, SDIST]
    return folder


def sources(folder: str) -> set[str]:
    """The files below a folder of this checkout, by their paths from there, but for what Python leaves behind."""
    found = (path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_package_and_its_suites_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(built / WHEEL) as wheel:
        names = {entry.filename for entry in wheel.infolist()}
    package = {f"rnnbench/{name}" for name in sources("rnnbench")}
    shipped = {f"rnnbench/shipped/{name}" for name in sources("suites")}
    assert names == package | shipped | {f"{NAME}.dist-info/{name}" for name in INFO}
    # what an equation of folders wouldn't miss, where it is missing from both
    assert {"rnnbench/py.typed", "rnnbench/report/page/page.css", "rnnbench/report/page/page.js"} <= package
    assert {f"rnnbench/shipped/{name}" for name in ("quick.yaml", "schema.json", "baselines/ci.json")} <= shipped


def test_the_sdist_is_all_that_the_wheel_is_built_of(built: Path, tmp_path: Path) -> None:
    with tarfile.open(built / SDIST) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    for name in ("LICENSE", "README.md", "CITATION.cff", "tests/conftest.py", "docs/suites.md", "Makefile"):
        assert (unpacked / name).is_file(), name
    here(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path, cwd=unpacked)
    assert (tmp_path / WHEEL).read_bytes() == (built / WHEEL).read_bytes()


@pytest.fixture(scope="module")
def fresh(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that has the wheel, and from this one what the wheel depends on."""
    folder = tmp_path_factory.mktemp("fresh")
    here(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check")
    here(*pip, "install", "--no-index", "--no-deps", "--no-compile", built / WHEEL)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    ours = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    Path(paths["purelib"], "dependencies.pth").write_text("".join(f"{path}\n" for path in ours))
    return folder / "bin"


@pytest.mark.thorough
def test_the_wheel_runs_in_a_fresh_environment_and_an_empty_folder(fresh: Path, tmp_path: Path) -> None:
    where = here(fresh / "python", "-c", "import rnnbench; print(rnnbench.__file__)", cwd=tmp_path)
    assert Path(where).is_relative_to(fresh.parent)
    rnnbench = fresh / "rnnbench"
    assert here(rnnbench, "--version", cwd=tmp_path) == f"{__version__}\n"
    here(rnnbench, "run", "quick", *PART, cwd=tmp_path)
    here(rnnbench, "report", "-o", "page.html", cwd=tmp_path)
    page = (tmp_path / "page.html").read_text()
    for part in ("page.css", "page.js"):
        assert (ROOT / "rnnbench" / "report" / "page" / part).read_text().strip() in page, part
    assert "<svg" in page
    assert {path.name for path in tmp_path.iterdir()} == {"page.html", "results"}
