"""What `check` found, as lines of text, as JUnit XML, and as annotations and a summary for GitHub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree

from rnnbench.check.compare import Finding
from rnnbench.report.formats.markdown import escape
from rnnbench.report.model import clean

ANNOTATIONS = 10  # GitHub shows no more of one step
TIERS = ("exact", "statistical", "claims")
_WORDS = {"fine": "fine", "worse": "WORSE", "unclear": "UNCLEAR"}


def _bad(findings: Sequence[Finding]) -> list[Finding]:
    """What isn't fine, the worse first."""
    return sorted((f for f in findings if f.outcome != "fine"), key=lambda f: f.outcome == "unclear")


def _tiers(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """(tier, counts) of each tier that was looked at."""
    rows = []
    for tier in TIERS:
        counts = Counter(f.outcome for f in findings if f.tier == tier)
        if counts:
            rows.append((tier, ", ".join(f"{counts[o]} {o}" for o in ("fine", "worse", "unclear") if counts[o])))
    return rows


def text(suite: str, findings: Sequence[Finding], quiet: bool = False) -> str:
    """A line a finding that isn't fine, or that says more than that, then a line a tier, then the verdict."""
    lines = []
    for f in [*_bad(findings), *(f for f in findings if f.outcome == "fine" and f.text[0] in "+-" and not quiet)]:
        lines.append(f"{_WORDS[f.outcome]} {clean(f.name)}: {clean(f.text)}")
    lines += [f"{tier}: {counts}" for tier, counts in _tiers(findings)]
    return "\n".join([*lines, f"{clean(suite)}: {outcome(findings)}"]) + "\n"


def outcome(findings: Sequence[Finding]) -> str:
    """All findings in a word or two."""
    outcomes = {f.outcome for f in findings}
    if "worse" in outcomes:
        return "worse than its baseline"
    return "inconclusive" if "unclear" in outcomes or not outcomes else "as good as its baseline"


def junit(suite: str, findings: Sequence[Finding]) -> str:
    """A test suite a tier, a case a finding. What is unclear is an error, never skipped: skipped looks green."""
    root = ElementTree.Element("testsuites", name=clean(suite))
    for tier in TIERS:
        own = [f for f in findings if f.tier == tier]
        if not own:
            continue
        counts = Counter(f.outcome for f in own)
        attributes = {"tests": len(own), "failures": counts["worse"], "errors": counts["unclear"], "skipped": 0}
        each = ElementTree.SubElement(root, "testsuite", {k: str(v) for k, v in attributes.items()}, name=tier)
        for f in own:
            case = ElementTree.SubElement(each, "testcase", classname=f"{clean(suite)}.{tier}", name=clean(f.name))
            if f.outcome != "fine":
                kind = "failure" if f.outcome == "worse" else "error"
                ElementTree.SubElement(case, kind, message=clean(f.text), type=f.outcome).text = clean(f.text)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def workflow(suite: str, findings: Sequence[Finding]) -> str:
    """GitHub's workflow commands: at most ANNOTATIONS, the last one for all that found no place."""
    bad = _bad(findings)
    kept = bad if len(bad) <= ANNOTATIONS else bad[: ANNOTATIONS - 1]
    lines = [
        f"::{'error' if f.outcome == 'worse' else 'warning'} title={_property(f'{suite}: {f.name}')}::{_data(f.text)}"
        for f in kept
    ]
    if len(kept) < len(bad):
        lines.append(f"::error title={_property(suite)}::and {len(bad) - len(kept)} more; see the summary")
    return "".join(f"{line}\n" for line in lines)


def _data(text: str) -> str:
    return clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def markdown(suite: str, findings: Sequence[Finding]) -> str:
    """The step summary: the verdict, the tiers, and a table of what isn't fine."""
    lines = [f"## {escape(clean(suite))}: {outcome(findings)}", ""]
    lines += [f"- {tier}: {counts}" for tier, counts in _tiers(findings)]
    if bad := _bad(findings):
        lines += ["", "| | what | found |", "| --- | --- | --- |"]
        lines += [f"| {f.outcome} | {escape(clean(f.name))} | {escape(clean(f.text))} |" for f in bad]
    return "\n".join(lines) + "\n"
