"""A library trains beside a run's samples, and never where these are held out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landcover.errors import InputError
from landcover.learn.library import join_library, require_features


def rows(**columns: object) -> pd.DataFrame:
    base = {
        "group": "a", "lon": 1.0, "lat": 45.0, "tile": "31TCJ", "row": 5, "column": 5,
        "library": "", "sample_set": "", "year": 2021, "simulated": False, "b": 0.1,
    }  # fmt: skip
    n = max(len(v) for v in columns.values() if isinstance(v, list))
    return pd.DataFrame({**{k: [v] * n for k, v in base.items()}, **columns})


OWN = rows(group=["a", "held"], lon=[1.0, 2.0], row=[5, 9], is_train=[True, False])


def test_own_rows_come_first_and_stay_as_they_are() -> None:
    library = rows(group=["x", "y"], lon=[3.0, 3.1], year=2019, library="lib.csv")
    found = join_library(OWN, library)
    pd.testing.assert_frame_equal(found.table.iloc[:2], OWN)
    assert found.table["is_train"].tolist() == [True, False, True, True]
    assert (found.n_held_out, found.n_twice) == (0, 0)


def test_a_held_out_group_or_place_does_not_train() -> None:
    # 0.001 degrees of longitude at 45 N are 79 m; 0.002 are 157 m.
    library = rows(
        group=["held", "near", "far"], lon=[7.0, 2.001, 2.002], year=2019, library="lib.csv"
    )
    found = join_library(OWN, library)
    assert found.n_held_out == 2
    assert found.table["group"].tolist() == ["a", "held", "far"]


def test_the_same_pixel_of_the_same_year_is_no_second_sample() -> None:
    library = rows(group=["a", "a"], year=[2021, 2020], library="lib.csv")
    found = join_library(OWN, library)
    assert found.n_twice == 1
    assert found.table["year"].tolist() == [2021, 2021, 2020]


def test_missing_features_and_other_units_are_refused_by_file() -> None:
    library = rows(group=["x"], library="lib.csv", dn=[1200.0], empty=[np.nan])
    require_features(library, ["b"], ["b"])
    with pytest.raises(InputError, match=r"lib\.csv: the samples lack 2 .* empty, none\. Do so\."):
        require_features(library, ["b", "empty", "none"], [], " Do so.")
    with pytest.raises(InputError, match=r"dn has a median of 1200; expected reflectance"):
        require_features(library, ["dn"], ["dn"])
    with pytest.raises(InputError, match=r"dn has a median of -0\.5; expected reflectance"):
        require_features(library.assign(dn=-0.5), ["dn"], ["dn"])
