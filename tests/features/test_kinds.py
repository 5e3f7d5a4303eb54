"""What every kind of feature keeps: a window, the whole tile and single pixels agree in every bit.

Beside the kinds of the library stand four that live in tests only. They reach samples, maps and
exports through the table alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray
from feature_kinds.rows import ROWS, register
from pyproj import Transformer
from scipy.ndimage import sobel, zoom

from landcover import api
from landcover.errors import InputError
from landcover.features.plan import source_of, wanted_features
from landcover.features.stack import FeatureStack
from landcover.features.texture import SparseTextures
from landcover.ledger import runs, units
from landcover.nouns.feature_kind import FEATURE_KINDS
from landcover.nouns.feature_sections import TEXTURES
from landcover.nouns.grid import Grid, Window
from landcover.nouns.model import FeatureSet, feature_set
from landcover.nouns.run import Unit
from landcover.parts.task import Job, Task
from landcover.parts.training.model_lookup import load_model
from landcover.parts.training.run_features import run_features
from landcover.parts.work_grid import composites_of, terrain_of, tile_work_grid
from landcover.products.reading import read_product
from landcover.raster.neighbourhood import box_mean
from landcover.raster.texture import glcm_textures
from landcover.recipe import make_recipe, override
from landcover.simulate import simulate
from landcover.stores.rasters import RasterStyle, ReadingPool, create_raster, read_array
from landcover.stores.rasters import pool as pool_module
from landcover.views.features import export_features, open_features

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
TILE, SIDE = "30SUF", 540
WHOLE = Window(0, 0, SIDE, SIDE)
WINDOWS = (
    Window(0, 0, 1, 1), Window(539, 539, 1, 1), Window(0, 511, 30, 29), Window(537, 0, 3, 540),
    Window(200, 300, 64, 65), Window(1, 1, 2, 300), Window(300, 538, 100, 2),
)  # fmt: skip


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("kinds")
    region = simulate(folder / "region", tiles=(TILE,), pixels=SIDE, points_per_class=12)
    own = folder / "soil.tif"
    write_own_raster(own, region.products)
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "workspace"))
        api.start_run(
            "kinds", RECIPE, year=region.year, products=str(region.products),
            dem=str(region.dem), labels=str(region.labels), until="classify",
            overrides=[
                "seasons=[{name: summer, first_month: 3, last_month: 11}]",
                "selection.max_cloud_percent=60",
                "features.indices=[ndvi, ndli]",
                "composite.statistics="
                "{layers: [ndvi, B04], percentiles: [25], spread: false, min_clear: 1}",
                "features.neighbourhood={layers: [B04, B11, ndvi_p25], sizes: [3, 9]}",
                "features.log_shape={bands: [B03, B04, B08]}",
                "features.edge_mean={index: ndvi, mean: 5}",
                "features.edges={index: ndvi}",
                "features.season_indices={indices: [ndvi, ndbi]}",
                "features.texture={variant: deck, band: B04}",
                "features.harmonic={band: B08}",
                f"features.own_raster={{path: {own}}}",
                "model.trees=5",
            ],
        )  # fmt: skip
        result = api.run_inline("kinds")
        assert result["state"] == "done", result
        workspace = api.open_workspace()
        yield Task(workspace, *runs.load(workspace, "kinds"), Unit(id=TILE, label=TILE, tile=TILE))


def write_own_raster(path: Path, products: Path) -> None:
    """Write pixels of 0.0007 degrees, noise over most of the tile, with a hole."""
    file = read_product(next(products.glob("*.SAFE"))).file("B04")
    assert file is not None
    work = file.grid
    lon, lat = Transformer.from_crs(work.crs, "EPSG:4326", always_xy=True).transform(
        work.ulx + 700, work.uly - 300
    )
    grid = Grid(crs="EPSG:4326", ulx=lon, uly=lat, pixel=7e-4, width=90, height=70)
    values = np.random.default_rng(3).normal(size=grid.shape).astype(np.float32)
    values[20:25, 30:40] = -9
    with create_raster(path, grid, RasterStyle("float32", -9)) as raster:
        raster.write(values, Window(0, 0, *grid.shape))


def stack_of(task: Task, kind: str | None = None, job: Job | None = None) -> FeatureStack:
    features, missing = run_features(task)
    assert not missing
    mine = feature_set(f for f in features.features if kind in (None, f.kind))
    return of_features(replace(task, job=job or Job()), mine)


def of_features(task: Task, features: FeatureSet) -> FeatureStack:
    grid, composites = tile_work_grid(task, TILE), composites_of(task, TILE)
    return FeatureStack(task, grid, composites, terrain_of(task, TILE), features)


@pytest.mark.parametrize("kind", [*FEATURE_KINDS, *(row.name for row in ROWS)])
def test_a_window_the_tile_and_single_pixels_agree_in_every_bit(task: Task, kind: str) -> None:
    whole = stack_of(task, kind).read(WHOLE)
    assert np.isfinite(whole).any(axis=(1, 2)).all()
    stack = stack_of(task, kind)  # its first pass is its own
    for window in WINDOWS:
        rows, columns = window.slices
        assert same(stack.read(window), whole[:, rows, columns]), window
    rng = np.random.default_rng(5)
    rows, columns = rng.integers(0, SIDE, (2, 150))
    rows[:6], columns[:6] = (0, 539, 0, 539, 1, 1), (0, 539, 539, 0, 538, 1)
    assert same(stack_of(task, kind).read_at(rows, columns), whole[:, rows, columns])
    # A pixel alone, and one that is asked for twice.
    for at in ([0], [539], [200], [77, 77]):
        place = np.array(at)
        assert same(stack.read_at(place, place), whole[:, place, place])


def test_all_kinds_together_and_threads_change_no_bit(task: Task) -> None:
    names = [f.name for f in run_features(task)[0].features]
    whole = stack_of(task).read(WHOLE)
    kinds = dict.fromkeys(f.kind for f in run_features(task)[0].features)
    for kind in kinds:
        mine = [i for i, f in enumerate(run_features(task)[0].features) if f.kind == kind]
        assert same(stack_of(task, kind).read(WHOLE), whole[mine]), (kind, names)
    stack = stack_of(task, job=Job(threads=2))
    buffer = np.full(whole.size + 3, 7, np.float32)
    with ReadingPool(2) as pool:
        for window in (*WINDOWS, WHOLE):
            rows, columns = window.slices
            assert same(stack.read(window, pool, buffer), whole[:, rows, columns]), window
    at = np.arange(0, SIDE, 7)
    assert same(stack.read_at(at, at), whole[:, at, at])


def same(found: Any, expected: Any) -> bool:
    """Compare every bit; of nodata, where it is."""
    is_nodata = np.isnan(found)
    bits = (np.where(is_nodata, np.float32(0), one).view(np.int32) for one in (found, expected))
    return bool(np.array_equal(is_nodata, np.isnan(expected)) and np.array_equal(*bits))


# Beside what others compute


def test_edges_of_an_index_are_those_of_scipy(task: Task) -> None:
    ndvi = plane(task, "summer_ndvi").astype(np.float64)
    expected = np.hypot(sobel(ndvi, 1, mode="reflect"), sobel(ndvi, 0, mode="reflect"))
    found = plane(task, "Sobel")
    # Unlike scipy's, what is unknown in the middle is unknown.
    expected[np.isnan(ndvi)] = np.nan
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    # The mean looks around edges, which look around the index: three pixels in all.
    np.testing.assert_array_equal(plane(task, "summer_ndvi_edges"), box_mean(found, 2))


def test_indices_of_one_season_are_those_of_every_season(task: Task) -> None:
    assert same(plane(task, "NDVI"), plane(task, "summer_ndvi"))
    nir, swir = plane(task, "summer_B08"), plane(task, "summer_B11")
    np.testing.assert_allclose(plane(task, "NDBI"), (swir - nir) / (swir + nir), atol=1e-6)


SIDE_OF_SQUARE = 7


def test_sparse_textures_are_those_of_the_decks_code(task: Task) -> None:
    band = plane(task, "summer_B04").astype(float)
    low, high = np.nanmin(band), np.nanmax(band)
    scaled = 1 + np.floor((band - low) / (high - low) * 254)
    levels = np.where(np.isfinite(band), scaled, 0).astype(np.int64)
    n, side = SIDE // SIDE_OF_SQUARE, SIDE_OF_SQUARE
    squares = levels[: n * side, : n * side].reshape(n, side, n, side)
    each = np.array([[textures(squares[y, :, x]) for x in range(n)] for y in range(n)])
    for number, name in enumerate(TEXTURES):
        expected = zoom(each[..., number], SIDE / n, order=3)
        expected[np.isnan(band)] = np.nan
        np.testing.assert_allclose(
            plane(task, f"GLCM{name}"), expected, rtol=1e-5, atol=1e-4, err_msg=name
        )


def textures(square: Any) -> tuple[float, ...]:
    """Give the six properties of a square's symmetric matrix (angle 0), pair by pair."""
    a, b = square[:, :-1].ravel(), square[:, 1:].ravel()
    i, j = np.concatenate([a, b]), np.concatenate([b, a])
    _, counts = np.unique(i * 256 + j, return_counts=True)
    asm = float(((counts / i.size) ** 2).sum())
    mean, spread = i.mean(), i.std()
    together = ((i - mean) * (j - mean)).mean()
    correlation = 1.0 if spread == 0 else float(together / spread**2)
    return (
        float(((i - j) ** 2).mean()), float(np.abs(i - j).mean()),
        float((1 / (1 + (i - j) ** 2)).mean()), float(np.sqrt(asm)), correlation, asm,
    )  # fmt: skip


