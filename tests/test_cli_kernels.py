"""`rnnbench kernels`: what is derived, and why something is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from rnnbench import registry

Cli = Callable[..., "CompletedProcess[str]"]


def test_every_cell_is_listed(cli: Cli) -> None:
    done = cli("kernels", "list")
    assert done.returncode == 0
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert list(told) == list(registry.names("cells"))
    assert told["mgu"] == "fused"
    assert told["mlstm"] == "fused"


def test_what_is_derived_is_told_before_its_code(cli: Cli) -> None:
    done = cli("kernels", "show", "mlstm", "heads=4")
    assert done.returncode == 0
    lines = len(cli("kernels", "show", "mlstm", "heads=4", "--code").stdout.splitlines())
    assert lines > 100
    assert done.stdout == (
        "mlstm: fused: a scan forwards and one back are derived from its step\n"
        "switches    heads=4, forget_activation=sigmoid, forget_bias=3.0, chrono=false\n"
        "parameters  Wq, bq, Wk, bk, Wv, bv, Wo, bo, Wi, bi, Wf, bf\n"
        "states      256, 32, 4 numbers of an example, at 32 units\n"
        f"code        {lines} lines; next: rnnbench kernels show mlstm heads=4 --code\n"
    )


def test_a_scan_is_shown(cli: Cli) -> None:
    done = cli("kernels", "show", "lstm", "peepholes=true", "--code")
    assert done.returncode == 0
    compile(done.stdout, "lstm", "exec")
    assert "\nNAMES = (" in done.stdout
    assert "'pi'" in done.stdout
    assert "'pi'" not in cli("kernels", "show", "lstm", "--code").stdout


def test_a_scan_of_heads_is_shown(cli: Cli) -> None:
    shown = cli("kernels", "show", "mlstm", "heads=4", "--code").stdout
    assert "heads, D = 4, H // 4" in shown
    assert "remember_and_recall_back(" in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("lstmm",), "cell: got 'lstmm', expected the name of a cell; did you mean 'lstm'?"),
        (("lstm", "peephole=true"), "peephole: got an unknown key"),
        (("lstm", "peepholes=3"), "peepholes: got 3, expected true or false"),
        (("lstm", "peepholes=no"), "peepholes: got 'no', expected true or false"),
        (("./none.py",), "cell: got './none.py': no such file"),
        (("lstm", "peepholes"), "peepholes: expected SWITCH=VALUE, as in peepholes=true"),
        (("mlstm", "heads=0"), "heads: got 0, expected a whole number from 1 to 1024"),
    ],
)
def test_what_cannot_be_shown_is_one_line(cli: Cli, arguments: tuple[str, ...], told: str) -> None:
    done = cli("kernels", "show", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "architectures" not in done.stderr  # no place in a file that nobody wrote


SUMMED = """
from dataclasses import dataclass
from rnnbench.cells import rnn

@dataclass(frozen=True)
class Cell(rnn.Cell):
    def step(self, p, x, state):
        h, _ = super().step(p, x, state)
        return h / h.sum(-1), (h,)
"""


def test_a_cell_that_is_stepped_through_is_told_why(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "summed.py").write_text(SUMMED)
    done = cli("kernels", "show", "./summed.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no fused scan is derived from its step, which is stepped through: calls `sum`" in done.stderr
