"""Percentiles and spread of a season: written beside the medians, read as features by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from deliveries import deliver

from landcover import api
from landcover.errors import UsageError
from landcover.ledger import outputs, units
from landcover.nouns.output import Output
from landcover.recipe import make_recipe
from landcover.views.features import open_features

NODATA = -32768
STATISTICS = {"layers": ["B04"], "percentiles": [5, 50], "spread": True, "min_clear": 3}


def recipe(**composite: Any) -> dict[str, Any]:
    return {
        "name": "statistics",
        "seasons": [{"name": "summer", "primary_month": 6, "fallback_month": 7}],
        "selection": {"max_cloud_percent": 100},
        "mask": {"growth_m": 0},
        "features": {"indices": [], "terrain": []},
        "composite": {"layers": ["B03", "B04"], **composite},
    }


@pytest.fixture
def products(tmp_path: Path, workspace_folder: Path) -> Path:
    """Three dates, 12 x 12 px of 20 m; the left half is cloudy on the last one."""
    for day, value in ((1, 1000), (2, 1400), (3, 2400)):
        scl = np.full((12, 12), 4)
        if day == 3:
            scl[:, :6] = 9
        layers = {"B03": np.full((12, 12), 500), "B04": np.full((12, 12), value), "SCL": scl}
        deliver(tmp_path / "in", day, layers, {}, None)
    return tmp_path / "in"


def make(products: Path, run: str, **composite: Any) -> Output:
    api.start_run(run, recipe(**composite), year=2021, products=str(products), until="composite")
    report = api.run_inline(run)
    assert report["state"] == "done", report["troubles"]
    workspace = api.open_workspace()
    state = units.load(workspace.records, run, "composite", "31UDS.2021-summer")
    assert state is not None
    return outputs.load(workspace, state.outputs[-1])


def pixels(output: Output, name: str) -> np.ndarray:
    with rasterio.open(api.open_workspace().objects.href(output.key, name)) as raster:
        return np.asarray(raster.read(1))


def test_statistics_are_further_layers(products: Path) -> None:
    made = make(products, "with", statistics=STATISTICS)
    assert list(made.stats["layers"]) == ["B03", "B04", "B04_p05", "B04_p50", "B04_std"]
    # 1000 + 0.1 · 400; the mean is 1600 and the mean square of the distances 346,667.
    for name, value in (("B04_p05", 1040), ("B04_p50", 1400), ("B04_std", 589)):
        found = pixels(made, f"{name}.tif")
        assert (found[:, 6:] == value).all(), name
        assert (found[:, :6] == NODATA).all(), "two clear dates are too few"
    assert (pixels(made, "B04.tif")[:, :6] == 1200).all()


def test_they_are_features_of_their_names(products: Path) -> None:
    make(products, "with", statistics=STATISTICS)
    opened = open_features(api.open_workspace(), "31UDS")
    assert list(opened.feature.values) == [
        "summer_B03", "summer_B04", "summer_B04_p05", "summer_B04_p50", "summer_B04_std",
    ]  # fmt: skip
    spread = opened.sel(feature="summer_B04_std").values
    np.testing.assert_allclose(spread[:, 6:], 0.0589, rtol=1e-6)
    assert np.isnan(spread[:, :6]).all()


def test_without_them_the_composite_keeps_its_name(products: Path) -> None:
    plain = make(products, "plain")
    assert "statistics" not in plain.wanted.params
    assert make(products, "with", statistics=STATISTICS).id != plain.id
    np.testing.assert_array_equal(
        pixels(plain, "B04.tif"),
        pixels(make(products, "again", statistics=STATISTICS), "B04.tif"),
    )


def test_a_neighbourhood_of_an_unknown_layer_is_told() -> None:
    wanted = recipe()
    wanted["features"]["neighbourhood"] = {"layers": ["B4"]}
    with pytest.raises(UsageError, match="'B4' is unknown; did you mean 'B04'"):
        make_recipe(wanted)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"statistics": {"layers": ["B08"]}}, "must be bands of composite.layers or"),
        (
            {"layers": ["AOT", "B04"], "statistics": {"layers": ["AOT"]}},
            "or spectral indices, AOT is not",
        ),
        ({"statistics": {**STATISTICS, "percentiles": [], "spread": False}}, "need a percentile"),
        ({"statistics": STATISTICS, "method": "medoid"}, "go with method median"),
        ({"statistics": {**STATISTICS, "percentiles": [101]}}, "percentiles"),
    ],
)
def test_what_makes_no_sense_is_told(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_recipe(recipe(**changes))
    assert sentence in str(caught.value)