def dense(task: Task) -> FeatureSet:
    texture = "features.texture={band: B08, window: 5, levels: 16}"
    recipe = make_recipe(override(task.recipe.to_document(), [texture]))
    return feature_set(f for f in wanted_features(recipe) if f.kind == "texture")


def test_dense_textures_are_the_same_in_windows_and_points(task: Task) -> None:
    stack = of_features(task, dense(task))
    whole = stack.read(WHOLE)
    assert np.isfinite(whole).mean() > 0.9
    for window in WINDOWS:
        rows, columns = window.slices
        assert same(stack.read(window), whole[:, rows, columns]), window
    at = np.arange(0, SIDE, 31)
    assert same(stack.read_at(at, at[::-1]), whole[:, at, at[::-1]])
    band = plane(task, "summer_B08")
    assert same(whole, np.stack(glcm_textures(band, window=5, levels=16)))


def test_a_raster_of_its_own_is_read_at_the_centres(task: Task, tmp_path: Path) -> None:
    feature = next(f for f in run_features(task)[0].features if f.kind == "own_raster")
    values, grid = read_array(str(feature.parameters["path"]))
    work = tile_work_grid(task, TILE)
    found = plane(task, feature.name)
    to_own = Transformer.from_crs(work.crs, grid.crs, always_xy=True)
    for row, column in ((100, 200), (31, 75), (400, 10), (0, 0)):
        x, y = to_own.transform(work.ulx + (column + 0.5) * 10, work.uly - (row + 0.5) * 10)
        at = int((grid.uly - y) // grid.pixel), int((x - grid.ulx) // grid.pixel)
        inside = 0 <= at[0] < grid.height and 0 <= at[1] < grid.width
        expected = values[0][at] if inside else -9
        assert found[row, column] == expected or (np.isnan(found[row, column]) and expected == -9)


def test_a_harmonic_is_the_fit_of_numpy(task: Task) -> None:
    stack = stack_of(task, "harmonic")
    read = source_of(stack._features[0], task.recipe).of.reads[0]
    reader = stack._readers[read]
    window = Window(100, 100, 20, 20)
    series = np.empty((*reader.leading, 20, 20), np.float32)
    with ReadingPool(1) as pool:
        pool.submit(lambda opened: reader.fill(window, series, opened)).result()
    assert reader.days is not None
    assert list(reader.days) == sorted(reader.days)
    found = stack.read(window)
    angle = 2 * np.pi * reader.days / 90.0
    checked = 0
    for row, column in np.ndindex(20, 20):
        y = series[:, row, column]
        clear = np.isfinite(y)
        if clear.sum() < 3 or np.isnan(found[0, row, column]):
            continue
        terms = np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], axis=1)[clear]
        fit = np.linalg.lstsq(terms, y[clear].astype(float), rcond=None)[0]
        assert found[0, row, column] == pytest.approx(fit[0], abs=1e-3)
        assert found[1, row, column] == pytest.approx(np.hypot(*fit[1:]), abs=1e-3)
        checked += 1
    assert checked


