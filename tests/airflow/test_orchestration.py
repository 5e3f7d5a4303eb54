"""What the bench of Airflow's own cost looks at."""

from __future__ import annotations

import pytest

from landcover.airflow_process import RunningAirflow
from landcover.bench.airflow_parts import PARTS, look

pytestmark = pytest.mark.slow


def test_each_part_is_seen_and_its_time_only_grows(airflow: RunningAirflow) -> None:
    before = look(airflow)
    airflow.ask("/api/v2/dags")
    after = look(airflow)
    for part in PARTS:
        assert before.mb[part] > 50, part
        assert 0 < before.cpu_seconds[part] <= after.cpu_seconds[part], part
