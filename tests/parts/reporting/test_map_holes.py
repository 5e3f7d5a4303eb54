"""The options that leave layers out, as a map with holes tells them."""

from __future__ import annotations

from pathlib import Path

import pytest

from landcover.parts.reporting.map_holes import _options
from landcover.recipe import read_recipe

RECIPE = Path(__file__).parents[3] / "recipes" / "hrlc-svm.yaml"


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (["Sobel"], ["--set features.edges=null"]),
        (["GLCMASM", "slope"],
         ["--set 'features.terrain=[dem, aspect]'", "--set features.texture=null"]),
    ],
)  # fmt: skip
def test_what_is_computed_of_one_season_is_left_out_by_its_section(
    layers: list[str], told: list[str]
) -> None:
    assert sorted(_options(read_recipe(RECIPE), layers)) == sorted(told)


def test_one_index_of_a_season_leaves_the_others() -> None:
    (told,) = _options(read_recipe(RECIPE), ["NDVI"])
    assert told.startswith("--set 'features.season_indices.indices=[gndvi, ndvi705, gli,")
