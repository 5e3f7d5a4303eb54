"""The bench of mosaics: its tiles overlap as it says, and ours agrees with rasterio."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from rasterio.coords import BoundingBox, disjoint_bounds

from landcover.bench import load, mosaic
from landcover.bench.tables import Request
from landcover.stores.rasters import read_array


def test_twelve_tiles_overlap_in_and_across_zones() -> None:
    grids = mosaic.grids(1098)
    assert len(grids) == 12
    for zone in mosaic.ZONES:
        own = [grid for tile, grid in grids.items() if tile.startswith(zone)]
        touching = [
            not disjoint_bounds(BoundingBox(*a.bounds), BoundingBox(*b.bounds))
            for a, b in combinations(own, 2)
        ]
        # Of 2 x 3 tiles: 3 pairs side by side, 4 above each other, 4 at corners.
        assert sum(touching) == 11


FIRST = """
import sys
from numba.core.dispatcher import Dispatcher
from landcover.bench import mosaic

def called():
    return {
        f"{module.__name__}.{name}{kernel.signatures}".replace(" ", "")
        for module in list(sys.modules.values())
        if module.__name__.startswith("landcover.")
        for name, kernel in vars(module).items()
        if isinstance(kernel, Dispatcher) and kernel.signatures
    }

mosaic.SMALL_PIXELS = 120
work = mosaic.ours(sys.argv[1], int(sys.argv[2]), feather=False, warped=False)
print(*called())
work()
print(*called())
"""


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # rasterio.merge
def test_ours_is_measured_and_disagreement_falls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = 110
    monkeypatch.setattr(mosaic, "SMALL_PIXELS", 120)
    assert load("mosaic").disk_gb(Request(folder=tmp_path, pixels=pixels)) < 0.01
    mosaic.write_maps(tmp_path, pixels, seed=1)
    mosaic.write_maps(tmp_path / mosaic.SMALL, mosaic.SMALL_PIXELS, seed=1)
    # Nothing is compiled or loaded within the timing: the first work of a process calls no kernel
    # that its preparation had not called.
    first = [sys.executable, "-c", FIRST, str(tmp_path), str(pixels)]
    done = subprocess.run(first, check=True, capture_output=True, text=True)
    before, after = (set(line.split()) for line in done.stdout.splitlines())
    assert before == after != set()
    found = {}
    for feather in (False, True):
        found[feather] = mosaic.ours(str(tmp_path), pixels, feather=feather, warped=False)()()
    # Feathered, tiles of the other zone come by their warped probabilities: nearly the same.
    assert found[False]["before_percent"] > 5
    assert abs(found[True]["before_percent"] - found[False]["before_percent"]) < 0.2
    assert found[True]["after_percent"] < found[False]["after_percent"] / 2
    mosaic.with_merge(str(tmp_path), pixels)()
    mosaic.ours(str(tmp_path), pixels, feather=False, warped=False)()
    ours = read_array(tmp_path / "out-32630" / "classification.tif")[0][0]
    theirs = read_array(tmp_path / "merged-0-classification.tif")[0][0]
    assert ours.shape == theirs.shape
    # They take the first tile, we the deepest: the same but in overlaps.
    np.testing.assert_array_equal(ours[15:85, 15:85], theirs[15:85, 15:85])
    assert ((ours != 0) == (theirs != 0)).all()
