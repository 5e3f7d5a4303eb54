"""Masks of runs and of the classification, judged by human masks or by a simulation's truth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.analysis.mask_accuracy import CLOUD_CODES, Bools, Judged, judge
from landcover.errors import InputError
from landcover.labels.cloudsen12 import Patch, read_patches
from landcover.ledger import lookup, outputs, units
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.nouns.product import Product
from landcover.raster.clouds import CLOUD_BIT, CLOUD_CLASSES, SHADOW_BIT, SHADOW_CLASSES
from landcover.stores.rasters import read_array
from landcover.stores.workspace import Workspace

SEN2COR = "Sen2Cor"
WHEN = re.compile(r"(\d{8}T\d{6})")
TILE = re.compile(r"T?(\d{2}[C-X][A-Z]{2})(?![A-Z0-9])")
Pair = tuple[Bools, Bools]


@dataclass(frozen=True)
class Masks:
    """The masks of a run by acquisition and tile."""

    workspace: Workspace
    made: Mapping[tuple[str, str], Output]

    @classmethod
    def of_run(cls, workspace: Workspace, text: str) -> Masks:
        """Find the masks of a run.

        Raises:
            InputError: There is no such run, or it has no masks.
        """
        run = lookup.find_run(workspace, text)
        made = {}
        for state in units.states(workspace.records, run, "mask"):
            for name in state.outputs:
                output = outputs.load(workspace, name)
                tile, product = output.unit.split("/")
                made[_when(product), tile] = output
        if not made:
            raise InputError(f"{text}: the run has no masks. Run it --until mask first.")
        return cls(workspace, made)

    def at(self, when: str, tile: str, grid: Grid) -> tuple[Pair, Bools] | None:
        """Read cloud and shadow of an acquisition on a grid, and where they are known.

        None where the run has no such acquisition.
        """
        output = self.made.get((when, tile))
        if output is None:
            return None
        names = sorted((file.name for file in output.files), key=_pixel_of)
        href = self.workspace.objects.href(output.key, names[0])
        bits, is_inside = on_grid(*_first_band(href), grid)
        is_known = is_inside & ((bits & 1) == 0)
        return (bits & CLOUD_BIT > 0, bits & SHADOW_BIT > 0), is_known

    def classification(self, when: str, tile: str, grid: Grid) -> tuple[Pair, Bools] | None:
        """Read what the product's own classification says, likewise."""
        output = self.made.get((when, tile))
        if output is None:
            return None
        (product_id,) = output.wanted.inputs["product"]
        document = self.workspace.records.get("products", product_id) or {}
        scl = Product.from_document(document["product"]).file("SCL")
        if scl is None:
            return None
        codes, is_inside = on_grid(*_first_band(scl.href), grid)
        pair = np.isin(codes, tuple(CLOUD_CLASSES)), np.isin(codes, tuple(SHADOW_CLASSES))
        return pair, is_inside & (codes != 0)


def evaluate(
    folder: Path,
    runs: Mapping[str, Masks],
    cloud_codes: Sequence[int] = CLOUD_CODES,
) -> list[Judged]:
    """Judge masks by what lies in a folder.

    Args:
        folder: Human masks as CloudSEN12 lays them out, or a region of
            `landcover simulate --hard-masks`.
        runs: Name → masks of a run; only acquisitions that all of them have are judged.
        cloud_codes: Codes of the truth that count as cloud.

    Returns:
        Sen2Cor's mask, where it is at hand, and one entry for each run and kind.

    Raises:
        InputError: The folder holds neither, or nothing of it can be judged.
    """
    images = ((one.truth, one.masks, one.is_known) for one in images_of(folder, runs))
    return judge(images, cloud_codes)


class Image(NamedTuple):
    """An image whose truth is known, with masks beside it."""

    truth: NDArray[np.uint8]
    """Codes of CloudSEN12, (y, x)."""
    masks: dict[str, Pair]
    """Name → cloud and shadow."""
    is_known: Bools
    """Where truth and masks are known, (y, x)."""
    pixel_m: float
    """Side of a pixel, m."""


