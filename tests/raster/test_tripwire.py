"""The radiometry tripwire: planted offsets must trip it, real change must not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import rasterio
from scipy import ndimage

from landcover.errors import InputError
from landcover.raster.clouds import expand_cloud_mask, scl_masked
from landcover.raster.tripwire import (
    FEWEST_PIXELS,
    NONE,
    OffsetEvidence,
    decide_offset,
    grown,
    offset_evidence,
    offset_step,
)
from landcover.stores.rasters import open_raster

NODATA = -32768
# B02 B03 B04 B05 B06 B07 B08 B8A B11 B12, reflectance × 10,000 of typical surfaces.
SPECTRA = {
    "water": (350, 320, 200, 180, 150, 140, 120, 110, 60, 40),
    "forest": (200, 380, 230, 700, 1900, 2400, 2600, 2700, 1300, 600),
    "crop": (350, 700, 400, 1100, 3000, 3900, 4200, 4300, 2000, 1000),
    "soil": (900, 1200, 1600, 1900, 2100, 2300, 2500, 2600, 3300, 2900),
    "town": (1100, 1250, 1350, 1500, 1650, 1750, 1850, 1900, 2100, 1900),
    "snow": (8200, 8300, 8200, 8000, 7800, 7600, 7400, 7200, 900, 800),
    "stubble": (700, 1000, 1300, 1700, 2000, 2200, 2400, 2600, 3400, 2600),
    "ash": (400, 450, 500, 550, 650, 750, 850, 950, 1700, 2000),
    "sand": (1900, 2600, 3300, 3600, 3800, 3900, 4000, 4100, 5200, 4900),
}
SIZE = 120


def scene(seed: int, shares: dict[str, float]) -> np.ndarray:
    """Surfaces in random places, (band, y, x)."""
    generator = np.random.default_rng(seed)
    names = list(shares)
    cover = generator.choice(len(names), (SIZE, SIZE), p=list(shares.values()))
    table = np.array([SPECTRA[name] for name in names]).T
    texture = generator.normal(1, 0.12, (SIZE, SIZE))
    return table[:, cover] * texture


def observed(truth: np.ndarray, seed: int, offset: int = 0) -> np.ndarray:
    """One date: another atmosphere for each band, noise, and perhaps a wrong offset."""
    generator = np.random.default_rng(seed)
    atmosphere = generator.normal(0, 60, (len(truth), 1, 1))
    noise = generator.normal(0, 60, truth.shape)
    return np.clip(np.rint(truth + atmosphere + noise + offset), -32767, 32767).astype(np.int16)


COUNTRY = {"water": 0.05, "forest": 0.35, "crop": 0.3, "soil": 0.2, "town": 0.1}
CLEAR = np.ones((SIZE, SIZE), dtype=bool)


def replaced(share: float, by: str) -> Callable[[np.ndarray], np.ndarray]:
    """Turn a share of the pixels into something else."""

    def change(truth: np.ndarray) -> np.ndarray:
        is_changed = np.random.default_rng(9).random((SIZE, SIZE)) < share
        return np.where(is_changed, np.array(SPECTRA[by])[:, None, None], truth)

    return change


def green_up(truth: np.ndarray) -> np.ndarray:
    """Leaves: dark in the visible, bright in the near infrared."""
    return truth * np.array([0.8, 0.9, 0.6, 0.9, 1.3, 1.4, 1.4, 1.4, 0.9, 0.8])[:, None, None]


def haze(strength: float) -> Callable[[np.ndarray], np.ndarray]:
    """A veil, thick in the blue and thin in the infrared, that hides part of the ground."""
    veil = strength * np.array([1, 0.85, 0.7, 0.6, 0.5, 0.45, 0.4, 0.4, 0.15, 0.1])
    return lambda truth: truth * (1 - veil / 6000)[:, None, None] + veil[:, None, None]


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "nothing": lambda truth: truth,
    "snow on a third": replaced(0.33, "snow"),
    "snow nearly everywhere": replaced(0.85, "snow"),
    "harvest": replaced(0.5, "stubble"),
    "fire": replaced(0.4, "ash"),
    "spring": green_up,
    "rain": lambda truth: truth * 0.7,
    "drought": lambda truth: truth * 1.35,
    "haze": haze(600),
    "thick haze": haze(1500),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("n_bands", [10, 4])
def test_real_change_passes(change: str, n_bands: int) -> None:
    keep = np.s_[:] if n_bands == 10 else [0, 1, 2, 6]
    truth = scene(1, COUNTRY)
    others, product = observed(truth, 2)[keep], observed(CHANGES[change](truth), 3)[keep]
    for one, other in ((product, others), (others, product)):
        finding = offset_step(one, other, CLEAR)
        assert finding.verdict in ("ok", "unsure"), finding
        if change in ("nothing", "snow on a third", "harvest"):
            assert finding.verdict == "ok", finding
            assert finding.step == 0


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("offset", "verdict"), [(-1000, "applied_twice"), (1000, "not_applied")])
def test_planted_errors_trip(change: str, offset: int, verdict: str) -> None:
    truth = scene(4, COUNTRY)
    product = observed(CHANGES[change](truth), 5, offset)
    finding = offset_step(product, observed(truth, 6), CLEAR)
    if change in ("snow nearly everywhere", "thick haze", "drought") and offset > 0:
        assert finding.verdict in (verdict, "unsure"), finding
    else:
        assert finding.verdict == verdict, finding
        assert finding.step == pytest.approx(offset / 10_000)
        assert "pixels" in finding.reason


@pytest.mark.parametrize(("offset", "verdict"), [(-1000, "applied_twice"), (1000, "not_applied")])
def test_the_one_that_is_wrong_is_named(offset: int, verdict: str) -> None:
    truth = scene(7, COUNTRY)
    right, wrong = observed(truth, 8), observed(truth, 9, offset)
    assert offset_step(wrong, right, CLEAR).verdict == verdict
    finding = offset_step(right, wrong, CLEAR)
    assert finding.verdict == "others_differ"
    assert finding.step == pytest.approx(-offset / 10_000)


def test_without_dark_pixels_the_votes_decide() -> None:
    truth = scene(10, {"sand": 1.0})
    others = observed(truth, 11)
    verdicts = [
        offset_step(observed(truth, 12, offset), others, CLEAR).verdict
        for offset in (0, -1000, 1000)
    ]
    assert verdicts == ["ok", "applied_twice", "not_applied"]


def test_twice_is_seen_without_anything_to_compare_with() -> None:
    truth = scene(13, COUNTRY)
    nothing = np.full((10, SIZE, SIZE), NODATA, dtype=np.int16)
    assert offset_step(observed(truth, 14, -1000), nothing, CLEAR).verdict == "applied_twice"
    for offset in (0, 1000):
        finding = offset_step(observed(truth, 14, offset), nothing, CLEAR)
        assert finding.verdict == "unsure"
        assert "only 0 clear pixels" in finding.reason


def test_few_pixels_are_not_enough() -> None:
    truth = scene(15, COUNTRY)
    product, others = observed(truth, 16, 1000), observed(truth, 17)
    few = np.zeros_like(CLEAR)
    few.flat[: FEWEST_PIXELS - 1] = True
    finding = offset_step(product, others, few)
    assert (finding.verdict, finding.step) == ("unsure", 0)
    assert "only 999 clear pixels" in finding.reason
    few.flat[FEWEST_PIXELS - 1] = True
    assert offset_step(product, others, few).verdict == "not_applied"


def test_windows_add_up_and_masked_pixels_are_silent() -> None:
    truth = scene(18, COUNTRY)
    product, others = observed(truth, 19, 1000), observed(truth, 20)
    product[3, :5] = NODATA
    others[0, 5:9] = NODATA
    is_clear = CLEAR.copy()
    is_clear[50:60] = False
    product[:, 50:60] = 9999
    whole = offset_evidence(product, others, is_clear)
    assert (whole.n_seen, whole.n_pixels) == (105 * SIZE, 101 * SIZE)
    parts = [np.s_[:6], np.s_[6:55], np.s_[55:]]
    total = OffsetEvidence()
    for part in parts:
        total += offset_evidence(product[:, part], others[:, part], is_clear[part])
    assert total == whole
    assert decide_offset(total).verdict == "not_applied"


@pytest.mark.parametrize("tile", ["33TWL", "33TWM"])
def test_real_products(data_dir: Path, tile: str) -> None:
    # Two clear dates of one tile and month; four bands at 120 m.
    stacks, masks = [], []
    for date in ("20230815", "20230818"):
        folder = data_dir / "s2-l2a-fulltile-120m" / f"S2A_{tile}_{date}_0_L2A"
        bands = []
        for band in ("B02", "B03", "B04", "B08"):
            with open_raster(str(folder / f"{band}.tif")) as raster:
                numbers = raster.read(band=1).astype(np.int32)
            bands.append(np.where(numbers == 0, NODATA, numbers).astype(np.int16))
        with open_raster(str(folder / "SCL.tif")) as raster:
            scl = raster.read(band=1)
        stacks.append(np.stack(bands))
        masks.append(expand_cloud_mask(scl_masked(scl), 120) | (scl == 0))
    product, others = stacks
    is_clear = ~masks[0] & ~masks[1]
    assert offset_step(product, others, is_clear).verdict == "ok"
    for offset, verdict in ((-1000, "applied_twice"), (1000, "not_applied")):
        shifted = np.where(product == NODATA, NODATA, product + offset).astype(np.int16)
        assert offset_step(shifted, others, is_clear).verdict == verdict
        assert offset_step(others, shifted, is_clear).verdict == "others_differ"


@pytest.mark.parametrize("n_bands", [10, 4])
@pytest.mark.parametrize("seed", range(4))
def test_a_veil_over_all_dark_pixels_is_no_missing_offset(seed: int, n_bands: int) -> None:
    # Thin cloud that nobody masked: about 0.1, but uneven and weaker in the infrared.
    keep = np.s_[:] if n_bands == 10 else [0, 1, 2, 6]
    truth = scene(30 + seed, COUNTRY)
    rows, columns = np.indices((SIZE, SIZE))
    thickness = 1350 + 450 * np.sin(rows / 17 + seed) * np.cos(columns / 23)
    by_band = np.array([1.15, 1.1, 1.1, 1.05, 1.0, 1.0, 0.95, 0.95, 0.8, 0.75])[:, None, None]
    veiled = truth * (1 - thickness / 8000) + thickness * by_band
    product, others = observed(veiled, 40 + seed)[keep], observed(truth, 50 + seed)[keep]
    for one, other in ((product, others), (others, product)):
        finding = offset_step(one, other, CLEAR)
        assert finding.verdict in ("ok", "unsure"), finding
    share = offset_evidence(product, others, CLEAR).share
    assert share("n_dark") <= NONE, "no dark pixel acquits it"
    assert share("n_higher") > 0.05, "many pixels speak for a step"


def test_real_months_pass_each_other(data_dir: Path) -> None:
    # Monthly composites with haze left in them, one month without a single dark pixel.
    (path,) = (data_dir / "worldcereal-belgium-monthly").glob("*.nc")
    bands = []
    for name in ("B2", "B4", "B5", "B6", "B7", "B8", "B11", "B12"):
        with rasterio.open(f"NETCDF:{path}:{name}") as raster:
            bands.append(raster.read().astype(np.int32))
    months = np.stack(bands, axis=1)
    months = np.where((months == 65_535) | (months == 0), NODATA, months.clip(-32767, 32767))
    is_clear = np.ones(months.shape[2:], dtype=bool)
    n_agreed = n_twice = 0
    for one, other in permutations(months.astype(np.int16), 2):
        finding = offset_step(one, other, is_clear)
        assert finding.verdict in ("ok", "unsure"), finding
        shifted = np.where(one == NODATA, NODATA, one - 1000).astype(np.int16)
        n_agreed += finding.verdict == "ok"
        n_twice += offset_step(shifted, other, is_clear).verdict == "applied_twice"
    assert n_agreed > 100
    assert n_twice > 280, "whatever the season, of 380 pairs"


def test_a_mask_grows_by_one_pixel() -> None:
    mask = np.zeros((5, 6), dtype=bool)
    mask[0, 0] = mask[3, 4] = True
    expected = ndimage.binary_dilation(mask, np.ones((3, 3), dtype=bool))
    np.testing.assert_array_equal(grown(mask), expected)
    assert mask.sum() == 2, "the mask itself stays"


def test_misfits_are_refused() -> None:
    product = np.zeros((3, 4, 4), dtype=np.int16)
    is_clear = np.ones((4, 4), dtype=bool)
    with pytest.raises(InputError, match="found float64"):
        offset_step(product.astype(float), product, is_clear)
    with pytest.raises(InputError, match="two bands at least"):
        offset_step(product[:1], product[:1], is_clear)
    with pytest.raises(InputError, match=r"found \(2, 4, 4\) and bool"):
        offset_step(product, product[:2], is_clear)
    with pytest.raises(InputError, match="uint8"):
        offset_step(product, product, is_clear.astype(np.uint8))
