"""Four small tiles across a zone border, with maps written directly, for tests and no pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from landcover.ledger import outputs, units
from landcover.nouns.grid import Grid
from landcover.nouns.model import Feature, ModelCard, feature_set
from landcover.nouns.output import Output, Wanted
from landcover.nouns.run import Run, Unit, UnitState
from landcover.nouns.run_arguments import RunArguments
from landcover.nouns.stages import Stage
from landcover.parts.mapping.cells import plan_cells
from landcover.parts.task import Job, Task
from landcover.pipeline.planning import WHOLE_RUN
from landcover.recipe import make_recipe
from landcover.stages.mosaic import mosaic
from landcover.stores.rasters import RasterStyle, read_array, write_raster
from landcover.stores.workspace import Workspace, open_workspace

PIXEL = 40.0
SIDE = 150
CODES = (2, 4, 7)
"""Codes of the model; bands of the probabilities in this order."""


def place(crs: str, ulx: float, uly: float) -> Grid:
    return Grid(crs=f"EPSG:{crs}", ulx=ulx, uly=uly, pixel=PIXEL, width=SIDE, height=SIDE)


TILES = {
    "30SYJ": place("32630", 752_000, 4_390_000),
    "30TYK": place("32630", 752_000, 4_394_000),
    "31SBD": place("32631", 241_000, 4_390_000),
    "31TBE": place("32631", 241_000, 4_394_000),
}
"""About 2 km of overlap with each neighbour, at 0° east and 39.6° north."""
BIAS = {"30SYJ": 0.9, "30TYK": -0.9, "31SBD": -0.9, "31TBE": 0.9}
"""What each tile's model is off by, so that neighbours disagree."""


def probabilities(tile: str, grid: Grid, bias: float | None = None) -> NDArray[np.uint8]:
    """Likelihoods of three classes from a smooth field of the ground, and the tile's own error."""
    rows, columns = np.mgrid[0 : grid.height, 0 : grid.width] + 0.5
    x, y = grid.ulx + columns * grid.pixel, grid.uly - rows * grid.pixel
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    field = 2 * np.sin(lon * 400) + 2 * np.cos(lat * 500) + (BIAS[tile] if bias is None else bias)
    scores = np.exp(np.stack([field, np.zeros_like(field), -field]))
    return np.floor(254 * scores / scores.sum(axis=0) + 0.5).astype(np.uint8)


def card() -> ModelCard:
    return ModelCard(
        id="c" * 16, kind="random-forest",
        features=feature_set([Feature(name="slope", period=None, layer="slope", kind="terrain")]),
        codes=CODES, names=("openForest", "herbaceousVegetation", "cropland"),
        colours=("#648C00", "#FFFF4C", "#F096FF"), parameters={}, seed=0,
        sample_set_id="a" * 16, n_train_rows=90, n_train_groups=6,
        class_counts=dict.fromkeys(CODES, 30), arrays_sha256="0" * 64, versions={},
    )  # fmt: skip


