"""The quality map is read by colour-blind readers: neighbouring classes differ for them too."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from landcover.nouns.colour import rgb_of
from landcover.publish.outlines import outline_of
from landcover.publish.quality import UNKNOWN, SeasonQuality, TileQuality, quality_colour
from landcover.publish.quality_picture import draw_quality_map
from landcover.tiling import tile_grid

# Linear RGB of a reader without one kind of cone: G. M. Machado, M. M. Oliveira, L. A. F.
# Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG
# 15 (2009) 1291, severity 1.
VISION = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip
SHARES = (2.0, 10.0, 15.0, 30.0, None)
NAMES = ("31UDS", "31UES", "31UFS", "31UDT", "31UET")
APART = 10.0
"""Difference in CIELAB that is seen at once; 2.3 is just noticed."""


def lab(colour: tuple[int, int, int], vision: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Give a colour as a reader sees it, in CIELAB (D65)."""
    part = np.array(colour) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISION[vision]) @ linear, 0, 1)
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                       [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
    xyz = to_xyz @ seen / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def tile_of(name: str, share: float | None) -> TileQuality:
    shares = {} if share is None else {
        "percent_0": share, "percent_1": 0.0, "percent_2_or_more": 100 - share,
        "nodata_percent": share, "basis": "composite",
    }  # fmt: skip
    status = "empty" if share is None else "ok"
    season = SeasonQuality(period="2021-spring", status=status, **shares)
    return TileQuality(
        tile=name, grid=None, geometry=outline_of(tile_grid(name)), seasons=(season,)
    )


@pytest.mark.parametrize("vision", list(VISION))
def test_neighbouring_classes_of_the_picture_differ(tmp_path: Path, vision: str) -> None:
    tiles = [tile_of(name, share) for name, share in zip(NAMES, SHARES, strict=True)]
    draw_quality_map(tiles, tmp_path / "quality.png", "Quality")
    picture = np.round(imread(tmp_path / "quality.png")[..., :3] * 255).astype(np.uint8)
    pixels = picture.reshape(-1, 3).astype(np.int64)
    found, counts = np.unique(pixels @ (1 << 16, 1 << 8, 1), return_counts=True)
    many = dict(zip(found.tolist(), counts.tolist(), strict=True))
    colours = [tile.safe_colour for tile in tiles]
    assert colours[-1] == UNKNOWN
    for colour in colours:
        assert many.get(int(colour[1:], 16), 0) > 500, f"{colour} is not in the picture"
    seen = [lab(rgb_of(colour), vision) for colour in colours]
    assert min(np.linalg.norm(a - b) for a, b in pairwise(seen)) > APART
    assert min(np.linalg.norm(one - seen[-1]) for one in seen[:-1]) > APART


def test_the_simulation_tells_what_green_and_red_hide() -> None:
    # The control: between 15 and 20 % the colours of the paper are one colour without red cones.
    a, b = (lab(rgb_of(quality_colour(share)), "protanopia") for share in (15.0, 30.0))
    assert np.linalg.norm(a - b) < 2.3
