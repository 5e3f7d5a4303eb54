"""Patches as CloudSEN12 and CloudSEN12+ lay them out, written here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from landcover.errors import InputError
from landcover.labels.cloudsen12 import read_patches


def write(path: Path, values: np.ndarray, corner: tuple[float, float] = (500_000, 400_000)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1,
        dtype="uint8", crs="EPSG:32618", transform=Affine(10, 0, corner[0], 0, -10, corner[1]),
    ) as raster:  # fmt: skip
        raster.write(values.astype(np.uint8), 1)


def test_both_layouts_are_read(tmp_path: Path) -> None:
    plus = np.zeros((512, 512))
    plus[:100, :100], plus[100:110, :50], plus[0, 0] = 1, 3, 99
    plus[510:, :] = 2  # the padding
    write(tmp_path / "ROI_0001__20190223T152641_T18NWL" / "target.tif", plus)
    first = tmp_path / "ROI_0002" / "20190228T152641_20190228T152642_T18NWL"
    write(first / "labels" / "manual_hq.tif", np.full((20, 30), 2))
    scl = np.full((20, 30), 4)
    scl[:5], scl[5:7], scl[19] = 9, 3, 10
    write(first / "labels" / "sen2cor.tif", scl)

    one, two = read_patches(tmp_path)
    assert one.name == "ROI_0001__20190223T152641_T18NWL"
    assert one.is_known.sum() == 509 * 509 - 1
    assert (one.truth == 1).sum() == 10_000 - 1
    assert one.algorithm("sen2cor") is None
    assert two.name.endswith("T18NWL")
    sen2cor = two.algorithm("sen2cor")
    assert sen2cor is not None
    assert [int(part.sum()) for part in sen2cor] == [6 * 30, 2 * 30]
    assert (two.grid.ulx, two.grid.pixel) == (500_000, 10)


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no patch of CloudSEN12 here: expected folders with"):
        list(read_patches(tmp_path))
    write(tmp_path / "a" / "target.tif", np.full((9, 9), 7))
    with pytest.raises(InputError, match="codes 7 are none of CloudSEN12's"):
        list(read_patches(tmp_path))
    write(tmp_path / "a" / "target.tif", np.full((9, 9), 1))
    write(tmp_path / "a" / "labels" / "sen2cor.tif", np.full((8, 9), 1))
    (patch,) = read_patches(tmp_path)
    with pytest.raises(InputError, match="8 x 9 px, but its truth has 9 x 9"):
        patch.algorithm("sen2cor")
