"""What the data of each tile and season were worth: products, holes, reasons.

Method: docs/methods/mosaics.md#quality-map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any, Literal, NamedTuple

from pydantic import JsonValue

from landcover.nouns.base import Noun
from landcover.nouns.colour import hex_of, rgb_of
from landcover.nouns.grid import Grid
from landcover.nouns.holes import missing_percent
from landcover.nouns.output import Output

GOOD_PERCENT, BAD_PERCENT = 5.0, 20.0
"""Shares of missing pixels up to which a tile is green and from which it is red (paper, Fig. 2)."""
SAFE_GOOD, SAFE_BAD = "#FFF7BC", "#D95F0E"
"""Ends of the colours for colour-blind readers."""
UNKNOWN = "#808080"
STATUSES = ("ok", "degraded", "empty")
Status = Literal["ok", "degraded", "empty"]
Basis = Literal["composite", "scl", "metadata"]


class Origin(NamedTuple):
    """Where a share of pixels comes from, in words."""

    word: str
    """One word for a table."""
    how: str
    """What it means."""


BASES: Mapping[Basis, Origin] = {
    "composite": Origin("counted", "from the clear observations of each pixel of the composite"),
    "scl": Origin(
        "expected",
        "from the scene classification of the products that would be used, masked by the recipe; "
        "of large tiles every n-th pixel",
    ),
    "metadata": Origin(
        "estimated",
        "from cloud and nodata percentages, as if clouds were independent; shadows, the growth of "
        "masks and clouds that come back to one place make the true share larger",
    ),
}
"""The kinds of shares, the surest first."""


class Candidate(Noun):
    """A product that was looked at for a season."""

    name: str
    date: str
    """Day of its datatake, ``2021-03-05``."""
    baseline: int | None = None
    """Processing baseline as an integer, 05.09 → 509; None where nothing tells it."""
    cloud_percent: float
    nodata_percent: float
    is_used: bool
    reason: str
    """Why it was used or not, in a few words."""
    offsets: tuple[int, ...] = ()
    """Radiometric offsets of its bands, digital numbers; known of what a composite is made of."""
    offset_decision: str = ""
    """How they were decided: ``metadata``, ``provider``, ``baseline`` or ``sniffed``."""


class SeasonQuality(Noun):
    """One season of a tile."""

    period: str
    """Period with its year, ``2021-spring``."""
    status: Status
    """``degraded``: fewer than two full products, or a layer that a product lacks; ``empty``: no
    product, or no composite."""
    reason: str = ""
    """Why it is empty."""
    degraded: tuple[str, ...] = ()
    """Why it is degraded, a phrase each."""
    candidates: tuple[Candidate, ...] = ()
    """Every product that was looked at, by date."""
    unreadable: tuple[str, ...] = ()
    """Products that could not be read, with the reason."""
    basis: Basis | None = None
    """Where the percentages come from; None where there are none."""
    percent_0: float | None = None
    """Pixels without a clear observation, %."""
    percent_1: float | None = None
    """Pixels with one, %."""
    percent_2_or_more: float | None = None
    """Pixels with two or more, %."""
    nodata_percent: float | None = None
    """Pixels that the composite leaves empty, %."""
    missing_layers: tuple[str, ...] = ()
    """Layers of the recipe that no product has."""
    warnings: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[Candidate, ...]:
        """Products that the composite is, or would be, made of."""
        return tuple(candidate for candidate in self.candidates if candidate.is_used)

    @property
    def cloud_percent(self) -> float | None:
        """Mean cloud of the used products, %."""
        shares = [candidate.cloud_percent for candidate in self.used]
        return sum(shares) / len(shares) if shares else None


class TileQuality(Noun):
    """One tile of a run or a region."""

    tile: str
    grid: Grid | None
    """Grid of the finest layer; None where no season could be prepared."""
    geometry: dict[str, JsonValue]
    """Footprint of that grid (else of the whole tile), GeoJSON."""
    seasons: tuple[SeasonQuality, ...]
    lost_percent: float | None = None
    """Pixels that have, or will have, no class in the map, %: those that any layer of any season
    leaves empty. None where it is not known."""
    windows_percent: float | None = None
    """Share of the tile that was worked on, %, of which all shares are; None for the whole tile."""

    @property
    def nodata_percent(self) -> float | None:
        """Missing pixels in the worst season, %; None where a season has no composite."""
        shares = [season.nodata_percent for season in self.seasons]
        known = [share for share in shares if share is not None]
        return max(known) if known and len(known) == len(shares) else None

    @property
    def status(self) -> Status:
        """The worst status of the seasons."""
        found = {season.status for season in self.seasons}
        return "empty" if "empty" in found else "degraded" if "degraded" in found else "ok"

    @property
    def colour(self) -> str:
        """Colour on a quality map."""
        return quality_colour(self.nodata_percent)

    @property
    def safe_colour(self) -> str:
        """The same for colour-blind readers."""
        return safe_quality_colour(self.nodata_percent)

    @property
    def n_products(self) -> int:
        """Products that its seasons use."""
        return sum(len(season.used) for season in self.seasons)


def quality_colour(percent: float | None) -> str:
    """Give the colour of a share of missing pixels: green, over yellow-brown, to red.

    Args:
        percent: Share, 0-100; None where there is no composite.

    Returns:
        ``#RRGGBB``.
    """
    if percent is None:
        return UNKNOWN
    t = _badness(percent)
    return hex_of((floor(255 * t + 0.5), floor(255 * (1 - t) + 0.5), 0))


def safe_quality_colour(percent: float | None) -> str:
    """Give a colour that colour-blind readers tell apart too: pale yellow to dark orange.

    The ends are those of ColorBrewer's YlOrBr of three classes, which differ in lightness and so
    stay apart for every reader and in print.

    Args:
        percent: Share, 0-100; None where there is no composite.

    Returns:
        ``#RRGGBB``.
    """
    if percent is None:
        return UNKNOWN
    t = _badness(percent)
    ends = zip(rgb_of(SAFE_GOOD), rgb_of(SAFE_BAD), strict=True)
    return hex_of([floor(good + t * (bad - good) + 0.5) for good, bad in ends])


def _badness(percent: float) -> float:
    return min(max((percent - GOOD_PERCENT) / (BAD_PERCENT - GOOD_PERCENT), 0.0), 1.0)


def bases_of(tiles: Sequence[TileQuality]) -> tuple[Basis, ...]:
    """List where the percentages of some tiles come from, the surest first."""
    found = {season.basis for tile in tiles for season in tile.seasons}
    return tuple(basis for basis in BASES if basis in found)


def worst_first(tiles: Sequence[TileQuality]) -> list[TileQuality]:
    """Sort tiles by how much they need a look: empty seasons, then the worst known share."""

    def key(tile: TileQuality) -> tuple[int, int, float, str]:
        n_empty = sum(season.status == "empty" for season in tile.seasons)
        known = (s.nodata_percent for s in tile.seasons if s.nodata_percent is not None)
        return -STATUSES.index(tile.status), -n_empty, -max(known, default=0.0), tile.tile

    return sorted(tiles, key=key)


def lost_share(tiles: Sequence[TileQuality]) -> float | None:
    """Give the share of all tiles' pixels without a class in the map, %; None where none is known.

    Each tile counts by the pixels that were, or will be, worked on. A pixel of two tiles counts in
    both.
    """
    known = [(t.lost_percent, t.grid, t.windows_percent) for t in tiles]
    parts = [
        (lost, grid.width * grid.height * (100.0 if windows is None else windows))
        for lost, grid, windows in known
        if lost is not None and grid is not None
    ]
    total = sum(weight for _, weight in parts)
    return sum(lost * weight for lost, weight in parts) / total if total else None


def season_quality(
    period: str,
    candidates: Sequence[Candidate],
    composite: Output | None,
    *,
    unreadable: Sequence[str] = (),
    reason: str = "",
) -> SeasonQuality:
    """Gather what is known of one season of a tile.

    Args:
        period: Period with its year.
        candidates: Products that were looked at.
        composite: What was made of them, where it was.
        unreadable: Products that could not be read, with the reason.
        reason: Why there is no composite.

    Returns:
        The season's quality.
    """
    found = SeasonQuality(
        period=period,
        status="empty",
        candidates=tuple(candidates),
        unreadable=tuple(unreadable),
        reason=reason,
    )
    if composite is None:
        return found
    stats = composite.stats
    made_of = {product["name"]: product for product in stats["products"]}
    shares = stats["coverage"]
    return found.model_copy(
        update={
            "status": "degraded" if why_degraded(stats) else "ok",
            "degraded": why_degraded(stats),
            "reason": "",
            "candidates": tuple(_with_offsets(c, made_of.get(c.name)) for c in candidates),
            "basis": "composite",
            **{name: float(shares[name]) for name in _SHARES},
            "nodata_percent": missing_percent(shares, composite.wanted.params["min_clear"]),
            "missing_layers": tuple(stats["missing_layers"]),
            "warnings": tuple(stats["warnings"]),
        }
    )


def why_degraded(stats: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what a composite was made without, a phrase each; nothing where it has all.

    Args:
        stats: Those of the composite; older ones do not tell of single products.
    """
    if stats["status"] == "empty":
        return ("no usable product; filled from other seasons",)
    found = ["fewer than two full products"] if stats["status"] == "degraded" else []
    if stats["missing_layers"]:
        found.append(f"no product has {', '.join(stats['missing_layers'])}")
    lacking = stats.get("lacking", {})
    found += [f"{name} has no {', '.join(layers)}" for name, layers in sorted(lacking.items())]
    return tuple(found)


