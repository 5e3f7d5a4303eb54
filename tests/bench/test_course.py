"""The bench of a year's course: the same rows, and the numbers of one place by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landcover.bench import course, models
from landcover.bench.tables import Request
from landcover.errors import InputError


def test_a_place_has_the_course_of_its_clear_months(data_dir: Path) -> None:
    folder = data_dir / "spectral-library"
    plain = models.seasons_of_the_library(folder)
    found = course.with_course(plain, folder)
    assert found.table[list(plain.names)].equals(plain.table[list(plain.names)])
    assert len(found.names) == len(plain.names) + 13
    assert found.table[list(found.names)].notna().all(axis=None)
    one = found.table.iloc[17]
    spectra = pd.read_parquet(folder / "s2_l2a_monthly_spectra_labelled.parquet")
    mine = spectra[(spectra["sample_id"] == one["place"]) & spectra["season_clear"]]
    mine = mine[(mine[list(models.BANDS)] > 0).all(axis=1)].sort_values("month")
    mine = mine.assign(number=mine["month"].str[-2:]).drop_duplicates("number")
    red, nir = mine["B04"].astype(float), mine["B08"].astype(float)
    ndvi = (nir - red) / (nir + red)
    assert one["year_ndvi_max"] == pytest.approx(ndvi.max(), rel=1e-5)
    assert one["year_ndvi_amplitude"] == pytest.approx(ndvi.max() - ndvi.min(), rel=1e-5)
    assert one["year_ndvi_p50"] == pytest.approx(np.median(ndvi), rel=1e-5)
    day = pd.Timestamp(f"2021-{mine.loc[ndvi.idxmax(), 'number']}-15").day_of_year - 1
    assert one["year_ndvi_maxday"] == day


def test_without_data_the_bench_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANDCOVER_DATA", raising=False)
    with pytest.raises(InputError, match="LANDCOVER_DATA must name a folder"):
        course.measure(Request(folder=tmp_path), lambda share, what: None)
