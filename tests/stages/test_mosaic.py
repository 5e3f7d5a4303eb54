"""Mosaics of four tiles across a zone border: joined, feathered, warped, cleaned, and refused."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from mosaic_region import CODES, TILES, Region, classes_of, probabilities
from pyproj import Transformer
from rasterio.merge import merge

from landcover.errors import InputError, MissingDataError, UnavailableError
from landcover.nouns.grid import Grid
from landcover.nouns.run import Unit
from landcover.parts.mapping import joining
from landcover.parts.mapping.cell_grids import cell_grid
from landcover.parts.mapping.cells import cells_of
from landcover.parts.mapping.extent import _absent
from landcover.parts.reporting.report_maps import write_vrts
from landcover.parts.task import Job
from landcover.raster.majority import majority
from landcover.raster.sieve import sieve
from landcover.raster.smoothing import smooth_probabilities
from landcover.recipe import make_recipe
from landcover.recipe.mosaic import MosaicRecipe
from landcover.stores.rasters import RasterStyle, describe, read_array, write_raster, write_vrt

NORTH_OF_A = 100  # rows of a zone's mosaic above its southern tile


def differing(first: np.ndarray, second: np.ndarray) -> float:
    both = (first != 0) & (second != 0)
    assert both.any()
    return float((first != second)[both].mean())


def across(one: np.ndarray, other: np.ndarray, one_grid: Grid, other_grid: Grid) -> float:
    """Share of differing pixels where two maps of two zones overlap, nearest neighbour."""
    rows, columns = np.mgrid[0 : one_grid.height, 0 : one_grid.width] + 0.5
    project = Transformer.from_crs(one_grid.crs, other_grid.crs, always_xy=True).transform
    x, y = project(one_grid.ulx + columns * 40, one_grid.uly - rows * 40)
    row = np.floor((other_grid.uly - y) / 40).astype(int)
    column = np.floor((x - other_grid.ulx) / 40).astype(int)
    inside = (row >= 0) & (column >= 0) & (row < other_grid.height) & (column < other_grid.width)
    seen = np.zeros_like(one)
    seen[inside] = other[row[inside], column[inside]]
    return differing(one, seen)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Region:
    return Region(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def feathered(tmp_path_factory: pytest.TempPathFactory) -> Region:
    return Region(tmp_path_factory.mktemp("feathered"), {"blend": "feather"})


def test_what_disagrees_is_told(plain: Region) -> None:
    assert plain.cells() == ["32630", "32631"]
    output = plain.join("32630")
    json.dumps(output.stats)
    pairs = {(p["first"], p["second"]): p for p in output.stats["overlaps"]}
    assert list(pairs) == [
        ("30SYJ", "30TYK"), ("30SYJ", "31SBD"), ("30SYJ", "31TBE"), ("30TYK", "31SBD"),
        ("30TYK", "31TBE"),
    ]  # fmt: skip
    same_zone = pairs["30SYJ", "30TYK"]
    one = classes_of(probabilities("30SYJ", TILES["30SYJ"]))[:50]
    other = classes_of(probabilities("30TYK", TILES["30TYK"]))[100:]
    assert same_zone["pixels"] == 50 * 150
    assert same_zone["differing"] == np.count_nonzero(one != other) > 500
    assert same_zone["classes"] == {
        f"{a}-{b}": n
        for a in CODES
        for b in CODES
        if a != b and (n := int(np.count_nonzero((one == a) & (other == b))))
    }
    # Each half is from one of the two.
    assert same_zone["joined_not_first_percent"] + same_zone["joined_not_second_percent"] == (
        pytest.approx(same_zone["percent"], abs=1e-3)
    )
    beyond = pairs["30SYJ", "31SBD"]
    truth = across(
        classes_of(probabilities("30SYJ", TILES["30SYJ"])),
        classes_of(probabilities("31SBD", TILES["31SBD"])), TILES["30SYJ"], TILES["31SBD"],
    )  # fmt: skip
    assert beyond["percent"] / 100 == pytest.approx(truth, abs=0.002)
    # The neighbour is a part of what the record was made of.
    assert len(output.wanted.inputs["neighbours"]) == 2
    assert output.stats["absent"] == []


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # rasterio's own
def test_the_default_is_what_rasterio_merges(plain: Region) -> None:
    output = plain.join("32630")
    paths = [
        plain.workspace.objects.href(made["key"], "classification.tif")
        for made in plain.workspace.records.find("outputs", {"wanted.stage": "classify"})
        if made["wanted"]["unit"].startswith("30")
    ]
    joined = plain.read(output, "classification.tif")
    sorted_paths = sorted(paths)
    upper = merge(sorted_paths[::-1])[0][0]
    lower = merge(sorted_paths)[0][0]
    middle = NORTH_OF_A + 25  # half of the overlap of 50 rows
    between = slice(25, 125)  # further west and east, both tiles end equally near
    np.testing.assert_array_equal(joined[:middle, between], upper[:middle, between])
    np.testing.assert_array_equal(joined[middle:, between], lower[middle:, between])


def test_feathering_agrees_across_the_zone_border(plain: Region, feathered: Region) -> None:
    shares = []
    for region in (plain, feathered):
        outputs = [region.join(zone) for zone in ("32630", "32631")]
        maps = [region.read(output, "classification.tif") for output in outputs]
        grids = [Grid.from_document(output.stats["grid"]) for output in outputs]
        shares.append(across(*maps, *grids))
    before, after = shares
    assert before > 0.2
    # What is left is half a pixel of resampling along the borders of classes.
    assert after < 0.03


def test_feathering_by_hand_inside_a_zone(feathered: Region) -> None:
    output = feathered.join("32630")
    joined = feathered.read(output, "classification.tif")
    confidence = feathered.read(output, "confidence.tif")
    one, other = (probabilities(t, TILES[t]).astype(float) for t in ("30SYJ", "30TYK"))
    column = 20  # 820 m from the western edge of both; the other zone is 4 km further east
    for row in (100, 110, 125, 149):
        d_one = min(row - 100 + 0.5, column + 0.5) * 40
        d_other = min(150 - row - 0.5, column + 0.5) * 40
        mean = d_one * one[:, row - 100, column] + d_other * other[:, row, column]
        mean /= d_one + d_other
        assert joined[row, column] == CODES[int(mean.argmax())]
        assert confidence[row, column] == pytest.approx(mean.max(), abs=0.51)
    # Where one tile is alone nothing changes.
    np.testing.assert_array_equal(joined[:100, :90], classes_of(other.astype(np.uint8))[:100, :90])


def test_probabilities_are_joined_as_the_class_is(tmp_path: Path) -> None:
    """Where the deepest tile gives the class, its probabilities too; else the mean's."""
    codes = np.array(CODES)
    for blend, n_exact in (("primary", 1.0), ("feather", 1.0)):
        region = Region(
            tmp_path / blend, {"blend": blend}, publish={"probabilities": True},
            change=lambda tile, p: p[:, 3, 5:9].fill(255),
        )  # fmt: skip
        output = region.join("32630")
        joined, confidence = (
            region.read(output, name) for name in ("classification.tif", "confidence.tif")
        )
        path = region.workspace.objects.href(output.key, "probabilities.tif")
        shares, _ = read_array(path)
        assert describe(path).nodata == 255
        has_class = joined > 0
        assert (shares[:, ~has_class] == 255).all()
        band = np.searchsorted(codes, joined)[None].clip(max=2)
        assert np.array_equal(
            np.take_along_axis(shares, band, axis=0)[0][has_class], confidence[has_class]
        )
        assert np.abs(shares[:, has_class].sum(axis=0, dtype=int) - 254).max() <= 3
        likeliest = codes[shares.argmax(axis=0)]
        assert (likeliest == joined)[has_class].mean() > 0.98, n_exact
    # By hand: column 20 of the zone's mosaic lies 820 m from the western edge of both tiles.
    one, other = (probabilities(t, TILES[t]).astype(float) for t in ("30SYJ", "30TYK"))
    d_one, d_other = (110 - 100 + 0.5) * 40, (20 + 0.5) * 40
    mean = (d_one * one[:, 10, 20] + d_other * other[:, 110, 20]) / (d_one + d_other)
    np.testing.assert_allclose(shares[:, 110, 20], mean, atol=0.51)


