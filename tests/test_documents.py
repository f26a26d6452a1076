"""What documents, docstrings and comments name is there; what documents show to type is what the command line takes,
what they show of suites and of Python can be read, and a page that is to be followed does what it says."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pages
import pytest
import typer
import yaml

from rnnbench.cli import app
from rnnbench.suite.load import loads

ROOT = Path(__file__).parent.parent
PLACES = ("rnnbench", "tests", "benchmarks", "suites", "docs", "results", "examples")
NAMED = re.compile(r"`([\w./-]*\b\w+\.(?:py|md|yaml|json|jsonl\.gz|toml))`")
VARIABLE = re.compile(r'"(RNNBENCH_[A-Z_]+)"')
READERS = re.compile(r"\b(?:mine|test_mine|NAME|test_NAME)\.\w+$")  # stand for files that a reader makes
INLINE = re.compile(r"`rnnbench\s([^`]+)`")
LANGUAGES = {"", "bash", "console", "python", "sh", "text", "toml", "yaml"}
# What a part of a suite that a page shows is a part of.
REST = {
    "rnnbench": 1,
    "name": "part",
    "architectures": {"rnn": {"cell": "rnn"}, "lstm": {"cell": "lstm"}},
    "tasks": {"adding": {"lengths": [5, 10]}},
}
KEYS = {
    "include",
    "about",
    "defaults",
    "seeds",
    "ablate",
    "claims",
    "tune",
    "prune",
    "search",
    "budgets",
    "probe",
    *REST,
}

each_page = pytest.mark.parametrize("path", pages.PAGES, ids=lambda p: p.stem)


def texts() -> list[Path]:
    """Everything that a person reads: the documents, and the sources with their docstrings and comments."""
    inside = [p for place in PLACES for kind in ("*.md", "*.py", "*.yaml") for p in (ROOT / place).rglob(kind)]
    return sorted([*ROOT.glob("*.md"), *(p for p in inside if not {"shipped", "__pycache__"} & set(p.parts))])


@cache
def names() -> set[str]:
    """Of all files."""
    inside = {p.name for place in PLACES for p in (ROOT / place).rglob("*.*")}
    return inside | {p.name for p in ROOT.glob("*.*")}


@pytest.mark.parametrize("path", texts(), ids=lambda p: str(p.relative_to(ROOT)))
def test_files_that_it_names_exist(path: Path) -> None:
    """By a path from the root, from where it stands or from the package, by a file's name alone, or shown there."""
    known = names()
    text = path.read_text("utf-8")
    shown = {block.name for block in pages.blocks(text)} if path.suffix == ".md" else set()
    for name in NAMED.findall(text):
        starts = (ROOT, path.parent, ROOT / "rnnbench", ROOT / "tests", ROOT / "suites")
        there = name in known if "/" not in name else any((start / name).exists() for start in starts)
        reader = READERS.search(name) or name.removeprefix("./") in shown
        assert there or reader, f"{path.relative_to(ROOT)} names {name}, which is not there"


def test_every_variable_that_is_read_is_documented() -> None:
    told = "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    read = {name for path in (ROOT / "rnnbench").rglob("*.py") for name in VARIABLE.findall(path.read_text("utf-8"))}
    assert not {name for name in read if f"`{name}" not in told}


def test_every_page_is_in_the_index() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)", (ROOT / "docs" / "README.md").read_text("utf-8")))
    assert linked == {p.name for p in (ROOT / "docs").glob("*.md")} - {"README.md"}


@each_page
def test_its_blocks_say_what_they_are(path: Path) -> None:
    """In fences with a language: what is only indented, nobody tries."""
    page = path.read_text("utf-8")
    assert {block.language for block in pages.blocks(page)} <= LANGUAGES
    assert not re.findall(r"\n\n {4,}\S.*", pages.BLOCK.sub("", page))


