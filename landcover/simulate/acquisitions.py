"""Which satellite passes when, how cloudy it is and how its product was processed.

The plan of a year holds what a selection of products has to cope with: a product too cloudy to
use in every season, a swath that ends inside a tile, months with too few good products, and
three processing baselines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import numpy as np

from landcover.simulate.spectra import SEASONS, Season

Side = Literal["west", "east"]

MOST_PRODUCTS = 6
"""Most products of one primary month: two satellites pass six times."""
USABLE_CLOUD = 0.08
"""Cloud of an acquisition that would be refused in a plan that has only usable ones."""
_ORBITS = {None: (51, 0), "west": (8, -3), "east": (94, 3)}
"""Relative orbit, and days after the main orbit, of the pass that lacks this side of the tile."""
_BASELINE = 509


@dataclass(frozen=True)
class Acquisition:
    """One datatake over the region."""

    datatake: datetime
    """Sensing start, UTC."""
    spacecraft: str
    """``S2A`` or ``S2B``."""
    relative_orbit: int
    """1 … 143."""
    absolute_orbit: int
    """Number since launch."""
    season: Season
    """Season whose ground it sees."""
    to_summer: float
    """How far the ground is on its way to (or from) summer, 0-1; 0 in a primary month."""
    cloud: float
    """Share of valid pixels under cloud that no tile must exceed (must reach if refused)."""
    is_refused: bool
    """True where every tile must be too cloudy to use."""
    cirrus: float = 0.0
    """Share of valid pixels under thin cirrus."""
    wedge: Side | None = None
    """Side of the region on which the swath ends."""
    wedge_share: float = 0.0
    """Share of the outermost tile that lies outside the swath."""
    has_snow: bool = False
    """True where the highest ground is white."""
    processed_apart: tuple[int, int] | None = None
    """Place of the one tile whose product has another baseline than 05.09, and that baseline."""
    is_hard: bool = False
    """True where clouds shall be hard to tell (`landcover.simulate.hard_sky`)."""
    has_good_classes: bool = False
    """True where the classification of such clouds keeps the simulator's usual, small errors."""

    @property
    def seen(self) -> datetime:
        """When the satellite is over the region, UTC: some minutes into the datatake."""
        return self.datatake + timedelta(minutes=4, seconds=9)

    @property
    def name(self) -> str:
        """Say the acquisition in one word, to seed its random numbers."""
        return f"{self.spacecraft}_{self.datatake:%Y%m%dT%H%M%S}"


@dataclass(frozen=True)
class _PlannedProduct:
    month: int
    visit: int
    season: Season
    cloud: float
    is_refused: bool = False
    to_summer: float = 0.0
    cirrus: float = 0.0
    wedge: Side | None = None
    wedge_share: float = 0.0
    has_snow: bool = False
    processed_apart: tuple[int, int] | None = None


