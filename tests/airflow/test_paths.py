"""Workspaces whose path holds characters that mean something in an address."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from landcover.airflow_process.environment import airflow_environment
from landcover.settings import read_settings


@pytest.mark.parametrize(
    "name", ["sp ace", "a%20b", "50%ab", "a?b", "a#b", "a$HOME", "ü+x", "%(home)s"]
)
def test_the_database_is_made_in_the_folder_that_was_named(tmp_path, name):
    home = tmp_path / name / "airflow"
    found = airflow_environment(read_settings({}, workspace=str(tmp_path / name)), home, None)
    address = found["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    engine = create_engine(address)
    with engine.connect() as connection:
        connection.execute(text("create table t (a int)"))
    engine.dispose()
    (file,) = home.glob("*.db")
    assert file.stat().st_size
    assert "$" not in address
