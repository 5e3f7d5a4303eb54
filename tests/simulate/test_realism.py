"""Is it like the real thing? Checks against real spectra, texture and classifications.

The spectra are those of the spectral library in the sample data: monthly values at field samples of
several continents. The simulator draws one region of one year, with the medians of that library by
season and about 0.3 of its covariance, so its classes are centred where the library's are and are
narrower.
"""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import rasterio
from pyproj import Transformer
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import rowcol
from scipy import ndimage
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestClassifier

from landcover.simulate import SimulatedRegion, simulate
from landcover.simulate.spectra import LIBRARY_BANDS

from .conftest import Safe

Floats = npt.NDArray[np.floating]

PIXELS = 600
MONTHS = {3: ("03", "04"), 6: ("06", "07"), 11: ("10", "11")}
"""Primary month of a season and the months of the library's spectra that its ground is made of."""
LIBRARY_CODE = {1: 110, 4: 30, 7: 40, 8: 50, 6: 60}
"""Map code → code of the library, for classes with more than 100 spectra. Shrubland (81), wetland
(40) and water (192, most of them with a shore in the pixel) have too few to be compared with, and
open forest is none of its classes."""
PLENTY = 100
"""Spectra of a class and season from which their median is good to a few percent."""


@dataclass(frozen=True)
class Simulated:
    """A region with nothing but usable products, and what its composites show."""

    region: SimulatedRegion

    @cached_property
    def products(self) -> list[Safe]:
        return [Safe(path) for path in sorted(self.region.products.iterdir())]

    @cached_property
    def truth(self) -> npt.NDArray[np.uint8]:
        with rasterio.open(self.region.truth["30SUF"]) as raster:
            return np.asarray(raster.read(1))

    @cached_property
    def composites(self) -> dict[int, Floats]:
        """Month → median of the clear pixels of `LIBRARY_BANDS`, reflectance × 10,000."""
        return {
            month: _median([self._clear(safe) for safe in self.products if safe.month == month])
            for month in MONTHS
        }

    def _clear(self, safe: Safe) -> Floats:
        masked = _at_10m(np.isin(safe.numbers("SCL"), (0, 1, 3, 8, 9, 10, 11)))
        masked = ndimage.binary_dilation(masked, iterations=12)
        bands = [_at_10m(safe.numbers(band)).astype(np.float32) for band in LIBRARY_BANDS]
        values = np.stack(bands, axis=-1) + safe.offset
        values[masked] = np.nan
        return values

    def spectra(self, code: int, month: int) -> Floats:
        """Spectra of one class in one month, reflectance × 10,000, (pixel, band)."""
        values = self.composites[month][self.truth == code]
        return values[np.isfinite(values).all(axis=1)]