def plane(task: Task, name: str) -> Any:
    features = run_features(task)[0]
    stack = stack_of(task, next(f.kind for f in features.features if f.name == name))
    mine = [f.name for f in stack._features]
    return stack.read(WHOLE)[mine.index(name)]


# From the table to samples, maps, cards and files


def test_kinds_from_outside_reach_samples_and_maps(task: Task) -> None:
    names = run_features(task)[0].names
    assert {"soil", "Sobel", "GLCMASM", "summer_B08_offset"} <= set(names)
    sample = task.outputs_of("sample", TILE)[0]
    with task.workspace.objects.local(sample.key) as path:
        table = pd.read_parquet(path)
    whole = stack_of(task).read(WHOLE)
    rows, columns = table["row"].to_numpy(), table["column"].to_numpy()
    assert same(table[list(names)].to_numpy(np.float32).T.copy(), whole[:, rows, columns].copy())
    assert sample.wanted.params["parameters"]["GLCMASM"]["band"] == "B04"
    state = units.load(task.workspace.records, task.run.id, "classify", TILE)
    assert state is not None
    assert state.state == "done"
    # What is nodata in the user's own raster has no class, and the rest has one.
    classes, _ = read_array(task.href(task.outputs_of("classify", TILE)[0], "classification.tif"))
    assert np.array_equal(classes[0] == 0, np.isnan(whole).any(axis=0))


