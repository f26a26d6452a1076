"""The report's page in a real browser: chromium, driven by playwright. Without one it is skipped, and says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import test_page

from rnnbench import report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDTHS = (360, 1400)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="THE PAGE IS NOT TESTED: no playwright here")
    if CHROMIUM is None:
        pytest.skip("THE PAGE IS NOT TESTED: no chromium here; apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])  # root in a container
        yield started
        started.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the hostile suite, its claims and its learning curves with it."""
    suite, climbs = test_page.hostile()
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report.render(suite, climbs, "html", notes=[test_page.HOSTILE]), "utf-8")
    return path


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Callable[..., Any]]:
    """Opens the page from its file, at a width; what it asks for and complains of is an error at the end."""
    heard: list[str] = []
    pages = []

    def open_(width: int, **context: Any) -> Any:
        page = browser.new_page(viewport={"width": width, "height": 800}, **context)
        pages.append(page)
        page.on("console", lambda message: heard.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.on("dialog", lambda dialog: heard.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: heard.append(request.url))
        page.goto(file.as_uri())
        return page

    yield open_
    for page in pages:
        page.close()
    assert set(heard) == {file.as_uri()}


def shown(page: Any, layer: str) -> set[bool]:
    """Whether the marks of a layer are displayed, in each chart."""
    groups = f'figure g[class*=" {layer}_marks"]'
    return set(page.eval_on_selector_all(groups, "all => all.map(g => getComputedStyle(g).display !== 'none')"))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_and_legend_sorting_and_theme_work(opened: Callable[..., Any], width: int) -> None:
    page = opened(width, color_scheme="light")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    cut = "all => all.filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    assert page.eval_on_selector_all("h1, h2, p, figure, figcaption, nav a, #theme", cut) == []

    button = page.locator('#legend button[data-series="s1"]')
    assert shown(page, "s1") == shown(page, "s1_band") == {True}
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    assert shown(page, "s1") == shown(page, "s1_band") == shown(page, "s1_dots") == {False}
    assert shown(page, "s2") == {True}
    page.keyboard.press("Space")
    assert shown(page, "s1") == {True}
    page.locator('#legend button[data-kind="band"]').click()
    assert shown(page, "s1_band") == shown(page, "s2_band") == {False}
    assert shown(page, "s1") == {True}

    names = "all => all.map(row => row.cells[0].textContent.split('<')[0])"
    column = page.locator("#headline-span thead button").nth(1)
    column.focus()
    page.keyboard.press("Enter")
    ascending = ["lstm-forget_gate", "rnn", "lstm", "lstm+chrono"]
    assert page.eval_on_selector_all("#headline-span tbody tr", names) == ascending
    page.keyboard.press("Enter")
    assert page.eval_on_selector_all("#headline-span tbody tr", names)[0] == "lstm+chrono"
    assert page.locator("#headline-span thead th").nth(1).get_attribute("aria-sort") == "descending"

    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    page.locator("#theme").click()
    assert page.evaluate(paper) == "rgb(22, 24, 27)"
    inks = "[...document.querySelectorAll('figure text')].map(t => getComputedStyle(t).fill)"
    assert "rgb(232, 232, 232)" in page.evaluate(inks)
    page.locator("#theme").click()
    assert page.evaluate(paper) == "rgb(255, 255, 255)"


def test_the_page_is_dark_where_the_system_is_and_needs_no_script(opened: Callable[..., Any]) -> None:
    page = opened(1400, color_scheme="dark", java_script_enabled=False)
    assert page.locator("#theme").is_hidden()
    assert page.locator("#headline-span table").is_visible()
    assert page.locator("figure svg").first.is_visible()
    assert page.locator("#legend button").first.is_disabled()
    page.locator("#numbers summary").first.click()
    assert page.locator("#numbers table").first.is_visible()
    assert test_page.HOSTILE in page.locator("h1").inner_text()


def test_the_page_prints(opened: Callable[..., Any]) -> None:
    page = opened(1400)
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.pdf().startswith(b"%PDF")
    assert page.locator("details:not([open])").count() == 0
