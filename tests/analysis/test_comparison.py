"""Two maps compared: areas by hand, reference legends, another CRS, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry import Polygon
from sklearn.metrics import confusion_matrix

from landcover.analysis.comparison import compare_maps
from landcover.cli import cli
from landcover.errors import InputError, UsageError
from landcover.nouns.grid import Grid
from landcover.nouns.hrlc import HRLC
from landcover.nouns.legend import MEDITERRANEAN
from landcover.nouns.reference_legends import REFERENCE_LEGENDS
from landcover.publish.comparison_picture import _size
from landcover.raster.agreement import agreement, count_pairs, diversity
from landcover.stores.rasters import RasterStyle, read_array, write_raster
from landcover.stores.workspace import Workspace

GRID = Grid(crs="EPSG:32630", ulx=500000, uly=4200000, pixel=10, width=4, height=2)
OURS = np.array([[1, 2, 7, 9], [1, 3, 0, 9]], np.uint8)
NAMES = {1: "closedForest", 2: "openForest", 3: "shrubland", 7: "cropland", 9: "permanentWater"}


def nobody() -> Workspace:
    raise AssertionError("paths need no workspace")


def write(path: Path, codes: NDArray[np.uint8], grid: Grid = GRID, *, named: bool = True) -> str:
    colours = {k: (10 * k, 0, 0, 255) for k in NAMES}
    style = RasterStyle(
        "uint8", 0, ("c",), colours=colours if named else None, categories=NAMES if named else None
    )
    write_raster(path, codes, grid, style)
    return str(path)


def test_areas_are_counted_by_pairs(tmp_path: Path) -> None:
    first = write(tmp_path / "a.tif", OURS)
    other = np.array([[1, 1, 7, 0], [3, 3, 7, 9]], np.uint8)
    second = write(tmp_path / "b.tif", other)
    compared = compare_maps(nobody, first, second, where=tmp_path / "where.tif")
    result = compared.result
    # 0.01 ha a pixel. Compared: (1,1) (2,1) (7,7) (1,3) (3,3) (9,9): 4 of 6 agree.
    assert result.compared_hectares == pytest.approx(0.06)
    assert result.agreement == pytest.approx(4 / 6)
    assert result.only_first_hectares == pytest.approx(0.01)  # water at the upper right
    assert result.only_second_hectares == pytest.approx(0.01)  # cropland where ours has none
    by_name = {entry.name: entry for entry in result.classes}
    forest = by_name["closedForest"]
    assert (forest.first_hectares, forest.second_hectares) == pytest.approx((0.02, 0.02))
    assert (forest.of_first, by_name["openForest"].of_first) == (pytest.approx(0.5), 0)
    assert by_name["openForest"].of_second is None
    where, grid = read_array(tmp_path / "where.tif")
    assert grid == GRID
    np.testing.assert_array_equal(where[0], [[1, 2, 1, 0], [2, 1, 0, 1]])
    assert any("does not tell them apart" in note for note in result.notes)


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / year / "report" / "map.tif" for year in ("2020", "2021")]
    for path in paths:
        path.parent.mkdir(parents=True)
    first, second = (write(path, OURS) for path in paths)
    result = compare_maps(nobody, first, second).result
    assert (result.first, result.second) == ("2020/report/map.tif", "2021/report/map.tif")
    same = compare_maps(nobody, first, first).result
    assert (same.first, same.second) == ("map.tif", "map.tif")


def test_the_matrix_is_that_of_scikit_learn(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    grid = GRID.model_copy(update={"width": 90, "height": 70})
    maps = [rng.choice(np.array([1, 2, 3, 7, 9], np.uint8), grid.shape) for _ in range(2)]
    first, second = (write(tmp_path / f"{k}.tif", codes, grid) for k, codes in enumerate(maps))
    result = compare_maps(nobody, first, second).result
    expected = confusion_matrix(maps[0].ravel(), maps[1].ravel(), labels=list(NAMES))
    np.testing.assert_allclose(np.array(result.hectares) * 100, expected)


def test_worldcover_is_read_with_one_forest(tmp_path: Path) -> None:
    first = write(tmp_path / "a.tif", OURS)
    other = np.array([[10, 10, 40, 80], [10, 95, 20, 60]], np.uint8)
    second = write(tmp_path / "b.tif", other, named=False)
    result = compare_maps(nobody, first, second, "worldcover").result
    assert [c.name for c in result.classes] == [
        "forest", "shrubland", "cropland", "permanentWater", "herbaceousVegetation", "builtUp",
        "bareSparseVegetation", "herbaceousWetland",
    ]  # fmt: skip
    # Three forests, one cropland and one water agree; water against bare ground does not.
    assert result.agreement == pytest.approx(5 / 6)
    assert result.dropped_hectares == {"95": pytest.approx(0.01)}  # mangroves where shrubs are
    with pytest.raises(InputError, match=r"its codes \[10, 20, 40, 60, 80, 95\]"):
        compare_maps(nobody, first, second)


def test_copernicus_types_of_forest_are_closed_or_open(tmp_path: Path) -> None:
    first = write(tmp_path / "a.tif", OURS)
    other = np.array([[111, 126, 40, 200], [116, 20, 30, 80]], np.uint8)
    second = write(tmp_path / "b.tif", other, named=False)
    assert compare_maps(nobody, first, second, "copernicus").result.agreement == 1


def test_every_code_of_a_reference_has_a_class_or_none() -> None:
    copernicus = REFERENCE_LEGENDS["copernicus"].classes
    assert {name for name in copernicus.values() if name} == set(MEDITERRANEAN.names)
    assert [code for code, name in copernicus.items() if name is None] == ["0", "70", "100"]
    world = REFERENCE_LEGENDS["worldcover"]
    assert len(world.classes) == 11
    assert {n for n in world.classes.values() if n} - {"forest"} <= set(MEDITERRANEAN.names)


def test_a_file_names_classes(tmp_path: Path) -> None:
    first = write(tmp_path / "a.tif", OURS)
    second = write(tmp_path / "b.tif", np.where(OURS == 0, 0, OURS + 100).astype(np.uint8),
                   named=False)  # fmt: skip
    table = tmp_path / "legend.csv"
    table.write_text(
        "code,class\n101,closedForest\n102,open forest\n103,\n107,cropland\n109,water\n"
    )
    with pytest.raises(InputError, match="'water' is not a class of the first map"):
        compare_maps(nobody, first, second, str(table))
    table.write_text(table.read_text().replace("water", "permanentWater").replace(
        "open forest", "openForest"))  # fmt: skip
    result = compare_maps(nobody, first, second, str(table)).result
    assert result.agreement == 1
    assert result.dropped_hectares == {"103": pytest.approx(0.01)}
    with pytest.raises(UsageError, match="no known legend"):
        compare_maps(nobody, first, second, "corine")


def test_a_reference_in_degrees_is_read_where_it_lies(tmp_path: Path) -> None:
    # 100 m pixels of the reference: left half cropland, right half water, in another CRS.
    grid = GRID.model_copy(update={"width": 200, "height": 100})
    codes = np.full(grid.shape, 7, np.uint8)
    codes[:, 100:] = 9
    first = write(tmp_path / "a.tif", codes, grid)
    degrees = Grid(crs="EPSG:4326", ulx=-3.01, uly=37.96, pixel=0.001, width=60, height=40)
    reference = np.full(degrees.shape, 40, np.uint8)
    # The middle of the map, easting 501000, is at -2.98863 degrees: column 21 of the reference.
    reference[:, 21:] = 80
    second = write(tmp_path / "b.tif", reference, degrees, named=False)
    result = compare_maps(nobody, first, second, "copernicus").result
    assert result.compared_hectares == pytest.approx(200)
    assert result.agreement is not None
    assert result.agreement > 0.97  # a pixel of the reference is 88 m wide, the map 2,000 m


def test_areas_of_a_map_in_degrees_are_those_on_the_ground(tmp_path: Path) -> None:
    # Two rows of 0.1 degrees at 60 and at 0 degrees north: pixels of unlike area.
    grid = Grid(crs="EPSG:4326", ulx=0, uly=60, pixel=0.1, width=3, height=600)
    codes, other = np.zeros(grid.shape, np.uint8), np.zeros(grid.shape, np.uint8)
    codes[0], other[0] = [1, 7, 7], [1, 1, 7]
    codes[-1], other[-1] = [1, 1, 1], [1, 7, 7]
    first, second = write(tmp_path / "a.tif", codes, grid), write(tmp_path / "b.tif", other, grid)
    result = compare_maps(nobody, first, second).result
    geod = Geod(ellps="WGS84")

    def area(top: float) -> float:
        corners = [(0, top), (0.1, top), (0.1, top - 0.1), (0, top - 0.1)]
        return abs(geod.geometry_area_perimeter(Polygon(corners))[0]) / 10_000

    north, south = area(60.0), area(0.1)
    assert south / north > 1.9
    by_name = {entry.name: entry for entry in result.classes}
    names = [entry.name for entry in result.classes]
    matrix = np.array(result.hectares)
    forest, crops = names.index("closedForest"), names.index("cropland")
    # A parallel is no geodesic: 2e-6 of such a pixel.
    assert matrix[forest, forest] == pytest.approx(north + south, rel=1e-5)
    assert matrix[crops, forest] == pytest.approx(north, rel=1e-5)
    assert matrix[forest, crops] == pytest.approx(2 * south, rel=1e-5)
    assert by_name["cropland"].first_hectares == pytest.approx(2 * north, rel=1e-5)
    assert result.agreement == pytest.approx(
        (2 * north + south) / (3 * north + 3 * south), rel=1e-5
    )


def test_a_comparison_in_degrees_is_drawn(tmp_path: Path) -> None:
    grid = Grid(crs="EPSG:4326", ulx=-3, uly=60, pixel=1 / 12000, width=120, height=60)
    codes = np.full(grid.shape, 7, np.uint8)
    codes[:, 40:] = 1
    first = write(tmp_path / "a.tif", codes, grid)
    out = tmp_path / "out"
    shown = CliRunner().invoke(cli, ["compare", first, first, "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    # Half as wide on the ground as it is in pixels: a square panel.
    wide, high = _size(grid)
    assert wide == pytest.approx(high, rel=0.01)


def test_other_degrees_are_refused(tmp_path: Path) -> None:
    grid = Grid(crs="EPSG:4258", ulx=-3, uly=38, pixel=0.001, width=4, height=2)
    first = write(tmp_path / "a.tif", OURS, grid)
    with pytest.raises(InputError, match="in metres or in EPSG:4326, found EPSG:4258"):
        compare_maps(nobody, first, first)


def test_maps_apart_are_refused(tmp_path: Path) -> None:
    first = write(tmp_path / "a.tif", OURS)
    far = GRID.model_copy(update={"ulx": 600000})
    with pytest.raises(InputError, match="no pixel with a class in common"):
        compare_maps(nobody, first, write(tmp_path / "b.tif", OURS, far))


def test_pairs_agreement_and_diversity_by_hand() -> None:
    one, other = np.array([[1, 1], [0, 2]], np.uint8), np.array([[1, 3], [4, 0]], np.uint8)
    pairs = count_pairs(one, other)
    assert {(int(r), int(c)) for r, c in np.argwhere(pairs)} == {(1, 1), (1, 3), (0, 4), (2, 0)}
    np.testing.assert_array_equal(agreement(one, other), [[1, 2], [0, 0]])
    assert diversity(np.array([5, 0, 5])) == pytest.approx(np.log(2))
    assert diversity(np.array([0, 0])) == 0
    with pytest.raises(InputError, match="cannot be compared"):
        count_pairs(one, other[:1])


def test_the_command_writes_tables_and_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    grid = GRID.model_copy(update={"width": 200, "height": 150})
    codes = np.repeat(
        np.repeat(rng.choice(np.array([1, 3, 7, 9], np.uint8), (15, 20)), 10, 0), 10, 1
    )
    changed = codes.copy()
    changed[:30] = 7
    first, second = write(tmp_path / "a.tif", codes, grid), write(tmp_path / "b.tif", changed, grid)
    bands = rng.integers(100, 2000, grid.shape).astype(np.int16)
    for band in ("B04", "B03", "B02"):
        write_raster(tmp_path / f"{band}.tif", bands, grid, RasterStyle("int16", -32768, (band,)))
    out = tmp_path / "out"
    shown = CliRunner().invoke(cli, ["compare", first, second, "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    assert "have the same class" in shown.output
    assert sorted(p.name for p in out.iterdir()) == [
        "agreement.png", "agreement.tif", "comparison.csv", "comparison.html", "comparison.json",
        "comparison.png",
    ]  # fmt: skip
    document = json.loads((out / "comparison.json").read_text())
    assert len(document["classes"]) == len(document["hectares"]) == 5
    assert (out / "comparison.png").stat().st_size > 10_000
    page = (out / "comparison.html").read_text()
    assert "Why the classes differ" not in page
    assert "have the same class in both maps" in page


@pytest.mark.parametrize("is_there", [False, True])
def test_a_refused_comparison_leaves_nothing(tmp_path: Path, *, is_there: bool) -> None:
    first = write(tmp_path / "a.tif", OURS)
    second = write(tmp_path / "b.tif", np.where(OURS == 7, 77, OURS), named=False)
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "new" / "out"
    if is_there:
        out.mkdir(parents=True)
        (out / "agreement.tif").write_text("of an earlier comparison")
    shown = CliRunner().invoke(cli, ["compare", first, second, "--out", str(out)])
    assert shown.exit_code == 1
    assert "codes [77]" in shown.output
    if is_there:
        assert [p.name for p in out.iterdir()] == ["agreement.tif"]
        assert (out / "agreement.tif").read_text() == "of an earlier comparison"
    else:
        assert sorted(tmp_path.iterdir()) == before


HRLC_NAMES = {entry.code: entry.name for entry in HRLC.classes}


def write_hrlc(path: Path, codes: NDArray[np.uint8], *, named: bool) -> str:
    colours = {k: (k, 0, 0, 255) for k in HRLC_NAMES}
    style = RasterStyle(
        "uint8", 0, ("c",), colours=colours if named else None,
        categories=HRLC_NAMES if named else None,
    )  # fmt: skip
    write_raster(path, codes, GRID, style)
    return str(path)


@pytest.mark.parametrize("named", [True, False])
def test_hrlc_and_the_nine_meet_on_coarser_classes(tmp_path: Path, named: bool) -> None:
    ours = write(tmp_path / "a.tif", OURS)
    codes = np.array([[20, 30, 80, 141], [60, 50, 80, 142]], np.uint8)
    theirs = write_hrlc(tmp_path / "b.tif", codes, named=named)
    result = compare_maps(nobody, ours, theirs, None if named else "hrlc").result
    names = {entry.name for entry in result.classes}
    assert "forest" in names
    assert not names & {"closedForest", "openForest", *HRLC_NAMES.values()} - {
        "cropland",
        "builtUp",
    }
    # Seven pixels have a code in both; seasonal water is none of the classes.
    assert result.compared_hectares == pytest.approx(0.06)
    assert result.unmappable == pytest.approx(1 / 7)
    assert result.dropped_hectares == {"141": pytest.approx(0.01)}
    assert result.agreement == pytest.approx(5 / 6)
    assert result.changes == (("Forest", "Shrubland", pytest.approx(0.01)),)
    if named:
        turned = compare_maps(nobody, theirs, ours).result
        assert turned.agreement == result.agreement
        assert turned.unmappable == pytest.approx(1 / 7)
        assert turned.dropped_first_hectares == {"141": pytest.approx(0.01)}


def test_two_maps_of_hrlc_keep_their_classes(tmp_path: Path) -> None:
    first = write_hrlc(tmp_path / "a.tif", np.array([[10, 20, 30, 141]] * 2, np.uint8), named=True)
    second = write_hrlc(
        tmp_path / "b.tif", np.array([[10, 10, 30, 142]] * 2, np.uint8), named=False
    )
    result = compare_maps(nobody, first, second, "hrlc").result
    assert result.agreement == pytest.approx(3 / 4)
    assert len(result.classes) == 15
    assert result.unmappable == 0


def test_an_hrlc_map_against_copernicus(tmp_path: Path) -> None:
    first = write_hrlc(tmp_path / "a.tif", np.array([[10, 90, 150, 80]] * 2, np.uint8), named=True)
    second = write(tmp_path / "b.tif", np.array([[112, 126, 80, 40]] * 2, np.uint8), named=False)
    result = compare_maps(nobody, first, second, "copernicus").result
    assert result.agreement == 1
    assert result.unmappable == pytest.approx(0.5)
