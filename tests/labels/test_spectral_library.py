"""Monthly spectra become seasonal features; files of samples are checked as they are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landcover.errors import InputError
from landcover.labels.sample_tables import read_library
from landcover.labels.spectral_library import BANDS, is_spectra, read_spectra
from landcover.recipe import Labels, LongSeason, Season

SUMMER = Season(name="summer", primary_month=6, fallback_month=7)
SPRING = Season(name="spring", primary_month=3, fallback_month=4)


def spectra(months: list[str], **columns: object) -> pd.DataFrame:
    n = len(months)
    table = {
        "source": "here", "sample_id": "s1", "lat": 45.2, "lon": -1.3, "month": months,
        "elevation": 120.0, "slope": 2.5, "season_clear": True, "cglops_consensus": 40.0,
    }  # fmt: skip
    bands = {band: [1000 + k for k in range(n)] for band in BANDS}
    return pd.DataFrame({**table, **bands, **columns})


def test_a_season_takes_its_primary_month_then_its_fallback() -> None:
    table = spectra(["2020-07", "2021-06", "2021-07"])
    found = read_spectra(table, [SUMMER, SPRING], None, "file")
    assert found.loc[0, "summer_B02"] == np.float32(0.1001)
    assert np.isnan(found.loc[0, "spring_B02"])
    table.loc[1, "season_clear"] = False
    assert read_spectra(table, [SUMMER], None, "file").loc[0, "summer_B02"] == np.float32(0.1)


def test_a_season_of_months_takes_the_median_of_its_months() -> None:
    table = spectra(["2020-10", "2021-10", "2020-11", "2021-02", "2021-03"])
    table["B04"] = [100, 900, 200, 600, 5000]
    table["B08"] = [100, 900, 0, 600, 5000]
    winter = LongSeason(name="winter", first_month=10, last_month=2)
    found = read_spectra(table, [winter], None, "file")
    # October of the first year, November, February; B08 is missing in November.
    assert found.loc[0, "winter_B04"] == np.float32(0.02)
    assert found.loc[0, "winter_B08"] == np.float32(0.035)
    table["season_clear"] = table["month"] == "2021-03"
    assert np.isnan(read_spectra(table, [winter], None, "file").loc[0, "winter_B04"])


def test_zero_is_missing_and_cells_are_groups() -> None:
    found = read_spectra(spectra(["2021-06"], B8A=0), [SUMMER], None, "file")
    assert np.isnan(found.loc[0, "summer_B8A"])
    assert found.loc[0, "group"] == "cell 45.0 -1.5"
    assert (found.loc[0, "dem"], found.loc[0, "slope"]) == (120.0, 2.5)
    assert found.loc[0, "year"] == 2021


def test_samples_without_a_label_are_left_and_another_column_may_be_named() -> None:
    table = spectra(["2021-06", "2021-06"], sample_id=["a", "b"], cglops_consensus=[40, np.nan])
    assert read_spectra(table, [SUMMER], None, "file")["point_id"].tolist() == ["a"]
    table["lc_name"] = "wheat"
    assert len(read_spectra(table, [SUMMER], "lc_name", "file")) == 2
    with pytest.raises(InputError, match=r"no column 'other'; labels.field may be one of cglops_"):
        read_spectra(table, [SUMMER], "other", "file")


def test_the_published_file(data_dir: Path) -> None:
    path = data_dir / "spectral-library" / "s2_l2a_monthly_spectra_labelled.parquet"
    raw = pd.read_parquet(path)
    assert is_spectra(raw)
    found = read_library(path, Labels(), [SUMMER], path.name)
    labelled = raw[raw["cglops_consensus"].notna()]
    assert len(found) == labelled["sample_id"].nunique()
    assert found["summer_B08"].dropna().between(0, 1.5).all()
    assert set(found.loc[found["label"] == "cropland", "code"]) == {7}
    assert not found["simulated"].any()
    # 110, any closed forest, and 80, water, by their Copernicus codes.
    assert {"closedForest", "permanentWater"} <= set(found["label"])


def test_any_table_with_places_labels_and_features_is_a_library(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("lat,lon,label,summer_B02,remark\n45,3,Cropland,0.1,x\n45,3,water,0.02,y\n")
    found = read_library(path, Labels(mapping={"water": None}), [SUMMER], "own.csv")
    assert found[["label", "code", "library", "year"]].to_numpy().tolist() == [
        ["cropland", 7, "own.csv", 0]
    ]
    assert found.loc[0, "group"] == "45.0000000,3.0000000"
    assert "remark" not in found.columns


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.txt", b"x", r"read from \.parquet and \.csv"),
        ("a.parquet", b"PAR1 not", "not a readable table of samples"),
        ("a.csv", b"", "not a readable table of samples"),
        ("a.csv", b"lat,lon,b\n1,2,3\n", "have no column label"),
        ("a.csv", b"lat,lon,label,year\n1,2,water,2020.5\n", "column year holds numbers that are"),
        ("a.csv", b"lat,lon,label\n1,2,water\n1,200,water\n", "row 2: longitude"),
    ],
)
def test_what_is_no_library_is_refused(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_library(path, Labels(), [SUMMER], name)