def test_without_being_asked_for_probabilities_leave_no_trace(plain: Region) -> None:
    output = plain.join("32630")
    assert "probabilities" not in output.wanted.params
    assert "probabilities.tif" not in {file.name for file in output.files}


def test_feathering_switches_probabilities_on() -> None:
    seasons = [{"name": "spring", "primary_month": 3, "fallback_month": 4}]
    least: dict[str, Any] = {"name": "x", "seasons": seasons}
    assert make_recipe(least).classify.keep == ()
    recipe = make_recipe({**least, "mosaic": {"blend": "feather"}})
    assert recipe.classify.keep == ("probabilities",)
    assert make_recipe(recipe.to_document()) == recipe


@pytest.mark.parametrize("options", [{}, {"majority": 5, "min_pixels": 9}])
def test_no_window_changes_a_pixel(
    tmp_path: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name, side in (("one", 1024), ("two", 64)):
        region = Region(
            tmp_path / name, {"blend": "feather", **options}, publish={"probabilities": True}
        )
        with monkeypatch.context() as patch:
            patch.setattr("landcover.raster.windows.LARGEST_PX", side)
            patch.setattr(
                joining, "plan_windows", lambda h, w, side=side, **_: list(
                    Grid(crs="EPSG:1", ulx=0, uly=0, pixel=1, width=w, height=h)
                    .windows(side + 3, side)
                ),
            )  # fmt: skip
            patch.setattr("landcover.parts.mapping.cleaning.plan_windows", joining.plan_windows)
            output = region.join("32630")
        found.append([file.sha256 for file in output.files])
        assert output.stats["overlaps"]
    assert found[0] == found[1]


def test_cells_are_named_and_hold_what_the_tiles_say(tmp_path: Path) -> None:
    region = Region(tmp_path, {"grid": "EPSG:3035", "pixel": 50, "blend": "feather"})
    (cell,) = region.cells()
    assert cell == "3035_E34N18"
    output = region.join(cell)
    grid = Grid.from_document(output.stats["grid"])
    assert (grid.ulx, grid.uly, grid.pixel, grid.shape) == (3.4e6, 1.9e6, 50, (2000, 2000))
    joined = region.read(output, "classification.tif")
    assert output.stats["mapped"] == sorted(TILES)
    # All six pairs, each once, before and after.
    assert len(output.stats["overlaps"]) == 6
    rows, columns = np.nonzero(joined)
    # 10.2 km from the west of zone 30 to the east of zone 31, 10 km from north to south.
    assert rows.size * 2500 == pytest.approx(101.8e6, rel=0.02)
    # One tile alone: the class of its nearest pixel, but where classes meet.
    x, y = grid.ulx + (columns + 0.5) * 50, grid.uly - (rows + 0.5) * 50
    tile = TILES["30TYK"]
    tx, ty = Transformer.from_crs(3035, 32630, always_xy=True).transform(x, y)
    row, column = np.floor((tile.uly - ty) / 40), np.floor((tx - tile.ulx) / 40)
    alone = (row >= 0) & (row < 95) & (column >= 0) & (column < 95)
    expected = classes_of(probabilities("30TYK", tile))[
        row[alone].astype(int), column[alone].astype(int)
    ]
    assert alone.sum() > 3000
    assert (joined[rows[alone], columns[alone]] == expected).mean() > 0.98


def test_without_probabilities_a_cell_takes_the_nearest_class(tmp_path: Path) -> None:
    region = Region(tmp_path, {"grid": "EPSG:4326", "pixel": 1 / 1200}, keep=False)
    assert region.cells() == ["4326_N39E000", "4326_N39W001"]
    output = region.join("4326_N39E000")
    joined = region.read(output, "classification.tif")
    assert joined.shape == (1200, 1200)
    assert set(np.unique(joined)) == {0, *CODES}
    colour = region.read(output, "B04.tif")
    assert set(np.unique(colour)) <= {-32768, 100, 110, 120, 130}
    assert ((joined != 0) == (colour != -32768)).all()


def test_neighbouring_cells_are_cleaned_as_one(tmp_path: Path) -> None:
    def speckle(tile: str, found: np.ndarray) -> None:
        generator = np.random.default_rng(sorted(TILES).index(tile))
        wrong = generator.random(found.shape[1:]) < 0.2
        found[:, wrong] = np.array([1, 1, 252], np.uint8)[:, None]

    grid = {"grid": "EPSG:6933", "pixel": 100}
    cells = ["6933_W1N46", "6933_E0N46"]
    maps = {}
    for name, options in (("raw", {}), ("clean", {"majority": 3, "min_pixels": 6})):
        region = Region(tmp_path / name, {**grid, **options}, change=speckle)
        assert region.cells() == sorted(cells)
        maps[name] = np.hstack(
            [region.read(region.join(cell), "classification.tif") for cell in cells]
        )
    expected = majority(maps["raw"], 3)
    assert expected[:, 990:1010].any()
    for _ in range(4):
        expected = sieve(expected, 6)
    np.testing.assert_array_equal(maps["clean"], expected)


def test_the_virtual_raster_can_be_moved(tmp_path: Path) -> None:
    how = MosaicRecipe(grid="EPSG:6933", pixel=1000)
    west, east = (cell_grid(cell, how) for cell in ("6933_W1N46", "6933_E0N47"))
    colours = {0: (0, 0, 0, 0), 3: (10, 20, 30, 255)}
    folder = tmp_path / "here"
    folder.mkdir()
    for cell, grid, code in (("6933_W1N46", west, 3), ("6933_E0N47", east, 4)):
        values = np.full(grid.shape, code, np.uint8)
        values[0, 0] = 0
        style = RasterStyle("uint8", 0, ("class",), colours=colours)
        write_raster(folder / f"map_{cell}.tif", values, grid, style)
    write_vrts(folder)
    assert sorted(p.name for p in folder.glob("*.vrt")) == ["map_6933.vrt"]
    assert str(tmp_path) not in (folder / "map_6933.vrt").read_text()
    folder = folder.rename(tmp_path / "there")
    with rasterio.open(folder / "map_6933.vrt") as raster:
        assert (raster.shape, raster.nodata, raster.dtypes) == ((200, 200), 0, ("uint8",))
        assert raster.bounds == (-100_000, 4_600_000, 100_000, 4_800_000)
        assert raster.crs.to_epsg() == 6933
        assert raster.colormap(1)[3] == (10, 20, 30, 255)
        codes = raster.read(1)
    assert codes[100:, :100].sum() == 3 * 9999
    assert codes[:100, 100:].sum() == 4 * 9999
    assert not codes[:100, :100].any()
    write_raster(folder / "other.tif", codes, TILES["30SYJ"].model_copy(
        update={"width": 200, "height": 200}), RasterStyle("uint8", 0))  # fmt: skip
    with pytest.raises(InputError, match="differ in CRS, pixel, type, nodata or bands"):
        write_vrt(folder / "x.vrt", ["map_6933_W1N46.tif", "other.tif"])


def test_names_of_cells() -> None:
    how = MosaicRecipe(grid="EPSG:4326")
    grid = cell_grid("4326_S34W071", how)
    assert (grid.ulx, grid.uly, grid.width) == (-71, -33, 12_000)
    assert grid.pixel == pytest.approx(1 / 12_000)
    south = Grid(crs="EPSG:32719", ulx=330_000, uly=6_300_000, pixel=10, width=100, height=100)
    assert cells_of(south, how) == {"4326_S34W071"}
    metric = MosaicRecipe(grid="EPSG:6933", pixel=20)
    (cell,) = cells_of(south, metric)
    assert cell == "6933_W69S41"
    grid = cell_grid(cell, metric)
    x, y = Transformer.from_crs(32719, 6933, always_xy=True).transform(330_500, 6_299_500)
    assert all(0 <= at < n for at, n in zip(grid.pixel_at(x, y), grid.shape, strict=True))
    assert grid.width == 5000
    # Across the antimeridian.
    fiji = Grid(crs="EPSG:32701", ulx=160_000, uly=8_100_000, pixel=100, width=500, height=100)
    assert cells_of(fiji, how) == {"4326_S18E179", "4326_S18W180"}
    with pytest.raises(InputError, match="is not a cell of the grid EPSG:6933"):
        cell_grid("4326_S34W071", metric)


def test_cleaning_keeps_confidence(tmp_path: Path) -> None:
    def speckle(tile: str, found: np.ndarray) -> None:
        found[:, 20::10, 20::10] = np.array([1, 1, 252], np.uint8)[:, None, None]

    raw = Region(tmp_path / "raw", change=speckle)
    clean = Region(tmp_path / "clean", {"min_pixels": 5}, change=speckle)
    before, after = raw.join("32630"), clean.join("32630")
    assert before.id != after.id
    changed = raw.read(before, "classification.tif") != clean.read(after, "classification.tif")
    assert after.stats["sieved_pixels"] == np.count_nonzero(changed) > 100
    assert sorted(f.name for f in after.files) == [
        "B04.tif",
        "classification.tif",
        "confidence.tif",
    ]
    np.testing.assert_array_equal(
        raw.read(before, "confidence.tif"), clean.read(after, "confidence.tif")
    )


def test_a_tile_with_a_map_beyond_the_cell_is_not_called_absent(tmp_path: Path) -> None:
    region = Region(tmp_path, {"grid": "EPSG:3035", "pixel": 50}, tiles=("30TYK", "31SBD", "31TBE"))
    task = region._task(Unit(id="3035_E33N18", label="cell", cell="3035_E33N18"))
    maps = {str(unit.tile): output for unit, output in task.all_outputs("classify")}
    # Half of 30TYK and 30SYJ lies in the cell to the west; the maps that there are do not.
    cell = cell_grid("3035_E33N18", region.recipe.mosaic)
    assert _absent(task, maps, cell) == ["30SYJ"]


# What is wrong is told


def test_a_missing_neighbour_is_named_and_the_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    region = Region(tmp_path, {"blend": "feather"}, tiles=("30TYK", "31SBD", "31TBE"))
    output = region.join("32630")
    assert output.stats["absent"] == ["30SYJ"]
    assert "30SYJ has no map, its neighbours are joined without it" in caplog.text
    assert output.stats["mapped"] == ["30TYK"]


def test_two_models_are_refused(tmp_path: Path) -> None:
    region = Region(tmp_path, models={"31SBD": "d" * 16})
    with pytest.raises(InputError, match="maps of 31SBD and 31TBE were made with different models"):
        region.join("32631")


def test_two_years_are_refused(tmp_path: Path) -> None:
    region = Region(tmp_path, years={"30TYK": 2019})
    with pytest.raises(
        InputError, match="30SYJ is of 2021-spring, 30TYK of 2019-spring; join tiles of one year"
    ):
        region.join("32630")


def test_maps_without_probabilities_cannot_be_feathered(tmp_path: Path) -> None:
    region = Region(tmp_path, {"blend": "feather"}, keep=False)
    with pytest.raises(InputError, match=r"30SYJ: its map .* has no probabilities.tif"):
        region.join("32630")
    wanting = Region(tmp_path / "other", keep=False, publish={"probabilities": True})
    with pytest.raises(InputError, match=r"which publish.probabilities=true needs"):
        wanting.join("32630")


def test_an_empty_cell_is_skipped(tmp_path: Path) -> None:
    region = Region(tmp_path, {"grid": "EPSG:3035", "pixel": 50})
    with pytest.raises(MissingDataError, match="no tile that touches this cell was prepared"):
        region.join("3035_E10N10")

    def hide(tile: str, found: np.ndarray) -> None:
        found[:] = 255

    region = Region(tmp_path / "hidden", {"grid": "EPSG:3035", "pixel": 50}, change=hide)
    with pytest.raises(MissingDataError, match="no tile has a mapped pixel in this cell"):
        region.join("3035_E34N18")


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    region = Region(tmp_path, {"min_pixels": 3})

    def full(*_: Any) -> None:
        raise UnavailableError("the disk is full") from OSError(errno.ENOSPC, "")

    monkeypatch.setattr("landcover.stores.rasters.writing.RasterWriter.finish", full)
    with pytest.raises(UnavailableError, match="disk is full"):
        region.join("32630")
    root = tmp_path / "objects"
    assert not (root / "mosaics").exists()
    assert not [p for p in (root / "tmp").rglob("*") if p.is_file()]
    assert not region.workspace.records.find("outputs", {"wanted.stage": "mosaic"})


def test_a_stopped_job_stops(plain: Region, tmp_path: Path) -> None:
    from landcover.errors import CancelledError

    region = Region(tmp_path, {"majority": 3})
    with pytest.raises(CancelledError):
        region.join("32631", Job(is_cancelled=lambda: True))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"majority": 4}, "expected an odd window, found 4"),
        ({"smooth_window": 8}, "mosaic.smooth_window: expected an odd window, found 8"),
        ({"smooth": -1}, "mosaic.smooth"),
        ({"pixel": 20}, "the zones of 'utm' keep the tiles' pixels"),
        ({"grid": "EPSG:3035", "pixel": 30}, "a whole number of pixels in 100000 m, found 3333.33"),
        ({"grid": "EPSG:3857"}, "mosaic.grid"),
    ],
)
def test_a_wrong_option_is_told(options: dict[str, Any], sentence: str) -> None:
    seasons = [{"name": "spring", "primary_month": 3, "fallback_month": 4}]
    with pytest.raises(InputError) as caught:
        make_recipe({"name": "x", "seasons": seasons, "mosaic": options})
    assert sentence in str(caught.value)


