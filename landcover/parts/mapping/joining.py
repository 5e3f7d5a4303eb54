"""Class maps of neighbouring tiles joined window by window, and how far they disagree."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from landcover.nouns.grid import Grid, Window
from landcover.parts.mapping.map_rasters import CLASSES, CONFIDENCE, SECOND
from landcover.parts.mapping.tile_windows import CLASS_NODATA, ClassPart, Source, read_class_part
from landcover.parts.task import Job
from landcover.raster.disagreement import Disagreement
from landcover.raster.feather import PROBABILITY_NODATA, blend
from landcover.raster.levels import Codes, join_second
from landcover.raster.mosaic import Owners, deepest_valid, take_from_owner
from landcover.raster.windows import plan_windows
from landcover.stores.rasters import (
    Opened,
    OpenRasters,
    RasterStyle,
    create_raster,
    holding_options,
)

FILES = (CLASSES, CONFIDENCE, "probabilities.tif")
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
    parents: Codes | None = None
    """Class of each code of the second level, see :func:`~landcover.raster.levels.parents_of`;
    None where the maps have one level."""
    has_probabilities: bool = False
    """Write the probabilities of all classes too, by the same rule as the class."""
    halo: int = 0
    """Pixels on each side of the target that are joined, but not counted."""
    found: dict[tuple[str, str], Disagreement] = field(default_factory=dict)
    """Pair of tiles → counts, filled while joining."""
    classified: list[int] = field(default_factory=list)
    """Pixels with a class in each window, filled while joining."""

    def write(self, job: Job, folder: Path, styles: Mapping[str, RasterStyle]) -> None:
        """Write the joined classes, their confidence, and what else there is of them.

        Args:
            job: Memory of the job; is asked between windows.
            folder: Where the files go.
            styles: File name → what the file says of its numbers, in the order of ``_window``.
        """
        windows = plan_windows(
            *self.target.shape, bytes_per_pixel=self._bytes_per_pixel(), memory_gb=job.memory_gb
        )
        with ExitStack() as opened:
            opened.enter_context(holding_options())
            files = [
                opened.enter_context(create_raster(folder / name, self.target, style))
                for name, style in styles.items()
            ]
            # A map is opened once, and each of its blocks compared with its checksum once.
            maps = opened.enter_context(OpenRasters())
            for number, window in enumerate(windows):
                job.check()
                job.progress(number / len(windows), "joining maps")
                joined = self._window(window, maps)
                if joined is not None:
                    self.classified.append(int(np.count_nonzero(joined[0][self._inner(window)])))
                    for file, layer in zip(files, joined, strict=True):
                        file.write(layer, window)

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

    def _window(self, window: Window, maps: Opened) -> tuple[Codes, ...] | None:
        """Give classes, confidence and, as far as wanted, second level and probabilities."""
        own = self._read(self.sources, window, 0, maps)
        if not own:
            return None
        others = self._read(self.neighbours, window, len(self.sources), maps)
        (*joined, shares), inner = self._blend(own, others), self._inner(window)
        for first, second in combinations(sorted([*own, *others], key=lambda p: p.tile), 2):
            # Two tiles of another zone are compared there.
            if min(first.order, second.order) < len(self.sources):
                pair = self.found.setdefault((first.tile, second.tile), Disagreement())
                pair.count(*(c[inner] for c in (first.classes, second.classes, joined[0])))
        if self.parents is not None:
            asked = [*own, *others] if self.is_feathered else own
            joined.append(self._second(asked, joined[0]))
        return *joined, *shares

    def _inner(self, window: Window) -> tuple[slice, slice]:
        """Leave out the halo of the target."""
        edges = ((window.row, self.target.height), (window.column, self.target.width))
        first, second = (
            slice(max(0, self.halo - start), max(0, side - self.halo - start))
            for start, side in edges
        )
        return first, second

    def _second(self, parts: list[ClassPart], classes: Codes) -> Codes:
        assert self.parents is not None  # the maps have two levels
        paths = [source.paths[SECOND] for source in (*self.sources, *self.neighbours)]
        answers = (part.for_second(paths[part.order], self.parents) for part in parts)
        return join_second(answers, classes, self.parents)

    def _blend(
        self, own: list[ClassPart], others: list[ClassPart]
    ) -> tuple[Codes, Codes, list[Codes]]:
        """Give classes, confidence and, in a list, the probabilities where they are wanted."""
        parts = [*own, *others] if self.is_feathered else own
        is_valid = [(part.classes != CLASS_NODATA) & (part.margin > 0) for part in parts]
        if self.is_feathered and (np.sum(is_valid, axis=0, dtype=np.uint8) > 1).any():
            height, width = own[0].classes.shape
            whole = (part.for_feather(self._shares_at(part)) for part in parts)
            blended = blend(whole, self.codes, (height, width))
            classes, confidence = blended.classes, blended.confidence
            shares = [blended.probabilities()] if self.has_probabilities else []
        else:
            owner = deepest_valid(is_valid, [part.margin for part in parts])
            classes = take_from_owner([part.classes for part in parts], owner, CLASS_NODATA)
            confidence = take_from_owner(
                [part.confidence for part in parts], owner, PROBABILITY_NODATA
            )
            shares = [self._of_owner(parts, owner)] if self.has_probabilities else []
        if len(parts) > len(own):
            # What no tile of this zone covers belongs to the mosaic of the other zone.
            is_beyond = ~np.logical_or.reduce([part.margin > 0 for part in own])
            classes[is_beyond] = CLASS_NODATA
            for layer in (confidence, *shares):
                layer[..., is_beyond] = PROBABILITY_NODATA
        return classes, confidence, shares

    def _of_owner(self, parts: list[ClassPart], owner: Owners) -> Codes:
        """Take all probabilities of a pixel from the tile that its class is from."""
        found = np.full((len(self.codes), *owner.shape), PROBABILITY_NODATA, np.uint8)
        for index, part in enumerate(parts):
            is_mine = owner == index
            if is_mine.any():
                np.copyto(found, part.shares(self._shares_at(part)), where=is_mine)
        return found

    def _shares_at(self, part: ClassPart) -> str:
        return [*self.sources, *self.neighbours][part.order].paths[FILES[2]]

    def _read(
        self, sources: list[Source], window: Window, first: int, maps: Opened
    ) -> list[ClassPart]:
        found = (
            read_class_part(first + number, source, self.target, window, self.codes, FILES, maps)
            for number, source in enumerate(sources)
        )
        return [self._lightened(part) for part in found if part is not None]

    def _lightened(self, part: ClassPart) -> ClassPart:
        """Drop probabilities that only the class followed from: they are most of a part."""
        is_used = self.is_feathered or self.has_probabilities
        return part if is_used else replace(part, probabilities=None)

    def _bytes_per_pixel(self) -> float:
        """Bound what a pixel of a window takes: layers of up to eight tiles, sums, one warp."""
        n_tiles = min(8, len(self.sources) + len(self.neighbours))
        finest = min(source.grid.pixel for source in (*self.sources, *self.neighbours))
        is_metric = self.target.crs != "EPSG:4326"
        coarser = self.target.pixel / finest if is_metric else self.target.pixel * 111_320 / finest
        per_tile = 6 + 20 * any(s.grid.crs != self.target.crs for s in self.sources)
        blending = 9 * len(self.codes) + 40 if self.is_feathered else 12
        blending += 2 * len(self.codes) * self.has_probabilities
        per_tile += self.parents is not None
        if any(source.smoothing for source in self.sources):
            # A part with its halo and smoothed; all parts at once where they are averaged.
            blending += 4 * len(self.codes)
            per_tile += len(self.codes) * self.is_feathered
        return per_tile * n_tiles + blending + 2 * len(self.codes) * max(1.0, coarser) ** 2
