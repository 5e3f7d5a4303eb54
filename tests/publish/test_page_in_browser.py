"""The page in a real browser, opened from disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import chromium

from landcover.publish.page import Page, QualityPage
from landcover.publish.pages import render, render_quality
from landcover.publish.report_files import write_quality

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium("the page is not looked at in a browser") as opened:
        yield opened


@pytest.fixture
def index(report: tuple[Path, Page]) -> Path:
    folder, page = report
    (folder / "index.html").write_text(render(page), encoding="utf-8")
    return folder / "index.html"


def opened(browser: Any, index: Path, width: int, **options: Any) -> tuple[Any, list[str]]:
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(request.url))
    page.goto(index.as_uri())
    return page, errors


@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_whole(
    browser: Any, index: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    page, errors = opened(browser, index, width, color_scheme=scheme)
    widths = page.eval_on_selector_all("img", "all => all.map(i => i.naturalWidth)")
    assert len(widths) == 3
    assert min(widths) > 0
    headings = page.eval_on_selector_all("h2", "all => all.map(h => h.textContent)")
    assert headings == [
        "Map", "Accuracy", "Data quality", "Samples and model", "Skipped or failed", "Downloads",
    ]  # fmt: skip
    assert page.locator("table.matrix").first.locator("tbody tr").count() == 5
    # Wide tables scroll inside themselves; the page does not.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert (tmp_path / "page.png").stat().st_size > 10_000
    assert errors == []
    page.close()


def test_spectra_of_many_seasons_keep_their_size(
    browser: Any, index: Path, report: tuple[Path, Page]
) -> None:
    wide = '<svg xmlns="http://www.w3.org/2000/svg" width="4536" height="420"/>'
    picture = report[0] / "signatures.svg"
    plain = picture.read_text(encoding="utf-8")
    picture.write_text(wide, encoding="utf-8")
    try:
        page, _ = opened(browser, index, 400)
        shown = page.locator('img[src="signatures.svg"]').bounding_box()
        assert shown["height"] > 300
        assert shown["width"] == pytest.approx(10.8 * shown["height"], rel=0.02)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        page.close()
    finally:
        picture.write_text(plain, encoding="utf-8")


def test_refused_products_open_on_a_click(browser: Any, index: Path) -> None:
    page, _ = opened(browser, index, 1200)
    refused = page.get_by_text("S2A_REFUSED").first
    assert not refused.is_visible()
    page.get_by_text("31UDS: products, refusals, missing layers").click()
    assert refused.is_visible()
    page.close()


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory, twelve: QualityPage) -> Path:
    folder = tmp_path_factory.mktemp("region")
    write_quality(folder, twelve)
    return folder / "index.html"


def test_a_tile_of_the_map_opens_its_products(browser: Any, region: Path) -> None:
    page, errors = opened(browser, region, 1200)
    products = page.locator("#tile-30SWG table.products")
    assert not products.is_visible()
    page.locator('.sketch a[href="#tile-30SWG"]').click()
    assert products.is_visible()
    assert "cloud 71.4 % above 20 %" in products.inner_text()
    # That of the empty season is open without a click, a table with its reasons.
    assert page.locator("#tile-30SVE").get_by_text("S2A_CLOUDY").is_visible()
    badges = page.locator("table.seasons .badge").all_inner_texts()
    assert {"ok", "degraded", "empty"} == set(badges)
    assert errors == []
    page.close()


def test_a_tile_is_reached_with_the_keyboard_too(browser: Any, region: Path) -> None:
    page, _ = opened(browser, region, 1200)
    page.locator('.sketch a[href="#tile-30SUF"]').focus()
    page.keyboard.press("Enter")
    assert page.locator("#tile-30SUF table.products").is_visible()
    page.close()


@pytest.mark.parametrize("width", [1200, 400])
def test_hundreds_of_tiles_stay_readable(
    browser: Any, tmp_path: Path, hundreds: QualityPage, width: int
) -> None:
    (tmp_path / "index.html").write_text(render_quality(hundreds), encoding="utf-8")
    page, errors = opened(browser, tmp_path / "index.html", width)
    assert page.locator(".sketch path[stroke]").count() >= 450
    everything = page.locator("#all-tiles table")
    assert not everything.is_visible()
    page.get_by_text("All 450 tiles").click()
    assert everything.is_visible()
    assert everything.locator("tbody tr").count() == 450
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_of_a_region_stand_out(browser: Any, region: Path, scheme: str) -> None:
    page, _ = opened(browser, region, 1200, color_scheme=scheme)
    ratios = page.evaluate(_CONTRAST)
    assert min(ratios.values()) >= 4.5, {k: v for k, v in ratios.items() if v < 4.5}
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser: Any, index: Path, scheme: str) -> None:
    page, _ = opened(browser, index, 1200, color_scheme=scheme)
    ratios = page.evaluate(_CONTRAST)
    assert len(ratios) > 10
    assert min(ratios.values()) >= 4.5, {k: v for k, v in ratios.items() if v < 4.5}
    page.close()


# WCAG 2.2, contrast of text: relative luminance of the text against the nearest filled ancestor.
_CONTRAST = """() => {
  const rgb = c => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (c.startsWith("rgb(")) return rgb(c);
    }
    return [255, 255, 255];
  };
  const found = {};
  const words = "p, li, dt, dd, small, th, summary, a, figcaption, .badge";
  for (const e of document.querySelectorAll(words)) {
    const text = getComputedStyle(e).color;
    const [a, b] = [light(rgb(text)), light(ground(e))].sort((x, y) => y - x);
    found[`${e.tagName}.${e.className} ${text} on ${ground(e)}`] = (a + 0.05) / (b + 0.05);
  }
  return found;
}"""


def test_the_quality_map_has_colours_for_every_reader(browser: Any, region: Path) -> None:
    page, errors = opened(browser, region, 1200)
    tile = page.locator("svg.sketch path.safe").first
    paint = "e => getComputedStyle(e).fill"
    before = tile.evaluate(paint)
    page.get_by_label("Colours for colour-blind readers").check()
    after = tile.evaluate(paint)
    assert before != after
    wanted = tile.evaluate("e => e.style.getPropertyValue('--safe').trim()")
    assert after == f"rgb({', '.join(str(part) for part in bytes.fromhex(wanted[1:]))})"
    page.get_by_label("Colours for colour-blind readers").uncheck()
    assert tile.evaluate(paint) == before
    assert errors == []
    page.screenshot(path=region.parent / "safe.png")
    page.close()