def test_an_export_equals_what_classification_computes(task: Task, tmp_path: Path) -> None:
    names = ["soil", "summer_ndvi_edges", "GLCMcontrast", "summer_B08_amplitude"]
    paths = export_features(task.workspace, TILE, tmp_path, names, memory_gb=0.05)
    whole = stack_of(task).read(WHOLE)
    known = run_features(task)[0].names
    for path in paths:
        values, _ = read_array(path)
        assert same(values[0], whole[known.index(path.stem)])


@pytest.mark.parametrize("form", ["cog", "zarr"])
def test_a_window_is_exported_as_cubes_too(task: Task, tmp_path: Path, form: Any) -> None:
    names = ["summer_B04", "Sobel", "GLCMcontrast", "slope"]
    place = Window(100, 37, 70, 300)
    paths = export_features(task.workspace, TILE, tmp_path, names, window=place, form=form)
    known = run_features(task)[0].names
    order = [name for name in known if name in names]
    rows, columns = place.slices
    expected = stack_of(task).read(WHOLE)[[known.index(n) for n in order], rows, columns]
    if form == "zarr":
        assert [path.name for path in paths] == ["features.zarr"]
        cube = xarray.open_zarr(paths[0], chunks=None)["features"]
        assert list(cube.feature.values) == order
        assert same(cube.values, expected)
        work = tile_work_grid(task, TILE)
        assert float(cube.x[0]) == work.ulx + 37.5 * work.pixel
        assert float(cube.y[0]) == work.uly - 100.5 * work.pixel
        with pytest.raises(InputError, match=r"features.zarr: exists already"):
            export_features(task.workspace, TILE, tmp_path, names, window=place, form=form)
    else:
        assert [path.stem for path in paths] == order
        for path, plane_of in zip(paths, expected, strict=True):
            assert same(read_array(path)[0][0], plane_of)
            with rasterio.open(path) as raster:
                assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    with pytest.raises(InputError, match="is not inside its 540 x 540 px"):
        export_features(task.workspace, TILE, tmp_path, names, window=Window(0, 500, 9, 99))