def plan_year(
    year: int,
    products_per_season: int,
    longitude: float,
    *,
    seasons: Sequence[Season] = SEASONS,
    only_usable: bool = False,
    is_hard: bool = False,
    has_good_classes: bool = False,
) -> list[Acquisition]:
    """Plan the acquisitions of a year, in order of time.

    Spring and autumn get one more in the fallback month (April, October): in spring the westmost
    tile has one full product in March and one that the swath cuts, in autumn every tile has
    one good product in November.

    Args:
        year: Calendar year.
        products_per_season: Products of the primary month, 3 … 6, one or more of them refused.
        longitude: Of the region, degrees: sets the hour of the pass.
        seasons: Seasons to plan.
        only_usable: Clear the sky of refused acquisitions and leave the fallback months out: so
            many products, each of them good for a composite.
        is_hard: Make clouds hard to tell.
        has_good_classes: Yet classify them as well as others.
    """
    further = products_per_season - 3
    wanted = [
        _PlannedProduct(3, 1, "spring", 0.03, has_snow=True),
        _PlannedProduct(
            3, 1, "spring", 0.06, wedge="west", wedge_share=0.125, processed_apart=(0, 212)
        ),
        _PlannedProduct(3, 3, "spring", 0.45, is_refused=True),
        *(_PlannedProduct(3, visit, "spring", 0.09) for visit in (2, 0, 5)[:further]),
        _PlannedProduct(4, 0, "spring", 0.05, to_summer=0.2),
        _PlannedProduct(6, 1, "summer", 0.02, processed_apart=(-1, 400)),
        _PlannedProduct(6, 1, "summer", 0.05, cirrus=0.04, wedge="east", wedge_share=0.07),
        _PlannedProduct(6, 4, "summer", 0.5, is_refused=True),
        *(_PlannedProduct(6, visit, "summer", 0.07) for visit in (2, 0, 5)[:further]),
        _PlannedProduct(10, -1, "autumn", 0.06, to_summer=0.2),
        _PlannedProduct(11, 0, "autumn", 0.04),
        _PlannedProduct(11, 2, "autumn", 0.4, is_refused=True, wedge="west", wedge_share=0.14),
        _PlannedProduct(11, 4, "autumn", 0.55, is_refused=True),
        *(
            _PlannedProduct(11, visit, "autumn", 0.42, is_refused=True)
            for visit in (2, 1, 5)[:further]
        ),
    ]
    if only_usable:
        wanted = [_cleared(planned) for planned in wanted if not planned.to_summer]
    granted = [_grant(planned, year, longitude) for planned in wanted if planned.season in seasons]
    if is_hard:
        granted = [
            replace(acquisition, is_hard=True, has_good_classes=has_good_classes)
            for acquisition in granted
        ]
    return sorted(granted, key=lambda acquisition: acquisition.datatake)


def baseline_of(acquisition: Acquisition, tile: str, tiles: Sequence[str]) -> int:
    """Choose the processing baseline of a product, 05.09 as 509.

    One product of the first tile is 02.12 (no offset) and one of the last tile is 04.00, while
    their neighbours of the same datatake are 05.09, as archives mix them.
    """
    if acquisition.processed_apart and tile == tiles[acquisition.processed_apart[0]]:
        return acquisition.processed_apart[1]
    return _BASELINE


def _cleared(planned: _PlannedProduct) -> _PlannedProduct:
    return replace(planned, cloud=USABLE_CLOUD, is_refused=False) if planned.is_refused else planned


def _grant(planned: _PlannedProduct, year: int, longitude: float) -> Acquisition:
    orbit, later = _ORBITS[planned.wedge]
    first, after = date(year, planned.month, 1), date(year, planned.month + 1, 1)
    start = date(year, 1, 4) + timedelta(days=later)
    visits = [
        day
        for day in (first + timedelta(days=n) for n in range((after - first).days))
        if (day - start).days % 5 == 0
    ]
    day = visits[min(planned.visit, len(visits) - 1)]
    spacecraft = "S2A" if (day - start).days % 10 == 0 else "S2B"
    seconds = round((10.69 - longitude / 15.0) % 24 * 3600) + 200 * later
    datatake = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)
    return Acquisition(
        datatake=datatake,
        spacecraft=spacecraft,
        relative_orbit=orbit,
        absolute_orbit=_absolute_orbit(spacecraft, orbit, day),
        season=planned.season,
        to_summer=planned.to_summer,
        cloud=planned.cloud,
        is_refused=planned.is_refused,
        cirrus=planned.cirrus,
        wedge=planned.wedge,
        wedge_share=planned.wedge_share,
        has_snow=planned.has_snow,
        processed_apart=planned.processed_apart,
    )


def _absolute_orbit(spacecraft: str, relative: int, day: date) -> int:
    """Number the orbit: 143 in ten days, counted from real products of both satellites."""
    known, known_day, shift = (
        (42_640, date(2023, 8, 21), 3) if spacecraft == "S2A" else (26_649, date(2022, 4, 13), -26)
    )
    near = known + round(14.3 * (day - known_day).days)
    return near + int(np.mod(relative - near - shift + 71, 143)) - 71
