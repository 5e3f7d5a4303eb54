"""Quicklooks of real cloudy tiles: they show what the chain made, or would have made.

The same tiles show how season readiness looks before and after they are processed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from scipy import ndimage

from landcover import api
from landcover.analysis.readiness import check_readiness, expected_quicklook
from landcover.ledger import outputs, runs, units
from landcover.nouns.run_arguments import RunArguments
from landcover.parts.preparation.quicklook_masks import masked_by_recipe
from landcover.parts.preparation.quicklooks import make_quicklook, quicklook_of_composite
from landcover.parts.task import Task
from landcover.pipeline.planning import WHOLE_RUN
from landcover.pipeline.region import resolve_region
from landcover.publish import quicklooks
from landcover.publish.quality import TileQuality
from landcover.recipe import Recipe
from landcover.sources.local import LocalSource
from landcover.stages.publish import publish

RECIPE = Path(__file__).parents[3] / "recipes" / "mediterranean-rf.yaml"
OVERRIDES = [
    "seasons=[{name: summer, primary_month: 8, fallback_month: 7}]",
    "selection.max_cloud_percent=80",
    "composite.layers=[B02, B03, B04]",
]
TILE, PERIOD = "33TWL", "2023-summer"


@pytest.fixture(scope="module")
def asked(data_dir: Path) -> tuple[Recipe, RunArguments]:
    """The recipe, and one tile at 120 m of which two dates in three are mostly cloud."""
    products = str(data_dir / "s2-l2a-fulltile-120m")
    return resolve_region(TILE, RECIPE, OVERRIDES, year=2023, products=products)


@pytest.fixture(scope="module")
def processed(
    asked: tuple[Recipe, RunArguments], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, TileQuality]:
    """The workspace after the composite was made, and the readiness before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("quicklooks")))
        workspace = api.open_workspace()
        before = check_readiness(workspace, *asked).tiles[0]
        api.start_run(
            "run", RECIPE, year=2023, products=asked[1].products, tiles=[TILE], until="composite",
            overrides=OVERRIDES,
        )  # fmt: skip
        assert api.run_inline("run")["state"] == "done"
        return workspace, before


def composite_of(workspace: Any) -> Any:
    state = units.load(workspace.records, "run", "composite", f"{TILE}.{PERIOD}")
    assert state is not None
    return outputs.load(workspace, state.outputs[0])


def window_of(
    quicklook: quicklooks.Quicklook, shape: tuple[int, int], grid: Any
) -> tuple[slice, slice]:
    row = round((grid.uly - quicklook.grid.uly) / grid.pixel)
    column = round((quicklook.grid.ulx - grid.ulx) / grid.pixel)
    assert 0 <= row <= shape[0] - quicklook.grid.height
    return slice(row, row + quicklook.grid.height), slice(column, column + quicklook.grid.width)


def test_the_composite_of_a_quicklook_is_that_of_the_chain(processed: tuple[Any, Any]) -> None:
    workspace, before = processed
    composite = composite_of(workspace)
    task = Task(workspace, *runs.load(workspace, "run"), WHOLE_RUN)
    quicklook = quicklook_of_composite(task, composite)
    assert (quicklook.tile, quicklook.period, quicklook.n_products) == (TILE, PERIOD, 3)
    assert quicklook.grid.shape == (96, 96)
    where = window_of(quicklook, (915, 915), before.grid)
    for number, band in enumerate(("B04", "B03", "B02")):
        with rasterio.open(workspace.objects.href(composite.key, f"{band}.tif")) as raster:
            np.testing.assert_array_equal(quicklook.by_grown[number], raster.read(1)[where])


