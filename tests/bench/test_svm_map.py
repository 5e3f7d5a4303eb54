"""The map that is measured as the deck measures is that of the HRLC line's recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from landcover.bench import svm, svm_map
from landcover.bench.tables import Request
from landcover.recipe import make_recipe, read_recipe

RECIPE = Path(__file__).parents[2] / "recipes" / "hrlc-svm.yaml"


def test_it_is_the_map_of_the_recipe() -> None:
    asked, given = make_recipe(svm_map.RECIPE), read_recipe(RECIPE)
    for section in ("seasons", "selection", "composite", "restore", "features", "mask", "mosaic"):
        assert getattr(asked, section) == getattr(given, section), section
    for part in ("kind", "scaling", "selection", "calibration"):
        assert getattr(asked.model, part) == getattr(given.model, part), part


def test_only_a_measured_map_needs_a_disk(tmp_path: Path) -> None:
    kernel = Request(folder=tmp_path, pixels=600, seed=0)
    assert svm.disk_gb(kernel) == 0
    whole = Request(folder=tmp_path, pixels=600, seed=0, as_published=tmp_path)
    assert svm.disk_gb(whole) == pytest.approx(0.396)
