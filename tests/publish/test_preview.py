"""The page that shows published maps, looked at in a browser: from a folder and from servers."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from browsers import chromium
from PIL import Image
from pyproj import Transformer

from landcover.nouns.grid import Grid
from landcover.nouns.legend import MEDITERRANEAN, Legend
from landcover.publish import preview, true_colour
from landcover.publish.page import MapView, Page
from landcover.publish.png import write_codes
from landcover.publish.preview import DOCUMENT, PAGE, _nodes, write_preview
from landcover.publish.true_colour import write_colours
from landcover.stores.rasters import RasterStyle, level_ends, write_raster

TITLES = {0: "", 1: "Closed forest", 7: "Cropland", 9: "Permanent water"}
MAP, CONFIDENCE, COLOURS = "map_32631.tif", "confidence_32631.tif", "true_colour_32631.tif"
PAINTED = "document.getElementById('map')?.dataset.painted === 'whole'"
TOLD = "document.getElementById('class').dataset.state === 'told'"
NEXT = "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"


@pytest.fixture(scope="module")
def folder(
    report: tuple[Path, Page],
    legend: Legend,
    mosaic: Path,
) -> Path:
    path, page = report
    write_colours(mosaic, path / COLOURS)
    written = write_preview(path, page.views, legend.classes, "T </script>", is_simulated=True)
    assert written == PAGE
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium("the preview is not looked at in a browser") as opened:
        yield opened


class InParts(SimpleHTTPRequestHandler):
    """Answers requests for parts of files, as servers of the web do."""

    def do_GET(self) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if wanted is None:
            super().do_GET()
            return
        data = Path(self.translate_path(self.path)).read_bytes()
        first, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        self.wfile.write(data[first : last + 1])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class AsAWhole(SimpleHTTPRequestHandler):
    """Sends whole files only."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path, kind: type[SimpleHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(kind, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{PAGE}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def opened(browser: Any, address: str, **options: Any) -> Any:
    page = browser.new_page(**{"viewport": {"width": 1000, "height": 700}, **options})
    page.troubles = []
    page.on("console", lambda m: page.troubles.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url.rsplit("/", 1)[-1]))
    page.goto(address)
    page.wait_for_function(PAINTED)
    return page


def told_at(page: Any, x: float, y: float) -> tuple[str, list[str]]:
    """Point somewhere; give what is told once its tiles are there, and of which pixel."""
    page.mouse.move(x - 1, y)
    page.mouse.move(x, y)
    # Two pictures of the screen later what the pointer asked for is known to be asked.
    page.evaluate(NEXT)
    page.wait_for_function(f"{PAINTED} && {TOLD}")
    text = page.evaluate("document.getElementById('class').textContent.trim()")
    return text, (page.get_attribute("#class", "data-place") or "").split("/")


def levels_of(path: Path) -> list[np.ndarray]:
    with rasterio.open(path) as raster:
        n_overviews = len(raster.overviews(1))
    found = []
    for level in (None, *range(n_overviews)):
        with rasterio.open(path, **({} if level is None else {"overview_level": level})) as raster:
            found.append(raster.read(1))
    return found


def colour_at(page: Any, x: int, y: int) -> tuple[int, ...]:
    with Image.open(BytesIO(page.screenshot())) as shown:
        return tuple(int(v) for v in shown.convert("RGB").getpixel((x, y)))


def test_pixels_of_a_picture_are_codes(tmp_path: Path) -> None:
    codes = np.array([[0, 1, 7], [9, 200, 0]], np.uint8)
    write_codes(tmp_path / "a.png", codes, MEDITERRANEAN.classes)
    with Image.open(tmp_path / "a.png") as picture:
        np.testing.assert_array_equal(np.array(picture), codes)
        shown = np.array(picture.convert("RGBA"))
    assert [tuple(shown[0, k]) for k in (1, 2)] == [(0, 120, 0, 255), (240, 150, 255, 255)]
    assert shown[0, 0, 3] == 0


def test_what_the_page_holds_is_the_beginning_of_the_files(folder: Path) -> None:
    for name in (MAP, CONFIDENCE, COLOURS):
        text = (folder / "preview" / f"{name}.js").read_text()
        file, held = json.loads("[" + text.removeprefix("hold(").removesuffix(");\n") + "]")
        assert file == name
        data = (folder / name).read_bytes()
        assert data.startswith(base64.b64decode(held))
        # All of a small file but GDAL's trailer behind the last block.
        assert len(data) - len(base64.b64decode(held)) <= 8


