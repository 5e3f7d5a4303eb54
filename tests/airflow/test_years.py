"""Years as Airflow puts them together from seasons: keys both ways, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.exceptions import InvalidPartitionKeyError
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable

from landcover.nouns.calendar import PAPER, Calendar
from landcover_airflow.mappers.years import YearMapper
from landcover_airflow.seasons import COMPOSITES
from landcover_airflow.years import after_seasons

# Airflow reads .airflowignore with a pattern that its library has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:GitWildMatchPattern")


def as_scheduled(calendar=PAPER, minimum=None):
    """Give the timetable as the scheduler reads it from the serialised DAG."""
    return decode_timetable(encode_timetable(after_seasons(calendar, minimum)))


def roll_up(timetable):
    return timetable.get_partition_mapper(name=COMPOSITES.name, uri=COMPOSITES.uri)


def satisfied(timetable, *seasons):
    mapper = roll_up(timetable)
    expected = mapper.to_upstream("2021")
    found = mapper.wait_policy.is_satisfied_by_keys(matched=set(seasons), expected=expected)
    return found.satisfied


def test_a_year_waits_for_its_seasons_in_any_order():
    timetable = as_scheduled()
    mapper = roll_up(timetable)
    assert mapper.to_upstream("2021") == {"2021-spring", "2021-summer", "2021-autumn"}
    assert {mapper.to_downstream(key) for key in mapper.to_upstream("2021")} == {"2021"}
    assert not satisfied(timetable, "2021-autumn", "2021-spring")
    assert not satisfied(timetable, "2021-autumn", "2021-spring", "2020-summer")
    assert satisfied(timetable, "2021-autumn", "2021-spring", "2021-summer")


def test_a_minimum_of_the_profile_suffices():
    assert satisfied(as_scheduled(minimum=2), "2021-autumn", "2021-spring")
    assert not satisfied(as_scheduled(minimum=2), "2021-autumn")
    assert not satisfied(as_scheduled(minimum=9), "2021-autumn", "2021-spring")


def test_a_year_that_is_prepared_together_is_its_own_season():
    mapper = roll_up(as_scheduled(Calendar((("", 1, 12),))))
    assert mapper.to_upstream("2021") == {"2021"}
    assert mapper.to_downstream("2021") == "2021"


@pytest.mark.parametrize("key", ["2021-spring", "21", "twenty", "1999", "2999"])
def test_a_wrong_year_is_refused_in_the_dialog(key):
    with pytest.raises(InvalidPartitionKeyError, match=r"expected 2015 to 20\d\d, such as 2021"):
        as_scheduled().resolve_partition_date(key)


def test_a_year_has_a_date():
    assert as_scheduled().resolve_partition_date("2021") == datetime(2021, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("key", ["spring-2021", "2021-", "", "2021 spring"])
def test_a_wrong_season_is_said_where_it_was_told(key):
    with pytest.raises(ValueError, match="expected a key such as 2021-spring"):
        YearMapper().to_downstream(key)