def test_the_panels_of_a_quicklook_follow_from_the_classification(
    processed: tuple[Any, Any], asked: tuple[Recipe, RunArguments]
) -> None:
    """Growth by scipy's convolution, the median by numpy's: nothing of ours."""
    workspace, before = processed
    quicklook = expected_quicklook(workspace, *asked, TILE)
    products, _ = LocalSource(asked[1].products).products(TILE)
    where = window_of(quicklook, (915, 915), before.grid)
    stack, masks = [], {}
    for product in products:
        codes, blue = (_read(product, layer) for layer in ("SCL", "B02"))
        is_cloud = np.isin(codes, [3, 8, 9, 10])
        share = ndimage.convolve(is_cloud.astype(float), np.ones((5, 5)) / 25, mode="reflect")
        masks[product.name] = codes, is_cloud, share > 0.075 + 1e-9
        hidden = is_cloud | np.isin(codes, [0, 1, 11]) | (blue == 0)
        stack.append(np.where(hidden, np.nan, blue.astype(float))[where])
    codes, is_cloud, is_grown = (part[where] for part in masks[quicklook.product])
    assert quicklook.product == max(products, key=lambda p: p.cloud_percent).name
    np.testing.assert_array_equal(
        quicklook.original == quicklooks.CLOUD, np.isin(codes, [8, 9, 10])
    )
    np.testing.assert_array_equal(quicklook.original == quicklooks.SHADOW, codes == 3)
    np.testing.assert_array_equal(
        quicklook.grown == quicklooks.GROWN, is_grown & ~is_cloud & (codes != 0)
    )
    np.testing.assert_array_equal(quicklook.grown == quicklooks.DROPPED, is_cloud & ~is_grown)
    # The window is where growth adds most; three in ten pixels is a lot.
    assert (quicklook.grown == quicklooks.GROWN).mean() > 0.3
    is_seen = ~np.isnan(stack).all(axis=0)
    expected = np.nanmedian(np.where(is_seen, stack, 0.0), axis=0)
    np.testing.assert_array_equal(quicklook.by_original[2] != quicklooks.NODATA, is_seen)
    np.testing.assert_array_equal(quicklook.by_original[2][is_seen], np.rint(expected[is_seen]))


def test_a_quicklook_before_processing_is_the_quicklook_after_it(
    processed: tuple[Any, Any], asked: tuple[Recipe, RunArguments]
) -> None:
    recipe = asked[0]
    products, _ = LocalSource(asked[1].products).products(TILE)
    found = [masked_by_recipe(product, recipe.mask) for product in products]
    before = make_quicklook(TILE, PERIOD, found, recipe.mask, 1)
    after = expected_quicklook(processed[0], *asked, TILE)
    assert before.grid == after.grid
    for name in ("scene", "original", "grown", "by_original", "by_grown"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def test_without_growth_both_composites_are_one(asked: tuple[Recipe, RunArguments]) -> None:
    products, _ = LocalSource(asked[1].products).products(TILE)
    rule = asked[0].mask.model_copy(update={"excluded": ("cloud", "shadow", "snow", "defective")})
    found = [masked_by_recipe(product, rule) for product in products]
    quicklook = make_quicklook(TILE, PERIOD, found, rule, 1)
    np.testing.assert_array_equal(quicklook.by_original, quicklook.by_grown)
    np.testing.assert_array_equal(quicklook.original, quicklook.grown)
    assert (quicklook.original == quicklooks.CLOUD).any()


def test_the_report_shows_the_quicklook_of_its_tile(processed: tuple[Any, Any]) -> None:
    workspace, _ = processed
    task = Task(workspace, *runs.load(workspace, "run"), WHOLE_RUN)
    publish(task)
    (made,) = task.made
    assert made.stats["pngs"] == [f"masks_{TILE}_{PERIOD}.png"]
    folder = Path(task.href(made))
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert f'src="masks_{TILE}_{PERIOD}.png"' in html
    assert (folder / f"masks_{TILE}_{PERIOD}.png").stat().st_size > 10_000


def test_readiness_expects_what_is_counted_later(
    processed: tuple[Any, TileQuality], asked: tuple[Recipe, RunArguments]
) -> None:
    workspace, before = processed
    after = check_readiness(workspace, *asked).tiles[0]
    assert (before.seasons[0].basis, after.seasons[0].basis) == ("scl", "composite")
    # At 120 m every pixel was looked at; nodata of a band that is none of the SCL may differ.
    assert before.nodata_percent == pytest.approx(after.nodata_percent, abs=0.01)
    assert before.status == after.status
    assert [c.name for c in before.seasons[0].used] == [c.name for c in after.seasons[0].used]


def test_a_composite_of_another_rule_is_not_counted(
    processed: tuple[Any, TileQuality], asked: tuple[Recipe, RunArguments]
) -> None:
    workspace, _ = processed
    for change in ("mask.growth_m=0", "composite.min_clear=2", "selection.max_products=1",
                   "mask.excluded=[cloud]"):  # fmt: skip
        recipe, arguments = resolve_region(
            TILE, RECIPE, [*OVERRIDES, change], year=2023, products=asked[1].products
        )
        season = check_readiness(workspace, recipe, arguments).tiles[0].seasons[0]
        assert season.basis == "scl", change


def _read(product: Any, layer: str) -> np.ndarray:
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(product.file(layer).href) as raster,
    ):
        return np.asarray(raster.read(1))
