"""What Airflow itself has to know of us: the one file that its plugin loader runs."""

from __future__ import annotations

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from landcover_airflow import page
from landcover_airflow.mappers.years import SeasonsOfYear, YearMapper
from landcover_airflow.timetables.season import SeasonTimetable


class LandcoverPlugin(AirflowPlugin):
    """Hook, operator and trigger are imported by name; timetables and pages are listed here."""

    name = "landcover"
    timetables: ClassVar[list[type]] = [SeasonTimetable]
    partition_mappers: ClassVar[list[type]] = [YearMapper]
    windows: ClassVar[list[type]] = [SeasonsOfYear]
    fastapi_apps: ClassVar[list[dict[str, object]]] = [
        {"name": "Land cover", "app": page.app, "url_prefix": page.PREFIX}
    ]
    external_views: ClassVar[list[dict[str, object]]] = page.VIEWS
