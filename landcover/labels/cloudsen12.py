"""Human masks of CloudSEN12 and CloudSEN12+ as they lie in folders.

A patch is a folder with ``S2L2A.tif`` (or ``S2L1C.tif``) and what people drew, ``target.tif`` as
CloudSEN12+ names it or ``labels/manual_hq.tif`` as CloudSEN12 does; masks of algorithms, where they
are delivered, lie in ``labels/`` too (``sen2cor.tif`` …). Codes: 0 clear, 1 thick cloud, 2 thin
cloud, 3 cloud shadow (Aybar et al. 2022, 2024). Patches of 509 px are delivered padded to 512, of
2,000 to 2,048: what lies outside is no truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.stores.rasters import read_array

TARGETS = ("target.tif", "labels/manual_hq.tif", "manual_hq.tif")
CODES = (0, 1, 2, 3)
UNPADDED = {512: 509, 2048: 2000}
"""Side as delivered → side that people saw."""
ALGORITHMS = {"sen2cor": {"cloud": (8, 9, 10), "shadow": (3,)}}
"""Mask of an algorithm → codes of cloud and shadow: Sen2Cor's are those of the SCL."""


@dataclass(frozen=True)
class Patch:
    """One patch that a person has labelled."""

    name: str
    """Folder, below the one that was asked for."""
    truth: NDArray[np.uint8]
    """Codes, uint8, (y, x)."""
    is_known: NDArray[np.bool_]
    """False in the padding, and where the truth holds no code."""
    grid: Grid
    """Where it lies, 10 m."""
    folder: Path

    def algorithm(self, name: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
        """Read cloud and shadow of an algorithm's mask, bool, (y, x); None where it is not there.

        Raises:
            InputError: It has another shape.
        """
        path = self.folder / "labels" / f"{name}.tif"
        if not path.is_file():
            return None
        codes = read_array(path)[0][0]
        if codes.shape != self.truth.shape:
            raise InputError(
                f"{path}: {codes.shape[0]} x {codes.shape[1]} px, but its truth has "
                f"{self.truth.shape[0]} x {self.truth.shape[1]}. Deliver the patch again."
            )
        meaning = ALGORITHMS[name]
        return np.isin(codes, meaning["cloud"]), np.isin(codes, meaning["shadow"])


def read_patches(folder: Path) -> Iterator[Patch]:
    """Read every labelled patch below a folder, by name.

    Raises:
        InputError: There is none, or one holds other codes than its legend.
    """
    found = sorted({path.parent for name in TARGETS for path in folder.rglob(name)})
    places = [path.parent if path.name == "labels" else path for path in found]
    if not places:
        raise InputError(
            f"{folder}: no patch of CloudSEN12 here: expected folders with {TARGETS[0]} or "
            f"{TARGETS[1]}. CloudSEN12+ is to be unpacked into one folder a patch first."
        )
    for place in dict.fromkeys(places):
        yield _read(folder, place)


def _read(root: Path, place: Path) -> Patch:
    path = next(place / name for name in TARGETS if (place / name).is_file())
    pixels, grid = read_array(path)
    codes = pixels[0]
    is_known = np.isin(codes, CODES)
    unknown = sorted(set(np.unique(codes[~is_known]).tolist()) - {99, 255})
    if unknown:
        raise InputError(
            f"{path}: codes {', '.join(map(str, unknown))} are none of CloudSEN12's (0 clear, 1 "
            "thick cloud, 2 thin cloud, 3 shadow; 99 and 255 unknown)."
        )
    height, width = codes.shape
    is_known[UNPADDED.get(height, height) :] = False
    is_known[:, UNPADDED.get(width, width) :] = False
    name = str(place.relative_to(root))
    return Patch(name, codes.astype(np.uint8), is_known, grid, place)
