"""Picture tiles and the page that shows them."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from math import cosh, radians
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from matplotlib.image import imread
from PIL import Image
from pyproj import Transformer

from landcover.nouns.grid import Grid
from landcover.nouns.legend import MEDITERRANEAN, Legend
from landcover.publish import true_colour
from landcover.publish.page import Page
from landcover.publish.png import write_codes
from landcover.publish.preview import (
    MOST_TILES,
    PAGE,
    Place,
    TrueColour,
    _places,
    _zooms,
    write_preview,
)
from landcover.publish.true_colour import keep_colours
from landcover.stores.rasters import RasterStyle, read_codes, write_raster


@pytest.fixture(scope="module")
def folder(
    report: tuple[Path, Page],
    legend: Legend,
    mosaic: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    path, page = report
    maps = {"map_32631.tif": page.views[0].grid}
    bands = keep_colours(mosaic, tmp_path_factory.mktemp("colours"), "map_32631")
    colours = TrueColour({"map_32631.tif": bands}, "2021-summer")
    written = write_preview(path, maps, legend.classes, "T </script>", colours, is_simulated=True)
    assert written == PAGE
    return path


def test_pixels_of_a_picture_are_codes(tmp_path: Path) -> None:
    codes = np.array([[0, 1, 7], [9, 200, 0]], np.uint8)
    write_codes(tmp_path / "a.png", codes, MEDITERRANEAN.classes)
    shown = np.round(imread(tmp_path / "a.png") * 255).astype(int)
    assert shown.shape == (2, 3, 4)
    assert [tuple(shown[0, k]) for k in (1, 2)] == [(0, 120, 0, 255), (240, 150, 255, 255)]
    assert shown[0, 0, 3] == 0
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "a.png")), codes)


def test_a_tile_of_the_scheme_lies_where_others_expect_it() -> None:
    # Zoom 1, column 1, row 0: the north-east quarter; the Web Mercator plane ends at 20037508.34 m.
    grid = Place(1, 1, 0).grid
    assert (grid.ulx, grid.uly) == (pytest.approx(0), pytest.approx(20037508.342789244))
    assert grid.pixel * 256 == pytest.approx(20037508.342789244)


@pytest.mark.slow
def test_tiles_show_the_map_at_its_place(folder: Path) -> None:
    finest = max(int(path.name) for path in (folder / "preview").iterdir())
    # Water is the upper 300 rows of the map: a point in the middle of it, at 10 m.
    lon, lat = Transformer.from_crs(32631, 4326, always_xy=True).transform(507000, 5628000)
    x = (lon + 180) / 360 * 2**finest
    y = (1 - np.arcsinh(np.tan(radians(lat))) / np.pi) / 2 * 2**finest
    with Image.open(folder / "preview" / str(finest) / str(int(x)) / f"{int(y)}.png") as tile:
        at = int(x % 1 * 256), int(y % 1 * 256)
        assert tile.getpixel(at) == 9
        assert tile.convert("RGBA").getpixel(at) == (0, 50, 200, 255)
    # A pixel of the finest level is about as large as one of the map, 10 m on the ground.
    ground = 2 * np.pi * 6378137 / 256 / 2**finest / cosh(np.arcsinh(np.tan(radians(lat))))
    assert 5 <= ground <= 10


def test_tiles_invent_no_class_on_any_level(folder: Path) -> None:
    for path in (folder / "preview").rglob("*.png"):
        with Image.open(path) as tile:
            assert set(np.unique(np.array(tile))) <= {0, 1, 7, 9}
    names = {p.relative_to(folder / "preview") for p in (folder / "preview").rglob("*.png")}
    other = folder / "preview_colour_blind"
    assert {p.relative_to(other) for p in other.rglob("*.png")} == names


def test_a_whole_tile_stays_within_the_allowance() -> None:
    box = [(-3.0, 37.9, -1.75, 38.85)]  # a Sentinel-2 tile of 110 km
    grid = Grid(crs="EPSG:32630", ulx=499980, uly=4300020, pixel=10, width=10980, height=10980)
    zooms = _zooms({"a": grid}, {"a": box})
    assert sum(len(_places({"a": box}, zoom)) for zoom in zooms) <= MOST_TILES
    assert len(zooms) >= 4


def test_codes_keep_their_value_on_another_grid(mosaic: Path) -> None:
    path = mosaic / "classification.tif"
    own = Grid(crs="EPSG:32631", ulx=501360, uly=5629680, pixel=10, width=1100, height=1300)
    with rasterio.open(path) as raster:
        np.testing.assert_array_equal(read_codes(path, own), raster.read(1))
    away = own.model_copy(update={"ulx": own.ulx + 50_000})
    assert not read_codes(path, away).any()


def test_values_of_a_tile_are_those_of_its_pictures(folder: Path) -> None:
    scripts = sorted((folder / "preview").rglob("*.js"))
    assert len(scripts) == len(list((folder / "preview").rglob("*.png")))
    for path in scripts:
        key, *pictures = json.loads(path.read_text().removeprefix("take(").removesuffix(");\n"))
        assert key == str(path.relative_to(folder / "preview").with_suffix(""))
        for layer, text in zip(("preview", "preview_confidence"), pictures, strict=True):
            assert base64.b64decode(text) == (folder / layer / f"{key}.png").read_bytes()


def test_true_colours_are_those_of_the_composite(folder: Path, mosaic: Path) -> None:
    names = {p.relative_to(folder / "preview").with_suffix("")
             for p in (folder / "preview").rglob("*.png")}  # fmt: skip
    found = {p.relative_to(folder / "preview_true_colour").with_suffix(""): p
             for p in (folder / "preview_true_colour").rglob("*.webp")}  # fmt: skip
    assert set(found) == names
    # As bright as the bands there, by squares of 32 px: the composite is noise, which WebP smooths.
    finest = max(int(name.parts[0]) for name in names)
    own = next(name for name in sorted(names) if int(name.parts[0]) == finest)
    zoom, column, row = map(int, own.parts)
    grid = Place(zoom, column, row).grid
    bands = keep_colours(mosaic, folder.parent, "again")
    expected = np.stack([read_codes(path, grid) for path in bands], axis=-1)
    with Image.open(found[own]) as picture:
        shown = np.array(picture.convert("RGBA"))
    is_seen = expected.all(axis=-1)
    assert is_seen.any()
    np.testing.assert_array_equal(shown[..., 3] == 255, is_seen)
    means = [part.astype(float).reshape(8, 32, 8, 32, 3).mean(axis=(1, 3))
             for part in (shown[..., :3], expected)]  # fmt: skip
    whole = is_seen.reshape(8, 32, 8, 32).all(axis=(1, 3))
    assert whole.any()
    assert np.abs(means[0] - means[1])[whole].max() < 15
    assert sum(p.stat().st_size for p in found.values()) < 30_000 * len(found)


def test_colours_that_are_too_fine_are_averaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = Grid(crs="EPSG:32631", ulx=0, uly=0, pixel=10, width=50, height=41)
    values = np.tile(np.array([[100, 300], [500, -32768]], np.int16), (21, 25))[:41]
    for band in ("B02", "B03", "B04"):
        write_raster(tmp_path / f"{band}.tif", values, grid, RasterStyle("int16", -32768, (band,)))
    monkeypatch.setattr(true_colour, "MOST_PX", 25)
    red, *_ = keep_colours(tmp_path, tmp_path, "map")
    with rasterio.open(red) as raster:
        assert raster.shape == (21, 25)
        assert raster.transform.a == 20
        codes = raster.read(1)
    # Three pixels of four have a value, 300 on average; in the last row two, 200.
    assert len(np.unique(codes[:-1])) == 1
    assert 0 < codes[-1, 0] < codes[0, 0]


@pytest.mark.slow
def test_the_class_under_the_pointer_is_that_of_the_map(folder: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(request.url))
    page.goto((folder / PAGE).as_uri())
    told = "document.getElementById('class').textContent.trim()"
    titles = {0: "", 1: "Closed forest", 7: "Cropland", 9: "Permanent water"}
    seen, n_sure = set(), 0
    for x in range(300, 700, 45):
        for y in range(120, 600, 60):
            page.mouse.move(x - 1, y)
            page.wait_for_function("[...values.values()].every(v => v.length)")
            page.mouse.move(x, y)
            level, at_x, at_y = page.evaluate(
                "[Math.max(data.first, Math.min(data.last, Math.round(zoom))), ...pointed]"
            )
            column, row = at_x * 2**level, at_y * 2**level
            tile = f"{level}/{int(column)}/{int(row)}.png"
            if not (folder / "preview" / tile).is_file():
                continue
            at = int(column % 1 * 256), int(row % 1 * 256)
            code = Image.open(folder / "preview" / tile).getpixel(at)
            sure = Image.open(folder / "preview_confidence" / tile).getpixel(at)
            name, _, share = page.evaluate(told).partition(", ")
            assert name == titles[int(code)]
            assert share == (f"{round(int(sure) / 2.54)} % sure" if sure else "")
            n_sure += bool(sure)
            seen.add(int(code))
    assert len(seen - {0}) >= 2
    assert n_sure > 0
    page.check("input[value=confidence]")
    page.wait_for_function(
        "[...document.querySelectorAll('#map img')].every(i => i.complete && i.naturalWidth)"
    )
    shown = page.eval_on_selector_all("#map img", "all => all.map(i => i.src)")
    assert shown
    assert all("/preview_confidence/" in name for name in shown)
    page.check("input[value=true_colour]")
    page.wait_for_function(
        "[...document.querySelectorAll('#map img')].every(i => i.complete && i.naturalWidth)"
    )
    shown = page.eval_on_selector_all("#map img", "all => all.map(i => i.src)")
    assert shown
    assert all("/preview_true_colour/" in name and name.endswith(".webp") for name in shown)
    assert "true colour, 2021-summer" in page.inner_text("#layers")
    narrow = browser.new_page(viewport={"width": 390, "height": 700})
    narrow.goto((folder / PAGE).as_uri())
    # On a telephone the legend waits to be opened, and leaves the map to be seen.
    assert narrow.evaluate("document.getElementById('legend').getBoundingClientRect().height") < 60
    narrow.click("#legend summary")
    assert narrow.is_visible("input[value=true_colour]")
    narrow.close()
    assert errors == []
    page.screenshot(path=folder.parent / "true_colour.png")
    page.close()


@pytest.mark.slow
def test_the_preview_pans_and_zooms_in_a_browser(folder: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(request.url))
    page.goto((folder / PAGE).as_uri())
    images = "all => all.map(i => [i.src.split('/').slice(-4).join('/'), i.naturalWidth])"
    # "networkidle" was reached once and for all when the page was opened: ask the images.
    loaded = "[...document.querySelectorAll('#map img')].every(i => i.complete && i.naturalWidth)"
    before = page.eval_on_selector_all("#map img", images)
    assert before
    assert "SIMULATED" in page.inner_text("header")
    start = float(page.get_attribute("#map", "data-zoom"))
    page.click("#in")
    page.click("#in")
    page.wait_for_function(loaded)
    assert float(page.get_attribute("#map", "data-zoom")) == start + 2
    place = "document.querySelector('#map img').getBoundingClientRect().x"
    left = page.evaluate(place)
    page.mouse.move(500, 400)
    page.mouse.down()
    page.mouse.move(560, 400, steps=4)
    page.mouse.up()
    assert page.evaluate(place) == pytest.approx(left + 60, abs=1.5)
    assert "°" in page.inner_text("#lonlat")
    page.check("#palette")
    page.wait_for_function(loaded)
    shown = page.eval_on_selector_all("#map img", images)
    assert {name.split("/")[0] for name, _ in shown} == {"preview_colour_blind"}
    assert all(width == 256 for _, width in shown)
    page.focus("#map")
    page.keyboard.press("0")
    assert float(page.get_attribute("#map", "data-zoom")) == start
    assert errors == []
    page.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium on this machine: the preview is not looked at in a browser")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


def test_a_map_that_is_empty_but_for_a_corner_is_shown_as_finely_as_the_corner(
    tmp_path: Path, legend: Legend
) -> None:
    codes = np.zeros((3000, 3000), np.uint8)
    codes[2400:2700, 100:300] = 7
    whole = Grid(crs="EPSG:3035", ulx=2_800_000, uly=1_700_000, pixel=10, width=3000, height=3000)
    part = whole.model_copy(
        update={"ulx": whole.ulx + 970, "uly": whole.uly - 23_970, "width": 206, "height": 306}
    )
    levels = {}
    for name, grid in (("whole", whole), ("part", part)):
        cut = codes if name == "whole" else codes[2397:2703, 97:303]
        (tmp_path / name).mkdir()
        write_raster(tmp_path / name / "map.tif", cut, grid, RasterStyle("uint8", 0, ("c",)))
        write_preview(tmp_path / name, {"map.tif": grid}, legend.classes, "T", is_simulated=False)
        folder = tmp_path / name / "preview"
        levels[name] = {path.name for path in folder.iterdir()}
        finest = max(levels[name], key=int)
        tiles = [imread(path) for path in (folder / finest).rglob("*.png")]
        assert sum((tile[..., 3] > 0).sum() for tile in tiles) > 200 * 300
    assert levels["whole"] == levels["part"]
