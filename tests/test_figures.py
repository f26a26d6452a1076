"""Charts as files and tables for LaTeX: of the sizes of a paper's columns, with what they need inside."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from test_report import RESULTS, SUITE, climbs, paired

from rnnbench import api, report
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.records import Point, Record, dump_canonical
from rnnbench.report import charts, draw, figures, formats, looks
from rnnbench.report.formats import latex
from rnnbench.report.study import Study
from rnnbench.suite import Variant

ONE = replace(SUITE, tasks=SUITE.tasks[:1])


def drawn(look: looks.Look = looks.COLUMN) -> dict[str, charts.Chart]:
    return charts.charts(ONE.tasks[0], Study(climbs(ONE)), looks.series(ONE.variants), look)


def test_there_is_a_file_a_task_a_kind_and_a_size() -> None:
    names = [name for name, _ in figures.files(SUITE, climbs(), "svg", lambda spec: b"")]
    assert len(names) == len(set(names))
    assert {"adding-scores-1col.svg", "adding-scores-2col.svg", "counting-effects-1col.svg"} <= set(names)


def test_a_hostile_task_is_a_file_in_the_folder_and_none_overwrites_another() -> None:
    names = {"../../x": "task", ".. ..x": "task"}
    tasks = tuple(replace(SUITE.tasks[0], name=name) for name in names)
    suite = replace(SUITE, tasks=tasks)
    results = {(v, name): RESULTS[v, "adding"] for name in names for v in ("rnn", "lstm")}
    found = [name for name, _ in figures.files(suite, climbs(suite, results), "svg", lambda spec: b"")]
    assert len(found) == len(set(found)) > 4
    assert all(Path(name).name == name and not name.startswith(".") for name in found)


def test_an_svg_is_as_wide_as_a_column_and_has_its_own_legend() -> None:
    chart = drawn()["scores"]
    root = ElementTree.fromstring(draw.svg(chart.spec))
    assert root.get("width") == "252"
    texts = {"".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"rnn", "lstm-forget_gate", "score", "bar .97", "80"} <= texts
    assert "currentColor" not in ElementTree.tostring(root, encoding="unicode")
    assert ElementTree.fromstring(draw.svg(drawn(looks.COLUMNS)["scores"].spec)).get("width") == "516"


def test_a_pdf_has_its_size_in_points_and_its_fonts() -> None:
    found = draw.pdf(drawn()["effects"].spec)
    assert found.startswith(b"%PDF")
    assert re.search(rb"/MediaBox ?\[ ?0 0 252 ", found)
    streams = [found] + [_inflated(s) for s in re.findall(rb"stream\r?\n(.*?)endstream", found, re.DOTALL)]
    assert any(re.search(rb"/FontFile[23]?\b", s) for s in streams)


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return b""


def test_a_png_has_300_pixels_an_inch() -> None:
    found = draw.png(drawn()["spans"].spec)
    assert found.startswith(b"\x89PNG")
    assert struct.unpack(">I", found[16:20])[0] == pytest.approx(252 / 72 * 300, abs=2)


def test_every_variant_looks_like_no_other_however_many_there_are() -> None:
    found = looks.series([Variant(f"v{k}", {"cell": "rnn"}) for k in range(28)])
    assert len({(s.colour, s.dash) for s in found.values()}) == 28
    assert len({(s.colour, s.shape) for s in found.values()}) == 28


def test_charts_load_nothing_and_name_no_file() -> None:
    lost = ["1", "1", ".1", ".1"]
    suite, view = paired(10, base=["1", "1", "1", ".1"], a=lost, b=lost, both=lost)
    found = charts.charts(suite.tasks[0], Study(view), looks.series(suite.variants), looks.PAGE)
    assert list(found) == ["spans", "scores", "solved", "effects", "interactions", "steps"]
    for chart in found.values():
        assert "url" not in chart.spec.get("data", {})
        assert not any("url" in layer.get("data", {}) for layer in chart.spec["layer"])


def test_latex_is_booktabs_and_escapes_what_it_must() -> None:
    text = report.render(SUITE, climbs(), "latex")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == text.count(r"\toprule") > 4
    assert r"lstm-forget\_gate & .99 \checkmark{}3/3 & .17 0/3 $\infty$1 & .10 0/3 & -- & " in text
    assert r"\textbf{$\ge$ 80}" in text
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert not re.findall(r"[^\x00-\x7f]", body), "a sign that LaTeX may not have"
    assert not re.search(r"(?<!\\)[#_]", body)
    assert latex.escape("\\^~") == r"\textbackslash{}\textasciicircum{}\textasciitilde{}"


def test_the_name_of_the_file_says_the_format_and_charts_need_a_folder(cli: Callable[..., Any], tmp_path: Path) -> None:
    assert formats.suffixes()[".htm"] == formats.suffixes()[".html"] == "html"
    with pytest.raises(UserError, match=r"^--format svg: makes several files; next: -o FOLDER$"):
        report.render(SUITE, climbs(), "svg")
    assert report.files(SUITE, climbs(), "csv") is None
    suite = "rnnbench: 1\nname: tiny\nseeds: 1\narchitectures: {rnn: {cell: rnn}}\ntasks: {adding: {lengths: [2]}}\n"
    (tmp_path / "tiny.yaml").write_text(suite)
    curve = (Point(50, 1.0, 0.5), Point(100, 0.1, 0.99))
    runs = plan(api.load(tmp_path / "tiny.yaml")).runs()
    made = dump_canonical(Record(run, "solved", 0.99, 0.1, 100, 100, 10, curve=curve) for run in runs)
    (tmp_path / "made.jsonl").write_text(made)
    ended = cli("report", "tiny.yaml", "--format", "svg")
    refused = "--format svg: makes a file a chart; next: -o FOLDER, without --by\n"
    assert (ended.returncode, ended.stderr) == (2, refused)
    ended = cli("report", "tiny.yaml", "--from", "made.jsonl", "--format", "svg", "-o", "new/figures")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "new/figures: 8 charts\n")
    kinds = {path.name.split("-")[1] for path in (tmp_path / "new/figures").iterdir()}
    assert kinds == {"spans", "scores", "steps", "curves"}
    assert cli("report", "tiny.yaml", "--from", "made.jsonl", "-o", "page.html").returncode == 0
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