def feature_collection(tiles: Sequence[TileQuality]) -> dict[str, Any]:
    """Write the quality map: one GeoJSON polygon per tile with its numbers and colour."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": tile.tile,
                "geometry": tile.geometry,
                "properties": _properties(tile),
            }
            for tile in tiles
        ],
    }


_SHARES = ("percent_0", "percent_1", "percent_2_or_more")


def describe(tile: TileQuality) -> str:
    """Say a tile in one line: ``30SUF: degraded, 12.5 % missing, 7 products``."""
    share = tile.nodata_percent
    missing = "share unknown" if share is None else f"{share:.1f} % missing"
    word = "product" if tile.n_products == 1 else "products"
    return f"{tile.tile}: {tile.status}, {missing}, {tile.n_products} {word}"


def _properties(tile: TileQuality) -> dict[str, Any]:
    used = [candidate for season in tile.seasons for candidate in season.used]
    return {
        "tile": tile.tile,
        "title": describe(tile),
        "status": tile.status,
        "status_by_season": {s.period: s.status for s in tile.seasons},
        "nodata_pct": tile.nodata_percent,
        "map_nodata_pct": tile.lost_percent,
        # Named only where shares are of a part of the tile.
        **({} if tile.windows_percent is None else {"windows_pct": tile.windows_percent}),
        "nodata_pct_by_season": {s.period: s.nodata_percent for s in tile.seasons},
        "basis": ", ".join(bases_of([tile])),
        "n_products": tile.n_products,
        "products": [
            {"name": p.name, "date": p.date, "cloud": p.cloud_percent, "nodata": p.nodata_percent}
            for p in used
        ],
        "color": tile.colour,
        # The keys that web viewers colour a polygon by (simplestyle 1.1).
        "fill": tile.colour,
        "stroke": "#1f2933",
    }


def _with_offsets(candidate: Candidate, made: Mapping[str, Any] | None) -> Candidate:
    if made is None:
        return candidate
    return candidate.model_copy(
        update={
            "baseline": made["baseline"],
            "offsets": tuple(made["offsets"]),
            "offset_decision": made["offset_decision"],
        }
    )
