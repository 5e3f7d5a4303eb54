"""Light and shade taken out of products: a simulated slope comes out as level ground would be."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.parts.preparation import illumination as stage
from landcover.parts.preparation.illumination import Relief, need_relief
from landcover.stores.rasters import RasterStyle, write_raster

FINE = Grid(crs="EPSG:32630", ulx=300000, uly=4100040, pixel=10, width=120, height=120)
COARSE = FINE.model_copy(update={"pixel": 20.0, "width": 60, "height": 60})
ZENITH, AZIMUTH = 50.0, 150.0
B, M = 900.0, 2000.0
"""Reflectance of the ground: b + m cos i, in steps of 1e-4."""


def ground() -> tuple[np.ndarray, np.ndarray]:
    """Four slopes that face north, east, south and west, and level ground; compass aspect."""
    slope = np.full((120, 120), 22.0, np.float32)
    aspect = np.zeros((120, 120), np.float32)
    for number, direction in enumerate((10.0, 100.0, 190.0, 280.0)):
        aspect[:, number * 24 : (number + 1) * 24] = direction
    slope[:, 96:], aspect[:, 96:] = 0, np.nan
    return slope, aspect


def cosines(slope: np.ndarray, aspect: np.ndarray) -> np.ndarray:
    z, s = np.radians(ZENITH), np.radians(slope)
    across = np.where(slope == 0, 0, np.cos(np.radians(AZIMUTH - aspect)))
    return np.asarray(np.cos(z) * np.cos(s) + np.sin(z) * np.sin(s) * across)


@pytest.fixture(params=["grass", "compass"])
def terrain(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    slope, aspect = ground()
    if request.param == "grass":
        aspect = np.where(np.isnan(aspect), 0, np.mod(90 - aspect, 360)).astype(np.float32)
    style = RasterStyle(dtype="float32", nodata=float("nan"))
    write_raster(tmp_path / "slope.tif", slope, FINE, style)
    write_raster(tmp_path / "aspect.tif", aspect, FINE, style)
    params = {"grid": FINE.to_document(), "aspect": request.param}
    return SimpleNamespace(wanted=SimpleNamespace(params=params), folder=tmp_path)


def product(**changes: Any) -> Any:
    known = {"name": "S2A", "sun_zenith": ZENITH, "sun_azimuth": AZIMUTH}
    return SimpleNamespace(**{**known, **changes})


def relief(terrain: Any, monkeypatch: pytest.MonkeyPatch, grid: Grid, method: str) -> Any:
    """A relief that was fitted to one layer, whose windows come as its composite reads them."""
    slope, aspect = ground()
    step = grid.width // 60
    cos_i = cosines(slope, aspect)[:: 3 - step, :: 3 - step]
    values = np.rint(B + M * cos_i).astype(np.int16)
    hidden = np.zeros(values.shape, bool)
    hidden[:5], values[:5] = True, 9000  # a cloud, which the fit must not see

    def stacks(task: Any, layer: str, on: Grid, usable: list[Any]) -> Any:
        for window in on.windows(40, on.width):
            yield (
                window,
                values[np.newaxis][:, *window.slices],
                hidden[np.newaxis][:, *window.slices],
            )

    monkeypatch.setattr(stage, "stacks", stacks)
    task = SimpleNamespace(href=lambda output, name: str(output.folder / name))
    made = Relief(task, terrain, method)  # type: ignore[arg-type]
    made.fit("B08", grid, [SimpleNamespace(product=product())])  # type: ignore[list-item]
    return made, values


@pytest.mark.parametrize("grid", [FINE, COARSE], ids=["10 m", "20 m"])
def test_light_and_shade_are_flattened(
    terrain: Any, monkeypatch: pytest.MonkeyPatch, grid: Grid
) -> None:
    made, values = relief(terrain, monkeypatch, grid, "c")
    (document,) = made.to_documents()
    assert document["B08"] == pytest.approx(B / M, abs=2e-3)
    whole = Window(0, 0, grid.height, grid.width)
    found = made.levelled(product(), "B08", values, grid, whole)
    clear = found[5:].astype(float)
    level = B + M * np.cos(np.radians(ZENITH))
    assert values[5:].std() > 300
    np.testing.assert_allclose(clear, level, atol=4)
    is_level = slice(96 * grid.width // 120, None)
    np.testing.assert_array_equal(found[:, is_level], values[:, is_level])
    # Windows leave no trace.
    part = Window(7, 11, 30, 17)
    cut = made.levelled(product(), "B08", values[part.slices], grid, part)
    np.testing.assert_array_equal(cut, found[part.slices])


def test_what_was_not_fitted_stays(terrain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made, values = relief(terrain, monkeypatch, FINE, "scs+c")
    whole = Window(0, 0, 120, 120)
    np.testing.assert_array_equal(made.levelled(product(), "AOT", values, FINE, whole), values)
    made.fit("AOT", FINE, [SimpleNamespace(product=product())])
    assert [sorted(d) for d in made.to_documents()] == [["B08", "product"]]


def test_what_it_needs() -> None:
    run = SimpleNamespace(arguments=SimpleNamespace(dem=None))
    task: Any = SimpleNamespace(run=run, unit=SimpleNamespace(label="30SUF 2021-spring"))
    with pytest.raises(InputError, match=r"30SUF 2021-spring: .* needs an elevation"):
        need_relief(task, "30SUF", [], "c")
    task.run.arguments.dem = "dem"
    blind: Any = SimpleNamespace(product=product(sun_azimuth=None))
    with pytest.raises(InputError, match="where the sun stood"):
        need_relief(task, "30SUF", [blind], "c")