def images_of(folder: Path, runs: Mapping[str, Masks]) -> list[Image]:
    """Read the truths of a folder with the masks of runs beside them.

    Args:
        folder: As of :func:`evaluate`.
        runs: Name → masks of a run; only acquisitions that all of them have are given.

    Returns:
        The images, those of one folder in its order.

    Raises:
        InputError: No image can be judged.
    """
    images = list(_images(_truths(folder), runs))
    if not images:
        raise InputError(
            f"{folder}: none of its images has a mask here. Name a run whose products are those "
            "of the images (--run), or deliver Sen2Cor's masks with them."
        )
    return images


Truth = tuple[Patch, str, str]


def _truths(folder: Path) -> Iterator[Truth]:
    """Give each truth with its acquisition and tile; empty words where the name tells none."""
    simulated = folder / "truth" / "masks"
    if simulated.is_dir():
        for path in sorted(simulated.glob("*.tif")):
            pixels, grid = read_array(path)
            when, tile = path.stem.split("_")
            known = np.ones(pixels[0].shape, np.bool_)
            yield Patch(path.stem, pixels[0], known, grid, path.parent), when, tile
        return
    for patch in read_patches(folder):
        tiles = TILE.findall(patch.name.upper())
        yield patch, _when(patch.name), tiles[-1] if tiles else ""


def _images(truths: Iterator[Truth], runs: Mapping[str, Masks]) -> Iterator[Image]:
    for patch, when, tile in truths:
        found = {name: masks.at(when, tile, patch.grid) for name, masks in runs.items()}
        if any(one is None for one in found.values()):
            continue
        masks, is_known = {}, patch.is_known.copy()
        sen2cor = _sen2cor(patch, when, tile, runs)
        if sen2cor is not None:
            masks[SEN2COR] = sen2cor[0]
            is_known &= sen2cor[1]
        for name, one in found.items():
            if one is not None:
                masks[name] = one[0]
                is_known &= one[1]
        if masks:
            yield Image(patch.truth, masks, is_known, patch.grid.pixel)


def _sen2cor(
    patch: Patch, when: str, tile: str, runs: Mapping[str, Masks]
) -> tuple[Pair, Bools] | None:
    delivered = patch.algorithm("sen2cor")
    if delivered is not None:
        return delivered, patch.is_known
    return next(
        (one for m in runs.values() if (one := m.classification(when, tile, patch.grid))), None
    )


def on_grid(pixels: NDArray[np.uint8], grid: Grid, target: Grid) -> tuple[NDArray[np.uint8], Bools]:
    """Look pixels up on another grid of the same reference system, nearest neighbour.

    Returns:
        The pixels, 0 outside, and where they are inside.

    Raises:
        InputError: The reference systems differ.
    """
    if grid.crs != target.crs:
        raise InputError(
            f"A mask in {grid.crs} cannot be judged by a truth in {target.crs}; the tile or the "
            "patch is another one than its name says."
        )
    y = target.uly - (np.arange(target.height) + 0.5) * target.pixel
    x = target.ulx + (np.arange(target.width) + 0.5) * target.pixel
    rows = np.floor((grid.uly - y) / grid.pixel).astype(int)
    columns = np.floor((x - grid.ulx) / grid.pixel).astype(int)
    in_rows = (rows >= 0) & (rows < grid.height)
    in_columns = (columns >= 0) & (columns < grid.width)
    is_inside = in_rows[:, np.newaxis] & in_columns
    picked = pixels[np.ix_(rows.clip(0, grid.height - 1), columns.clip(0, grid.width - 1))]
    return np.where(is_inside, picked, np.uint8(0)), np.asarray(is_inside)


def _first_band(href: str) -> tuple[NDArray[np.uint8], Grid]:
    pixels, grid = read_array(href)
    return pixels[0].astype(np.uint8), grid


def _when(name: str) -> str:
    found = WHEN.search(name)
    return found.group(1) if found else ""


def _pixel_of(name: str) -> float:
    return float(name.removesuffix("m.tif"))
