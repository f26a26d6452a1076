"""The frame of a page: head, policy, navigation, chapters."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from rnnbench.report.page.markup import Markup, join, tag


@dataclass(frozen=True)
class Chapter:
    """A part of a page under a heading; `key` is what a link to it ends in."""

    key: str
    title: str
    body: Markup


def asset(name: str) -> Markup:
    """A stylesheet or script of ours, as the package brings it."""
    return Markup((resources.files(__package__) / name).read_text("utf-8").strip())


def policy(style: str, script: str) -> str:
    """The content security policy: nothing but this very style and script, and the icon, which is empty.

    >>> policy("", "").split("; ")[0]
    "default-src 'none'"
    """

    def sha(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    rules = ("default-src 'none'", f"style-src {sha(style)}", f"script-src {sha(script)}", "img-src data:")
    return "; ".join((*rules, "base-uri 'none'", "form-action 'none'"))


def page(title: str, lead: Markup, legend: Markup, chapters: Sequence[Chapter]) -> str:
    """The whole file."""
    style, script = asset("page.css"), asset("page.js")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content="rnnbench"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", style),
    )
    theme = tag("button", "Light or dark", type="button", id="theme", hidden=True)
    links = (tag("a", chapter.title, href=f"#{chapter.key}") for chapter in chapters)
    body = tag(
        "body",
        tag("a", "Skip to the answer", href="#answer", cls="skip"),
        tag("header", tag("h1", title), theme, lead),
        tag("nav", *links, aria_label="chapters"),
        tag("div", legend, id="legend", role="group", aria_label="variants, in every chart"),
        tag("main", *map(_chapter, chapters)),
        tag("script", script),
    )
    return join(Markup("<!doctype html>\n"), tag("html", head, body, lang="en"), Markup("\n"))


def _chapter(chapter: Chapter) -> Markup:
    heading = tag("h2", chapter.title, id=f"{chapter.key}-title")
    return tag("section", heading, chapter.body, id=chapter.key, aria_labelledby=f"{chapter.key}-title")