def test_levels_end_one_behind_the_other(folder: Path) -> None:
    ends = level_ends(folder / MAP)
    assert len(ends) == 3
    assert list(ends) == sorted(set(ends))
    # The beginning of the file up to there reads as a file whose finer levels are missing.
    cut = folder.parent / "cut.tif"
    cut.write_bytes((folder / MAP).read_bytes()[: ends[1]])
    with rasterio.open(cut, overview_level=0) as raster, rasterio.open(folder / MAP) as whole:
        np.testing.assert_array_equal(raster.read(1), whole.read(1, out_shape=raster.shape))


@pytest.mark.slow
def test_large_files_are_held_down_to_a_level(
    folder: Path,
    legend: Legend,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    report: tuple[Path, Page],
    browser: Any,
) -> None:
    ends = level_ends(folder / MAP)
    for name in (MAP, CONFIDENCE):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    monkeypatch.setattr(preview, "MOST_HELD", ends[1])
    write_preview(tmp_path, report[1].views, legend.classes, "T", is_simulated=False)
    held = (tmp_path / "preview" / f"{MAP}.js").read_text()
    assert len(base64.b64decode(held.split('"')[3])) == ends[1]
    # The page says so, and what it tells is of the finest level that it has, however near one is.
    page = opened(browser, (tmp_path / PAGE).as_uri())
    assert "Opened from a folder" in page.inner_text("#detail")
    for _ in range(3):
        page.click("#in")
        page.wait_for_function(PAINTED)
    told, (_, number, column, row, pixel) = told_at(page, 500, 350)
    assert pixel == "20"
    assert told.partition(",")[0] == TITLES[levels_of(folder / MAP)[1][int(row), int(column)]]
    assert number == "0"
    page.close()


@pytest.mark.parametrize(
    "grid",
    [
        Grid(crs="EPSG:32630", ulx=499980, uly=4300020, pixel=10, width=10980, height=10980),
        Grid(crs="EPSG:32733", ulx=300000, uly=6300040, pixel=10, width=5001, height=4000),
        Grid(crs="EPSG:3035", ulx=2800000, uly=1700000, pixel=10, width=10000, height=10000),
        Grid(crs="EPSG:4326", ulx=-3, uly=39, pixel=1 / 12000, width=12000, height=12000),
    ],
    ids=lambda grid: grid.crs,
)
def test_between_nodes_a_pixel_is_where_it_lies(grid: Grid) -> None:
    nodes = _nodes(grid)
    columns, rows = np.array(nodes["columns"]), np.array(nodes["rows"])
    lons, lats = (np.reshape(nodes[k], (rows.size, columns.size)) for k in ("lons", "lats"))
    # As the page does: the mean of four nodes on the Web Mercator plane is the middle of them.
    y = np.degrees(np.arcsinh(np.tan(np.radians(lats))))
    middle = [part[:-1, :-1] + part[1:, :-1] + part[:-1, 1:] + part[1:, 1:] for part in (lons, y)]
    lon, lat = middle[0] / 4, np.degrees(np.arctan(np.sinh(np.radians(middle[1] / 4))))
    back = Transformer.from_crs(4326, grid.crs, always_xy=True)
    easting, northing = back.transform(lon, lat)
    mid_column, mid_row = (part[:-1] / 2 + part[1:] / 2 for part in (columns, rows))
    off = [
        np.abs((easting - grid.ulx) / grid.pixel - mid_column[None]),
        np.abs((grid.uly - northing) / grid.pixel - mid_row[:, None]),
    ]
    assert max(part.max() for part in off) < 0.3


def test_true_colours_are_those_of_the_composite(folder: Path, mosaic: Path) -> None:
    with rasterio.open(folder / COLOURS) as raster:
        assert raster.profile["compress"] == "webp"
        assert [c.name for c in raster.colorinterp] == ["red", "green", "blue", "alpha"]
        assert raster.overviews(1) == [2, 4]
        colours = raster.read()
        assert not raster.tags(ns="LANDCOVER")
    with rasterio.open(mosaic / "B04.tif") as red:
        np.testing.assert_array_equal(colours[3] == 255, red.read(1) != -32768)
    # Band by band brighter, as the composite is, by 100 of a range of some 1,300.
    means = [float(band[colours[3] == 255].mean()) for band in colours[:3]]
    assert means[0] > 60
    assert sum(means) / 3 < 200
    assert (folder / COLOURS).stat().st_size < 1100 * 1300


