"""View-angle normalisation against worked numbers, real angle grids and its own laws."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.nouns.grid import Window
from landcover.raster.brdf import kernels
from landcover.raster.view_angle import (
    NBAR_PARAMETERS,
    AngleGrids,
    c_factor,
    interpolate_angles,
    merge_detectors,
    normalise_view,
    window_factor,
)

NAN = float("nan")


# docs/methods/composites.md#view-angle: sun zenith, view zenith, relative azimuth; K_vol, K_geo; c
# of four bands.
@pytest.mark.parametrize(
    ("angles", "expected_kernels", "factors"),
    [
        ((35, 8, 20), (0.004046, -0.646735), (0.958687, 0.957774, 0.956954, 0.958433)),
        ((35, 8, 160), (-0.074730, -0.997719), (1.040613, 1.041974, 1.042477, 1.041258)),
        ((50, 10, 45), (0.000081, -1.113845), (0.959224, 0.959915, 0.957447, 0.960568)),
    ],
)
def test_worked_numbers(
    angles: tuple[float, float, float],
    expected_kernels: tuple[float, float],
    factors: tuple[float, ...],
) -> None:
    np.testing.assert_allclose(kernels(*angles), expected_kernels, atol=6e-7)
    for band, expected in zip(("B02", "B04", "B08", "B11"), factors, strict=True):
        assert c_factor(band, *angles) == pytest.approx(expected, abs=6e-7)
        sun, view, azimuth = angles
        for same in (-azimuth, azimuth + 360, azimuth - 720):
            assert c_factor(band, sun, view, same) == pytest.approx(expected, abs=6e-7)


def test_nadir_is_exactly_one_and_unknown_stays_unknown() -> None:
    generator = np.random.default_rng(0)
    sun, azimuth = generator.uniform(0, 85, 500), generator.uniform(-400, 400, 500)
    for band in NBAR_PARAMETERS:
        assert (c_factor(band, sun, 0, azimuth) == 1).all()
    assert np.isnan(c_factor("B02", [NAN, 30, 30], [5, NAN, 5], [10, 10, NAN])).all()
    assert np.isfinite(c_factor("B02", 30, 30, [0, 360])).all(), "the hot spot"


def test_other_layers_have_no_factor() -> None:
    for layer in ("B09", "AOT", "WVP", "SCL"):
        with pytest.raises(InputError, match=f"{layer} has no parameters"):
            c_factor(layer, 30, 5, 10)


def test_two_orbits_agree_better() -> None:
    # Surfaces whose kernel weights are not those of the table, seen from west and east.
    generator = np.random.default_rng(1)
    iso = generator.uniform(0.15, 0.4, 200)
    geo, vol = iso * generator.uniform(0.05, 0.15, 200), iso * generator.uniform(0.2, 0.6, 200)
    seen = {}
    for azimuth in (40, 220):
        k_vol, k_geo = kernels(38, 9, azimuth)
        seen[azimuth] = iso + geo * k_geo + vol * k_vol
    raw = np.abs(seen[40] - seen[220])
    corrected = np.abs(
        seen[40] * c_factor("B08", 38, 9, 40) - seen[220] * c_factor("B08", 38, 9, 220)
    )
    assert corrected.mean() < 0.4 * raw.mean()
    assert (corrected < raw).mean() > 0.95


def test_normalised_numbers() -> None:
    values = np.array([[1000, 1001, -50, -32768, 32767, 5]], dtype=np.int16)
    factor = np.array([[1.0405, 0.5, 1.1, 1.1, 1.1, NAN]])
    # 1040.5 → 1040, 500.5 → 500: half to even.
    expected = [[1040, 500, -55, -32768, 32767, -32768]]
    found = normalise_view(values, factor)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, expected)


def test_detectors_are_averaged_where_they_overlap() -> None:
    grids = np.array([[[4, 6, NAN, NAN]], [[NAN, 8, 10, NAN]]])
    np.testing.assert_array_equal(merge_detectors(grids), [[4, 7, 10, NAN]])
    azimuths = np.array([[[350, 100, 90, NAN]], [[10, 106, NAN, NAN]]])
    found = merge_detectors(azimuths, is_azimuth=True)
    np.testing.assert_allclose(np.cos(np.radians(found - [[0, 103, 90, NAN]])), [[1, 1, 1, NAN]])


@pytest.mark.parametrize("pixel", [10, 20, 60])
def test_a_linear_field_is_met_exactly(pixel: int) -> None:
    rows, columns = np.mgrid[0:23, 0:23]
    grid = 30 + 0.02 * rows - 0.03 * columns
    size = 109_800 // pixel
    window = Window(size - 70, size - 90, 70, 90)
    found = interpolate_angles(grid, window, pixel)
    y = (np.arange(window.row, size) + 0.5) * pixel / 5000
    x = (np.arange(window.column, size) + 0.5) * pixel / 5000
    assert (found.dtype, found.shape) == (np.float32, (70, 90))
    np.testing.assert_allclose(found, 30 + 0.02 * y[:, None] - 0.03 * x, atol=1e-5)


def test_unknown_nodes_have_no_weight() -> None:
    grid = np.array([[8.0, NAN, NAN], [10.0, NAN, NAN]])
    found = interpolate_angles(grid, Window(0, 0, 5, 10), 1000)
    np.testing.assert_allclose(found[:, 0], [8.2, 8.6, 9.0, 9.4, 9.8], rtol=1e-6)
    np.testing.assert_array_equal(found[:, 4], found[:, 0])
    assert np.isnan(found[:, 5:]).all()


def test_directions_are_interpolated_through_north() -> None:
    grid = np.array([[350.0, 10.0], [350.0, 10.0]])
    found = interpolate_angles(grid, Window(0, 0, 5, 5), 1000, is_azimuth=True)
    np.testing.assert_allclose(
        (found[0] + 180) % 360 - 180, [-8.06, -4.03, 0, 4.03, 8.06], atol=0.05
    )


def angle_grids(seed: int) -> AngleGrids:
    rows, columns = np.mgrid[0:23, 0:23]
    view = 11 - 0.35 * columns + 0.02 * rows
    view[:, 20:] = NAN
    azimuth = 104 + np.random.default_rng(seed).normal(0, 2, (23, 23))
    return AngleGrids(35 - 0.03 * columns, 150 + 0.05 * rows, view, azimuth)


def test_factor_of_a_window_equals_that_of_every_pixel() -> None:
    angles = angle_grids(0)
    size = 1830
    whole = window_factor("B04", angles, Window(0, 0, size, size), 60)
    part = np.s_[700:820, 600:790]
    sun, azimuth, view, view_azimuth = (
        interpolate_angles(grid, Window(700, 600, 120, 190), 60, is_azimuth=is_azimuth)
        for grid, is_azimuth in zip(angles, (False, True, False, True), strict=True)
    )
    exact = c_factor("B04", sun, view, view_azimuth - azimuth)
    np.testing.assert_allclose(whole[part], exact, atol=2e-5)
    assert np.ptp(exact) > 0.004
    np.testing.assert_array_equal(
        window_factor("B04", angles, Window(700, 600, 120, 190), 60), whole[part]
    )
    is_unseen = np.isnan(whole)
    assert is_unseen[:, 1700:].all()
    assert not is_unseen[:, :1500].any()


def test_real_grids_agree_with_their_means(data_dir: Path) -> None:
    path = data_dir / "s2-l2a-fulltile-120m" / "S2A_33TWL_20230815_0_L2A" / "granule_metadata.xml"
    root = ElementTree.parse(path).getroot()

    def values(parent: ElementTree.Element, name: str) -> np.ndarray:
        found = parent.findall(f"./{name}/Values_List/VALUES")
        return np.array([(row.text or "").split() for row in found], dtype=float)

    detectors = root.findall(".//Viewing_Incidence_Angles_Grids[@bandId='1']")
    mean = root.find(".//Mean_Viewing_Incidence_Angle[@bandId='1']")
    assert mean is not None
    for name, tag, is_azimuth in (
        ("Zenith", "ZENITH_ANGLE", False),
        ("Azimuth", "AZIMUTH_ANGLE", True),
    ):
        merged = merge_detectors(
            np.stack([values(d, name) for d in detectors]), is_azimuth=is_azimuth
        )
        assert merged.shape == (23, 23)
        window = interpolate_angles(merged, Window(0, 0, 915, 915), 120, is_azimuth=is_azimuth)
        expected = float(mean.findtext(tag) or "nan")
        assert float(np.nanmean(window)) == pytest.approx(expected, abs=1)


def test_a_part_of_a_tile_has_the_factor_of_its_place() -> None:
    angles = angle_grids(3)
    whole = window_factor("B08", angles, Window(0, 0, 900, 900), 60)
    # A raster that begins 300 rows and 200 columns into the tile.
    found = window_factor("B08", angles, Window(5, 7, 50, 60), 60, corner_m=(18_000, 12_000))
    np.testing.assert_allclose(found, whole[305:355, 207:267], rtol=1e-12)
    with pytest.raises(InputError, match="metadata and raster are of different places"):
        window_factor("B08", angles, Window(0, 0, 50, 60), 60, corner_m=(-18_000, 0))


def test_misfits_are_refused() -> None:
    grid = np.zeros((23, 23))
    with pytest.raises(InputError, match="2x2 nodes at least"):
        interpolate_angles(grid[:1], Window(0, 0, 2, 2), 10)
    with pytest.raises(InputError, match="reaches beyond an angle grid of 23x23 nodes"):
        interpolate_angles(grid, Window(0, 0, 10980, 10980), 20)
    with pytest.raises(InputError, match="reaches beyond"):
        interpolate_angles(grid, Window(-1, 0, 10, 10), 10)