def _median(dates: Sequence[Floats]) -> Floats:
    """Median of the dates that are not NaN; sorting puts NaN last."""
    ordered = np.sort(np.stack(dates), axis=0)
    count = np.isfinite(ordered).sum(axis=0, keepdims=True)
    middle = (np.maximum(count - 1, 0) // 2, count // 2)
    low, high = (np.take_along_axis(ordered, at, axis=0)[0] for at in middle)
    return np.asarray((low + high) / 2)


def _at_10m(field: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    factor = PIXELS // field.shape[0]
    return field.repeat(factor, axis=0).repeat(factor, axis=1)


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    region = simulate(
        tmp_path_factory.mktemp("realism") / "region",
        tiles=["30SUF"],
        pixels=PIXELS,
        points_per_class=150,
        only_usable=True,
        seed=1,
    )
    return Simulated(region)


@pytest.fixture(scope="session")
def library(data_dir: Path) -> Mapping[tuple[int, int], Floats]:
    """(map code, month) → spectra of the library of that class and season."""
    path = data_dir / "spectral-library" / "s2_l2a_monthly_spectra_labelled.parquet"
    table = pd.read_parquet(path)
    bands = list(LIBRARY_BANDS)
    is_good = table["season_clear"] & (table["B02"] < 1_600) & (table[bands] > 0).all(axis=1)
    table = table[is_good]
    classes = pd.to_numeric(table["cglops_consensus"])
    months = table["month"].astype(str).str[-2:]
    return {
        (code, month): table[(classes == of) & months.isin(known)][bands].to_numpy(dtype=float)
        for code, of in LIBRARY_CODE.items()
        for month, known in MONTHS.items()
    }


@pytest.mark.parametrize("month", MONTHS)
def test_classes_are_centred_where_the_library_is(
    simulated: Simulated, library: Mapping[tuple[int, int], Floats], month: int
) -> None:
    compared = 0
    for code in LIBRARY_CODE:
        known, found = library[code, month], simulated.spectra(code, month)
        if len(known) >= PLENTY:
            compared += 1
            ratio = np.median(found, axis=0) / np.median(known, axis=0)
            assert ratio == pytest.approx(np.ones(9), abs=0.2), (code, ratio.round(2))
    assert compared >= 3


def test_no_class_reaches_farther_than_the_library(simulated: Simulated, data_dir: Path) -> None:
    # Quantiles of all seasons together. Within 15 % they cannot be: the library's outer quantiles
    # hold other continents, wrong labels and thin cloud, the simulator's one region in clear sky.
    with (data_dir / "spectral-library" / "class_statistics.csv").open() as file:
        rows = {int(float(row["cglops_consensus"])): row for row in csv.DictReader(file)}
    for code, of in LIBRARY_CODE.items():
        spectra = np.concatenate([simulated.spectra(code, month) for month in MONTHS])
        low, middle, high = np.quantile(spectra, (0.05, 0.5, 0.95), axis=0)
        known = [
            np.array([float(rows[of][f"{band}_{share}%"]) for band in LIBRARY_BANDS])
            for share in (5, 50, 95)
        ]
        assert (low > 0.85 * known[0]).all(), code
        assert (high < 1.15 * known[2]).all(), code
        assert middle == pytest.approx(known[1], rel=0.25), code


@pytest.mark.parametrize("month", MONTHS)
def test_classes_vary_about_half_as_much_as_the_library(
    simulated: Simulated, library: Mapping[tuple[int, int], Floats], month: int
) -> None:
    # 0.3 of the covariance is 0.55 of the spread.
    def spread(spectra: Floats) -> Floats:
        return np.asarray(np.log(np.divide(*np.quantile(spectra, (0.75, 0.25), axis=0))))

    for code in LIBRARY_CODE:
        if len(library[code, month]) >= PLENTY:
            ratio = spread(simulated.spectra(code, month)) / spread(library[code, month])
            assert 0.4 < np.median(ratio) < 1.0, (code, ratio.round(2))
            assert ratio.min() > 0.25, (code, ratio.round(2))


def test_neighbouring_bands_are_correlated_as_in_the_library(
    simulated: Simulated, library: Mapping[tuple[int, int], Floats]
) -> None:
    # Between groups the signs differ with the site: in the library bare and green fields of many
    # countries set visible against infrared, in one hilly region slopes darken both together.
    groups = {"visible": (0, 1, 2), "infrared": (4, 5, 6), "short-wave": (7, 8)}
    for name, columns in groups.items():
        differences = []
        for (code, month), known in library.items():
            if len(known) >= PLENTY:
                pairs = np.ix_(columns, columns)
                real, made = (
                    np.atleast_2d(spearmanr(spectra).statistic)[pairs]
                    for spectra in (known, simulated.spectra(code, month)[::7])
                )
                differences.append(np.abs(real - made).mean())
        assert np.mean(differences) < 0.1, name


def test_texture_has_the_range_of_a_real_scene(simulated: Simulated, data_dir: Path) -> None:
    path = data_dir / "openeo-bolzano" / "S2_L2A_20220612_B04_B03_B02_B08_10m.tif"
    with rasterio.open(path) as scene:
        real = scene.read(1).astype(np.float32)
    made = simulated.composites[6][..., LIBRARY_BANDS.index("B04")]
    assert 0.5 < _range_m(made) / _range_m(real) < 2.0


def _range_m(band: Floats) -> float:
    """Distance at which the semivariogram reaches 1 - 1/e of its value at 500 m."""
    lags = np.arange(1, 51)
    gamma = [
        np.nanmean((band[:, lag:] - band[:, :-lag]) ** 2)
        + np.nanmean((band[lag:] - band[:-lag]) ** 2)
        for lag in lags
    ]
    return float(10 * np.interp((1 - 1 / np.e) * gamma[-1], gamma, lags))


@pytest.mark.parametrize("month", MONTHS)
def test_ndvi_is_distributed_as_in_the_library(
    simulated: Simulated, library: Mapping[tuple[int, int], Floats], month: int
) -> None:
    # With the simulated shares of the classes, or the library's many crops would decide.
    real, made = np.zeros(14), np.zeros(14)
    for code in LIBRARY_CODE:
        found = simulated.spectra(code, month)
        made += _ndvi_histogram(found) * len(found)
        real += _ndvi_histogram(library[code, month]) * len(found)
    overlap = np.minimum(real / real.sum(), made / made.sum()).sum()
    assert overlap > 0.6


def _ndvi_histogram(spectra: Floats) -> Floats:
    red, infrared = spectra[:, 2], spectra[:, 6]
    ndvi = (infrared - red) / (infrared + red)
    counts, _ = np.histogram(ndvi, np.linspace(-0.4, 1.0, 15))
    return np.asarray(counts / len(ndvi))


def test_scene_classification_divides_sky_and_ground_as_a_real_one(
    simulated: Simulated, data_dir: Path
) -> None:
    # Equal shares would need the same weather and land (the real tiles are forest, and one date in
    # two is overcast). What does not hang on them: clear land is vegetation or bare but for a few
    # percent, cloud of medium probability is the smaller part, and cloud has shadow.
    scenes = sorted((data_dir / "s2-l2a-fulltile-120m").rglob("SCL.tif"))
    real = [_counts(path) for path in scenes]
    made = [np.bincount(safe.numbers("SCL").ravel(), minlength=12) for safe in simulated.products]
    assert len(real) >= 4
    for counts in (*real, *made):
        land = counts[[2, 4, 5, 7]].sum()
        assert counts[[4, 5]].sum() / land > 0.85
        if counts[[8, 9]].sum() > 0.01 * counts.sum():
            assert 0.1 < counts[8] / counts[[8, 9]].sum() < 0.55
            assert 0.05 < counts[3] / counts[[8, 9]].sum() < 1.3


def _counts(path: Path) -> npt.NDArray[np.intp]:
    with warnings.catch_warnings():
        # These reduced copies of the real layer lie nowhere.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as raster:
            return np.bincount(raster.read(1).ravel(), minlength=12)[:12]


def test_bands_at_10_m_are_as_hard_to_compress_as_real_ones(simulated: Simulated) -> None:
    for safe in simulated.products:
        for band in ("B02", "B03", "B04", "B08"):
            share_seen = 1 - safe.nodata / 100
            bytes_per_pixel = safe.images[band].stat().st_size / PIXELS**2 / share_seen
            assert 0.8 < bytes_per_pixel < 1.2, (safe.path.name, band)


def test_a_forest_trained_on_the_points_makes_the_usual_mistakes(simulated: Simulated) -> None:
    region = simulated.region
    cube = np.concatenate([simulated.composites[month] for month in MONTHS], axis=-1)
    trained, codes = _samples(region.labels, region, cube)
    judged, true = _samples(region.labels_independent, region, cube)
    forest = RandomForestClassifier(60, random_state=0, n_jobs=1).fit(trained, codes)
    assert 0.7 < (forest.predict(judged) == true).mean() < 0.9


def _samples(
    path: Path, region: SimulatedRegion, cube: Floats
) -> tuple[Floats, npt.NDArray[np.int64]]:
    features = json.loads(path.read_text())["features"]
    codes = np.array([feature["properties"]["class"] for feature in features])
    lon, lat = np.array([feature["geometry"]["coordinates"] for feature in features]).T
    with rasterio.open(region.truth["30SUF"]) as raster:
        to_metres = Transformer.from_crs("EPSG:4326", raster.crs, always_xy=True)
        rows, columns = rowcol(raster.transform, *to_metres.transform(lon, lat))
    values = cube[np.asarray(rows, dtype=int), np.asarray(columns, dtype=int)]
    is_whole = np.isfinite(values).all(axis=1)
    return values[is_whole], codes[is_whole]
