"""What the data of each tile and season were worth: products, holes, reasons (spec: mosaic §7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any, Literal

from pydantic import JsonValue

from landcover.nouns.base import Noun
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output

GOOD_PERCENT, BAD_PERCENT = 5.0, 20.0
"""Shares of missing pixels up to which a tile is green and from which it is red (paper, Fig. 2)."""
UNKNOWN = "#808080"
Status = Literal["ok", "degraded", "missing"]


class ProductUse(Noun):
    """A product that a composite was made of."""

    name: str
    date: str
    baseline: int
    """Processing baseline as an integer, 05.09 → 509."""
    offsets: tuple[int, ...]
    """Radiometric offsets of its bands, digital numbers."""
    offset_decision: str
    """How they were decided: ``metadata``, ``provider``, ``baseline`` or ``sniffed``."""
    cloud_percent: float
    nodata_percent: float


class Refusal(Noun):
    """A product that was looked at and not used."""

    name: str
    date: str
    cloud_percent: float
    nodata_percent: float
    reason: str


class SeasonQuality(Noun):
    """One season of a tile."""

    period: str
    """Period with its year, ``2021-spring``."""
    status: Status
    """``degraded``: fewer than two full products; ``missing``: there is no composite."""
    reason: str = ""
    """Why there is no composite."""
    products: tuple[ProductUse, ...] = ()
    refused: tuple[Refusal, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Products that could not be read, with the reason."""
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


class TileQuality(Noun):
    """One tile of a run."""

    tile: str
    grid: Grid | None
    """Grid of the finest layer; None where no season could be prepared."""
    geometry: dict[str, JsonValue]
    """Footprint of that grid (else of the whole tile), GeoJSON."""
    seasons: tuple[SeasonQuality, ...]

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
        return "missing" if "missing" in found else "degraded" if "degraded" in found else "ok"

    @property
    def colour(self) -> str:
        """Colour on a quality map."""
        return quality_colour(self.nodata_percent)


def quality_colour(percent: float | None) -> str:
    """Give the colour of a share of missing pixels: green, over yellow-brown, to red.

    Args:
        percent: Share, 0-100; None where there is no composite.

    Returns:
        ``#RRGGBB``.
    """
    if percent is None:
        return UNKNOWN
    t = min(max((percent - GOOD_PERCENT) / (BAD_PERCENT - GOOD_PERCENT), 0.0), 1.0)
    return f"#{floor(255 * t + 0.5):02X}{floor(255 * (1 - t) + 0.5):02X}00"


def season_quality(
    period: str, selection: Output | None, composite: Output | None, reason: str
) -> SeasonQuality:
    """Gather what is known of one season of a tile.

    Args:
        period: Period with its year.
        selection: Choice of the products, where there is one.
        composite: What was made of them, where it was.
        reason: Why there is no composite.

    Returns:
        The season's quality.
    """
    document: dict[str, Any] = {"period": period, "status": "missing"}
    if selection is not None:
        params = selection.wanted.params
        refused = [c for c in params["candidates"] if not c["is_used"]]
        document["refused"] = [_refusal(candidate) for candidate in refused]
        document["unreadable"] = params["unreadable"]
    if composite is None:
        return SeasonQuality.model_validate({**document, "reason": reason})
    stats = composite.stats
    products = [{k: v for k, v in p.items() if k != "mask"} for p in stats["products"]]
    return SeasonQuality.model_validate(
        {
            **document,
            **stats["coverage"],
            "status": "degraded" if stats["status"] == "degraded" else "ok",
            "products": products,
            "nodata_percent": _missing(stats["coverage"], composite.wanted.params["min_clear"]),
            "missing_layers": stats["missing_layers"],
            "warnings": stats["warnings"],
        }
    )


def feature_collection(tiles: Sequence[TileQuality]) -> dict[str, Any]:
    """Write the quality map: one GeoJSON polygon per tile with its numbers and colour."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": tile.geometry,
                "properties": _properties(tile),
            }
            for tile in tiles
        ],
    }


def _properties(tile: TileQuality) -> dict[str, Any]:
    used = [product for season in tile.seasons for product in season.products]
    return {
        "tile": tile.tile,
        "status": tile.status,
        "nodata_pct": tile.nodata_percent,
        "nodata_pct_by_season": {s.period: s.nodata_percent for s in tile.seasons},
        "n_products": len(used),
        "products": [
            {"name": p.name, "date": p.date, "cloud": p.cloud_percent, "nodata": p.nodata_percent}
            for p in used
        ],
        "color": tile.colour,
    }


def _refusal(candidate: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: candidate[name] for name in Refusal.model_fields}
    return {**fields, "date": str(candidate["date"])[:10]}


def _missing(coverage: Mapping[str, float], min_clear: int) -> float:
    # Pixels with too few observations are empty too; above two the counts say no more than that.
    return round(coverage["percent_0"] + (coverage["percent_1"] if min_clear > 1 else 0.0), 4)
