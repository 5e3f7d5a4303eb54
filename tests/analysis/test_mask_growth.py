"""What growing masks keeps and spoils, on truths small enough to count."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from rasterio import Affine

from landcover.analysis import mask_evaluation, mask_growth
from landcover.analysis.mask_evaluation import Image
from landcover.analysis.mask_growth import grow, lines
from landcover.cli import cli
from landcover.errors import InputError

SIDE = 40
CLOUD = np.s_[10:20, 10:20]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A simulated truth with a cloud of ten pixels' side; the mask lacks its last column."""
    truth = np.zeros((SIDE, SIDE), np.uint8)
    truth[CLOUD] = 1
    place = tmp_path / "truth" / "masks"
    place.mkdir(parents=True)
    with rasterio.open(
        place / "20210406T105739_30SUF.tif", "w", driver="GTiff", width=SIDE, height=SIDE, count=1,
        dtype="uint8", crs="EPSG:32630", transform=Affine(20, 0, 4e5, 0, -20, 4e6),
    ) as raster:  # fmt: skip
        raster.write(truth, 1)
    mask = truth > 0
    mask[:, 19] = False
    known = np.ones_like(mask)
    known[0] = False
    images = [Image(truth, {"mine": (mask, np.zeros_like(mask))}, known, 20.0)]
    monkeypatch.setattr(mask_growth, "images_of", lambda *_: images)
    return tmp_path


def test_growth_takes_what_was_missed_and_clear_ground(folder: Path) -> None:
    none, by_one = grow(folder, {}, [0, 60])
    n_known, n_clear = SIDE * (SIDE - 1), SIDE * (SIDE - 1) - 100
    assert none.kept == pytest.approx((n_clear + 10) / n_known)
    assert (none.clear_kept, none.spoilt) == (1.0, pytest.approx(10 / (n_clear + 10)))
    # One pixel of nine is above 7.5 %: each side moves by one, and the tenth column is hidden.
    assert by_one.spoilt == 0
    assert by_one.clear_kept == pytest.approx(1 - (12 * 11 - 100) / n_clear)
    told = lines([none, by_one])
    assert [line.split()[0] for line in told] == ["mask", "mine", "mine"]
    assert told[2].split()[-1] == "0.00"


def test_metres_are_counted_by_the_pixels_of_the_truth(tmp_path: Path) -> None:
    """A human mask has pixels of 10 m, a simulated truth those of 20 m: read from files."""
    marked = np.zeros((60, 60), np.uint8)
    marked[20:40, 20:40] = 1
    scl = np.where(marked, 9, 4).astype(np.uint8)
    patch = tmp_path / "ROI_0002" / "20190228T152641_20190228T152642_T18NWL" / "labels"
    patch.mkdir(parents=True)
    for name, values in (("manual_hq.tif", marked), ("sen2cor.tif", scl)):
        with rasterio.open(
            patch / name, "w", driver="GTiff", width=60, height=60, count=1, dtype="uint8",
            crs="EPSG:32618", transform=Affine(10, 0, 5e5, 0, -10, 4e5),
        ) as raster:  # fmt: skip
            raster.write(values, 1)
    command = ["masks", "evaluate", str(tmp_path), "--growth", "0,50", "--json"]
    shown = CliRunner().invoke(cli, command)
    assert shown.exit_code == 0, shown.output
    none, grown = json.loads(shown.stdout)
    assert (none["mask"], none["clear_kept"], none["spoilt"]) == ("Sen2Cor", 1, 0)
    # 50 m are five pixels, so each side moves by two: two of 25 pixels exceed 7.5 %, one does not.
    n_clear, corners = 60 * 60 - 400, 4
    assert grown["clear_kept"] == pytest.approx(1 - (24 * 24 - 400 - corners) / n_clear)
    both = CliRunner().invoke(cli, [*command, "--thick-only"])
    assert both.exit_code == 2
    assert "leave out --plot and --thick-only" in both.output


def test_growths_are_metres(folder: Path) -> None:
    told = CliRunner().invoke(cli, ["masks", "evaluate", str(folder), "--growth", "0;60"])
    assert told.exit_code == 2
    assert "expected metres with commas between" in told.output


def test_a_folder_without_masks_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no patch of CloudSEN12 here"):
        mask_evaluation.images_of(tmp_path, {})
