"""The report as a page: well-formed, closed to the network, and whatever a name says stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from test_report import RESULTS, SUITE, climbs, hidden, paired, strange, texts

from rnnbench import report
from rnnbench.analysis import effects, verdicts
from rnnbench.plan import plan
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Point
from rnnbench.report import answer
from rnnbench.report.model import Cell, Column, Report, Table
from rnnbench.report.page import frame
from rnnbench.report.page.markup import VOID, Markup, escape, join, tag
from rnnbench.report.study import Study
from rnnbench.suite import Claim, Suite

HOSTILE = "<img src=x onerror=alert(1)>\"'&</script></style>"
CLAIMS = (Claim("lstm > rnn", "span(lstm, adding) > span(rnn, adding)"),)


class Outline(HTMLParser):
    """What a page consists of, as a browser's parser sees it, where every element is closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.within: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), "an attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.open and self.open[-1] in ("style", "script"):
            self.within[self.open[-1]] = data

    def every(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(scope="module")
def page() -> str:
    suite = replace(SUITE, claims=CLAIMS, text="rnnbench: 1\nname: small\n")
    return report.render(suite, climbs(suite), "html", notes=["3 records are stale"])


def hostile() -> tuple[Suite, list[Climb]]:
    """A suite whose every name and text is hostile, and its climbs."""
    names = {v.name: v.name + HOSTILE for v in SUITE.variants}
    variants = tuple(replace(v, name=names[v.name], base=names.get(v.base or "")) for v in SUITE.variants[:4])
    tasks = tuple(replace(task, name=task.name + HOSTILE) for task in SUITE.tasks)
    suite = replace(SUITE, name=HOSTILE, about=HOSTILE, variants=variants, tasks=tasks, text=HOSTILE)
    results = {(names[v], f"{t}{HOSTILE}"): words for (v, t), words in RESULTS.items()}
    return suite, climbs(suite, results)


def test_a_page_is_well_formed_and_names_each_thing_once(page: str) -> None:
    found = Outline(page)
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [str(a["href"]).removeprefix("#") for a in found.every("a")]
    assert set(targets) <= set(ids)
    assert {
        "answer",
        "headline-span",
        "claims",
        "chart-scores",
        "chart-effects",
        "chart-steps",
        "broken",
        "run",
    } <= set(targets)
    assert found.every("html") == [{"lang": "en"}]


def test_a_page_lets_nothing_in_but_its_own_style_and_script(page: str) -> None:
    found = Outline(page)
    (policy,) = [str(m["content"]) for m in found.every("meta") if m.get("http-equiv")]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for name in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(found.within[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert len(found.every("style")) == len(found.every("script")) == 1
    for name, attributes in found.tags:
        assert not any(key == "style" or key.startswith("on") for key in attributes), name
        for key in ("src", "href", "xlink:href", "srcset", "action"):
            assert attributes.get(key, "#").startswith(("#", "data:")), attributes  # type: ignore[union-attr]
    assert not re.findall(r"url\(|@import", page)
    assert set(re.findall(r"https?://[^\"\s<]*", page)) <= {"http://www.w3.org/2000/svg"}


def test_every_chart_says_what_it_shows_and_every_table_has_headings(page: str) -> None:
    found = Outline(page)
    alts = [a["aria-label"] for a in found.every("div") if a.get("role") == "img"]
    assert len(alts) == page.count("<figure>") == page.count("<figcaption>") == 10
    assert "Mean score against length on adding, bar .97: rnn .98 at 10, .63 at 20" in " ".join(map(str, alts))
    assert page.count("<caption") == page.count("<thead>")
    assert all(a.get("scope") for a in found.every("th"))


def test_a_variant_has_its_layers_and_its_button_under_one_key(page: str) -> None:
    for key in ("s0", "s1", "s4"):
        assert f'data-series="{key}"' in page
        for kind in ("", "_band", "_dots"):
            assert re.search(rf'class="mark-\w+ role-mark {key}{kind}_(marks|pathgroup)"', page), (key, kind)
    assert 'stroke="currentColor"' in page or 'fill="currentColor"' in page


def test_hostile_names_stay_text() -> None:
    suite, view = hostile()
    found = Outline(report.render(suite, view, "html", notes=[HOSTILE]))
    assert not found.every("img")
    assert len(found.every("script")) == len(found.every("style")) == 1
    assert all(not key.startswith("on") for _, attributes in found.tags for key in attributes)
    shown = "".join(found.text)
    assert all(text in shown for text in (suite.name, suite.tasks[0].name, suite.variants[0].name))


@settings(max_examples=5, deadline=None)  # each draws its charts
@given(texts, texts, texts)
def test_no_control_characters_come_out(name: str, about: str, error: str) -> None:
    suite, view = strange(name, about, error)
    made = report.render(suite, view, "html", notes=[error])
    Outline(made)
    assert not hidden(made) - set("\u200c\u200d")


def test_what_broke_is_told_and_how_it_was_run(page: str) -> None:
    shown = " ".join(" ".join(Outline(page).text).split())
    assert "MemoryError: no room" in shown
    assert "rnnbench verify small.jsonl" in shown
    assert "kernel (" in shown
    assert "rnnbench: 1 name: small" in shown
    assert "3 records are stale" in shown


def test_a_page_of_nothing_run_has_no_chart() -> None:
    made = report.render(SUITE, climbs(SUITE, {}), "html")
    Outline(made)
    assert "<figure" not in made
    assert "chart-" not in made


def test_interactions_are_a_heat_map_and_learning_curves_are_on_demand() -> None:
    lost = ["1", "1", ".1", ".1"]
    suite, found = paired(10, base=["1", "1", "1", ".1"], a=lost, b=lost, both=lost)
    made = report.render(suite, found, "html")
    assert "Interactions of 1 pair on adding, in octaves: lstm-a with lstm-b +1.0." in made
    curve = tuple(Point(step, 1.0, step / 1500, None) for step in range(100, 1501, 100))
    records = {r.id: replace(r, curve=curve, steps=1500) for c in found for r in c.records if r.status == "unsolved"}
    made = report.render(suite, view(plan(suite), records), "html")
    assert "<details><summary>show them</summary>" in made.partition('id="chart-curves"')[2]
    assert "Training score against step on adding at " in made


def answered(suite: Suite, results: dict[tuple[str, str], list[str]] | None = None) -> list[str]:
    found = climbs(suite, results)
    return answer.sentences(suite, Study(found), verdicts.verdicts(suite, found))


def test_the_answer_is_made_of_the_numbers() -> None:
    suite = replace(SUITE, claims=CLAIMS)
    first, second, last = answered(suite)
    assert first == (
        "On adding, lstm+chrono solves the longest length, 80, with every seed; lstm-forget_gate has the shortest mean "
        "span, 14 (10 to 20). No effect of 2 parts on the span is told from 0: 2 seeds are too few to tell any."
    )
    assert second.startswith(
        "On counting, lstm-forget_gate solves the longest length, 10, with every seed; lstm+chrono solves no"
    )
    assert last == "Of 1 claim 0 hold, 0 fail and 1 is undecided."
    assert answered(suite, {})[0] == "Of 1 claim 0 hold, 0 fail and 1 is undecided."


def test_the_answer_names_the_parts_that_are_told() -> None:
    seeds = tuple(range(10))
    suite = replace(SUITE, seeds=seeds, variants=SUITE.variants[1:4], tasks=SUITE.tasks[:1])
    top, low = " ".join(["1"] * 10), " ".join([".1"] * 10)
    results = {("lstm", "adding"): [top] * 4, ("lstm-forget_gate", "adding"): [top, low, low]}
    (said,) = answered(suite, results | {("lstm+chrono", "adding"): [top] * 4})
    assert said.endswith("Of 2 parts 1 is told to change the span, in octaves: lstm-forget_gate ≤ −3.0.")
    assert effects.effects(climbs(suite, results))


def test_markup_is_escaped_once() -> None:
    inner = tag("b", "<&>")
    assert isinstance(inner, Markup)
    assert escape(inner) is inner
    assert tag("p", inner, "<") == "<p><b>&lt;&amp;&gt;</b>&lt;</p>"
    assert join("<", inner) == "&lt;<b>&lt;&amp;&gt;</b>"
    assert (
        tag("a", title='"', data_value=1.5, hidden=False, disabled=True)
        == '<a title="&quot;" data-value="1.5" disabled></a>'
    )


def test_style_and_script_come_with_the_package() -> None:
    assert "prefers-color-scheme: dark" in frame.asset("page.css")
    assert "</" not in frame.asset("page.js").replace("</script", "")


def test_probes_have_a_chapter_of_their_own() -> None:
    gradient = Table("adding 6: gradient", "by lag", (Column("", False),), ((Cell(("lstm",)),),))
    probes = Report("small: probes", "", "2 runs trained again", (gradient,), notes=("1 of 3 runs are not probed yet",))
    made = report.render(SUITE, climbs(), "html", probes=probes)
    chapter = made.partition('id="probes"')[2].partition("</section>")[0]
    assert all(text in chapter for text in ("adding 6: gradient", "2 runs trained again", "not probed yet", "lstm"))


def test_a_claim_keeps_its_number_whichever_were_selected() -> None:
    suite = replace(SUITE, claims=(replace(CLAIMS[0], number=7),))
    assert f">7. {escape(CLAIMS[0].says)}<" in report.render(suite, climbs(suite), "html")
