"""The report as a page: well-formed, closed to the network, and whatever a name says stays text."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import ladders
import pytest
from hypothesis import given, settings
from test_report import RESULTS, SUITE, climbs, hidden, paired, strange, texts

from rnnbench import report
from rnnbench.analysis import effects, verdicts
from rnnbench.plan import plan
from rnnbench.plan.ladders import Climb, view
from rnnbench.plan.tuning import settle
from rnnbench.probing import Asked, Probe, Probed
from rnnbench.records import Point, Record, Run
from rnnbench.report import answer, charts, draw, looks
from rnnbench.report.formats import table as drawing
from rnnbench.report.model import Cell, Column, Report, Table
from rnnbench.report.page import frame
from rnnbench.report.page.markup import VOID, Markup, escape, join, tag
from rnnbench.report.probed import Probes
from rnnbench.report.probed import report as told_of
from rnnbench.report.study import Study
from rnnbench.suite import Claim, Suite
from rnnbench.suite.tuning import Tuning

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
    told = answer.sentences(suite, Study(found), verdicts.verdicts(suite, found))
    return [said.replace("\u00a0", " ") for said in told]


def test_the_answer_is_made_of_the_numbers() -> None:
    suite = replace(SUITE, claims=CLAIMS)
    first, second, last = answered(suite)
    assert first == (
        "On adding, of the 3 of 5 variants whose runs are all there, lstm+chrono solves the longest length, 80, with "
        "every seed; lstm-forget_gate has the shortest mean span, 14 (10 to 20). No effect of 2 parts on the span is "
        "told from 0: 2 seeds are too few to tell any; not told: lstm-forget_gate −2.0 and lstm+chrono ≥ +1.0."
    )
    assert second.startswith(
        "On counting, of the 3 of 4 variants whose runs are all there, lstm-forget_gate solves the longest "
        "length, 10, with every seed; lstm+chrono solves no"
    )
    assert last == "The claim is undecided."
    assert answered(suite, {})[0] == "The claim is undecided."


def test_the_answer_says_of_one_known_variant_what_it_has_and_compares_it_with_none() -> None:
    top, low = ["1 1 1"] * 4, ["1 1 1", ".1 .1 .1", ".1 .1 .1"]
    suite = replace(SUITE, tasks=SUITE.tasks[:1])
    known = {("lstm", "adding"): top}, {("lstm", "adding"): low}
    assert [s for found in known for s in answered(suite, found)] == [
        "On adding, lstm solves the longest length, 80, with every seed.",
        "On adding, lstm has a mean span of 14 (10 to 20).",
    ]


def test_the_answer_says_of_how_many_variants_it_speaks_while_runs_are_missing() -> None:
    """What is left may be the longest, as here."""
    top, low = ["1 1 1"] * 4, ["1 1 1", ".1 .1 .1", ".1 .1 .1"]
    suite = replace(SUITE, tasks=SUITE.tasks[:1])
    results = {("rnn", "adding"): low, ("lstm-forget_gate", "adding"): low, ("lstm", "adding"): top[:2]}
    (said,) = answered(suite, results)
    assert said.startswith("On adding, of the 2 of 5 variants whose runs are all there, all 2 variants have ")


def test_the_answer_names_the_parts_that_are_told() -> None:
    seeds = tuple(range(10))
    suite = replace(SUITE, seeds=seeds, variants=SUITE.variants[1:4], tasks=SUITE.tasks[:1])
    top, low = " ".join(["1"] * 10), " ".join([".1"] * 10)
    results = {("lstm", "adding"): [top] * 4, ("lstm-forget_gate", "adding"): [top, low, low]}
    (said,) = answered(suite, results | {("lstm+chrono", "adding"): [top] * 4})
    assert said.endswith(
        "Of 2 parts 1 is told to change the span, in octaves: lstm-forget_gate ≤ −3.0; not told: lstm+chrono 0.0."
    )
    assert effects.effects(climbs(suite, results))


def test_a_shortest_span_that_is_a_bound_is_the_shortest_as_far_as_is_shown() -> None:
    suite = replace(SUITE, variants=SUITE.variants[:2], tasks=SUITE.tasks[:1])
    results = {("rnn", "adding"): ["1 1 1", "1 1 1", "1 1 1", "1 .1 .1"], ("lstm", "adding"): ["1 1 1"] * 4}
    (said,) = answered(suite, results)
    assert "rnn has the shortest mean span as far as the ladder shows, ≥ " in said


def test_a_table_that_is_split_has_what_its_names_need_in_every_part() -> None:
    words = [Cell((text,), text) for text in ("lstm", "lstm", "copy", "adding")]
    numbers = [Cell(("1" * 30,), 1.0)] * 3
    columns = (Column("", False), Column("task", False), *(Column(name) for name in "abc"))
    told = Table("t", "", columns, tuple((words[k], words[k + 2], *numbers) for k in (0, 1)))
    text = "\n".join(line.plain.rstrip() for line in drawing.draw(told, 60))
    assert text.count("lstm  copy") == text.count("lstm  adding") == 3
    unique = replace(told, rows=told.rows[:1])
    assert "\n".join(line.plain for line in drawing.draw(unique, 60)).count("copy") == 1


def test_ticks_of_effects_between_octaves_are_told_as_they_are() -> None:
    suite, seen = paired(6, base=["1", ".1", ".1", ".1"], a=["1", ".1", ".1", ".1"], b=["1", "1", ".1", ".1"])
    drawn = charts.named("effects").chart(suite.tasks[0], Study(seen), looks.series(suite.variants), looks.COLUMNS)
    assert drawn is not None
    ticks = [text.replace("−", "-") for text in re.findall(r">([+−]?[\d.]+)</text>", draw.svg(drawn.spec))]
    assert len(ticks) == len(set(ticks)) > 2
    steps = [float(b) - float(a) for a, b in itertools.pairwise(ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps))


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
    told = Report("small: probes", "", "2 runs trained again", (gradient,), notes=("1 of 3 runs are not probed yet",))
    made = report.render(SUITE, climbs(), "html", probes=Probes(told, ()))
    chapter = made.partition('id="probes"')[2].partition("</section>")[0]
    assert all(text in chapter for text in ("adding 6: gradient", "2 runs trained again", "not probed yet", "lstm"))
    assert "<figure" not in chapter


def probe(step: int, end: bool, slope: float) -> Probe:
    """What a probe says whose gradient falls by a factor of 10 ** slope a step."""
    by_lag = {name: [10.0 ** (slope * k) for k in range(41)] for name in ("mean", "median", "low", "high")}
    place: dict[str, Any] = {"place": "0/forward"}
    rates = {"mean": 0.9, "needed": 0.9, "other": 0.9, "rates": [0, 0.1, 0.2, 0.3, 1]}
    return Probe(
        step,
        end,
        0.9,
        gradients=({"direction": "forward", "n": [9] * 41, **by_lag, "decay": 1},),
        readouts=({"needed": 0, "lags": [0, 20, 40], "r2": [0.9, 0.5, -0.2], "control": [0.0, 0.0, 0.0]},),
        carries=(place | {"state": 1} | rates,),
        outputs=(place | {"saturated": 0.1},),
    )


def test_probes_unfold_as_pictures_of_a_base_beside_its_variants_before_and_after_training() -> None:
    ladder = {c.ladder.variant.name: c.ladder for c in climbs()}
    probed = tuple(
        Probed(name, ladder[name].variant.base, "adding", Run(ladder[name].rungs[0], seed), None, None, probes)
        for name in ("lstm", "lstm-forget_gate")
        for seed in (0, 1)
        for probes in [(probe(0, False, -0.3 - seed / 10), probe(400, True, -0.01))]
    )
    made = report.render(SUITE, climbs(), "html", probes=Probes(told_of("small", probed, Asked()), probed))
    Outline(made)
    chapter = made.partition('id="probes"')[2].partition("</section>")[0]
    assert chapter.startswith(' aria-labelledby="probes-title"')
    pictures = chapter.partition("<details><summary>adding at 5: in pictures</summary>")[2].partition("</details>")[0]
    titles = re.findall(r"<figcaption>(.*?)</figcaption>", pictures)
    when = ("before training", "after training")
    kinds = ("gradient by lag", "read off the state", "how long states last")
    assert titles == [f"{kind}: adding at 5, {at}" for kind in kinds for at in when]
    alts = re.findall(r'aria-label="(.*?)"', pictures)
    assert alts[1] == (
        "Gradient by lag, adding at 5, after training, as J(k) / J(0): lstm .4 at 40; lstm-forget_gate .4 at 40."
    )
    assert alts[3].endswith("as R²: lstm 0 at 40; lstm-forget_gate 0 at 40.")
    assert alts[5].endswith("lstm 5 (to ∞); lstm-forget_gate 5 (to ∞).")
    for key in ("s1", "s2"):
        assert re.search(rf'class="mark-\w+ role-mark {key}_band_(marks|pathgroup)"', pictures)


def tuned_page(words: dict[str, str]) -> str:
    """The page of a suite whose variants tried three rates, each of which came to a letter's score; then every seed
    solved what is no longer than 10."""
    tuning = Tuning(tuple({"lr": lr} for lr in (1e-3, 1e-2, 1e-1)), (9000,), {"adding": (10,)}, None, "both", False)
    variants = tuple(v for v in SUITE.variants if v.name in words)
    suite = replace(SUITE, variants=variants, tasks=SUITE.tasks[:1], tuning=tuning, claims=())
    planned = plan(suite)
    assert planned.pilots is not None
    records = {}
    for ladder in planned.pilots.ladders:
        letter = words[ladder.variant.base or ""][tuning.candidates.index(dict(ladder.candidate))]
        looks = (Point(100, 0.1, int(letter) / 10, None),)
        for run in ladder.runs(tuning.seeds):
            records[run.id] = Record(run, "unsolved", int(letter) / 10, steps=100, curve=looks)
    for ladder in settle(planned, records).ladders:
        for run in ladder.runs(suite.seeds):
            records[run.id] = ladders.record(run, "s" if run.rung.length <= 10 else "u")
    return report.render(suite, view(planned, records), "html")


def test_a_sweep_is_a_chart_with_its_choices_and_what_is_at_an_edge() -> None:
    made = tuned_page({"rnn": "135", "lstm": "262"})
    Outline(made)
    sweep = made.partition('id="chart-tuning"')[2].partition("</section>")[0]
    assert "rnn chose lr 0.1 (.50, the largest lr tried); lstm chose lr 0.01 (.60)." in sweep
    assert re.search(r'class="mark-symbol role-mark s0_choice_marks"', sweep)
    assert "beyond it may be better" in sweep
    trials = made.partition('id="chart-trials"')[2].partition("</section>")[0]
    assert "rnn .30 at 1, .39 at 2, .43 at 3; lstm .33 at 1" in trials


def test_effects_at_both_choices_are_in_one_chart() -> None:
    made = tuned_page({"lstm": "262", "lstm-forget_gate": "135"})
    effects = made.partition('id="chart-effects"')[2].partition("</section>")[0]
    assert "dashed: all at the base&#x27;s choice of settings" in effects
    for layer in ("s1_rule", "s1_dot", "s1_baserule", "s1_basedot"):
        assert f" {layer}_marks" in effects


def test_a_claim_keeps_its_number_whichever_were_selected() -> None:
    suite = replace(SUITE, claims=(replace(CLAIMS[0], number=7),))
    assert f">7. {escape(CLAIMS[0].says)}<" in report.render(suite, climbs(suite), "html")
