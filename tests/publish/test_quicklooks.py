"""Mask quicklooks: the right colours in the right amount, holes in red, the same bytes twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from landcover.nouns.grid import Grid
from landcover.publish import quicklooks
from landcover.publish.quicklook_picture import KINDS, draw_quicklook
from landcover.publish.quicklooks import Quicklook, empty_percent, masked_percent

GRID = Grid(crs="EPSG:32631", ulx=501360, uly=5629680, pixel=20, width=60, height=40)
RED = "#D62728"


def share_of(path: Path, colour: str) -> float:
    pixels = np.round(255 * imread(path)[..., :3]).astype(int)
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return float((pixels == wanted).all(axis=-1).mean())


@pytest.fixture
def quicklook() -> Quicklook:
    """A cloud over a quarter of the picture that grows to half of it; the rest is seen."""
    ramp = np.linspace(100, 2000, GRID.width * GRID.height).reshape(GRID.shape)
    bands = np.stack([ramp, ramp[::-1], ramp[:, ::-1]]).astype(np.int16)
    original = np.zeros(GRID.shape, np.uint8)
    original[:, :15] = quicklooks.CLOUD
    grown = original.copy()
    grown[:, 15:30] = quicklooks.GROWN
    holed = bands.copy()
    holed[:, :, :30] = quicklooks.NODATA
    return Quicklook(
        tile="31UDS", period="2021-spring", product="P", date="2021-03-05", n_products=2,
        grid=GRID, scene=bands, original=original, grown=grown, by_original=bands, by_grown=holed,
    )  # fmt: skip


def test_a_quicklook_shows_growth_and_what_it_costs(tmp_path: Path, quicklook: Quicklook) -> None:
    path, full = tmp_path / "a.png", tmp_path / "b.png"
    draw_quicklook(quicklook, path, "t")
    draw_quicklook(replace(quicklook, by_grown=quicklook.by_original), full, "t")
    cloud, grown = KINDS[quicklooks.CLOUD][1], KINDS[quicklooks.GROWN][1]
    # Two panels hold the cloud, one what growth added: as many pixels of each panel.
    assert share_of(path, cloud) == pytest.approx(2 * share_of(path, grown), rel=0.1)
    assert share_of(path, grown) > 0.015
    assert share_of(path, RED) > 2 * share_of(path, grown) * 0.95
    assert share_of(full, RED) < 0.003  # the square in the key


def test_the_view_has_the_numbers_of_the_quicklook(quicklook: Quicklook) -> None:
    view = quicklook.view("a.png")
    assert (view.original_percent, view.grown_percent) == (25.0, 50.0)
    assert (view.empty_original_percent, view.empty_grown_percent) == (0.0, 50.0)
    assert view.side_m == 1200


def test_what_the_product_lacks_takes_no_part() -> None:
    kinds = np.array(
        [
            [
                quicklooks.UNSEEN,
                quicklooks.CLOUD,
                quicklooks.SNOW,
                quicklooks.CLEAR,
                quicklooks.DROPPED,
            ]
        ],
        np.uint8,
    )
    assert masked_percent(kinds) == 50.0  # dropped pixels are used
    assert masked_percent(np.full((2, 2), quicklooks.UNSEEN, np.uint8)) == 0.0
    bands = np.zeros((3, 1, 4), np.int16)
    bands[1, 0, 2] = quicklooks.NODATA
    assert empty_percent(bands) == 25.0


@pytest.mark.parametrize("is_simulated", [False, True])
def test_the_same_quicklook_gives_the_same_bytes(
    tmp_path: Path, quicklook: Quicklook, is_simulated: bool
) -> None:
    for name in ("a.png", "b.png"):
        draw_quicklook(quicklook, tmp_path / name, "t", is_simulated=is_simulated)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert b"matplotlib" not in (tmp_path / "a.png").read_bytes()


@pytest.mark.parametrize("shape", [(1, 1), (10, 300), (300, 10)])
def test_any_shape_is_drawn(tmp_path: Path, quicklook: Quicklook, shape: tuple[int, int]) -> None:
    bands = np.full((3, *shape), quicklooks.NODATA, np.int16)
    kinds = np.full(shape, quicklooks.UNSEEN, np.uint8)
    grid = GRID.model_copy(update={"height": shape[0], "width": shape[1]})
    odd = replace(
        quicklook, grid=grid, scene=bands, original=kinds, grown=kinds, by_original=bands,
        by_grown=bands,
    )  # fmt: skip
    draw_quicklook(odd, tmp_path / "a.png", "A long title " * 20)
    assert share_of(tmp_path / "a.png", RED) > 0.005
    assert max(imread(tmp_path / "a.png").shape) < 2000
