"""What the README shows works: its suite is valid, its Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.S)
    assert found, language
    return found[1]


def test_its_suite_is_valid(tmp_path: Path) -> None:
    from rnnbench import suitefile
    from rnnbench.plan import plan

    path = tmp_path / "mine.yaml"
    path.write_text(block("yaml"))
    assert plan(suitefile.load(path)).count == 9 * 7 * 5


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With a small suite in place of quick."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(
        "rnnbench: 1\nname: small\ndefaults: {hidden: 4, steps: 20}\nseeds: 2\n"
        "architectures: {rnn: {cell: rnn}}\ntasks: {adding: {lengths: [3, 5]}}\n"
    )
    exec(block("python").replace('"quick"', '"small.yaml"'), {})
    printed = capsys.readouterr().out
    assert "rnn" in printed
    assert "score" in printed
