"""What a planner returns: the length of its list, in the same few bytes for any length."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from airflow.sdk.definitions.mappedoperator import is_mappable_value
from airflow.sdk.serde import deserialize, serialize

from landcover import api
from landcover.errors import UsageError
from landcover.ledger import experiments
from landcover_airflow.outcome import BadInputError
from landcover_airflow.places import Places, places_of_lanes

pytestmark = pytest.mark.quick
RUNS = [{"run": f"demo.case.s{n}", "overrides": [f"model.seed={n}"]} for n in range(3)]


@pytest.mark.parametrize("count", [0, 1, 1024])
def test_what_travels_is_as_short_for_a_thousand_places(count: int) -> None:
    kept = json.dumps(serialize(Places(count)))
    assert len(kept) < 120
    found = deserialize(json.loads(kept))
    assert isinstance(found, Places)
    assert is_mappable_value(found)
    assert list(found) == list(range(count))


def test_more_lanes_than_airflow_takes_are_a_sentence() -> None:
    assert len(places_of_lanes(1024, "prepare")) == 1024
    with pytest.raises(BadInputError, match=r"prepare has 1200 lanes, .* Airflow takes 1024 in a"):
        places_of_lanes(1200, "prepare")


def test_a_case_is_found_by_its_place_in_the_list_that_was_written_first(
    workspace_folder: Path,
) -> None:
    records = api.open_workspace().records
    experiments.keep(records, "monday", RUNS)
    experiments.keep(records, "monday", RUNS)  # another try lists the same
    assert experiments.run_at(records, "monday", 2)["overrides"] == ["model.seed=2"]
    with pytest.raises(UsageError, match="was changed since the runs of 'monday' were listed"):
        experiments.keep(records, "monday", RUNS[1:])
    for name, place in (("monday", 3), ("tuesday", 0)):
        with pytest.raises(UsageError, match=f"none in place {place}"):
            experiments.run_at(records, name, place)
