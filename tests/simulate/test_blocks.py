"""A region drawn in blocks: the same whatever the blocks, bounded on disk, whole at full size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.simulate import disk_space, random_fields, simulate, site_simulator
from landcover.simulate.acquisitions import plan_year
from landcover.simulate.landscape import CLASS_NAMES
from landcover.simulate.layers import Block, DiskLayers, MemoryLayers, split
from landcover.simulate.random_fields import PERIODS, RandomSource
from landcover.simulate.relief import WideRelief
from landcover.simulate.site import place_sites
from landcover.simulate.sky import Sun, sun_at
from landcover.simulate.spectra import RESOLUTION

from .conftest import Safe


@pytest.fixture
def in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make everything small but the number of blocks."""
    monkeypatch.setattr(site_simulator, "WHOLE_PIXELS", 200)
    monkeypatch.setattr(site_simulator, "_SAMPLES", 4)
    monkeypatch.setattr(random_fields, "PERIODS", (360, 250))
    monkeypatch.setattr(random_fields, "LONG_PERIODS", (640, 500))


def drawn(folder: Path, block: int) -> dict[str, np.ndarray]:
    """Draw a small region in blocks and take two of its scenes."""
    folder.mkdir()
    (site,) = place_sites(["30SUF"], 360)
    layers = DiskLayers(folder, site.hull.shape)
    artist = site_simulator.SiteSimulator(4, site, layers, block)
    artist.draw(["spring"], lambda _done: None)
    whole = Block(0, 0, *site.hull.shape)
    found = {name: layers.get(name, whole) for name in ("classes", "elevation", "spring B04")}
    found["B09"] = layers.get("spring B09", whole, 6)
    for acquisition in plan_year(2021, 3, -4.0, seasons=["spring"])[:2]:
        zenith, azimuth = sun_at(acquisition.seen, *site.centre)
        for part in artist.take(acquisition, Sun(float(zenith), float(azimuth)), "30SUF"):
            for layer, values in (*part.scene.bands.items(), ("SCL", part.scene.scl)):
                factor = RESOLUTION.get(layer, 20) // 10
                shape = (360 // factor, 360 // factor)
                whole_layer = found.setdefault(
                    f"{acquisition.name} {layer}", np.zeros(shape, values.dtype)
                )
                whole_layer[part.place.slices(factor)] = values[part.inner.slices(factor)]
    return found


@pytest.mark.usefixtures("in_blocks")
def test_no_layer_depends_on_the_blocks(tmp_path: Path) -> None:
    whole, pieces = drawn(tmp_path / "whole", 360), drawn(tmp_path / "pieces", 150)
    assert len(whole) == 4 + 2 * 13
    for name, values in whole.items():
        assert np.array_equal(values, pieces[name]), name
    assert set(np.unique(whole["classes"])) <= set(CLASS_NAMES)


@pytest.mark.usefixtures("in_blocks")
def test_a_region_in_blocks_is_complete_and_leaves_nothing_behind(tmp_path: Path) -> None:
    region = simulate(
        tmp_path / "region",
        tiles=["30SUF"],
        pixels=360,
        seasons=["summer"],
        products_per_season=3,
        only_usable=True,
    )
    assert sorted(path.name for path in region.folder.iterdir()) == sorted(
        ["SIMULATED.txt", "dem", "products", "truth"]
        + [f"{kind}.{ending}" for kind in ("labels", "labels_independent")
           for ending in ("csv", "geojson", "kmz")]
    )  # fmt: skip
    assert not list(region.products.rglob("*.tif"))
    safes = [Safe(path) for path in sorted(region.products.iterdir())]
    assert [safe.month for safe in safes] == [6, 6, 6]
    for safe in safes:
        assert 0 < safe.cloud < 20
        assert len(safe.images) == 15
        assert safe.numbers("B02").shape == (360, 360)
        assert np.array_equal(safe.numbers("B11") == 0, safe.numbers("SCL") == 0)


@pytest.mark.parametrize("stride", [1, 4])
def test_placed_fields_are_one_field_read_in_pieces(stride: int) -> None:
    def read(down: int, right: int, shape: tuple[int, int]) -> np.ndarray:
        clouds = RandomSource(1, (down * 20, right * 20), stride).of("clouds")
        return clouds.fractal(shape, 20.0, 2_000.0, shortest_m=60.0)

    one = read(0, 0, (80, 70))
    other = read(20 * stride, 30 * stride, (60, 40))
    assert np.array_equal(one[20:, 30:], other)
    assert not np.array_equal(one, read(PERIODS[0] * stride, 0, (80, 70)))


def test_placed_fields_have_mean_0_and_variance_1_and_differ_by_name() -> None:
    fields = [
        RandomSource(1, (0, 0)).of(name).fractal((1_200, 1_200), 10.0, 200.0) for name in ("a", "b")
    ]
    for field in fields:
        assert abs(field.mean()) < 0.1
        assert field.std() == pytest.approx(1.0, abs=0.05)
    assert abs(np.corrcoef(fields[0].ravel(), fields[1].ravel())[0, 1]) < 0.1


def test_heights_asked_for_anywhere_belong_to_one_relief() -> None:
    hull = Grid(crs="EPSG:32630", ulx=300_000, uly=4_100_040, pixel=10, width=10_980, height=10_980)
    relief = WideRelief(0, hull)
    x, y = np.meshgrid(320_000.0 + 35.0 * np.arange(60), 4_050_000.0 + 35.0 * np.arange(60))
    together = relief.height_at(x, y)
    apart = relief.height_at(x[20:41, 30:], y[20:41, 30:])
    assert np.abs(together[20:41, 30:] - apart).max() < 0.01
    assert np.ptp(together) > 10


def test_layers_on_disk_give_back_what_was_put_and_repeat_the_rim(tmp_path: Path) -> None:
    disk, memory = DiskLayers(tmp_path, (60, 90)), MemoryLayers()
    rng = np.random.default_rng(0)
    values = rng.uniform(0.0, 1.2, (30, 45)).astype(np.float32)
    memory.put("summer B05", Block(0, 0, 60, 90), values, 2)
    for block in split(Block(0, 0, 60, 90), 36):
        disk.put("summer B05", block, values[block.slices(2)], 2)
    for block in (Block(0, 0, 60, 90), Block(12, 18, 24, 30), Block(30, 60, 30, 30).grown(12)):
        found = disk.get("summer B05", block, 2)
        assert found.shape == (block.height // 2, block.width // 2)
        assert np.abs(found - memory.get("summer B05", block, 2)).max() <= 1.01e-5
    beyond = disk.get("summer B05", Block(0, 0, 60, 90).grown(6), 2)
    assert np.array_equal(beyond[0, 3:-3], beyond[3, 3:-3])


def test_a_region_that_the_disk_cannot_hold_is_refused_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = type("Usage", (), {"free": 3_000_000_000})()
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda _path: free)
    # Five products of 120,560,400 pixels at 6.5 bytes, the ground and one season at 16.2, one
    # product waiting at 15.8, and 0.1 GB: 3.92 + 1.95 + 1.90 + 0.10.
    with pytest.raises(InputError, match=r"needs 7\.9 GB of disk and 3\.0 GB are free"):
        simulate(
            tmp_path / "region",
            tiles=["30SUF"],
            pixels=10_980,
            seasons=["summer"],
            products_per_season=5,
            only_usable=True,
        )
    assert not (tmp_path / "region").exists()
