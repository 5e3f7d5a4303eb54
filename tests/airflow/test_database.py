"""Airflow's database: PostgreSQL by an address, SQLite without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from landcover.airflow_process import airflow_environment
from landcover.airflow_process.environment import provide_database
from landcover.errors import UnavailableError, UsageError
from landcover.settings import read_settings

CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def test_the_running_airflow_of_these_tests_is_on_postgresql(metadata: Engine) -> None:
    if metadata.dialect.name != "postgresql":
        pytest.skip("no PostgreSQL on this machine: the tests of a running Airflow used SQLite")
    with metadata.connect() as database:
        assert database.exec_driver_sql("SELECT count(*) FROM dag").scalar_one() >= 7


@pytest.mark.quick
def test_an_address_gets_the_driver_that_is_installed(tmp_path: Path) -> None:
    settings = read_settings({}, workspace=str(tmp_path))
    address = "postgresql://airflow@db:5432/airflow"
    made = airflow_environment(settings, tmp_path, None, address)
    assert made[CONNECTION] == "postgresql+psycopg2://airflow@db:5432/airflow"
    without = airflow_environment(settings, tmp_path, None)
    assert without[CONNECTION] == f"sqlite:///{tmp_path}/airflow.db"


@pytest.mark.quick
@pytest.mark.parametrize("address", ["mysql://root:secret@db/airflow", "secret", ""])
def test_an_address_of_another_kind_is_refused_without_its_password(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(UsageError, match="expected an address postgresql://") as caught:
        provide_database(tmp_path, address)
    assert "secret@" not in str(caught.value)


@pytest.mark.quick
def test_a_server_that_is_away_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"its database: .*connection to server"):
        provide_database(tmp_path, "postgresql://airflow@127.0.0.1:1/airflow")
