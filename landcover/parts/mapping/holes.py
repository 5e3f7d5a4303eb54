"""Holes of a tile's map: which layers were missing where a pixel has no class."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.features.plan import reads_of, source_of
from landcover.features.reads import Layer, LayerOfFewestGaps, Observations
from landcover.nouns.holes import Pattern, TileHoles
from landcover.nouns.model import FeatureSet
from landcover.raster.holes import count_patterns
from landcover.recipe import Recipe

MOST_PATTERNS = 200
"""Patterns that a record keeps; the rest are pixels of rare ones."""


class HoleCounter:
    """Counts the holes of a map, window by window."""

    def __init__(self, features: FeatureSet) -> None:
        """Start with nothing seen."""
        self._layers = list(dict.fromkeys(feature.layer for feature in features.features))
        of = [self._layers.index(feature.layer) for feature in features.features]
        self._layer_of = np.array(of, dtype=np.intp)
        self._counts: Counter[tuple[int, ...]] = Counter()

    def add(self, features: NDArray[np.float32], classes: NDArray[np.uint8]) -> None:
        """Look at a window.

        Args:
            features: Its features, (feature, y, x), NaN nodata.
            classes: Its classes, (y, x), 0 where there is none.
        """
        is_lost = classes.ravel() == 0
        if is_lost.any():
            lost = features.reshape(len(features), -1)[:, is_lost]
            self._counts += count_patterns(lost, self._layer_of, len(self._layers))

    def document(self, n_pixels: int, reads: dict[str, tuple[str, ...]]) -> dict[str, Any]:
        """Give what was counted, for the record of the map (:class:`TileHoles`)."""
        patterns = (
            Pattern(layers=tuple(self._layers[i] for i in missing), pixels=n)
            for missing, n in self._counts.most_common(MOST_PATTERNS)
        )
        holes = TileHoles(
            n_pixels=n_pixels,
            lost=self._counts.total(),
            layers=tuple(self._layers),
            patterns=tuple(patterns),
            reads=reads,
        )
        return holes.to_document()


def computed_from(features: FeatureSet, recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """Give layer that is computed → layers of the composite that it is computed from.

    Raises:
        InputError: A feature cannot be made of the recipe's layers.
    """
    found: dict[str, tuple[str, ...]] = {}
    for feature in features.features:
        reads = {
            read.band if isinstance(read, Observations) else read.name
            for read in reads_of(source_of(feature, recipe))
            if isinstance(read, Layer | LayerOfFewestGaps | Observations)
        }
        if reads - {feature.layer}:
            found[feature.layer] = tuple(sorted(reads))
    return found
