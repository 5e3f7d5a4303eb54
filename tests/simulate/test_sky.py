"""Sun and swath; the sun's places are worked out by hand from textbook cases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from landcover.simulate.acquisitions import plan_year
from landcover.simulate.sky import sun_at


@pytest.mark.parametrize(
    ("moment", "lon", "lat", "zenith", "azimuth"),
    [
        # Equinox, true noon on the equator at Greenwich: overhead (equation of time -7.5 min).
        (datetime(2021, 3, 20, 12, 7, 30, tzinfo=UTC), 0.0, 0.0, 0.0, None),
        # June solstice at 23.44 N: overhead at noon.
        (datetime(2021, 6, 21, 12, 2, tzinfo=UTC), 0.0, 23.44, 0.0, None),
        # December solstice, 40 N, noon: 40 + 23.44 from the vertical, due south.
        (datetime(2021, 12, 21, 11, 58, tzinfo=UTC), 0.0, 40.0, 63.44, 180.0),
        # The same in the south: sun due north.
        (datetime(2021, 6, 21, 12, 2, tzinfo=UTC), 0.0, -33.0, 56.44, 0.0),
        # Equinox, six hours before noon: on the horizon, due east.
        (datetime(2021, 3, 20, 6, 7, 30, tzinfo=UTC), 0.0, 45.0, 90.0, 90.0),
    ],
)
def test_sun(moment: datetime, lon: float, lat: float, zenith: float, azimuth: float) -> None:
    found_zenith, found_azimuth = sun_at(moment, lon, lat)
    assert float(found_zenith) == pytest.approx(zenith, abs=0.5)
    if azimuth is not None:
        turn = (float(found_azimuth) - azimuth + 180) % 360 - 180
        assert abs(turn) < 1.0


@pytest.mark.parametrize("products", [3, 4, 5, 6])
@pytest.mark.parametrize("year", [2017, 2020, 2021, 2024])
def test_plan_of_a_year(year: int, products: int) -> None:
    plan = plan_year(year, products, longitude=-4.0)
    assert len({acquisition.datatake for acquisition in plan}) == len(plan) == 3 * products + 2
    for month, season in ((3, "spring"), (6, "summer"), (11, "autumn")):
        primary = [a for a in plan if a.datatake.month == month]
        assert len(primary) == products
        assert {a.season for a in primary} == {season}
        assert any(a.is_refused for a in primary)
        assert any(a.wedge for a in primary)
    assert [a.datatake.month for a in plan if a.to_summer] == [4, 10]
    assert {a.datatake.hour for a in plan} == {10, 11}


def test_orbit_numbers_are_those_of_the_satellites() -> None:
    for acquisition in plan_year(2021, 3, longitude=-4.0):
        shift = 3 if acquisition.spacecraft == "S2A" else -26
        assert (acquisition.absolute_orbit + shift) % 143 == acquisition.relative_orbit
