"""Seasons as Airflow is told of them: keys, dates, looks, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.exceptions import InvalidPartitionKeyError
from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.utils.types import DagRunType
from pendulum import instance

from landcover.nouns.calendar import PAPER, Calendar
from landcover_airflow.timetables import season
from landcover_airflow.timetables.season import SeasonTimetable


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


@pytest.fixture
def clock(monkeypatch):
    def set_clock(*parts):
        monkeypatch.setattr(season, "_now", lambda: at(*parts))

    return set_clock


def keys(timetable, earliest, latest):
    found = timetable.iter_partition_dagrun_infos(earliest=earliest, latest=latest)
    return [info.partition_key for info in found]


def following(timetable, last=None, *, catchup=False, earliest=None, latest=None):
    return timetable.next_dagrun_info_v2(
        last_dagrun_info=last, restriction=TimeRestriction(earliest, latest, catchup)
    )


def test_three_years_are_nine_seasons_in_order():
    timetable = SeasonTimetable()
    infos = list(
        timetable.iter_partition_dagrun_infos(earliest=at(2019, 1, 1), latest=at(2021, 12, 31))
    )
    assert [info.partition_key for info in infos] == [
        f"{year}-{name}" for year in (2019, 2020, 2021) for name in ("spring", "summer", "autumn")
    ]
    assert len({info.partition_date for info in infos}) == 9
    assert {(info.data_interval, info.logical_date) for info in infos} == {(None, None)}
    assert infos[0].run_after == at(2019, 5, 6)


def test_both_ends_are_in_and_open_seasons_are_not(clock):
    timetable = SeasonTimetable()
    assert keys(timetable, at(2020, 3, 1), at(2020, 6, 1)) == ["2020-spring", "2020-summer"]
    assert keys(timetable, at(2020, 3, 1, 1), at(2020, 5, 31)) == []
    clock(2021, 8, 5)  # summer ended on 1 August, its products are due on the 6th
    assert keys(timetable, at(2021, 1, 1), at(2022, 1, 1)) == ["2021-spring"]
    clock(2021, 8, 6)
    assert keys(timetable, at(2021, 1, 1), at(2022, 1, 1)) == ["2021-spring", "2021-summer"]


def test_a_season_is_looked_at_until_nothing_comes_any_more(clock):
    timetable = SeasonTimetable(PAPER, latency_days=5, look_days=10, late_days=30)
    clock(2021, 5, 1)
    seen, last = [], None
    for _ in range(5):
        last = following(timetable, last, catchup=True, earliest=instance(at(2021, 5, 1)))
        seen.append((last.partition_key, last.run_after.date().isoformat()))
    assert seen == [
        ("2021-spring", "2021-05-06"), ("2021-spring", "2021-05-16"),
        ("2021-spring", "2021-05-26"), ("2021-summer", "2021-08-06"),
        ("2021-summer", "2021-08-16"),
    ]  # fmt: skip


def test_missed_looks_are_not_made_up_for(clock):
    timetable = SeasonTimetable(PAPER, late_days=30)
    clock(2021, 9, 20)
    first = following(timetable)
    assert (first.partition_key, first.run_after) == ("2021-summer", at(2021, 8, 26))
    after = following(timetable, first)
    assert (after.partition_key, after.run_after) == ("2021-autumn", at(2021, 12, 6))
    # A backfill of an old season does not bring the schedule back to it.
    old = DagRunInfo(instance(at(2019, 5, 6)), None, instance(at(2019, 3, 1)), "2019-spring")
    assert following(timetable, old).partition_key == "2021-summer"
    assert following(timetable, first, latest=instance(at(2021, 11, 1))) is None


def test_a_wrong_key_or_none_or_an_open_season_is_refused(clock):
    timetable = SeasonTimetable()
    clock(2021, 7, 15)
    with pytest.raises(InvalidPartitionKeyError, match="spring, summer, autumn"):
        timetable.resolve_partition_date("2021-winter")
    with pytest.raises(InvalidPartitionKeyError, match="write 2021-spring"):
        timetable.resolve_partition_date(" 2021-spring")
    with pytest.raises(InvalidPartitionKeyError, match="not over before 2021-08-01"):
        timetable.resolve_partition_date("2021-summer")
    with pytest.raises(InvalidPartitionKeyError, match="Give the season as partition key"):
        timetable.resolve_partition_date(None)
    assert timetable.resolve_partition_date("2021-spring") == at(2021, 3, 1)


def test_it_comes_back_as_it_went_into_the_dag():
    given = SeasonTimetable(Calendar((("", 1, 12),)), latency_days=9, look_days=3, first_year=2020)
    again = SeasonTimetable.deserialize(given.serialize())
    assert again.serialize() == given.serialize()
    assert keys(again, at(2018, 1, 1), at(2021, 12, 31)) == ["2020", "2021"]
    assert again.summary == "year + 9 d"


def test_runs_of_one_season_have_names_of_their_own():
    timetable = SeasonTimetable()
    names = {
        timetable.generate_run_id(
            run_type=DagRunType.BACKFILL_JOB,
            run_after=instance(at(2021, 5, 6)),
            data_interval=None,
            partition_key="2021-spring",
        )
        for _ in range(3)
    }
    assert len(names) == 3
    assert all(n.startswith("backfill__2021-spring__2021-05-06T00:00:00__") for n in names)