# Smoothing


SMOOTH = {"smooth": 8.0, "smooth_window": 7}


def noisy(tile: str, found: np.ndarray) -> None:
    generator = np.random.default_rng(sorted(TILES).index(tile))
    wrong = generator.random(found.shape[1:]) < 0.1
    found[:, wrong] = np.array([120, 130, 4], np.uint8)[:, None]
    found[:, 60:64, 70:75] = 255


def test_smoothing_comes_before_joining(tmp_path: Path) -> None:
    region = Region(tmp_path, SMOOTH, change=noisy)
    assert region.recipe.classify.keep == ("probabilities",)
    output = region.join("32630")
    assert output.wanted.params == {"period": "spring", **SMOOTH}
    classes = region.read(output, "classification.tif")
    confidence = region.read(output, "confidence.tif")
    between, parts = slice(25, 125), {}
    for tile in ("30TYK", "30SYJ"):
        found = probabilities(tile, TILES[tile])
        noisy(tile, found)
        parts[tile] = smooth_probabilities(found, 8.0, 7)
    both = np.concatenate([parts["30TYK"][:, :125], parts["30SYJ"][:, 25:]], axis=1)[..., between]
    np.testing.assert_array_equal(confidence[:, between], both.max(axis=0))
    is_tie = (both == both.max(axis=0)).sum(axis=0) > 1
    expected = classes_of(both)
    np.testing.assert_array_equal(classes[:, between][~is_tie], expected[~is_tie])
    assert (classes[:, between] == 0).sum() == 2 * 20
    raw = Region(tmp_path / "raw", change=noisy)
    before = raw.read(raw.join("32630"), "classification.tif")
    assert differing(before, classes) > 0.03


@pytest.mark.parametrize(
    "options",
    [{"blend": "feather"}, {"grid": "EPSG:3035", "pixel": 50}, {"min_pixels": 4}],
)
def test_no_window_changes_what_is_smoothed(
    tmp_path: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = "3035_E34N18" if "grid" in options else "32630"
    found = []
    for name, side in (("one", 2048), ("two", 300 if "grid" in options else 64)):
        region = Region(tmp_path / name, {**SMOOTH, **options}, change=noisy)
        with monkeypatch.context() as patch:
            patch.setattr(
                joining, "plan_windows", lambda h, w, side=side, **_: list(
                    Grid(crs="EPSG:1", ulx=0, uly=0, pixel=1, width=w, height=h)
                    .windows(side + 3, side)
                ),
            )  # fmt: skip
            output = region.join(cell)
        found.append([file.sha256 for file in output.files])
    assert found[0] == found[1]


def test_maps_without_probabilities_cannot_be_smoothed(tmp_path: Path) -> None:
    region = Region(tmp_path, {"smooth": 20}, keep=False)
    with pytest.raises(InputError, match=r"has no probabilities.tif, which mosaic.smooth=20 needs"):
        region.join("32630")
