"""What travels between tasks, read from Airflow's database: ids and numbers, and no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Engine

KILOBYTE = 1024
TRAVELS = (
    ("xcom", "value"),
    ("trigger", "kwargs"),
    ("rendered_task_instance_fields", "rendered_fields"),
    ("task_state_store", "value"),
)
"""Tables and columns with what goes from one task to another process."""
SECRETS = ("/tmp", "password", ".jp2", "file:")


def travelling(metadata: Engine) -> dict[str, set[str]]:
    """Read what is on its way now, of all DAGs; what triggers are told is gone when they fire."""
    found: dict[str, set[str]] = {}
    with metadata.connect() as database:
        for table, column in TRAVELS:
            for (value,) in database.exec_driver_sql(f"SELECT {column} FROM {table}"):
                text = value if isinstance(value, str) else json.dumps(value, default=str)
                found.setdefault(table, set()).add(text)
    return found


def require_only_ids(travelled: Mapping[str, set[str]], password: str) -> None:
    """Check that nothing is longer than a kilobyte, and that nothing is a path or a password."""
    for table, texts in travelled.items():
        for text in texts:
            assert len(text.encode()) <= KILOBYTE, (table, text)
            for secret in (*SECRETS, password):
                assert secret not in text, (table, text)
