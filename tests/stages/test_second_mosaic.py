"""Mosaics of maps of two levels: the second one joined so that it never contradicts the first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mosaic_region import TILES, Region, card, classes_of, probabilities
from pyproj import Transformer

from landcover.nouns.grid import Grid
from landcover.nouns.model import ModelCard, SecondModel
from landcover.nouns.output import Output
from landcover.parts.mapping import joining
from landcover.parts.mapping.halos import halo_of, reach_of
from landcover.raster.levels import refill_second
from landcover.recipe.mosaic import MosaicRecipe
from landcover.stores.rasters import RasterStyle, read_array, write_raster

INNER = {2: (20, 21), 7: (2, 71)}
"""Class 2 is divided into 20 and 21, class 7 into 2 and 71; class 4 is not divided."""
PARENTS = np.zeros(256, np.uint8)
PARENTS[[20, 21]], PARENTS[[2, 71]] = 2, 7
SECOND = "classification2.tif"


def two_levels() -> ModelCard:
    models = tuple(
        SecondModel(
            code=code, codes=codes, names=tuple(f"inner{c}" for c in codes),
            colours=("#102030", "#405060"), class_counts=dict.fromkeys(codes, 5),
            class_groups=dict.fromkeys(codes, 2), arrays_sha256="0" * 64,
        )
        for code, codes in INNER.items()
    )  # fmt: skip
    return card().model_copy(update={"second": models})


def second_of(tile: str, classes: np.ndarray) -> np.ndarray:
    """What a tile's map answers: stripes of the ground, three pixels further in every tile."""
    grid = TILES[tile]
    rows, columns = np.mgrid[0 : grid.height, 0 : grid.width]
    x = grid.ulx + 40 * (columns + 3 * sorted(TILES).index(tile)) - (grid.uly - 40 * rows)
    stripe = (x // 600).astype(int) % 2
    found = np.zeros_like(classes)
    for code, inner in INNER.items():
        found = np.where(classes == code, np.array(inner, np.uint8)[stripe], found)
    return found


class Divided(Region):
    """The region with a second level."""

    def _output(
        self, stage: str, unit: str, stats: dict[str, Any], write: Callable[[Path], None],
        inputs: dict[str, tuple[str, ...]] | None = None,
    ) -> Output:  # fmt: skip
        def both(path: Path) -> None:
            write(path)
            if stage == "classify":
                classes = read_array(path / "classification.tif")[0][0]
                found = second_of(unit, classes)
                write_raster(path / SECOND, found, TILES[unit], RasterStyle("uint8", 0))

        return super()._output(stage, unit, stats, both, inputs)

    @staticmethod
    def _write_card(path: Path) -> None:
        (path / "card.json").write_text(two_levels().to_json())

    def levels(self, cell: str) -> tuple[np.ndarray, np.ndarray, Output]:
        output = self.join(cell)
        return self.read(output, "classification.tif"), self.read(output, SECOND), output


def missing(first: np.ndarray, second: np.ndarray) -> float:
    """Share of what could be divided and is not; fails where the levels contradict each other."""
    is_known = second != 0
    np.testing.assert_array_equal(PARENTS[second[is_known]], first[is_known])
    could = np.isin(first, list(INNER))
    assert could.any()
    return float((~is_known)[could].mean())


def test_the_owner_of_a_pixel_answers_both_levels(tmp_path: Path) -> None:
    region = Divided(tmp_path)
    first, second, output = region.levels("32630")
    assert missing(first, second) == 0
    maps = {t: classes_of(probabilities(t, TILES[t])) for t in ("30SYJ", "30TYK")}
    inner = {tile: second_of(tile, found) for tile, found in maps.items()}
    middle, between = 125, slice(25, 125)
    np.testing.assert_array_equal(second[:middle, between], inner["30TYK"][:middle, between])
    np.testing.assert_array_equal(second[middle:, between], inner["30SYJ"][25:, between])
    assert output.wanted.params["levels"] == 2
    style = {file.name for file in output.files}
    assert SECOND in style


def test_one_level_leaves_no_trace(tmp_path: Path) -> None:
    output = Region(tmp_path).join("32630")
    assert "levels" not in output.wanted.params
    assert SECOND not in {file.name for file in output.files}
    assert "second_refilled_pixels" not in output.stats


def test_feathering_takes_the_deepest_tile_of_the_joined_class(tmp_path: Path) -> None:
    region = Divided(tmp_path, {"blend": "feather"})
    first, second, _ = region.levels("32630")
    assert missing(first, second) < 0.05
    # West of the other zone, both tiles by hand.
    a, b = (classes_of(probabilities(t, TILES[t])) for t in ("30SYJ", "30TYK"))
    row, column = np.mgrid[0:50, 0:90] + 0.5
    depth_a, depth_b = np.minimum(row, column), np.minimum(50 - row, column)
    joined = first[100:150, :90]
    class_a, class_b = a[:50, :90], b[100:, :90]
    inner_a = np.where(class_a == joined, second_of("30SYJ", a)[:50, :90], 0)
    inner_b = np.where(class_b == joined, second_of("30TYK", b)[100:, :90], 0)
    takes_a = (inner_a > 0) & ((depth_a >= depth_b) | (inner_b == 0))
    expected = np.where(takes_a, inner_a, inner_b)
    np.testing.assert_array_equal(second[100:150, :90], expected)
    assert ((class_a != joined) & (inner_b > 0) & (depth_a > depth_b)).any()


@pytest.mark.parametrize("blend", ["primary", "feather"])
@pytest.mark.parametrize("keep", [True, False])
def test_cells_of_a_target_grid(tmp_path: Path, blend: str, keep: bool) -> None:
    if blend == "feather" and not keep:
        return
    region = Divided(tmp_path, {"grid": "EPSG:3035", "pixel": 50, "blend": blend}, keep=keep)
    first, second, output = region.levels("3035_E34N18")
    # Of one tile, or of the tile whose class was taken: nearly nothing is left open.
    assert missing(first, second) < (0.03 if blend == "feather" else 0.001)
    grid, tile = Grid.from_document(output.stats["grid"]), TILES["30TYK"]
    rows, columns = np.nonzero(first)
    x, y = grid.ulx + (columns + 0.5) * 50, grid.uly - (rows + 0.5) * 50
    tx, ty = Transformer.from_crs(3035, 32630, always_xy=True).transform(x, y)
    row, column = np.floor((tile.uly - ty) / 40), np.floor((tx - tile.ulx) / 40)
    alone = (row >= 0) & (row < 95) & (column >= 0) & (column < 95)
    classes = classes_of(probabilities("30TYK", tile))
    at = row[alone].astype(int), column[alone].astype(int)
    is_same = first[rows[alone], columns[alone]] == classes[at]
    # Where the class is the nearest pixel's, so is the second level.
    found = second[rows[alone], columns[alone]]
    np.testing.assert_array_equal(found[is_same], second_of("30TYK", classes)[at][is_same])
    assert is_same.mean() > 0.98


def speckle(tile: str, found: np.ndarray) -> None:
    generator = np.random.default_rng(sorted(TILES).index(tile))
    for scores, share in (([1, 252, 1], 0.1), ([252, 1, 1], 0.05)):
        wrong = generator.random(found.shape[1:]) < share
        found[:, wrong] = np.array(scores, np.uint8)[:, None]


def test_cleaning_keeps_both_levels_together(tmp_path: Path) -> None:
    how = {"majority": 3, "min_pixels": 6}
    raw = Divided(tmp_path / "raw", change=speckle)
    clean = Divided(tmp_path / "clean", how, change=speckle)
    first, second, output = clean.levels("32631")
    _, before, _ = raw.levels("32631")
    recipe = MosaicRecipe(**how)  # type: ignore[arg-type]
    assert reach_of(recipe) == 1 + 2  # a filter of 3; the square of 4 pixels has its middle at 1.5
    expected = refill_second(first, before, PARENTS, reach_of(recipe))
    np.testing.assert_array_equal(second, expected)
    assert missing(first, second) < 0.02
    assert output.stats["second_refilled_pixels"] == np.count_nonzero(second != before) > 1000
    # What was of its class already stays.
    stays = (PARENTS[before] == first) & (before > 0)
    np.testing.assert_array_equal(second[stays], before[stays])


def test_the_reach_lies_within_the_halo() -> None:
    for majority in (1, 3, 15):
        for least in (1, 2, 3, 50, 250):
            recipe = MosaicRecipe(majority=majority, min_pixels=least)
            assert reach_of(recipe) <= halo_of(recipe)
    assert reach_of(MosaicRecipe()) == 0
    assert reach_of(MosaicRecipe(min_pixels=250)) == 9


def test_neighbouring_cells_are_refilled_as_one(tmp_path: Path) -> None:
    grid = {"grid": "EPSG:6933", "pixel": 100}
    cells = ["6933_W1N46", "6933_E0N46"]
    how = {"majority": 3, "min_pixels": 6}
    found = {}
    for name, options in (("raw", {}), ("clean", how)):
        region = Divided(tmp_path / name, {**grid, **options}, change=speckle)
        both = [region.levels(cell) for cell in cells]
        found[name] = [np.hstack([levels[n] for levels in both]) for n in (0, 1)]
    recipe = MosaicRecipe(**how)  # type: ignore[arg-type]
    expected = refill_second(found["clean"][0], found["raw"][1], PARENTS, reach_of(recipe))
    assert expected[:, 995:1005].any()
    np.testing.assert_array_equal(found["clean"][1], expected)


def test_no_window_changes_the_second_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name, side in (("one", 1024), ("two", 64)):
        region = Divided(tmp_path / name, {"blend": "feather", "majority": 5, "min_pixels": 9})
        with monkeypatch.context() as patch:
            patch.setattr(
                joining, "plan_windows", lambda h, w, side=side, **_: list(
                    Grid(crs="EPSG:1", ulx=0, uly=0, pixel=1, width=w, height=h)
                    .windows(side + 3, side)
                ),
            )  # fmt: skip
            patch.setattr("landcover.parts.mapping.cleaning.plan_windows", joining.plan_windows)
            output = region.join("32630")
        found.append({file.name: file.sha256 for file in output.files})
    assert found[0] == found[1]
    assert SECOND in found[0]
