"""One run of a scheduler at a time drives a run of the records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from landcover.errors import UsageError
from landcover.ledger.drivers import drive
from landcover.stores.workspace import open_workspace


@pytest.fixture
def records(tmp_path: Path) -> Any:
    address = f"sqlite://{tmp_path}/records.sqlite"
    return open_workspace(f"file://{tmp_path}/objects", address).records


def test_another_one_is_refused_until_the_first_has_ended(records: Any) -> None:
    drive(records, "run", "map", "first", lambda *_: True)
    drive(records, "run", "map", "first", lambda *_: True)  # its own second try
    with pytest.raises(UsageError, match="is being made by 'first' of map: wait for its end"):
        drive(records, "run", "map", "second", lambda *_: True)
    drive(records, "run", "map", "second", lambda *_: False)
    with pytest.raises(UsageError, match="is being made by 'second'"):
        drive(records, "run", "map", "first", lambda *_: True)


def test_of_two_that_take_over_at_once_one_is_refused(records: Any) -> None:
    drive(records, "run", "map", "ended", lambda *_: True)

    def meanwhile(*_: str) -> bool:
        drive(records, "run", "map", "quicker", lambda *_: False)
        return False

    with pytest.raises(UsageError, match="is being made by"):
        drive(records, "run", "map", "slower", meanwhile)
    assert records.get("drivers", "run")["dag_run"] == "quicker"
