"""Monthly composites made elsewhere enter as products: what is odd is told, and gaps are filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray
from click.testing import CliRunner

from landcover import api
from landcover.cli import cli
from landcover.errors import InputError
from landcover.products.flat_writing import write_flat_products

MONTHS = np.array(["2021-03-01", "2021-04-01", "2021-05-01", "2021-06-01"], "datetime64[ns]")


@pytest.fixture
def composites(tmp_path: Path) -> Path:
    """March; April without anything; a bright May with an undeclared −1; June."""
    values = np.stack([np.full((8, 8), v) for v in (400, 65_535, 1700, 500)]).astype(np.uint16)
    values[2, 0, 0] = 65_535
    centres = (np.arange(8) + 0.5) * 10
    bands = {name: (("t", "y", "x"), values.astype(np.int32)) for name in ("B2", "B8")}
    place = {"t": MONTHS, "y": 5_600_040 - centres, "x": 600_000 + centres}
    xarray.Dataset(bands, place, {"epsg": 32631}).to_netcdf(tmp_path / "m.nc", engine="scipy")
    return tmp_path / "m.nc"


def as_uint16(series: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read numbers as netCDF 4 would hold them: netCDF 3 has no unsigned ones."""
    real = series.read
    monkeypatch.setattr(
        series, "read", lambda s, image, n: (real(s, image, n)[0].astype(np.uint16), None)
    )


def test_months_are_told_and_filled(
    composites: Path, tmp_path: Path, workspace_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from landcover.stores.rasters.netcdf import ImageSeries

    as_uint16(ImageSeries, monkeypatch)
    done = CliRunner().invoke(
        cli,
        ["products", str(composites), "--to", str(tmp_path / "to"), "--tile", "31UFS",
         "--offset", "0", "--composites"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    notes = [line for line in done.output.splitlines() if line.startswith("note:")]
    assert len(notes) == 3
    assert "B02, B08: 65535 (−1), which the file does not declare, is 25.4 %" in notes[0]
    assert "2021-04-01 (100.0 % nodata): empty" in notes[1]
    assert "2021-05-01: bright, median B02 1700, of all images 500" in notes[2]
    with rasterio.open(tmp_path / "to" / "31UFS_20210501T000000" / "SCL.tif") as raster:
        scl = raster.read(1)
    assert (scl[0, 0], scl[1, 1]) == (0, 4)
    recipe = {
        "name": "months",
        "seasons": [{"name": f"m{n:02}", "first_month": n, "last_month": n} for n in range(3, 7)],
        "mask": {"growth_m": 0},
        "composite": {"layers": ["B02", "B08"]},
        "restore": {},
    }
    api.start_run("months", recipe, year=2021, products=str(tmp_path / "to"), until="restore")
    report = api.run_inline("months")
    assert report["state"] == "done", report["troubles"]
    months = api.open_composite("31UFS", "2021")["B02"].values
    # Between 400 and 1700; in the corner a third of the way from 400 to 500.
    assert months[:, 4, 4] == pytest.approx([0.04, 0.105, 0.17, 0.05])
    assert months[:, 0, 0] == pytest.approx([0.04, 0.0433, 0.0467, 0.05])


def test_composites_have_no_classification(composites: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="composites have no SCL, and there is one"):
        write_flat_products(
            [composites], tmp_path / "to", tile="31UFS", offset=0, names={"B8": "SCL"},
            are_composites=True,
        )  # fmt: skip


def test_the_real_months(data_dir: Path, tmp_path: Path) -> None:
    (file,) = (data_dir / "worldcereal-belgium-monthly").glob("*.nc")
    notes: list[str] = []
    written = write_flat_products(
        [file], tmp_path / "to", tile="31UFS", offset=0, tell=notes.append, are_composites=True
    )
    assert len(written) == 20
    told = " ".join(notes)
    assert "65535 (−1), which the file does not declare" in told
    assert "wrapped; they are read without sign" in told
    assert "2020-12-01 (92.7 % nodata), 2021-01-01 (100.0 % nodata): empty" in told
    assert "2022-01-01: bright, median B02 2125, of all images 688" in told
    with rasterio.open(written[4] / "B08.tif") as raster:
        # The place comes of x and y: centres at 664,505 and 5,612,645.
        assert (raster.transform.c, raster.transform.f) == (664_500, 5_612_650)
        assert raster.nodata == 65_535