def test_colours_that_are_too_fine_are_averaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = Grid(crs="EPSG:32631", ulx=0, uly=0, pixel=10, width=50, height=41)
    values = np.tile(np.array([[100, 300], [500, -32768]], np.int16), (21, 25))[:41]
    for band in ("B02", "B03", "B04"):
        write_raster(tmp_path / f"{band}.tif", values, grid, RasterStyle("int16", -32768, (band,)))
    monkeypatch.setattr(true_colour, "MOST_PX", 25)
    write_colours(tmp_path, tmp_path / "colours.tif")
    with rasterio.open(tmp_path / "colours.tif") as raster:
        assert raster.shape == (21, 25)
        assert raster.transform.a == 20
        red, opaque = raster.read(1), raster.read(4)
    # Three pixels of four have a value, 300 on average; in the last row two, 200.
    assert (opaque == 255).all()
    assert 0 < red[-1, 0] < red[0, 0]


@pytest.mark.slow
def test_what_is_told_and_drawn_is_the_pixel_of_the_file(folder: Path, browser: Any) -> None:
    """From the folder, at three zooms: class, confidence, colour and place against the files."""
    page = opened(browser, (folder / PAGE).as_uri())
    assert "SIMULATED" in page.inner_text("header")
    classes, sures = levels_of(folder / MAP), levels_of(folder / CONFIDENCE)
    to_map = Transformer.from_crs(4326, 32631, always_xy=True)
    colours = {1: (0, 120, 0), 7: (240, 150, 255), 9: (0, 50, 200)}
    seen: set[tuple[int, int]] = set()
    for step in range(3):
        if step:
            page.click("#in")
            page.click("#in")
            page.wait_for_function(PAINTED)
        with Image.open(BytesIO(page.screenshot())) as picture:
            shown = picture.convert("RGB")
        for x, y in [(x, y) for x in range(320, 700, 110) for y in range(120, 600, 110)]:
            told, place = told_at(page, x, y)
            lat, lon = (float(t.strip(" °")) for t in page.inner_text("#lonlat").split(","))
            easting, northing = to_map.transform(lon, lat)
            at = (easting - 501360) / 10, (5629680 - northing) / 10
            if place == [""]:
                inside = 0 <= at[0] < 1100 and 0 <= at[1] < 1300
                assert told == ""
                assert not inside or classes[0][int(at[1]), int(at[0])] == 0
                continue
            number, column, row, pixel = map(int, place[1:])
            code = int(classes[number][row, column])
            name, _, rest = told.partition(", ")
            assert name == TITLES[code]
            assert rest.startswith(f"{round(int(sures[number][row, column]) / 2.54)} % sure")
            assert rest.endswith(f"of {pixel} m)") == (number > 0)
            # The place is the pixel's, as the file's own georeference has it.
            assert column == pytest.approx(at[0] * 10 / pixel, abs=1.3)
            assert row == pytest.approx(at[1] * 10 / pixel, abs=1.3)
            if pixel * 2 ** (2 * step) >= 40:
                # Pixels are wide enough for a px to be in the middle of one, or its neighbours.
                around = classes[number][max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
                assert shown.getpixel((x, y)) in {colours[c] for c in np.unique(around) if c}
            seen.add((number, code))
    assert {code for _, code in seen} == {1, 7, 9}
    assert len({number for number, _ in seen}) >= 2
    assert page.troubles == []
    page.close()


@pytest.mark.slow
def test_layers_palettes_keys_and_pointer(folder: Path, browser: Any, tmp_path: Path) -> None:
    page = opened(browser, (folder / PAGE).as_uri())
    start = float(page.get_attribute("#map", "data-zoom"))
    assert colour_at(page, 500, 130) == (0, 50, 200)
    page.check("#palette")
    page.wait_for_function(PAINTED)
    assert page.is_visible("[data-palette=colour_blind]")
    swatch = "[data-palette=colour_blind] li:nth-child(3) i"
    other = page.eval_on_selector(swatch, "i => getComputedStyle(i).backgroundColor")
    page.evaluate(NEXT)
    assert colour_at(page, 500, 130) == tuple(map(int, re.findall(r"\d+", other)))
    page.uncheck("#palette")
    for layer, kind in (("confidence", "grey"), ("true_colour", "any")):
        page.check(f"input[value={layer}]")
        page.evaluate(NEXT)
        page.wait_for_function(PAINTED)
        found = colour_at(page, 500, 130)
        assert found == (127, 127, 127) if kind == "grey" else found != (0, 50, 200)
        page.screenshot(path=tmp_path / f"{layer}.png")
    assert "true colour, 2021-spring" in page.inner_text("#layers")
    page.check("input[value=map]")
    page.check("#beside")
    page.evaluate(NEXT)
    page.wait_for_function(PAINTED)
    page.mouse.move(300, 250)
    assert page.is_visible("#twin")
    twin = page.evaluate("document.getElementById('twin').style.left")
    assert float(twin.removesuffix("px")) == pytest.approx(800, abs=1)
    page.screenshot(path=tmp_path / "beside.png")
    page.uncheck("#beside")
    page.click("#in")
    page.focus("#map")
    page.keyboard.press("ArrowRight")
    assert float(page.get_attribute("#map", "data-zoom")) == start + 1
    page.wait_for_function("document.getElementById('class').textContent.includes('sure')")
    assert page.is_visible("#cross")
    page.keyboard.press("0")
    page.wait_for_function(f"document.getElementById('map').dataset.zoom == {start}")
    before = page.inner_text("#lonlat")
    page.mouse.move(500, 400)
    page.mouse.down()
    page.mouse.move(560, 400, steps=4)
    page.mouse.up()
    page.mouse.move(500, 400)
    assert page.inner_text("#lonlat") != before
    assert page.troubles == []
    page.close()
    narrow = opened(browser, (folder / PAGE).as_uri(), viewport={"width": 390, "height": 700})
    # On a telephone the legend waits to be opened, and leaves the map to be seen.
    assert narrow.evaluate("document.getElementById('legend').getBoundingClientRect().height") < 60
    narrow.click("#legend summary")
    assert narrow.is_visible("input[value=true_colour]")
    narrow.close()


@pytest.mark.slow
def test_from_a_server_parts_of_the_files_are_read(
    folder: Path, browser: Any, tmp_path: Path
) -> None:
    with served(folder, InParts) as address:
        page = opened(browser, address)
        assert told_at(page, 500, 130)[0].startswith("Permanent water, 50 % sure")
        assert MAP in page.requests
        assert f"{MAP}.js" not in page.requests
        assert page.inner_text("#detail") == ""
        assert page.troubles == []
        page.close()
    with served(folder, AsAWhole) as address:
        page = opened(browser, address)
        assert told_at(page, 500, 130)[0].startswith("Permanent water, 50 % sure")
        assert f"{MAP}.js" in page.requests
        page.close()


@pytest.mark.slow
def test_without_webgl_pictures_are_shown_and_said(folder: Path, browser: Any) -> None:
    page = browser.new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto((folder / PAGE).as_uri())
    page.wait_for_selector("#pictures img")
    assert "WebGL 2. So pictures of the map are shown" in page.inner_text("#told")
    assert page.eval_on_selector("#pictures img", "i => i.decode().then(() => i.naturalWidth)") > 99
    page.close()


@pytest.mark.slow
def test_a_damaged_file_is_said(
    folder: Path, browser: Any, legend: Legend, report: tuple[Path, Page], tmp_path: Path
) -> None:
    (tmp_path / MAP).write_bytes((folder / MAP).read_bytes())
    write_preview(tmp_path, report[1].views, legend.classes, "T", is_simulated=False)
    script = tmp_path / "preview" / f"{MAP}.js"
    script.write_text(f'hold("{MAP}", "{base64.b64encode(b"nothing of a TIFF").decode()}");')
    page = browser.new_page()
    page.goto((tmp_path / PAGE).as_uri())
    page.wait_for_function("!document.getElementById('told').hidden")
    assert page.inner_text("#told") == f"{MAP}: This is no little-endian TIFF."
    page.close()


def test_the_page_begins_where_a_map_has_classes(tmp_path: Path, legend: Legend) -> None:
    codes = np.zeros((3000, 3000), np.uint8)
    grid = Grid(crs="EPSG:3035", ulx=2_800_000, uly=1_700_000, pixel=10, width=3000, height=3000)
    view = MapView(
        cell="3035_E28N16", tiles=("a",), grid=grid, period="2021-spring", map_picture="map.png"
    )
    path = tmp_path / "map_3035_E28N16.tif"
    write_raster(path, codes, grid, RasterStyle("uint8", 0, ("c",)))
    assert write_preview(tmp_path, [view], legend.classes, "T", is_simulated=False) is None
    codes[2400:2700, 100:300] = 7
    write_raster(path, codes, grid, RasterStyle("uint8", 0, ("c",)))
    assert write_preview(tmp_path, [view], legend.classes, "T", is_simulated=False) == PAGE
    about = json.loads((tmp_path / DOCUMENT).read_text())
    left, top, right, bottom = about["views"][0]["part"]
    assert 90 <= left <= 100
    assert 2390 <= top <= 2400
    assert 300 <= right <= 310
    assert 2700 <= bottom <= 2710
