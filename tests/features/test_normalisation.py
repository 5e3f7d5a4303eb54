"""The paper's feature table: names, order, and Table 2."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.features.normalisation import NORMALISATION, normalise, paper_columns, paper_features

SEASON = [
    "product_name", "AOT", "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B11",
    "B12", "B8A", "WVP", "cri1", "evi2", "gvmi", "mndwi", "ndre", "ndvi", "ndyi", "osavi", "ri",
]  # fmt: skip


def test_paper_columns() -> None:
    columns = paper_columns()
    expected = ["latitude", "longitude", "label", "slope", "aspect", "dem"]
    for season in ("spring", "summer", "autumn"):
        expected += [f"{season}_{layer}" for layer in SEASON]
    assert columns == expected
    assert len(columns) == len(set(columns)) == 78


def test_paper_features() -> None:
    features = paper_features()
    assert len(features) == len(set(features)) == 72
    assert features[:5] == ["slope", "aspect", "dem", "spring_AOT", "spring_B01"]
    assert features == [column for column in paper_columns() if column in set(features)]
    assert not {"latitude", "longitude", "label", "summer_product_name"} & set(features)


@pytest.mark.parametrize(
    ("layer", "value", "expected"),
    [
        ("B02", 1750, -0.5),
        ("B8A", 7000, 1.0),
        ("B12", 10500, 2.0),
        ("AOT", 0, -1.0),
        ("WVP", 3500, 0.0),
        ("slope", 35, 0.0),
        ("aspect", 90, -0.5),
        ("dem", 500, -0.5),
        ("elevation", -10, -1.01),
        ("DEM", 2500, 1.5),
        ("ndvi", 0.3, 0.3),
        ("evi2", 1.7, 1.7),
    ],
)
def test_table_2(layer: str, value: float, expected: float) -> None:
    scaled = normalise(np.array([value]), layer)
    assert scaled.dtype == np.float32
    assert scaled.item() == pytest.approx(expected, abs=1e-6)


def test_an_offset_that_was_not_applied_shifts_features() -> None:
    with_offset, without = normalise(np.array([1234, 2234], dtype=np.int16), "B02")
    assert without - with_offset == pytest.approx(0.2857, abs=1e-4)


def test_clip() -> None:
    values = np.array([-100.0, 3500, 10500])
    assert normalise(values, "B02", clip=True).tolist() == [-1, 0, 1]
    assert normalise(values, "B02").max() > 1


@pytest.mark.parametrize("layer", ["B02", "slope", "ndvi"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nodata_in_nodata_out(layer: str, value: float) -> None:
    assert np.isnan(normalise(np.array([value, value]), layer, clip=True)).all()


def test_stored_nodata() -> None:
    scaled = normalise(np.array([-32768, -32767], dtype=np.int16), "B02")
    assert np.isnan(scaled).tolist() == [True, False]


def test_inputs_are_left_alone() -> None:
    values = np.array([1.0, np.inf], dtype=np.float32)
    normalise(values, "slope")
    assert values.tolist() == [1, np.inf]


def test_every_paper_feature_has_an_entry() -> None:
    for feature in paper_features():
        layer = feature.split("_", 1)[-1]
        assert layer in NORMALISATION


def test_unknown_layer() -> None:
    with pytest.raises(InputError, match="Layer 'B10' has no normalisation"):
        normalise(np.zeros(2), "B10")
