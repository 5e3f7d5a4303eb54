"""The same season as JPEG 2000 and as flat GeoTIFFs: equal numbers, equal composites."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from landcover.bench import composite, deliveries, season
from landcover.bench.tables import Request
from landcover.errors import InputError
from landcover.products.reading import read_product
from landcover.raster.reflectance import harmonise, stored_units
from landcover.simulate import simulate
from landcover.stores.rasters import read_array


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulate two summer products of a small tile."""
    folder = tmp_path_factory.mktemp("region")
    made = simulate(
        folder,
        tiles=[season.TILE],
        pixels=240,
        points_per_class=1,
        products_per_season=3,
        seasons=["summer"],
        only_usable=True,
        seed=3,
    )
    return made.folder


def test_a_delivery_as_geotiffs_says_the_same_reflectance(region: Path, tmp_path: Path) -> None:
    made = season.read_season(region)
    cogs = deliveries.as_cogs(made, tmp_path / "cogs", lambda share, what: None)
    for path in sorted(made.products.glob("*.SAFE")):
        safe, cog = read_product(path), read_product(cogs.products / path.stem)
        assert (cog.name, cog.acquisition, cog.layers) == (safe.name, safe.acquisition, safe.layers)
        for one, other in zip(safe.files, cog.files, strict=True):
            assert one.grid == other.grid
            assert other.href.endswith(".tif")
            if one.layer != "SCL":
                assert np.array_equal(_harmonised(one), _harmonised(other))


def _harmonised(file) -> np.ndarray:  # type: ignore[no-untyped-def]
    numbers = read_array(file.href)[0].astype(np.uint16)
    return harmonise(
        numbers, offset=file.offset, scale=file.scale, stored_per_unit=stored_units(file.layer)
    )


@pytest.mark.slow
def test_composites_of_both_are_equal_on_every_pixel(
    region: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(
        folder=tmp_path, products=2, repeats=1, region=region, deliveries=("jp2", "cog")
    )
    report = composite.measure(request, lambda share, what: None)
    ours = [row for row in report.rows if row.engine.startswith("ours")]
    assert [row.engine for row in ours] == ["ours, jp2", "ours, cog"]
    assert ours[0].result["digest"] == ours[1].result["digest"]
    # A delivery with one other number is told.
    right = deliveries._as_cog

    def wrong(source: str, target: Path) -> None:
        right(source, target)
        if target.name == "B04.tif":
            import rasterio

            with rasterio.open(target, "r+") as raster:
                raster.write(raster.read(1) + np.uint16(3), 1)

    monkeypatch.setattr(deliveries, "_as_cog", wrong)
    (tmp_path / "again").mkdir()
    again = Request(
        folder=tmp_path / "again", products=2, repeats=1, region=region, deliveries=("jp2", "cog")
    )
    with pytest.raises(InputError, match="Composites differ"):
        composite.measure(again, lambda share, what: None)