OTHER = {
    "name": "other",
    "seasons": [{"name": "summer", "primary_month": 6, "fallback_month": 7}],
    "composite": {"statistics": {"layers": ["ndvi", "B04"], "percentiles": [25], "min_clear": 1}},
}


def test_lazy_features_look_at_the_tile_once(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[SparseTextures] = []
    real = SparseTextures.first_pass

    def counted(self: SparseTextures, tile: Any) -> Any:
        looks.append(self)
        return real(self, tile)

    monkeypatch.setattr(SparseTextures, "first_pass", counted)
    opened = open_features(task.workspace, TILE).sel(feature="GLCMenergy")
    whole = plane(task, "GLCMenergy")
    looks.clear()
    for part in (slice(0, 9), slice(200, 230), slice(530, 540)):
        assert same(opened[part, 3:99].values, whole[part, 3:99])
    assert len(looks) == 1


def test_a_card_tells_what_its_features_are_made_with_under_another_recipe(task: Task) -> None:
    model = task.outputs_of("classify", TILE)[0].wanted.inputs["model"][0]
    card = load_model(lambda: task.workspace, model).card
    assert card.from_json(card.to_text()) == card
    other = make_recipe(OTHER)
    assert other.features.neighbourhood is None
    for feature in card.features.features:
        assert source_of(feature, other) == source_of(feature, task.recipe), feature.name


@pytest.mark.parametrize("kind", ["neighbourhood", "shape"])
def test_what_a_recipe_lacks_for_a_card_is_told(task: Task, kind: str) -> None:
    feature = next(f for f in run_features(task)[0].features if f.kind == kind)
    with pytest.raises(InputError, match="Use the recipe that the model was trained with"):
        source_of(feature.model_copy(update={"layer": "B99_mean3"}), make_recipe(OTHER))


def test_each_block_is_decoded_once_for_points(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, Window]] = []
    real = pool_module.open_for_long

    class Watched:
        def __init__(self, path: str) -> None:
            self._path, self._raster = path, real(path)
            self.info, self.close = self._raster.info, self._raster.close

        def read(self, window: Window, band: int) -> Any:
            read.append((Path(self._path).stem, window))
            return self._raster.read(window, band)

    monkeypatch.setattr(pool_module, "open_for_long", Watched)
    at = np.array([3, 4, 300, 511, 512])
    stack_of(task, "neighbourhood").read_at(at, at)
    assert {name for name, _ in read} == {"B04", "B11", "ndvi_p25"}
    assert len(read) == len(set(read))
    assert any(window.row == 512 for _, window in read)


# The memory that the kinds tell


def test_memory_follows_from_the_kinds(task: Task) -> None:
    def of(kind: str) -> float:
        return stack_of(task, kind).bytes_per_pixel - 8 * len(stack_of(task, kind)._features)

    # Bands are read where they belong; shapes and means hold their bands beside them.
    assert of("band") < of("shape") < of("neighbourhood")
    # One plane, float32, of every date.
    assert of("harmonic") >= 4 * 3
    assert stack_of(task, "texture").kept_gb == pytest.approx(48 / 49 * SIDE**2 / 1e9)
    assert stack_of(task, "band").kept_gb == 0
