"""Class maps of neighbouring tiles joined window by window, and how far they disagree."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Grid, Window
from landcover.raster.disagreement import Disagreement
from landcover.raster.feather import PROBABILITY_NODATA, blend_feather
from landcover.raster.mosaic import deepest_valid, take_from_owner
from landcover.raster.windows import plan_windows
from landcover.stages.task import Job
from landcover.stages.tileparts import CLASS_NODATA, ClassPart, Source, read_class_part
from landcover.stores.rasters import RasterStyle, create_raster

FILES = ("classification.tif", "confidence.tif", "probabilities.tif")
"""Class, confidence and, where they are kept, probabilities of a tile's map."""


@dataclass(frozen=True)
class Joining:
    """Maps that are joined, and how."""

    sources: list[Source]
    """Tiles that the mosaic is made of, by id."""
    neighbours: list[Source]
    """Tiles of other zones that overlap them, by id: they disagree, or are blended too."""
    target: Grid
    codes: tuple[int, ...]
    """Codes of the bands of the probabilities."""
    is_feathered: bool
    """Average probabilities; otherwise each pixel is from the tile in which it lies deepest."""
    found: dict[tuple[str, str], Disagreement] = field(default_factory=dict)
    """Pair of tiles → counts, filled while joining."""
    classified: list[int] = field(default_factory=list)
    """Pixels with a class in each window, filled while joining."""

    def write(self, job: Job, folder: Path, classes: RasterStyle, confidence: RasterStyle) -> None:
        """Write the joined classes and their confidence into a folder."""
        windows = plan_windows(
            *self.target.shape, bytes_per_pixel=self._bytes_per_pixel(), memory_gb=job.memory_gb
        )
        with (
            create_raster(folder / FILES[0], self.target, classes) as by_class,
            create_raster(folder / FILES[1], self.target, confidence) as by_confidence,
        ):
            for number, window in enumerate(windows):
                job.check()
                job.progress(number / len(windows), "joining maps")
                joined = self._window(window)
                if joined is not None:
                    self.classified.append(int(np.count_nonzero(joined[0])))
                    by_class.write(joined[0], window)
                    by_confidence.write(joined[1], window)

    @property
    def n_classified(self) -> int:
        """Pixels with a class, once written."""
        return sum(self.classified)

    def overlaps(self) -> list[dict[str, Any]]:
        """List the pairs of tiles that overlap, with what was counted, by their ids."""
        return [
            counts.to_document(*pair)
            for pair, counts in sorted(self.found.items())
            if counts.pixels
        ]

    def _window(self, window: Window) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
        own = self._read(self.sources, window, 0)
        if not own:
            return None
        others = self._read(self.neighbours, window, len(self.sources))
        joined = self._blend(own, others)
        for first, second in combinations(sorted([*own, *others], key=lambda p: p.tile), 2):
            # Two tiles of another zone are compared there.
            if min(first.order, second.order) < len(self.sources):
                pair = self.found.setdefault((first.tile, second.tile), Disagreement())
                pair.count(first.classes, second.classes, joined[0])
        return joined

    def _blend(
        self, own: list[ClassPart], others: list[ClassPart]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        parts = [*own, *others] if self.is_feathered else own
        is_valid = [(part.classes != CLASS_NODATA) & (part.margin > 0) for part in parts]
        if self.is_feathered and (np.sum(is_valid, axis=0, dtype=np.uint8) > 1).any():
            paths = [source.paths[FILES[2]] for source in (*self.sources, *self.neighbours)]
            height, width = own[0].classes.shape
            whole = (part.for_feather(paths[part.order]) for part in parts)
            classes, confidence = blend_feather(whole, self.codes, (height, width))
        else:
            owner = deepest_valid(is_valid, [part.margin for part in parts])
            classes = take_from_owner([part.classes for part in parts], owner, CLASS_NODATA)
            confidence = take_from_owner(
                [part.confidence for part in parts], owner, PROBABILITY_NODATA
            )
        if len(parts) > len(own):
            # What no tile of this zone covers belongs to the mosaic of the other zone.
            is_beyond = ~np.logical_or.reduce([part.margin > 0 for part in own])
            classes[is_beyond], confidence[is_beyond] = CLASS_NODATA, PROBABILITY_NODATA
        return classes, confidence

    def _read(self, sources: list[Source], window: Window, first: int) -> list[ClassPart]:
        found = (
            read_class_part(first + number, source, self.target, window, self.codes, FILES)
            for number, source in enumerate(sources)
        )
        return [part for part in found if part is not None]

    def _bytes_per_pixel(self) -> float:
        """Bound what a pixel of a window takes: layers of up to eight tiles, sums, one warp."""
        n_tiles = min(8, len(self.sources) + len(self.neighbours))
        finest = min(source.grid.pixel for source in (*self.sources, *self.neighbours))
        is_metric = self.target.crs != "EPSG:4326"
        coarser = self.target.pixel / finest if is_metric else self.target.pixel * 111_320 / finest
        per_tile = 6 + 20 * any(s.grid.crs != self.target.crs for s in self.sources)
        blending = 9 * len(self.codes) + 40 if self.is_feathered else 12
        return per_tile * n_tiles + blending + 2 * len(self.codes) * max(1.0, coarser) ** 2
