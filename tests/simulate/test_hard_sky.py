"""Scenes whose clouds are hard to tell: errors of the classification as published, truth beside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from landcover.bench.mask_scenes import read_scenes
from landcover.bench.shadow_fit import fit
from landcover.errors import InputError
from landcover.simulate import simulate


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hard") / "region"
    simulate(
        folder, tiles=["30SUF"], pixels=300, products_per_season=4, seasons=["summer"],
        points_per_class=1, hard_masks=True, seed=4,
    )  # fmt: skip
    return folder


def test_the_classification_errs_as_published(region: Path) -> None:
    scenes = list(read_scenes(region))
    assert len(scenes) == 4
    for scene in scenes:
        for codes, truth, precision, recall in (
            ((8, 9, 10), (1, 2), 0.55, 0.89), ((3,), (3,), 0.76, 0.07),
        ):  # fmt: skip
            found, there = np.isin(scene.scl, codes), np.isin(scene.truth, truth)
            if there.sum() < 100:
                continue
            hits = (found & there).sum()
            assert hits / there.sum() == pytest.approx(recall, abs=0.01)
            if found.sum() - hits > 100:
                assert hits / found.sum() == pytest.approx(precision, abs=0.05)
    assert sum((scene.truth == 3).sum() for scene in scenes) > 500


def test_shadows_of_layers_lie_at_several_distances(region: Path) -> None:
    tops = list((region / "truth" / "masks").iterdir())
    assert len(tops) == 4
    with rasterio.open(tops[0]) as raster:
        assert raster.res == (20, 20)
        assert raster.tags()["CLASS_3"] == "cloud shadow"


def test_nobody_gets_them_unasked(tmp_path: Path, region: Path) -> None:
    simulate(
        tmp_path / "plain", tiles=["30SUF"], pixels=240, seasons=["summer"], points_per_class=1
    )
    assert not (tmp_path / "plain" / "truth" / "masks").exists()
    with pytest.raises(InputError, match="Simulate the region with --hard-masks"):
        list(read_scenes(tmp_path / "plain"))


def test_shadow_darkens_in_the_fitted_model(region: Path) -> None:
    model = fit([region], has_series=True)
    assert model["rows"] > 10_000
    assert model["index"] < 0
    assert model["blue"] < 0
