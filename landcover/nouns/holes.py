"""Why pixels of a map have no class, and what leaving layers out would win.

Method: docs/methods/mosaics.md#holes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from landcover.nouns.base import Noun

SHARE_OF_LAYERS = 0.5
"""Where more of the layers are missing, nothing was seen, and no choice of layers mends it."""
LEAST_PERCENT = 0.05
"""Smallest gain that is worth a mention, % of the map."""
MOST_STEPS = 4
"""Most choices of layers that are offered."""


class Pattern(Noun):
    """Pixels that miss the same layers."""

    layers: tuple[str, ...]
    """What is missing: ``B09``, ``ndre``, ``slope``; in any season."""
    pixels: int = Field(ge=0)


class TileHoles(Noun):
    """The pixels of a tile's map that have no class."""

    n_pixels: int = Field(ge=1)
    """Pixels of the map."""
    lost: int = Field(ge=0)
    """Those without a class."""
    layers: tuple[str, ...]
    """All layers of the model's features."""
    patterns: tuple[Pattern, ...]
    """Commonest first; rare ones may be left out."""
    reads: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Layer that is computed → layers of the composite that it is computed from."""


class LayerHoles(Noun):
    """What one layer costs."""

    layer: str
    lost_percent: float
    """Pixels without a class where it has no value, % of the map."""
    only_percent: float
    """Pixels that are lost only because of it, % of the map."""
    wins_percent: float
    """Pixels that would have a class without it and what is computed from it, % of the map."""


class Remedy(Noun):
    """Layers that could be left out together."""

    layers: tuple[str, ...]
    wins_percent: float
    """Pixels that would have a class then, % of the map."""
    sentence: str = ""
    """The same for people: ``leave out B01, B09, NDRE: 11.9 % of the map more``."""
    options: tuple[str, ...] = ()
    """Options of ``landcover run`` that leave them out."""


class Holes(Noun):
    """Why pixels of a map have no class."""

    lost_percent: float
    """Pixels without a class, % of the map."""
    unseen_percent: float
    """Pixels that miss more than half of the layers, % of the map: nothing was seen there."""
    layers: tuple[LayerHoles, ...]
    """The costliest first."""
    remedies: tuple[Remedy, ...]
    """Each leaves more out and wins more than the one before."""


def explain_holes(tiles: Sequence[TileHoles]) -> Holes | None:
    """Tell which layers make the holes of a map.

    Args:
        tiles: Holes of each tile.

    Returns:
        The explanation; None where nothing is known.
    """
    if not tiles:
        return None
    total = sum(tile.n_pixels for tile in tiles)
    counts = _joined(tiles)
    reads = {name: set(of) for tile in tiles for name, of in tile.reads.items()}
    layers = {name for tile in tiles for name in tile.layers}
    unseen = {p for p in counts if len(p) > SHARE_OF_LAYERS * len(layers)}
    mendable = {p: n for p, n in counts.items() if p and p not in unseen}

    def percent(patterns: Iterable[frozenset[str]]) -> float:
        return round(100 * sum(counts[p] for p in patterns) / total, 4)

    found = []
    for layer in sorted({name for pattern in counts for name in pattern}):
        out = _with_computed({layer}, reads)
        found.append(
            LayerHoles(
                layer=layer,
                lost_percent=percent(p for p in counts if layer in p),
                only_percent=percent(p for p in counts if p == {layer}),
                wins_percent=percent(p for p in counts if p and p <= out),
            )
        )
    return Holes(
        lost_percent=round(100 * sum(tile.lost for tile in tiles) / total, 4),
        unseen_percent=percent(unseen),
        layers=tuple(sorted(found, key=lambda x: (-x.wins_percent, -x.lost_percent, x.layer))),
        remedies=tuple(
            Remedy(
                layers=tuple(sorted(out)),
                wins_percent=percent(p for p in counts if p and p <= out),
            )
            for out in _remedies(mendable, reads, LEAST_PERCENT / 100 * total)
        ),
    )


def _joined(tiles: Sequence[TileHoles]) -> dict[frozenset[str], int]:
    counts: dict[frozenset[str], int] = {}
    for tile in tiles:
        for pattern in tile.patterns:
            key = frozenset(pattern.layers)
            counts[key] = counts.get(key, 0) + pattern.pixels
    return counts


def _with_computed(layers: set[str], reads: Mapping[str, set[str]]) -> frozenset[str]:
    """Add what is computed from layers: it goes with them."""
    return frozenset(layers | {name for name, of in reads.items() if of & layers})


def _remedies(
    counts: Mapping[frozenset[str], int], reads: Mapping[str, set[str]], least: float
) -> list[frozenset[str]]:
    """Choose what to leave out, step by step: each time what wins most for a layer more."""
    found: list[frozenset[str]] = []
    out: frozenset[str] = frozenset()

    def won(layers: frozenset[str]) -> int:
        return sum(n for pattern, n in counts.items() if pattern <= layers)

    while len(found) < MOST_STEPS:
        wider = {_with_computed(set(out | pattern), reads) for pattern in counts} - {out}
        best = max(
            wider,
            key=lambda w: ((won(w) - won(out)) / len(w - out), sorted(w)),
            default=None,
        )
        if best is None or won(best) - won(out) < least:
            break
        out = best
        found.append(out)
    return found


def missing_percent(coverage: Mapping[str, float], min_clear: int) -> float:
    """Give the share of pixels that a composite leaves empty, %.

    Args:
        coverage: ``percent_0`` and ``percent_1``.
        min_clear: Fewest observations that give a pixel a value; above two the shares say no more
            than that one is too few.
    """
    return round(coverage["percent_0"] + (coverage["percent_1"] if min_clear > 1 else 0.0), 4)