class Region:
    """A run whose tiles are mapped as far as the records know."""

    def __init__(
        self,
        root: Path,
        recipe: dict[str, Any] | None = None,
        *,
        tiles: Sequence[str] = tuple(TILES),
        named: Sequence[str] = tuple(TILES),
        models: dict[str, str] | None = None,
        keep: bool = True,
        change: Callable[[str, NDArray[np.uint8]], None] = lambda tile, p: None,
        years: dict[str, int] | None = None,
        grids: Mapping[str, Grid] = TILES,
        publish: dict[str, Any] | None = None,
    ) -> None:
        self.workspace: Workspace = open_workspace(
            f"file://{root}/objects", f"sqlite://{root}/records.sqlite"
        )
        self.recipe = make_recipe(
            {"name": "test", "mosaic": recipe or {}, "publish": publish or {},
             "seasons": [{"name": "spring", "primary_month": 3, "fallback_month": 4}]}
        )  # fmt: skip
        arguments = RunArguments(tiles=tuple(named), year=2021, products="/p", labels="/l")
        self.run = Run(
            id="run", recipe_id="0" * 16, arguments=arguments, label_id="b" * 16, simulated=True
        )
        self._put("train", WHOLE_RUN, self._output("train", "model", {}, self._write_card))
        for tile in tiles:
            grid, found = grids[tile], probabilities(tile, grids[tile])
            change(tile, found)
            unit = Unit(id=tile, label=tile, tile=tile)
            season = Unit(id=f"{tile}.2021-spring", label=tile, tile=tile, span="2021-spring")
            self._put("composite", season, self._composite(tile, grid, (years or {}).get(tile)))

            def write(path: Path, found: Any = found, grid: Grid = grid) -> None:
                write_map(path, found, grid, keep=keep)

            made = self._output(
                "classify", tile, {"grid": grid.to_document()}, write,
                {"model": ((models or {}).get(tile, "c" * 16),)},
            )  # fmt: skip
            self._put("classify", unit, made)

    def cells(self) -> list[str]:
        return plan_cells(self._task(WHOLE_RUN))

    def join(self, cell: str, job: Job | None = None) -> Output:
        """Run the stage for a zone or cell."""
        task = self._task(Unit(id=cell, label=f"cell {cell}", cell=cell), job)
        mosaic(task)
        (made,) = task.made
        return made

    def read(self, output: Output, name: str) -> NDArray[Any]:
        return read_array(self.workspace.objects.href(output.key, name))[0][0]

    def _task(self, unit: Unit, job: Job | None = None) -> Task:
        return Task(self.workspace, self.run, self.recipe, unit, job or Job())

    def _put(self, stage: Stage, unit: Unit, made: Output) -> None:
        state = UnitState(run="run", stage=stage, unit=unit, state="done", outputs=(made.id,))
        units.save(self.workspace.records, state)

    def _output(
        self, stage: str, unit: str, stats: dict[str, Any], write: Callable[[Path], None],
        inputs: dict[str, tuple[str, ...]] | None = None,
    ) -> Output:  # fmt: skip
        wanted = Wanted(stage=stage, version=1, unit=unit, inputs=inputs or {}, params={})

        def make(path: Path) -> dict[str, Any]:
            path.mkdir(parents=True)
            write(path)
            return {}

        return outputs.commit(self.workspace, wanted, f"{stage}/{unit}/{wanted.id}", make, stats)

    def _composite(self, tile: str, grid: Grid, year: int | None) -> Output:
        def write(path: Path) -> None:
            values = np.full(grid.shape, 100 + 10 * sorted(TILES).index(tile), np.int16)
            write_raster(path / "B04.tif", values, grid, RasterStyle("int16", -32768, ("B04",)))

        stats = {
            "layers": {"B04": grid.to_document()}, "coverage": {"percent_0": 0.0},
            "period": {"label": "spring", "name": f"{year or 2021}-spring"},
        }  # fmt: skip
        return self._output("composite", f"{tile}/2021-spring", stats, write)

    @staticmethod
    def _write_card(path: Path) -> None:
        (path / "card.json").write_text(card().to_json())


def classes_of(found: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The likeliest class, 0 where nodata."""
    codes = np.array(CODES, np.uint8)[found.argmax(axis=0)]
    return np.where(found[0] == 255, np.uint8(0), codes)


def write_map(path: Path, found: NDArray[np.uint8], grid: Grid, *, keep: bool = True) -> None:
    """Write a tile's class map, its confidence and its probabilities."""
    write_raster(path / "classification.tif", classes_of(found), grid, RasterStyle("uint8", 0))
    style = RasterStyle("uint8", 255)
    write_raster(path / "confidence.tif", found.max(axis=0), grid, style)
    if keep:
        bands = RasterStyle("uint8", 255, ("a", "b", "c"))
        write_raster(path / "probabilities.tif", found, grid, bands)
