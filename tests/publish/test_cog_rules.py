"""The structure of a Cloud Optimized GeoTIFF, read from its bytes (OGC 21-026, GDAL COG driver).

No validator of others is installed, so the rules are written out: the image's directory comes
first and the overviews' behind it, before any pixel; everything is tiled; the blocks of coarser
overviews lie before those of finer ones, the image's last, each in order.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

import pytest

from landcover.publish.page import Page
from landcover.stores.rasters import open_raster

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 12: 8, 16: 8}
CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}
WIDTH, HEIGHT, TILE_WIDTH, TILE_OFFSETS = 256, 257, 322, 324


def directories(path: Path) -> list[tuple[int, dict[int, tuple[int, ...]]]]:
    """Place and tags of every image directory of a classic little-endian TIFF, in their order."""
    data = path.read_bytes()
    mark, version, place = struct.unpack("<2sHI", data[:8])
    assert (mark, version) == (b"II", 42)
    found = []
    while place:
        (count,) = struct.unpack_from("<H", data, place)
        tags = {}
        for number in range(count):
            tag, kind, n = struct.unpack_from("<HHI", data, place + 2 + 12 * number)
            if kind not in CODES:
                continue
            at = place + 10 + 12 * number
            if n * SIZES[kind] > 4:
                (at,) = struct.unpack_from("<I", data, at)
            tags[tag] = struct.unpack_from(f"<{n}{CODES[kind]}", data, at)
        found.append((place, tags))
        (place,) = struct.unpack_from("<I", data, place + 2 + 12 * count)
    return found


@pytest.mark.parametrize("name", ["map_32631.tif", "confidence_32631.tif"])
def test_directories_come_first_and_blocks_from_coarse_to_fine(
    report: tuple[Path, Page], name: str
) -> None:
    path = report[0] / name
    found = directories(path)
    places = [place for place, _ in found]
    tags = [entry for _, entry in found]
    widths = [entry[WIDTH][0] for entry in tags]
    assert widths == [1100, 550, 275]  # halved until below the block of 512 px
    assert [entry[HEIGHT][0] for entry in tags] == [1300, 650, 325]
    assert places == sorted(places)
    assert all(entry[TILE_WIDTH] == (512,) for entry in tags)
    blocks = [[offset for offset in entry[TILE_OFFSETS] if offset] for entry in tags]
    assert max(places) < min(min(offsets) for offsets in blocks)
    for offsets in blocks:
        assert offsets == sorted(offsets)
    for fine, coarse in pairwise(blocks):
        assert max(coarse) < min(fine)
    # What the writer promises in its ghost area, for readers that fetch by range.
    head = path.read_bytes()[8:300]
    assert b"GDAL_STRUCTURAL_METADATA_SIZE=" in head
    assert b"LAYOUT=IFDS_BEFORE_DATA" in head


def test_names_and_colours_are_in_the_file_itself(
    report: tuple[Path, Page], tmp_path: Path
) -> None:
    alone = tmp_path / "map.tif"
    alone.write_bytes((report[0] / "map_32631.tif").read_bytes())
    with open_raster(alone) as raster:
        told = raster.dataset.tags(1)
        assert raster.dataset.colormap(1)[9] == (0, 50, 200, 255)
    assert {k: v for k, v in told.items() if k.startswith("class_")} == {
        "class_0": "nodata", "class_1": "closedForest", "class_7": "cropland",
        "class_9": "permanentWater",
    }  # fmt: skip
