"""``api.mosaic``: the same pixels as the stage, from arrays and from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mosaic_region import CODES, TILES, Region, classes_of, probabilities, write_map

from landcover import api
from landcover.errors import InputError, UsageError
from landcover.nouns.grid import Grid
from landcover.parts.mapping.mosaicking import ClassMap

ZONE = ("30SYJ", "30TYK")


def arrays(tile: str) -> ClassMap:
    found = probabilities(tile, TILES[tile])
    return ClassMap(classes_of(found), TILES[tile], found.max(axis=0), found)


def folders(root: Path) -> dict[str, Path]:
    for tile in TILES:
        (root / tile).mkdir()
        write_map(root / tile, probabilities(tile, TILES[tile]), TILES[tile])
    return {tile: root / tile for tile in TILES}


@pytest.mark.parametrize("blend", ["primary", "feather"])
def test_a_zone_is_joined_as_by_the_stage(tmp_path: Path, blend: Any) -> None:
    region = Region(tmp_path / "region", {"blend": blend}, tiles=ZONE)
    output = region.join("32630")
    expected = [region.read(output, name) for name in ("classification.tif", "confidence.tif")]
    from_arrays = api.mosaic({t: arrays(t) for t in ZONE}, blend=blend, codes=CODES)
    (tmp_path / "maps").mkdir()
    given = folders(tmp_path / "maps")
    from_files = api.mosaic({t: given[t] for t in reversed(ZONE)}, blend=blend, codes=CODES)
    for joined in (from_arrays, from_files):
        np.testing.assert_array_equal(joined.classes, expected[0])
        np.testing.assert_array_equal(joined.confidence, expected[1])
        assert joined.grid == Grid.from_document(output.stats["grid"])
        assert list(joined.overlaps) == output.stats["overlaps"]


def test_zones_are_warped_to_a_grid_as_by_the_stage(tmp_path: Path) -> None:
    region = Region(tmp_path / "region", {"blend": "feather", "grid": "EPSG:3035", "pixel": 50})
    output = region.join("3035_E34N18")
    (tmp_path / "maps").mkdir()
    joined = api.mosaic(
        folders(tmp_path / "maps"), blend="feather", codes=CODES,
        grid=Grid.from_document(output.stats["grid"]),
    )  # fmt: skip
    np.testing.assert_array_equal(joined.classes, region.read(output, "classification.tif"))
    np.testing.assert_array_equal(joined.confidence, region.read(output, "confidence.tif"))


def test_two_maps_by_hand() -> None:
    grid = Grid(crs="EPSG:32630", ulx=500_000, uly=4_000_000, pixel=10, width=4, height=4)
    beside = grid.model_copy(update={"ulx": grid.ulx + 20})
    one, other = np.full((4, 4), 2, np.uint8), np.full((4, 4), 7, np.uint8)
    joined = api.mosaic({"b": ClassMap(other, beside), "a": ClassMap(one, grid)})
    assert joined.grid.bounds == (500_000, 3_999_960, 500_060, 4_000_000)
    # In the middle both end equally near: the first by name.
    np.testing.assert_array_equal(joined.classes[1], [2, 2, 2, 7, 7, 7])
    assert (joined.confidence == 255).all()
    (pair,) = joined.overlaps
    assert (pair["first"], pair["second"], pair["pixels"], pair["percent"]) == ("a", "b", 8, 100)
    # p^A = (.6, .3, .1) and p^B = (.2, .7, .1), weights .25 and .75
    # (docs/methods/mosaics.md#feathering).
    parts = {}
    for name, shares, at in (("a", (152, 76, 25), 0.0), ("b", (51, 178, 25), -4_000.0)):
        wide = Grid(
            crs="EPSG:32630", ulx=at, uly=4e6, pixel=4_000, width=5, height=5
        )  # fmt: skip
        found = np.repeat(np.array(shares, np.uint8), 25).reshape(3, 5, 5)
        parts[name] = ClassMap(classes_of(found), wide, found.max(axis=0), found)
    averaged = api.mosaic(parts, blend="feather", codes=CODES)
    # Pixel 1 of the union: a begins 2 km before its centre, b 6 km; both less than 9.78 km.
    assert averaged.classes[2, 1] == CODES[1]
    assert averaged.confidence[2, 1] == 153  # 0.25 · 76 + 0.75 · 178 = 152.5


@pytest.mark.parametrize(
    ("maps", "options", "error", "sentence"),
    [
        ({}, {}, UsageError, "expected at least one map"),
        (("30SYJ",), {"blend": "mean"}, UsageError, "expected blend 'primary' or 'feather'"),
        (("30SYJ",), {}, UsageError, "expected the codes of 30SYJ's probabilities"),
        (("30SYJ",), {"codes": (1, 2)}, InputError, "probabilities of 2 codes, found 3"),
        (("30SYJ", "31SBD"), {"codes": CODES}, InputError, "need one CRS and pixel size"),
    ],
)
def test_what_cannot_be_joined_is_told(
    maps: Any, options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        api.mosaic({tile: arrays(tile) for tile in maps}, **options)


def test_wrong_maps_are_told(tmp_path: Path) -> None:
    found = arrays("30SYJ")
    with pytest.raises(InputError, match="a: its map has no probabilities"):
        api.mosaic({"a": ClassMap(found.classes, found.grid)}, blend="feather", codes=CODES)
    with pytest.raises(InputError, match="a: expected classification of uint8 and"):
        api.mosaic({"a": ClassMap(found.classes[1:], found.grid)})
    with pytest.raises(InputError, match="no such raster file"):
        api.mosaic({"a": tmp_path / "absent.tif"})
