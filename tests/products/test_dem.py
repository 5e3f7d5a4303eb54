"""Which elevation cells a box needs, and what a folder of them holds."""

from __future__ import annotations

import pytest

from landcover.errors import InputError
from landcover.products.dem import DegreeCells, cells_of, find_dem

# docs/methods/products.md#elevation-cells
FOOTPRINT = (-5.248380, 36.036168, -4.001452, 37.042247)
ASTER = "ASTGTMV003_N36W005_dem.tif"
GLO30 = "Copernicus_DSM_COG_10_N36_00_W005_00_DEM.tif"


def grown(box, halo):
    west, south, east, north = box
    return west - halo, south - halo, east + halo, north + halo


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (FOOTPRINT, {(36, -6), (36, -5), (37, -6), (37, -5)}),
        (grown(FOOTPRINT, 0.03), {(lat, lon) for lat in (36, 37) for lon in (-6, -5, -4)}),
        ((10.2, 36.1, 10.8, 36.9), {(36, 10)}),
        ((10.0, 36.0, 11.0, 37.0), {(36, 10)}),  # edges belong to one cell
        ((-0.5, -0.5, 0.5, 0.5), {(-1, -1), (-1, 0), (0, -1), (0, 0)}),
        ((179.5, 10.5, 180.5, 10.6), {(10, 179), (10, -180)}),
        ((179.5, 10.5, -179.5, 10.6), {(10, 179), (10, -180)}),
        ((-180.5, 10.5, -179.5, 10.6), {(10, 179), (10, -180)}),
        ((5.1, 89.5, 5.2, 90.3), {(89, 5)}),
    ],
)
def test_cells_of(box, expected):
    found = cells_of(box)
    assert set(found) == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("name", "corner", "family"),
    [
        (ASTER, (36, -5), "ASTER GDEM v3"),
        ("ASTGTMV003_S01E010_dem.tif", (-1, 10), "ASTER GDEM v3"),
        ("ASTGTMV003_N00E000_dem.tif", (0, 0), "ASTER GDEM v3"),
        (GLO30, (36, -5), "Copernicus GLO-30"),
        ("copernicus_dsm_cog_10_s01_00_e179_00_dem.tiff", (-1, 179), "Copernicus GLO-30"),
    ],
)
def test_names(tmp_path, name, corner, family):
    (tmp_path / name).touch()
    found = find_dem(tmp_path)
    assert isinstance(found, DegreeCells)
    assert (found.family, found.cells) == (family, {corner: tmp_path / name})


@pytest.mark.parametrize(
    "name",
    ["ASTGTMV003_N36W005_num.tif", "ASTGTMV003_N36W005_dem.tif.aux.xml", "N36W005.hgt",
     "ASTGTMV003_N3W005_dem.tif"],
)  # fmt: skip
def test_other_files_are_no_cells(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"no elevation cell here.*give one raster file"):
        find_dem(tmp_path)


def test_what_is_present_and_what_is_not(tmp_path):
    for name in (ASTER, "ASTGTMV003_N37W006_dem.tif"):
        (tmp_path / name).touch()
    present, missing = find_dem(tmp_path).needed(FOOTPRINT)
    assert set(present) == {(36, -5), (37, -6)}
    assert missing == [(36, -6), (37, -5)]


def test_subfolders_are_searched_and_the_first_name_wins(tmp_path):
    for folder in ("b", "a"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / GLO30).touch()
    assert find_dem(tmp_path).cells == {(36, -5): tmp_path / "a" / GLO30}


def test_families_are_not_mixed(tmp_path):
    (tmp_path / ASTER).touch()
    (tmp_path / GLO30).touch()
    with pytest.raises(InputError, match=r"vertical datums differ. Keep one family"):
        find_dem(tmp_path)


def test_a_file_is_itself_and_nothing_is_refused(tmp_path):
    (tmp_path / "any.tif").touch()
    assert find_dem(tmp_path / "any.tif") == tmp_path / "any.tif"
    with pytest.raises(InputError, match="Check --dem"):
        find_dem(tmp_path / "none")
