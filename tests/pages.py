"""What a page of the documents shows its reader to do, and what happens when it is done.

A page's fenced blocks say what they are by their language:

    console     `$ COMMAND` lines, each followed by what it prints; run by a shell, in order, in the page's folder
    python      run by Python in that folder
    yaml, ...   with `# NAME` in its first line: that file; with `# NAME, at its end`: added to it
    sh          commands that need what a test has not got (a cluster, a network): only their words are looked at

What is printed may leave out lines: `...` on a line stands for any. Times are not compared. `python -m tests.pages`
writes what is printed today into the pages, for a change that is meant.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rnnbench.running.executors.local import ENVIRONMENT

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(?P<language>[\w-]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (?P<name>[\w./-]+\.\w+)(?P<more>, at its end)?\n")
LIKELY = re.compile(r", likely TIME")  # is told where it differs from what it is at most: on a slow machine
TIME = re.compile(r"\b\d+(?:\.\d+)? (?:s|min|h)\b(?: \d+ (?:s|min)\b)?")
LEFT_OUT = "..."
WIDTH = 100
SHIMS = {"rnnbench": "-m rnnbench", "python": ""}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and where the text is in the page."""

    language: str
    text: str
    start: int

    @property
    def name(self) -> str:
        """The file that it is, if it is one."""
        found = NAMED.match(self.text)
        return found["name"] if found and self.language != "console" else ""

    @property
    def added(self) -> bool:
        """Whether it is added to that file."""
        found = NAMED.match(self.text)
        return bool(found and found["more"])


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(found["language"], found["text"], found.start("text")) for found in BLOCK.finditer(page)]


def walks(page: str) -> bool:
    """Whether a page has anything to be run in a folder of its own."""
    return any(block.language == "console" for block in blocks(page))


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with what is shown of its output."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.split("\n")
        count = next(k for k, line in enumerate(lines, 1) if not line.endswith("\\"))
        yield "\n".join(lines[:count]), "\n".join(lines[count:]).rstrip("\n")


def agree(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed: all of it, or the lines between those that are left out."""
    lines = _timeless(shown).split("\n")
    pattern = "".join(r"(?:.*\n)*" if line == LEFT_OUT else rf"{re.escape(line)}\n" for line in lines)
    return re.fullmatch(pattern, f"{_timeless(printed)}\n") is not None


def _timeless(text: str) -> str:
    return LIKELY.sub("", TIME.sub("TIME", re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)))


def shortened(shown: str, printed: str) -> str:
    """What was printed, with as many lines before and behind what is left out as a page shows."""
    if agree(shown, printed):
        return shown
    lines, now = shown.split("\n"), printed.split("\n")
    if LEFT_OUT not in lines:
        return printed
    head, tail = lines.index(LEFT_OUT), lines[::-1].index(LEFT_OUT)
    return "\n".join([*now[:head], LEFT_OUT, *now[len(now) - tail :]])


class Folder:
    """Where a page is followed, with `rnnbench` and `python` on its path as a reader has them."""

    def __init__(self, folder: Path) -> None:
        self.folder, programs = folder / "page", folder / "bin"
        self.folder.mkdir()
        programs.mkdir()
        for name, arguments in SHIMS.items():
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
            (programs / name).chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RNNBENCH_")}
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        mine = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": paths, "COLUMNS": str(WIDTH)}
        self.environment = kept | ENVIRONMENT | mine

    def done(self, block: Block) -> str:
        """Does what a block says; the block as it should be."""
        if block.name:
            self._write(block)
        elif block.language == "python":
            self._call([sys.executable, "-c", block.text])
        elif block.language == "console":
            return "".join(self._shown(*pair) for pair in commands(block.text))
        return block.text

    def _write(self, block: Block) -> None:
        found = NAMED.match(block.text)
        assert found is not None
        path = self.folder / block.name
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.read_text("utf-8") if found["more"] else ""
        path.write_text(there + block.text.removeprefix(found[0] if found["more"] else ""), "utf-8")

    def _shown(self, command: str, shown: str) -> str:
        printed = self._call(["bash", "-eo", "pipefail", "-c", command])
        told = shortened(shown, printed)
        return f"$ {command}\n{told}\n" if told else f"$ {command}\n"

    def _call(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, f"{command[-1]}\nended with {done.returncode}:\n{done.stdout}"
        return re.sub(r"[ \t]+$", "", done.stdout, flags=re.MULTILINE).strip("\n")


def followed(page: str) -> str:
    """The page as it should be: with what its commands print today."""
    with tempfile.TemporaryDirectory() as place:
        folder, out, at = Folder(Path(place)), [], 0
        for block in blocks(page):
            out += [page[at : block.start], folder.done(block)]
            at = block.start + len(block.text)
        return "".join([*out, page[at:]])


if __name__ == "__main__":
    for path in PAGES:
        text = path.read_text("utf-8")
        if walks(text) and (now := followed(text)) != text:
            path.write_text(now, "utf-8")
            print(f"{path.relative_to(ROOT)}: written")