def commands(page: str) -> list[str]:
    """What a page shows to type that begins with `rnnbench`: in blocks, and among its sentences."""
    inline = [" ".join(found.split()) for found in INLINE.findall(pages.BLOCK.sub("", page))]
    shown = [part.removeprefix("rnnbench ") for found in inline for part in found.split(" && ")]
    for block in pages.blocks(page):
        if block.language in ("sh", "bash", "console"):
            lines = block.text.replace("\\\n", " ").splitlines()
            shown += [found for line in lines for found in re.findall(r"(?:^|\$ |\| |&& )rnnbench ([^|;&>]+)", line)]
    return shown


@cache
def whole() -> Any:
    """The command line."""
    return typer.main.get_command(app)


def refused(arguments: list[str]) -> str:
    """What the command line has against these arguments; that some are lacking is nothing, where a sentence names a
    command."""
    command: Any = whole()
    try:
        while hasattr(command, "resolve_command"):
            context = command.make_context("rnnbench", list(arguments), resilient_parsing=True)
            rest = [*context._protected_args, *context.args]
            if not rest:
                return ""
            _, command, arguments = command.resolve_command(context, rest)
            if command is None:
                return f"No such command '{rest[0]}'"
        command.make_context(command.name, list(arguments))
    except Exception as error:
        if type(error).__name__ in ("MissingParameter", "NoArgsIsHelpError", "Exit"):  # Exit: --help
            return ""
        return str(getattr(error, "message", error))
    return ""


@each_page
def test_its_commands_are_those_of_the_command_line(path: Path) -> None:
    for command in commands(path.read_text("utf-8")):
        arguments = shlex.split(command, comments=True)
        if arguments and "/" not in arguments[0] and arguments[0] != "mine":  # of a package of the reader's
            assert not refused(arguments), command


def test_what_is_wrong_with_a_command_is_found() -> None:
    assert "No such command 'plot'" in refused(["plot"])
    assert "No such option: --claims" in refused(["report", "--claims", "2"])
    assert "'yesterday' is not one of" in refused(["run", "quick", "--rerun", "yesterday"])
    assert refused(["kernels", "shown"])
    assert not refused(["kernels", "show"])
    assert commands("`rnnbench run\nquick` and\n```sh\nx && rnnbench plan a \\\n  --power | wc\n```\n") == [
        "run quick",
        "plan a    --power ",
    ]


@each_page
def test_its_suites_and_its_python_can_be_read(path: Path) -> None:
    for block in pages.blocks(path.read_text("utf-8")):
        if block.language == "python":
            compile(block.text, str(path), "exec")
        elif block.language == "yaml" and not block.added:
            found = yaml.safe_load(block.text)
            if isinstance(found, dict) and set(found) <= KEYS and not re.search(r"\./|module:|: [\w-]+/", block.text):
                loads(yaml.safe_dump(REST | found, sort_keys=False).encode(), path.name)


@pytest.mark.parametrize("path", [p for p in pages.PAGES if pages.walks(p.read_text("utf-8"))], ids=lambda p: p.stem)
def test_it_can_be_followed(path: Path) -> None:
    """Every command ends well and prints what the page shows."""
    page = path.read_text("utf-8")
    assert pages.followed(page) == page, "next: python -m tests.pages writes what is printed"


def test_what_is_printed_is_held_against_what_is_shown() -> None:
    assert pages.agree("a\n...\nd", "a\nb\nc\nd")
    assert pages.agree("a\n...\nb", "a\nb")
    assert not pages.agree("a\n...\nd", "a\nb\nd\ne")
    assert pages.agree("took 2 min 3 s more", "took 12 s more")
    assert not pages.agree("", "anything")
    assert pages.shortened("a\n...\nd", "a\nb\nx\ny") == "a\n...\ny"
    shown = "$ one \\\n  two\nprinted\n\n$ three\n"
    assert list(pages.commands(shown)) == [("one \\\n  two", "printed"), ("three", "")]
